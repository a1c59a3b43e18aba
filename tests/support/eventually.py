"""Waits for what happens by itself: by reading the record again, never for a fixed time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE_S = 0.02
_PATIENCE_S = 30.0


async def eventually(read: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """What was read once it holds; fails with what was read last where it never does."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while True:
        found = await read()
        if holds(found):
            return found
        assert asyncio.get_running_loop().time() < deadline, f"still so: {found}"
        await asyncio.sleep(_PAUSE_S)
