"""How much at once, and for how long: the links that keep a busy server answering."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from investiture.api.common.v1 import access_pb2
from investiture.chassis.exchange import Exchange, Step
from investiture.chassis.refusal import Exhausted
from investiture.chassis.status import DeadlineExceeded

_SHARES: Mapping[int, float] = {
    access_pb2.PRIORITY_DECIDE: 1.0,
    access_pb2.PRIORITY_SUBMIT: 0.9,
    access_pb2.PRIORITY_READ: 0.75,
    access_pb2.PRIORITY_REPORT: 0.5,
}
"""Up to which share of all places a priority is admitted: the last ones are for decisions."""

_RETRY_AFTER = timedelta(seconds=1)


class Limit:
    """Bounds the calls under way, before any work is done for them."""

    def __init__(self, max_in_flight: int, max_watches: int) -> None:
        self._ceilings = {
            priority: max(1, round(max_in_flight * share)) for priority, share in _SHARES.items()
        }
        self._max_watches = max_watches
        self._in_flight = 0
        self._watches = 0

    async def __call__(self, exchange: Exchange, rest: Step) -> None:
        """Take a place, or refuse with RESOURCE_EXHAUSTED and when to come back."""
        if exchange.streaming:
            self._admit(self._watches, self._max_watches)
            self._watches += 1
            try:
                await rest(exchange)
            finally:
                self._watches -= 1
            return
        access = exchange.method.access
        priority = access.priority if access else access_pb2.PRIORITY_DECIDE
        self._admit(self._in_flight, self._ceilings[priority])
        self._in_flight += 1
        try:
            await rest(exchange)
        finally:
            self._in_flight -= 1

    @staticmethod
    def _admit(taken: int, places: int) -> None:
        if taken >= places:
            raise Exhausted(
                "OVERLOADED",
                "the server is at its limit for calls of this kind; try again in a moment",
                retry_after=_RETRY_AFTER,
            )


class Deadline:
    """Bounds the time of every call, whatever its client asked for.

    A unary call without a deadline gets one. A server stream ends with OK after a while, or when
    the server drains, and its client resumes where it was.
    """

    def __init__(self, unary_seconds: float, watch_seconds: float) -> None:
        self._unary = unary_seconds
        self._watch = watch_seconds
        self._watching: set[asyncio.Timeout] = set()
        self._draining = False

    async def __call__(self, exchange: Exchange, rest: Step) -> None:
        """Cancel the rest of the chain when the call's time is up."""
        remaining = exchange.remaining
        if exchange.streaming:
            await self._bounded_stream(exchange, rest, remaining)
        elif remaining is None:
            await self._bounded_unary(exchange, rest)
        else:
            # gRPC itself cancels the handler at the client's deadline.
            exchange.deadline = _instant(remaining)
            await rest(exchange)

    def drain(self) -> None:
        """End the streams under way, and each new one at once: their clients resume elsewhere."""
        self._draining = True
        now = asyncio.get_running_loop().time()
        for timeout in self._watching:
            _bring_forward(timeout, now)

    async def _bounded_unary(self, exchange: Exchange, rest: Step) -> None:
        exchange.deadline = _instant(self._unary)
        timeout = asyncio.timeout(self._unary)
        try:
            async with timeout:
                await rest(exchange)
        except TimeoutError:
            if timeout.expired():
                raise DeadlineExceeded from None
            raise

    async def _bounded_stream(
        self, exchange: Exchange, rest: Step, remaining: float | None
    ) -> None:
        seconds = 0.0 if self._draining else self._watch
        exchange.deadline = _instant(seconds if remaining is None else min(seconds, remaining))
        exchange.timeout = timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                self._watching.add(timeout)
                try:
                    await rest(exchange)
                finally:
                    self._watching.discard(timeout)
        except TimeoutError:
            if not timeout.expired():
                raise


def end_by(exchange: Exchange, epoch_seconds: float) -> None:
    """Bring the end of a stream forward: a watch does not outlive the token it was opened with."""
    if exchange.timeout is None:
        return
    loop = asyncio.get_running_loop()
    _bring_forward(exchange.timeout, loop.time() + epoch_seconds - time.time())


def _bring_forward(timeout: asyncio.Timeout, when: float) -> None:
    # A timeout that fired already cannot be moved, and need not be.
    with contextlib.suppress(RuntimeError):
        current = timeout.when()
        if current is None or when < current:
            timeout.reschedule(when)


def _instant(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
