"""SQLite: one writer thread that commits waiting units together, one reader thread.

One process owns the file (a lock beside it says so), so a writer never waits for another and
"database is locked" cannot happen. A commit costs one flush to the disk however many units it
carries: those that queue up during a commit share the next one, each behind its own savepoint.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from structlog.typing import FilteringBoundLogger

from investiture.chassis.jobs import Job, Jobs, settle
from investiture.chassis.refusal import Unavailable

BUSY_TIMEOUT_MS = 5000
"""How long a statement waits for a foreign lock, such as an operator's shell or a backup."""

MOST_UNITS_PER_COMMIT = 64
MOST_UNITS_PER_SNAPSHOT = 16

_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""Primary result codes that say "not now" and nothing about the unit."""

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -4096",  # KiB
    # A checkpoint writes a page once however often it changed: fewer, larger ones cost less.
    "PRAGMA wal_autocheckpoint = 4000",  # pages of 4 KiB
)

_log: FilteringBoundLogger = structlog.get_logger()


class DatabaseInUse(RuntimeError):
    """Another process (or another ``Database`` of this one) owns the SQLite file."""


class FileLock:
    """The right to be the one process on a SQLite file, by ``flock`` on a file beside it.

    The kernel drops it when the process ends, however it ends.
    """

    def __init__(self, database: Path) -> None:
        """Take the lock at once, or raise ``DatabaseInUse`` naming the holder's process id."""
        path = database.with_name(database.name + ".lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise DatabaseInUse(
                f"{database} is in use by process {holder}; a SQLite database has one owner: "
                "stop that process, or use PostgreSQL for several replicas"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def close(self) -> None:
        """Give the file up; the lock file stays (removing it would race with its next owner)."""
        os.close(self._file)


def database_file(url: sa.URL) -> Path:
    """Return the file of a SQLite URL; ``ValueError`` for a database in memory."""
    if not url.database or url.database == ":memory:" or "mode=memory" in url.database:
        raise ValueError("a SQLite database needs a file: sqlite:///path/to/file.db")
    return Path(url.database)


def sqlite_engine(url: sa.URL) -> sa.Engine:
    """Return a SQLAlchemy engine with our pragmas; ``begin`` begins its transactions."""
    engine = sa.create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,  # they may be personal; errors are logged
        connect_args={
            "isolation_level": None,  # the driver begins nothing by itself
            "check_same_thread": False,  # opened here, used by one thread
            "cached_statements": 512,
        },
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def begin(connection: sa.Connection, mode: str = "IMMEDIATE") -> sa.RootTransaction:
    """Begin a transaction; IMMEDIATE takes the write lock at once, DEFERRED only reads.

    By hand rather than by SQLAlchemy's "begin" event: a listener costs every statement of the
    connection a quarter of its time (5 µs of 19 µs).
    """
    _driver(connection).execute(f"BEGIN {mode}")
    return connection.begin()


class SqliteEngine:
    """The two threads, their connections and the lock on the file."""

    def __init__(self, url: sa.URL) -> None:
        """Open the file; errors as ``Database``."""
        file = database_file(url)
        self._lock = FileLock(file)
        try:
            self.sa_engine = sqlite_engine(url)
            self._writer = self.sa_engine.connect()
            self._reader = _read_only(self.sa_engine.connect())
        except BaseException:
            self._lock.close()
            raise
        self.writes = Jobs()
        self.reads = Jobs()
        # Daemons: a process that dies without closing leaves its open transaction to be rolled
        # back by the next owner, rather than hanging.
        self._threads = (
            threading.Thread(target=self._write_loop, name="sqlite-writer", daemon=True),
            threading.Thread(target=self._read_loop, name="sqlite-reader", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what waits, then close both connections and give up the file."""
        self.writes.stop()
        self.reads.stop()
        for thread in self._threads:
            thread.join()
        self._reader.close()
        self._writer.close()
        self.sa_engine.dispose()
        self._lock.close()

    def _write_loop(self) -> None:
        while jobs := self.writes.take(MOST_UNITS_PER_COMMIT):
            remaining: Sequence[Job[Any]] = jobs
            while remaining:
                try:
                    remaining = self._commit_together(remaining)
                except BaseException as error:  # noqa: BLE001 - it goes to the callers
                    _give_up(remaining, error)
                    remaining = ()
                    self._writer = self._another(self._writer)
            settle(jobs)

    def _read_loop(self) -> None:
        while jobs := self.reads.take(MOST_UNITS_PER_SNAPSHOT):
            try:
                self._read_together(jobs)
            except BaseException as error:  # noqa: BLE001 - it goes to the callers
                _give_up([job for job in jobs if not job.ended], error)
                settle(jobs)
                self._reader = _read_only(self._another(self._reader))

    def _another(self, broken: sa.Connection) -> sa.Connection:
        if not broken.closed:
            broken.invalidate()
        return self.sa_engine.connect()

    def _read_together(self, jobs: Sequence[Job[Any]]) -> None:
        """Run jobs over one snapshot: it begins after the last of them was asked for."""
        try:
            transaction = begin(self._reader, "DEFERRED")
        except sqlite3.Error as error:
            _fail(jobs, error)
            settle(jobs)
            return
        for job in jobs:
            _attempt(job, self._reader)
            settle((job,))
        transaction.rollback()
        if self._reader.invalidated:  # SQLAlchemy would replace it, and not read-only
            self._reader = _read_only(self._another(self._reader))

    def _commit_together(self, jobs: Sequence[Job[Any]]) -> Sequence[Job[Any]]:
        """Run and commit jobs in one transaction; return those that still have to run."""
        try:
            transaction = begin(self._writer)
        except sqlite3.Error as error:
            _fail(jobs, error)
            return ()
        driver = _driver(self._writer)
        alone = len(jobs) == 1
        for done, job in enumerate(jobs, start=1):
            if alone:
                _attempt(job, self._writer)
            else:
                _attempt_behind_savepoint(job, self._writer, driver)
            if not driver.in_transaction:
                # SQLite rolled everything back by itself (disk full, RAISE(ROLLBACK)), or the unit
                # ended what was not its own.
                if transaction.is_active:
                    transaction.rollback()
                lost = _Lost("the transaction ended under its units")
                _fail([job for job in jobs[:done] if job.answered], lost)
                return jobs[done:]
        if alone and not jobs[0].answered:
            transaction.rollback()
            return ()
        try:
            transaction.commit()
        except DBAPIError as error:
            transaction.rollback()  # SQLAlchemy's view of it, which is no longer active
            driver.rollback()
            # Whose fault it was cannot be told; the others are invited to repeat.
            _fail([job for job in jobs if job.answered], error if alone else _Lost(error))
        return ()


def _read_only(connection: sa.Connection) -> sa.Connection:
    _driver(connection).execute("PRAGMA query_only = ON")
    return connection


class _Lost(Exception):
    """The transaction ended under units that had run well."""


def _attempt(job: Job[Any], connection: sa.Connection) -> None:
    """Run a job; its error is kept in it, and the thread goes on whatever it is."""
    if job.abandoned:
        return
    try:
        job.run(connection)
    except BaseException as error:  # noqa: BLE001 - it goes to the caller
        job.fail(_told(error))


def _attempt_behind_savepoint(
    job: Job[Any], connection: sa.Connection, driver: sqlite3.Connection
) -> None:
    """Run a job so that its error undoes its own statements and no other job's."""
    if job.abandoned:
        return
    # By the driver: SQLAlchemy numbers its savepoints, and SQLite would compile each anew.
    driver.execute("SAVEPOINT unit")
    _attempt(job, connection)
    if not driver.in_transaction:
        return
    if not job.answered:
        driver.execute("ROLLBACK TO unit")
    driver.execute("RELEASE unit")


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)


def _fail(jobs: Sequence[Job[Any]], error: BaseException) -> None:
    away = _is_away(error)
    if away:
        _log.error("database.unavailable", units=len(jobs), exc_info=error)
    for job in jobs:
        job.fail(_unavailable(error) if away else error)


def _give_up(jobs: Sequence[Job[Any]], error: BaseException) -> None:
    # A unit broke the rules, such as closing the connection: the only thread goes on, on another.
    _log.error("database.connection_broken", units=len(jobs), exc_info=error)
    for job in jobs:
        job.fail(error)


def _told(error: BaseException) -> BaseException:
    """Return what the caller is told: a fault of the storage is Unavailable, and logged."""
    if not _is_away(error):
        return error
    _log.error("database.unavailable", exc_info=error)
    return _unavailable(error)


def _unavailable(error: BaseException) -> Unavailable:
    unavailable = Unavailable("the database cannot store or read at the moment")
    unavailable.__cause__ = error
    return unavailable


def _is_away(error: BaseException) -> bool:
    if isinstance(error, _Lost):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return False
    # Errors of the driver itself, such as a wrong number of parameters, have no code.
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _AWAY
