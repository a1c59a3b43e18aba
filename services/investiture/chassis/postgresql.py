"""PostgreSQL: a bounded set of threads, a pooled connection and a transaction for each unit."""

import threading
import time
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from structlog.typing import FilteringBoundLogger

from investiture.chassis.backoff import backoff
from investiture.chassis.jobs import Job, Jobs, settle
from investiture.chassis.refusal import Unavailable

ATTEMPTS = 5
"""How often a unit runs at most, when others get in its way or its connection breaks."""

FIRST_PAUSE_S = 0.01
"""The longest pause before the second attempt; it doubles for each one after."""

_CONTENDED = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected: another attempt is likely to succeed."""

_OVERTAKEN = "23505"
"""unique_violation. Of two units that looked and saw nothing, the one that runs again sees what
the other wrote; what still collides at the last attempt is the unit's own error, and told as it is.
"""

_AWAY = ("08", "53", "57P", "55P03")
"""Starts of SQLSTATEs that say "not now": connection, resources, shutdown, lock timeout."""

_SESSION = (
    "SET TIME ZONE 'UTC'",
    # A replica that hangs in a transaction, or a lock nobody gives up, must not stop the others.
    "SET idle_in_transaction_session_timeout = '30s'",
    "SET lock_timeout = '5s'",
)

_log: FilteringBoundLogger = structlog.get_logger()


def postgres_engine(url: sa.URL, *, connections: int) -> sa.Engine:
    """Return a SQLAlchemy engine over psycopg 3 with a pool of that many connections."""
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # they may be personal; errors are logged
        pool_size=connections,
        max_overflow=0,
        connect_args={"connect_timeout": 5, "application_name": "investiture"},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for statement in _SESSION:
        cursor.execute(statement)
    cursor.close()
    connection.commit()


class PostgresEngine:
    """The threads and the pool."""

    def __init__(self, url: sa.URL, workers: int) -> None:
        """Start the threads; the first connection is made by the first unit."""
        self.sa_engine = postgres_engine(url, connections=max(2, workers))
        # A read sees one snapshot however many statements it takes, as on SQLite; a read-only
        # transaction at this level never fails to serialise, and costs no round trip more.
        reading = self.sa_engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self.writes = Jobs()
        self.reads = Jobs()
        # A burst of reads must not hold up a decision: a quarter of the threads only read.
        readers = max(1, workers // 4)
        writers = max(1, workers - readers)
        self._threads = {
            self.writes: _start(writers, "postgres-writer", self.writes, self.sa_engine),
            self.reads: _start(readers, "postgres-reader", self.reads, reading),
        }

    def close(self) -> None:
        """Finish what waits, then close every connection."""
        for jobs, threads in self._threads.items():
            jobs.stop(len(threads))
        for threads in self._threads.values():
            for thread in threads:
                thread.join()
        self.sa_engine.dispose()


def _start(count: int, name: str, jobs: Jobs, engine: sa.Engine) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=_work, args=(jobs, engine), name=f"{name}-{number}", daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    return threads


def _work(jobs: Jobs, engine: sa.Engine) -> None:
    while taken := jobs.take():
        for job in taken:
            if not job.abandoned:
                _attempt(job, engine)
        settle(taken)


def _attempt(job: Job[Any], engine: sa.Engine) -> None:
    """Run a job until it commits or fails for good; the thread goes on whatever happens."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _run(job, engine)
        except _Repeatable as error:
            if attempt == ATTEMPTS:
                job.fail(_told(error.cause))
                return
            _log.info("database.retry", attempt=attempt, sqlstate=str(error))
            time.sleep(backoff(attempt, first_s=FIRST_PAUSE_S, longest_s=1))
        except BaseException as error:  # noqa: BLE001 - it goes to the caller
            job.fail(_told(error))
            return
        else:
            return


def _run(job: Job[Any], engine: sa.Engine) -> None:
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            job.run(connection)
        except BaseException as error:
            # Nothing of it was committed, so a lost connection is as repeatable as a deadlock.
            broken = isinstance(error, DBAPIError) and error.connection_invalidated
            if not broken:
                transaction.rollback()
            if broken or _is_repeatable(error):
                raise _Repeatable(error) from error
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            # A connection lost now leaves the outcome unknown: the caller repeats, by request id.
            if _is_repeatable(error):
                raise _Repeatable(error) from error
            raise


class _Repeatable(Exception):
    """A unit that did not commit and may run again."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(_sqlstate(cause))
        self.cause = cause


def _is_repeatable(error: BaseException) -> bool:
    state = _sqlstate(error)
    return state in _CONTENDED or state == _OVERTAKEN


def _sqlstate(error: BaseException) -> str:
    """Return the five characters of a database error; empty when it has none."""
    if not isinstance(error, DBAPIError):
        return ""
    return getattr(error.orig, "sqlstate", None) or ""


def _told(error: BaseException) -> BaseException:
    """Return what the caller is told: a fault of the server or the way to it is Unavailable."""
    if not isinstance(error, DBAPIError):
        return error
    state = _sqlstate(error)
    unreachable = isinstance(error, OperationalError) and not state
    away = error.connection_invalidated or unreachable or state.startswith(_AWAY)
    if away or state in _CONTENDED:
        return _unavailable(error)
    return error


def _unavailable(error: BaseException) -> Unavailable:
    _log.error("database.unavailable", exc_info=error)
    unavailable = Unavailable("the database cannot store or read at the moment")
    unavailable.__cause__ = error
    return unavailable
