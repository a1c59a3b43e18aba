"""The relay's link to Temporal: made when first needed, dropped when it breaks, tried again."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from structlog.typing import FilteringBoundLogger
from temporalio.client import Client

from investiture.chassis.backoff import backoff
from investiture.chassis.delivery import OutOfReach

_log: FilteringBoundLogger = structlog.get_logger()


class Link:
    """A client that comes and goes with Temporal.

    While Temporal is away nobody hammers it: ``may_try`` says when one more attempt is due, after
    a pause that doubles from ``first_pause_s`` up to ``longest_pause_s``, jittered.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Client]],
        *,
        first_pause_s: float,
        longest_pause_s: float,
    ) -> None:
        self._connect = connect
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._connecting = asyncio.Lock()
        self._client: Client | None = None
        self._failures = 0
        self._next_try = 0.0

    @property
    def is_up(self) -> bool:
        """Whether nothing has failed since the last success; true before the first call."""
        return self._failures == 0

    @property
    def may_try(self) -> bool:
        """Whether a call makes sense now."""
        return self.is_up or time.monotonic() >= self._next_try

    async def client(self) -> Client:
        """Return the client, connecting if need be; raises ``OutOfReach``."""
        async with self._connecting:
            if not self.may_try:
                raise OutOfReach("Temporal is away")
            if self._client is None:
                try:
                    self._client = await self._connect()
                except Exception as error:
                    # Whatever keeps us from connecting, wrong settings too: the rows wait.
                    raise OutOfReach(str(error)) from error
            return self._client

    def works(self) -> bool:
        """Note a success; return whether it ended an outage."""
        came_back = not self.is_up
        if came_back:
            _log.info("outbox.temporal_back", failures=self._failures)
        self._failures = 0
        return came_back

    def broke(self, error: Exception, client: Client | None) -> None:
        """Note a failure of a client, or to get one: it is dropped, and the next try waits."""
        late = client is not None and client is not self._client
        if late or not self.may_try:
            return  # one of several calls that failed for the same reason
        self._client = None
        self._failures += 1
        self._next_try = time.monotonic() + backoff(
            self._failures, first_s=self._first_pause_s, longest_s=self._longest_pause_s
        )
        _log.error("outbox.temporal_away", failures=self._failures, error=repr(error))
