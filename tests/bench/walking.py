"""Walking: programs brought down a side's path, one at a time or sixteen, and their hops timed."""

import asyncio
import time

from tests.bench.company import OWNERS
from tests.bench.sides import OpenGate, Side


class Places:
    """So many programs are worked on at a time."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    async def take(self) -> None:
        """Wait for a place."""
        await self._free.acquire()

    def give_back(self) -> None:
        """Let the next one have it."""
        self._free.release()

    async def step_aside(self, seconds: float) -> None:
        """Pause without a place."""
        self.give_back()
        await asyncio.sleep(seconds)
        await self.take()

    async def settle(self, seconds: float) -> None:
        """Pause on one's place."""
        if seconds:
            await asyncio.sleep(seconds)


class Walk:
    """Brings programs down a side's path.

    Args:
        side: whose path.
        places: how many programs are worked on at any time; one that pauses has no place.
        settle_seconds: before each decision, so that what it follows is over.
    """

    PAUSE_SECONDS = 1.1
    """Between the two signatures of finance: a path answers one ring a second and gate at once."""

    def __init__(self, side: Side, places: Places, settle_seconds: float) -> None:
        self._side = side
        self._places = places
        self._settle_seconds = settle_seconds
        self.hops: list[float] = []
        """Milliseconds from each acknowledged last decision of a gate to the next gate's case."""
        self.ended_at: list[float] = []
        """When each program was launched, on the performance counter."""

    async def bring(self, number: int) -> None:
        """Bring one program from its submission to its launch."""
        side, decided_at = self._side, 0.0
        await self._places.take()
        try:
            program = await side.submit(number)
            for gate in OWNERS:
                gate_open = await side.opened(program, gate)
                if decided_at:
                    self.hops.append((gate_open.opened_at - decided_at) * 1e3)
                decided_at = await self._decide(gate_open)
            await side.launched(program)
        finally:
            self._places.give_back()
        self.ended_at.append(time.perf_counter())

    async def _decide(self, gate_open: OpenGate) -> float:
        """Make a gate's decisions; return when the last one was acknowledged."""
        acknowledged_at = 0.0
        for number, act in enumerate(gate_open.acts):
            if number:
                await self._places.step_aside(self.PAUSE_SECONDS)
            await self._places.settle(self._settle_seconds)
            await act()
            acknowledged_at = time.time()
        return acknowledged_at
