"""A heartbeat: one coroutine called again and again for as long as the process serves."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from structlog.typing import FilteringBoundLogger

from investiture.chassis.backoff import jittered

_log: FilteringBoundLogger = structlog.get_logger()


class Ticker:
    """Calls ``act`` every ``interval``, each pause shortened at random by up to a tenth.

    The jitter keeps replicas apart. An error is logged and the next beat comes as usual; a beat
    that takes longer than the interval delays the next one, they never overlap.
    """

    def __init__(self, name: str, interval: timedelta, act: Callable[[], Awaitable[None]]) -> None:
        """Keep what to call; ``name`` is what the log calls it."""
        self._name = name
        self._interval_s = interval.total_seconds()
        self._act = act
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start beating; the first beat comes after one pause."""
        self._task = asyncio.create_task(self._beat(), name=f"ticker-{self._name}")

    async def stop(self) -> None:
        """Stop; a beat under way is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(jittered(self._interval_s, 0.1))
            try:
                await self._act()
            except Exception:  # noqa: BLE001 - one missed beat must not end the beating
                _log.exception("ticker.failed", ticker=self._name)
