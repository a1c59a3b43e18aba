"""A stack of the tests' own, of which any part may be killed at any moment and started again."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import uuid
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.client import Client
from tests.support.halden import PEOPLE
from tests.support.players import Cast
from tests.support.plays import Play, Steps
from tests.support.records import rows
from tests.support.services import ROOT
from tests.support.stories import Story, story_of
from tests.support.traps import PATIENCE_SECONDS, VARIABLE, Traps, traps_in

from investiture.stack.databases import SQLITE, url_of
from investiture.stack.embedded import Stack
from investiture.stack.part import Event, Phase
from investiture.stack.plan import PREFERRED_PORTS, SERVICES, TEMPORAL, WORKER, Options
from investiture.stack.temporal_server import binary

CHARTER = ROOT / "deploy" / "charters" / "demo.yaml"
"""Agreed times in seconds; a heartbeat every two."""
_IMPATIENT, _PATIENT = "PLEDGE: {duration: PT6S,", "PLEDGE: {duration: PT60S,"
"""Nobody is to be reminded just because a machine is busy."""
_OFTEN, _RARELY = "reattestation: PT10M", "reattestation: P1D"
"""Nor asked whether they still stand behind their program."""
PARTS = (*SERVICES, WORKER, TEMPORAL)


Undisturbed = Mapping[Steps, Story]


def ports() -> Mapping[str, int]:
    """Ports that nobody else is given while a part is dead.

    They lie below those that the system hands out for outgoing connections, and every process that
    runs tests beside others has a hundred of its own.
    """
    beside = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 21_000 + 100 * beside
    return {name: first + number for number, name in enumerate(PREFERRED_PORTS)}


class Deaths:
    """Which part has died and was not started again."""

    def __init__(self) -> None:
        self._dead: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def tell(self, event: Event) -> None:
        """What a stack tells of its parts."""
        if event.phase is Phase.DIED:
            self._dead[event.part].set()
        elif event.phase is Phase.STARTING:
            self._dead[event.part].clear()

    async def of(self, part: str) -> None:
        """Returns once the part is dead."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._dead[part].wait()


BUSY = ("Workflow is busy", "workflow is closing")
"""What a server under a flood says of a run that takes, or continues as new, in a moment."""
BUSY_TRIES = 100


class CommandRefused(Exception):
    """The Temporal CLI did not do what it was asked to; the message is what it printed."""


@dataclass(slots=True)
class Site:
    """The stack, its people, and what a test may do to it."""

    stack: Stack
    deaths: Deaths
    traps: Traps
    cast: Cast
    _lanes: Mapping[str, asyncio.Lock] = field(
        default_factory=lambda: {part: asyncio.Lock() for part in PARTS}
    )
    _client: Client | None = None

    @property
    def databases(self) -> Mapping[str, str]:
        """The URL of each service's database."""
        stack = self.stack
        return {name: url_of(stack.options.database, stack.folder, name) for name in SERVICES}

    def play(self, label: str) -> Play:
        """A new program that nobody has heard of."""
        return Play(self.cast, f"{label}-{uuid.uuid4().hex[:8]}", self.told)

    async def told(self, program: str) -> str:
        """Where a program's path stands: what its run waits for, its history's end, unsent rings.

        For a test that waited in vain; the records are gone by the time anybody reads of it.
        """
        client = await self.temporal()
        handle = client.get_workflow_handle(f"launch-path/{program.removeprefix('programs/')}")
        run = (await handle.describe()).raw_description
        last = deque([event async for event in handle.fetch_history_events()], _TAIL_EVENTS)
        unsent = {name: self.unsent(name, program) for name in SERVICES}
        return "\n".join(
            (
                f"{program}, unsent rings: {unsent}",
                f"-- pending: {run.pending_activities} {run.pending_workflow_task}",
                *(f"-- {event}" for event in last),
            )
        )

    async def undisturbed(self, steps: Steps) -> Story:
        """What becomes of a program to which nothing happens."""
        play = self.play("undisturbed")
        await play.play(*steps)
        await play.settled()
        return await self.story(play)

    async def story(self, play: Play) -> Story:
        return await story_of(play, self.databases)

    def unsent(self, service: str, program: str) -> int:
        """How many messages about a program wait in a service's outbox."""
        path = f"launch-path/{program.removeprefix('programs/')}"
        query = f"SELECT id FROM outbox WHERE workflow_id = '{path}' AND done_at IS NULL"
        return len(rows(self.databases[service], query))

    @asynccontextmanager
    async def lane(self, *parts: str) -> AsyncGenerator[None]:
        """One program at a time has something done to a part."""
        async with AsyncExitStack() as held:
            for part in sorted(set(parts)):
                await held.enter_async_context(self._lanes[part])
            yield

    async def whole(self) -> None:
        """Starts every part that an earlier test left dead."""
        for part in (TEMPORAL, *SERVICES, WORKER):
            await self.stack.start(part)

    def recorded(self, service: str, program: str, method: str) -> int:
        """How many events of a program a service has recorded for calls of a method."""
        query = f"SELECT document FROM event WHERE program = '{program}'"
        return sum(
            json.loads(document)["method"] == method
            for (document,) in rows(self.databases[service], query)
        )

    async def temporal(self) -> Client:
        """A client of the stack's Temporal, which outlives that one's deaths."""
        if self._client is None:
            self._client = await Client.connect(self.stack.addresses[TEMPORAL])
        return self._client

    async def cli(self, *arguments: str) -> str:
        """What the Temporal CLI prints, as an operator or a forger would run it.

        Where the server says that the run is busy, it is run again.

        Raises:
            CommandRefused: it ended with another exit code than 0.
        """
        said = ""
        for _ in range(BUSY_TRIES):
            process = await asyncio.create_subprocess_exec(
                str(binary()),
                *arguments,
                *("--address", self.stack.addresses[TEMPORAL]),
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.stack.folder.path)},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await process.communicate()
            said = output.decode()
            if process.returncode == 0:
                return said
            if not any(words in said for words in BUSY):
                break
        raise CommandRefused(f"temporal {' '.join(arguments)}: {said}")


