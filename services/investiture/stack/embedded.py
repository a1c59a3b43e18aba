"""The stack itself: parts started in order, watched, and stopped in the reverse order.

async with Stack(folder, Options(charter=charter)) as stack:
    channel = stack.channel("launch", "people/ben", ["proposer"])
    await stack.kill("worker")          # SIGKILL; without supervision it stays dead
    await stack.start("worker")
"""

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from investiture.chassis import keys
from investiture.chassis.authentication import LocalIssuer
from investiture.chassis.client import MintedToken, TokenSource, dial
from investiture.chassis.settings import IdentitySettings
from investiture.stack import databases, record, seed
from investiture.stack.folder import Folder, Kin, Lock
from investiture.stack.names import DATA, SERVICES, TEMPORAL, UI, WORKER
from investiture.stack.part import Event, Part, Phase, Tell
from investiture.stack.plan import Options, blueprints
from investiture.stack.ports import LOOPBACK, choose

GRACE_SECONDS = 12.0
"""How long a part may take to stop: the ten seconds a service drains for, and some."""


def _silent(event: Event) -> None:
    """Tell nobody."""


class Stack:
    """Temporal, the four services and the worker on this machine.

    Args:
        path: the folder that has, or gets, its data, keys and logs.
        options: how it is set up.
        tell: is told what happens to each part, also while it runs.
    """

    def __init__(self, path: Path, options: Options, tell: Tell = _silent) -> None:
        self.folder = Folder(path)
        self.options = options
        self._tell = tell
        self._parts: dict[str, Part] = {}
        self._ports: Mapping[str, int] = {}
        self._channels: dict[tuple[str, str, tuple[str, ...]], grpc.aio.Channel] = {}
        self._issuer: LocalIssuer | None = None
        self._closing = AsyncExitStack()
        self._recorded = False

    async def __aenter__(self) -> Self:
        """Start everything; return once all of it is ready, seeded and recorded.

        Raises:
            FolderInUse: a stack runs in the folder.
            StartFailed: a part does not start; those that did are stopped again.
            TemporalMissing: this machine has no Temporal.
            DocumentBroken: the people or envelopes to import cannot be read.
        """
        async with AsyncExitStack() as undo:
            undo.push_async_exit(self.__aexit__)
            self.folder.make()
            lock = Lock(self.folder)
            self._closing.callback(lock.release)
            kin = Kin(self.folder)
            self._closing.callback(kin.close)
            await kin.gone()
            await self._start(kin)
            undo.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything in order: channels, worker, services, Temporal."""
        channels, self._channels = self._channels, {}
        await asyncio.gather(*(channel.close() for channel in channels.values()))
        await self._closing.aclose()

    @property
    def addresses(self) -> Mapping[str, str]:
        """``host:port`` of each service and of ``temporal``."""
        names = (*SERVICES, TEMPORAL)
        return {name: f"{LOOPBACK}:{self._ports[name]}" for name in names}

    @property
    def ui(self) -> str:
        """The URL of Temporal's web UI; empty where it does not run."""
        return f"http://{LOOPBACK}:{self._ports[UI]}" if self.options.ui else ""

    @property
    def pids(self) -> Mapping[str, int]:
        """The process of each part; 0 for one that does not run now."""
        return {name: part.pid for name, part in self._parts.items()}

    @property
    def restarts(self) -> int:
        """How often supervision has started a part again."""
        return sum(part.restarts for part in self._parts.values())

    async def start(self, name: str) -> None:
        """Start a part that was killed or stopped, on the same port; return once it is ready."""
        await self._parts[name].start()

    async def stop(self, name: str, grace: float = GRACE_SECONDS) -> None:
        """Stop a part as an operator would (SIGTERM); it stays stopped until :meth:`start`."""
        await self._parts[name].stop(grace)

    async def kill(self, name: str) -> int:
        """Kill a part with SIGKILL and return its process id; supervision starts it again."""
        return await self._parts[name].kill()

    def kill_all(self) -> None:
        """Kill every part at once, for who cannot wait for an orderly stop."""
        for part in self._parts.values():
            part.kill_now()

    def tokens(self, subject: str, roles: Sequence[str]) -> TokenSource:
        """Return tokens of the local issuer for ``people/…`` or ``workloads/…``."""
        if self._issuer is None:
            self._issuer = LocalIssuer(self.folder.issuer_key, IdentitySettings())
        return MintedToken(self._issuer, subject, roles)

    def channel(self, service: str, subject: str, roles: Sequence[str]) -> grpc.aio.Channel:
        """Return a channel to a service as somebody; the stack closes it at its end."""
        key = (service, subject, tuple(roles))
        if key not in self._channels:
            tokens = self.tokens(subject, roles)
            self._channels[key] = dial(self.addresses[service], tokens=tokens)
        return self._channels[key]

    async def _start(self, kin: Kin) -> None:
        keys.write_missing(self.folder.keys, SERVICES)
        self.tokens("workloads/stack", ())  # makes the issuer's key before anyone needs it
        preferred = {n: p for n, p in self.options.ports.items() if n != UI or self.options.ui}
        self._ports = choose(preferred, self._closing)
        supervise = self.options.supervise
        self._parts = {
            name: Part(blueprint, self._hear, supervise=supervise, inherited=(kin.handle,))
            for name, blueprint in blueprints(self.folder, self.options, self._ports).items()
        }
        self._closing.push_async_callback(self._stop_parts)
        await _all(self._start_services(), self._start_workflows())
        await self._seed()
        self._recorded = True
        self._record()

    async def _start_services(self) -> None:
        self._tell(Event(DATA, Phase.STARTING))
        await databases.prepare(self.options.database, self.folder, SERVICES)
        self._tell(Event(DATA, Phase.READY, databases.shown(self.options.database)))
        await _all(*(self._parts[name].start() for name in SERVICES))

    async def _start_workflows(self) -> None:
        await self._parts[TEMPORAL].start()
        await self._parts[WORKER].start()

    async def _stop_parts(self) -> None:
        await self._parts[WORKER].stop(GRACE_SECONDS)
        await asyncio.gather(*(self._parts[name].stop(GRACE_SECONDS) for name in SERVICES))
        await self._parts[TEMPORAL].stop(GRACE_SECONDS)

    async def _seed(self) -> None:
        if self.options.people is not None:
            added = await seed.import_people(self.channel, self.options.people)
            if added:
                self._tell(Event(DATA, Phase.READY, f"{added} people imported"))
        if self.options.envelopes is not None:
            issued = await seed.issue_envelopes(self.channel, self.options.envelopes)
            if issued:
                self._tell(Event(DATA, Phase.READY, f"{issued} envelopes issued"))

    def _hear(self, event: Event) -> None:
        self._tell(event)
        if self._recorded and event.phase is Phase.READY:  # it has a new process id
            self._record()

    def _record(self) -> None:
        content = record.Record(
            pid=os.getpid(),
            addresses=dict(self.addresses),
            ui=self.ui,
            issuer_key=str(self.folder.issuer_key.resolve()),
            charter=str(self.options.charter.resolve()),
            database=databases.shown(self.options.database),
            traces=str(self.folder.traces.resolve()) if self.options.traces else "",
            pids=dict(self.pids),
        )
        record.write(self.folder, content)


async def _all(*starts: Coroutine[Any, Any, None]) -> None:
    """Wait for all of them; the first that fails cancels the others and is raised."""
    tasks = [asyncio.create_task(start) for start in starts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
