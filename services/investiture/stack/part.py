"""One process of the stack: started, watched, restarted with back-off, stopped or killed."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from investiture.stack import guarded
from investiture.stack.failures import StartFailed

READY_SECONDS = 60.0
"""How long a part may take to become ready before its start counts as failed."""

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
_LIVED_SECONDS = 30.0
"""A part that lived so long starts again without having to wait for its earlier deaths."""

_TAIL_LINES = 8


class Phase(StrEnum):
    """What happened to a part."""

    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a part of the stack; ``detail`` says more, or is empty."""

    part: str
    phase: Phase
    detail: str = ""


Tell = Callable[[Event], None]
Probe = Callable[[int], Awaitable[None]]
"""Returns once the part with this process id is ready."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """How a part is started, and how one sees that it is ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    probe: Probe


class Part:
    """A process of the stack.

    Args:
        blueprint: how it is started.
        tell: is told what happens to it.
        supervise: whether it is started again when it ends unasked.
        inherited: open files that it keeps open for as long as it lives.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        tell: Tell,
        *,
        supervise: bool,
        inherited: Sequence[int] = (),
    ) -> None:
        self.blueprint = blueprint
        self.restarts = 0
        self._tell = tell
        self._supervise = supervise
        self._inherited = inherited
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._wanted = False

    @property
    def pid(self) -> int:
        """Its process id; 0 while it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else 0

    async def start(self) -> None:
        """Start it and return once it is ready; nothing happens where it runs.

        Raises:
            StartFailed: it ended, or was not ready in time.
        """
        if self.pid:
            return
        await self._unwatch()
        self._wanted = True
        process = await self._spawn()
        try:
            await self._ready(process)
        except StartFailed:
            self._wanted = False
            await self._end(process, 0)
            raise
        self._watching = asyncio.create_task(self._watch(process), name=f"watch-{self.name}")

    async def stop(self, grace: float) -> None:
        """Ask it to stop, and kill it if it has not within ``grace`` seconds; it stays stopped."""
        self._wanted = False
        await self._unwatch()
        if self._process is not None and self._process.returncode is None:
            self._say(Phase.STOPPING)
            await self._end(self._process, grace)
            self._say(Phase.STOPPED)

    async def kill(self) -> int:
        """Kill it with SIGKILL and return its process id; supervision starts it again."""
        process = self._process
        if process is None or process.returncode is not None:
            raise RuntimeError(f"{self.name} does not run")
        process.kill()
        await process.wait()
        return process.pid

    def kill_now(self) -> None:
        """Kill it with SIGKILL if it runs, without waiting for its end; it stays dead."""
        self._wanted = False
        if self.pid and self._process is not None:
            self._process.kill()

    @property
    def name(self) -> str:
        """Its name."""
        return self.blueprint.name

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._say(Phase.STARTING)
        blueprint = self.blueprint
        launcher = (sys.executable, "-I", "-S", guarded.__file__, str(os.getpid()))
        with blueprint.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *launcher,
                *blueprint.command,
                env=blueprint.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self._inherited,
                start_new_session=True,  # Ctrl-C is for the stack, which stops its parts in order
            )
        self._process = process
        return process

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        """Return once it is ready, or raise as soon as it cannot be any more."""
        probe = asyncio.ensure_future(self.blueprint.probe(process.pid))
        ended = asyncio.create_task(process.wait())
        try:
            done, _ = await asyncio.wait(
                (probe, ended), timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if probe in done:
                probe.result()
                self._say(Phase.READY)
                return
            why = f"ended with exit code {process.returncode}" if ended in done else "is not ready"
            raise StartFailed(f"{self.name} {why}{_tail(self.blueprint.log)}")
        finally:
            for task in (probe, ended):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Wait for its end; while it is wanted, start it again, each time after a longer pause."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            code = await process.wait()
            if not self._wanted:
                return
            why = f"signal {-code}" if code < 0 else f"exit code {code}"
            if not self._supervise:
                self._say(Phase.DIED, why)
                return
            if time.monotonic() - started > _LIVED_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._say(Phase.DIED, f"{why}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            process = await self._spawn()
            self.restarts += 1
            try:
                await self._ready(process)
            except StartFailed as failed:
                self._say(Phase.DIED, str(failed).splitlines()[0])
                await self._end(process, 0)

    async def _end(self, process: asyncio.subprocess.Process, grace: float) -> None:
        if process.returncode is None and grace > 0:
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _unwatch(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    def _say(self, phase: Phase, detail: str = "") -> None:
        self._tell(Event(self.name, phase, detail))


def _tail(log: Path) -> str:
    """Return the end of a log, for a message; a log that is not there says nothing."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    except OSError:
        return ""
    return "".join(f"\n  {line}" for line in lines) + f"\n  (all of it: {log})"
