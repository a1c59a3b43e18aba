"""Traps: points inside a part's process at which it stops and asks the test what to do.

A trap is a file named after the part. The part looks for it at each point (`killable.py`), springs
it once, says so over a Unix socket and waits for a word: `die`, and it kills itself there and then
with SIGKILL, or `go on`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

VARIABLE = "TEST_TRAPS"
"""Environment variable of a part: the folder of its traps."""
SOCKET = "socket"

PATIENCE_SECONDS = 180.0
"""How long a test waits for anything: far longer than it ever takes, so that one that hangs says
where."""

DIE = b"die\n"
GO_ON = b"go on\n"


class Moment(StrEnum):
    """Where in a part's work a trap lies."""

    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit, before the reply"
    BEFORE_SIGNAL = "after the reply, before the signal"
    CALL = "before an activity does its work"
    RETURN = "before an activity says that its work is done"


@dataclass(frozen=True, slots=True)
class Trap:
    """A point in the work of one part for one program."""

    part: str
    moment: Moment
    act: str
    """The RPC as `/package.Service/Method`, or the activity's type."""
    program: str

    @classmethod
    def lying_in(cls, folder: Path, part: str) -> Self | None:
        """The trap that is set for a part, if any."""
        try:
            said: dict[str, str] = json.loads(file_of(folder, part).read_text())
        except FileNotFoundError:
            return None
        return cls(said["part"], Moment(said["moment"]), said["act"], said["program"])


@dataclass(slots=True)
class Caught:
    """What becomes of a trap."""

    trap: Trap
    _sprung: asyncio.Event = field(default_factory=asyncio.Event)
    _word: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue[bytes])

    async def sprung(self) -> None:
        """Returns once the part stands at the point."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._sprung.wait()

    def say(self, word: bytes) -> None:
        """Tells the part, now or when it gets there, what to do."""
        self._word.put_nowait(word)

    async def answer(self) -> bytes:
        """What the part is told; it stands at the point meanwhile."""
        self._sprung.set()
        return await self._word.get()


class Traps:
    """The test's end of all traps in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._caught: dict[str, Caught] = {}

    def set(self, trap: Trap) -> Caught:
        """Sets a part's only trap."""
        file = file_of(self.folder, trap.part)
        assert not file.exists(), f"{trap.part} has a trap already: {file.read_text()}"
        caught = self._caught[trap.part] = Caught(trap)
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(trap)))
        draft.rename(file)  # a part never reads half a trap
        return caught

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speaks with a part that stands at a point."""
        part = (await reader.readline()).decode().strip()
        writer.write(await self._caught.pop(part).answer())
        await writer.drain()
        writer.close()


def file_of(folder: Path, part: str) -> Path:
    """Where the trap of a part lies."""
    return folder / f"{part}.trap"


@asynccontextmanager
async def traps_in(folder: Path) -> AsyncGenerator[Traps]:
    """Listens for traps in a folder whose path is short enough for a Unix socket."""
    traps = Traps(folder)
    server = await asyncio.start_unix_server(traps.listen, folder / SOCKET)
    try:
        yield traps
    finally:
        server.close()
