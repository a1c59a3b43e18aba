"""One process's database: synchronous units of work, each one hop to a thread.

A *unit* is a plain function of a connection. It runs in a transaction of its own and may run more
than once (another attempt after a deadlock, say), so it has no effect besides its SQL and its
answer, and it never commits, rolls back or keeps the connection.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

import sqlalchemy as sa

from investiture.chassis.jobs import Job, Jobs
from investiture.chassis.postgresql import PostgresEngine
from investiture.chassis.refusal import Unavailable
from investiture.chassis.sqlite import SqliteEngine

T = TypeVar("T")


class Engine(Protocol):
    """What differs between SQLite and PostgreSQL."""

    @property
    def sa_engine(self) -> sa.Engine:
        """The SQLAlchemy engine below."""
        ...

    @property
    def writes(self) -> Jobs:
        """Where units that write wait for a thread."""
        ...

    @property
    def reads(self) -> Jobs:
        """Where units that read wait for a thread."""
        ...

    def close(self) -> None:
        """Let the threads finish what waits, stop them and close every connection."""
        ...


class Database:
    """The database of one process; every service has its own.

    SQLite: one writer thread, which commits the units that wait together, and one reader thread.
    PostgreSQL: ``workers`` threads, each transaction with a connection from a pool as large.

    Cancelling a ``write`` or ``read`` stops the waiting, not the work: a unit that has begun ends
    as it would have (committed or rolled back as a whole) and its answer is dropped; a unit that
    has not begun is left out. The caller learns which by repeating with the same request id.
    """

    def __init__(self, url: str, *, workers: int = 8) -> None:
        """Open the database at a SQLAlchemy URL.

        Raises:
            DatabaseInUse: the SQLite file belongs to another process.
            ValueError: the URL is of neither engine, or of SQLite in memory.
        """
        self._engine = _open(sa.make_url(url), workers)
        self._closing = False

    @property
    def engine(self) -> sa.Engine:
        """The SQLAlchemy engine, for instrumentation only; work goes through units."""
        return self._engine.sa_engine

    async def write(
        self,
        unit: Callable[[sa.Connection], T],
        *,
        committed: Callable[[T], None] | None = None,
    ) -> T:
        """Run a unit in a transaction of its own, commit it and return its answer.

        What the unit raises rolls it back alone and is raised here. ``committed`` is called on
        the event loop with the answer once it is durable, even when the caller has given up.

        Raises:
            Unavailable: the database is away, or stayed contended through every attempt. When the
                connection broke at the commit itself it may have been stored all the same.
        """
        return await self._submit(self._engine.writes, unit, committed)

    async def read(self, unit: Callable[[sa.Connection], T]) -> T:
        """Run a unit over one snapshot that includes every write acknowledged before.

        The database refuses a unit that writes. Errors as ``write``.
        """
        return await self._submit(self._engine.reads, unit, None)

    async def close(self) -> None:
        """Finish what waits, then close; work that arrives later is refused."""
        if self._closing:
            return
        self._closing = True
        await asyncio.to_thread(self._engine.close)

    async def _submit(
        self,
        jobs: Jobs,
        unit: Callable[[sa.Connection], T],
        committed: Callable[[T], None] | None,
    ) -> T:
        if self._closing:
            raise Unavailable("the database is closing")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        jobs.put(Job(unit, future, committed))
        return await future


def _open(url: sa.URL, workers: int) -> Engine:
    match url.get_backend_name():
        case "sqlite":
            return SqliteEngine(url)
        case "postgresql":
            return PostgresEngine(url, workers)
        case other:
            raise ValueError(f"a database is SQLite or PostgreSQL, not {other}")
