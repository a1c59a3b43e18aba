"""Statements by the driver alone: what the same rows cost without any layer of ours."""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from investiture.chassis.sqlite import BUSY_TIMEOUT_MS


class Bare:
    """One connection; parameters are written `?` on both engines."""

    def __init__(self, connection: "sqlite3.Connection | psycopg.Connection[Any]") -> None:
        self._connection: Any = connection
        self.postgres = isinstance(connection, psycopg.Connection)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        found: list[tuple[Any, ...]] = self._execute(sql, parameters).fetchall()
        return found

    def change(self, *statements: tuple[str, Sequence[object]]) -> None:
        """Execute and commit."""
        self._connection.execute("BEGIN" if self.postgres else "BEGIN IMMEDIATE")
        for sql, parameters in statements:
            self._execute(sql, parameters)
        self._connection.execute("COMMIT")

    def _execute(self, sql: str, parameters: Sequence[object]) -> Any:
        text = sql.replace("?", "%s") if self.postgres else sql
        return self._connection.execute(text, parameters)


@contextmanager
def bare(url: str) -> Generator[Bare]:
    """Connect to a database of the stack, as durable as the services are."""
    made = sa.make_url(url)
    if made.get_backend_name() == "sqlite":
        lite = sqlite3.connect(str(made.database), isolation_level=None, check_same_thread=False)
        lite.execute("PRAGMA synchronous = FULL")
        lite.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        try:
            yield Bare(lite)
        finally:
            lite.close()
        return
    plain = made.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield Bare(connection)
