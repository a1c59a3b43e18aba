"""The bare service's database: one table, one commit a write, no layer in between.

SQLite by sqlite3 in a thread (WAL, synchronous FULL), PostgreSQL by psycopg in a few threads.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import psycopg

T = TypeVar("T")

_TABLE = (
    "CREATE TABLE IF NOT EXISTS decision ("
    " name TEXT PRIMARY KEY, version INTEGER NOT NULL, at TEXT NOT NULL, document TEXT NOT NULL)"
)
_CONNECTIONS = 8


class Row(Protocol):
    """One row as a cursor answers it."""

    def __getitem__(self, index: int, /) -> object: ...


class Store(Protocol):
    """Writes and reads rows by name."""

    async def write(self, name: str, version: int, at: str, document: str) -> None:
        """Commit one row."""
        ...

    async def read(self, name: str) -> tuple[int, str]:
        """Return a row's version and its instant; (0, "") where there is none."""
        ...


def opened(url: str) -> Store:
    """Open a store: a PostgreSQL URL, or the path of a SQLite file."""
    return PostgresStore(url) if url.startswith("postgresql") else SqliteStore(url)


class SqliteStore:
    """One connection that writes and one that reads, a thread each."""

    _WRITE = (
        "INSERT INTO decision (name, version, at, document) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version, document = excluded.document"
    )
    _READ = "SELECT version, at FROM decision WHERE name = ?"

    def __init__(self, path: str) -> None:
        self._writer = _connected(path)
        self._writer.execute(_TABLE)
        self._reader = _connected(path)
        self._writing = ThreadPoolExecutor(1)
        self._reading = ThreadPoolExecutor(1)

    async def write(self, name: str, version: int, at: str, document: str) -> None:
        """Commit one row."""

        def commit() -> None:
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.execute(self._WRITE, (name, version, at, document))
            self._writer.execute("COMMIT")

        await _in(self._writing, commit)

    async def read(self, name: str) -> tuple[int, str]:
        """Return a row's version and its instant."""
        row = await _in(self._reading, lambda: self._reader.execute(self._READ, (name,)).fetchone())
        return (0, "") if row is None else (int(row[0]), str(row[1]))


class PostgresStore:
    """A few threads with a connection each."""

    _WRITE = (
        "INSERT INTO decision (name, version, at, document) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET version = excluded.version, document = excluded.document"
    )
    _READ = "SELECT version, at FROM decision WHERE name = %s"

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(_CONNECTIONS)
        with psycopg.connect(url) as connection:
            connection.execute(_TABLE)

    async def write(self, name: str, version: int, at: str, document: str) -> None:
        """Commit one row."""

        def commit() -> None:
            connection = self._connection()
            connection.execute(self._WRITE, (name, version, at, document))
            connection.commit()

        await _in(self._threads, commit)

    async def read(self, name: str) -> tuple[int, str]:
        """Return a row's version and its instant."""

        def look() -> tuple[int, str]:
            connection = self._connection()
            row = connection.execute(self._READ, (name,)).fetchone()
            connection.commit()
            return (0, "") if row is None else (int(row[0]), str(row[1]))

        return await _in(self._threads, look)

    def _connection(self) -> psycopg.Connection:
        connection: psycopg.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = psycopg.connect(self._url)
        return connection


def _connected(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)