_standing: list[Path] = []
"""Folders of the stacks that run."""
_kept: set[Path] = set()
"""Those that are left where they are."""
_TAIL_LINES, _LINE, _TAIL_EVENTS = 12, 400, 24


def keep() -> str:
    """Leaves the folders of the stacks that run, with Temporal's database and every log.

    What it answers says where, and how each log ends.
    """
    _kept.update(_standing)
    return "\n".join(line for folder in _standing for line in _told(folder))


def _told(folder: Path) -> Iterator[str]:
    yield f"{folder} stays"
    for log in sorted((folder / "stack" / "logs").glob("*.log")):
        yield f"-- {log.name}"
        with log.open(errors="replace") as lines:
            yield from (line.rstrip()[:_LINE] for line in deque(lines, _TAIL_LINES))


@contextmanager
def _folder() -> Generator[Path]:
    """A new folder, which is taken away unless something failed while it was there."""
    folder = Path(tempfile.mkdtemp(prefix="inv-"))
    _standing.append(folder)
    try:
        yield folder
    except Exception as error:  # a stack that does not start fails no test yet
        error.add_note(keep())
        raise
    finally:
        _standing.remove(folder)
        if folder not in _kept:
            shutil.rmtree(folder)


@asynccontextmanager
async def site(**options: Any) -> AsyncGenerator[Site]:
    """Starts a stack in a folder of its own; `options` override how it is set up."""
    with _folder() as folder:
        deaths = Deaths()
        (folder / "traps").mkdir()
        async with (
            traps_in(folder / "traps") as traps,
            Stack(folder / "stack", _options(folder, options), deaths.tell) as stack,
        ):
            yield Site(stack, deaths, traps, Cast(stack.channel))


def _options(folder: Path, changes: Mapping[str, Any]) -> Options:
    """How the stack is set up: nobody starts a part again but the test."""
    charter, text = folder / "charter.yaml", CHARTER.read_text()
    assert _IMPATIENT in text
    assert _OFTEN in text
    charter.write_text(text.replace(_IMPATIENT, _PATIENT).replace(_OFTEN, _RARELY))
    values: dict[str, Any] = {
        "charter": charter,
        "database": SQLITE,
        "ports": ports(),
        "supervise": False,
        "ui": False,
        "traces": False,
        "people": PEOPLE,
        "environment": {VARIABLE: str(folder / "traps"), "PYTHONPATH": str(ROOT)},
        "launcher": (sys.executable, "-m", "tests.support.killable"),
    }
    return Options(**{**values, **changes})
