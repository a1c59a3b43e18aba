"""Two transactions in a chosen order: one is held in the middle, the other comes up to it."""

import asyncio
import threading
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

_PATIENCE_S = 20.0
"""A deadlock of the test itself ends after this; nothing is measured by it."""

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Held:
    """Holds the first call of a store's method: before it acts, or after it did.

    The transaction around it stays open, in the database's own thread, until `go`.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, owner: type, method: str, *, after: bool = False
    ) -> None:
        self._reached, self._go = threading.Event(), threading.Event()
        original = getattr(owner, method)

        def held(*given: Any, **named: Any) -> Any:
            first = not self._reached.is_set()
            answer = original(*given, **named) if after else None
            if first:
                self._reached.set()
                assert self._go.wait(_PATIENCE_S)
            return answer if after else original(*given, **named)

        patch.setattr(owner, method, held)

    async def reached(self) -> None:
        """Returns once a transaction is held."""
        assert await asyncio.to_thread(self._reached.wait, _PATIENCE_S)

    def go(self) -> None:
        """Lets it go on."""
        self._go.set()


async def comes_up(task: "asyncio.Task[Any]", database_url: str) -> None:
    """Returns once a call is over, or waits for what the held transaction has.

    On SQLite there is one writer at a time: it waits wherever it is.
    """
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        while not task.done():
            row = await (await connection.execute(_WAITING)).fetchone()
            if row is not None and row[0]:
                return
