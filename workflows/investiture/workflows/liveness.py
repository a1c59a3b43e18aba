"""Tells the server that an activity's worker lives, so that a killed one is missed within seconds.

Without it an activity whose worker died waits out its whole start_to_close before another attempt.
"""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

MISSED_AFTER = timedelta(seconds=2)
"""Heartbeat timeout of every activity: longer than most take, so that those never beat at all."""

_BEATS = 3
"""Beats within the timeout."""


class Liveness(Interceptor):
    """Beats for every activity that runs longer than a third of its heartbeat timeout."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the base class's name
        """Put the beating around the activity."""
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the base class's name
        timeout = activity.info().heartbeat_timeout
        if activity.info().is_local or not timeout:
            return await self.next.execute_activity(input)
        beating = asyncio.create_task(_beat(timeout.total_seconds() / _BEATS))
        try:
            return await self.next.execute_activity(input)
        finally:
            beating.cancel()


async def _beat(pause_s: float) -> None:
    while True:
        await asyncio.sleep(pause_s)
        activity.heartbeat()
