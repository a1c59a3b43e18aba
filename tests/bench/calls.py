"""Calls made one after the other or sixteen at a time, and how long each took."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from tests.bench.figures import percentile

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Timed:
    """How long calls took, in milliseconds."""

    milliseconds: tuple[float, ...]

    @property
    def p50(self) -> float:
        """The median."""
        return percentile(self.milliseconds, 0.50)

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return percentile(self.milliseconds, 0.99)


async def timed(calls: Iterable[Call], at_a_time: int, pause_seconds: float = 0.0) -> Timed:
    """Make calls, ``at_a_time`` under way at any time; each caller pauses between its calls."""
    waiting = iter(calls)
    took: list[float] = []

    async def caller() -> None:
        for call in waiting:
            began = time.perf_counter()
            await call()
            took.append((time.perf_counter() - began) * 1e3)
            if pause_seconds:
                await asyncio.sleep(pause_seconds)

    await asyncio.gather(*(caller() for _ in range(at_a_time)))
    return Timed(tuple(took))
