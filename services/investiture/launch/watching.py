"""Who waits for a program to change: woken after the commit, and by a poll for other replicas."""

import asyncio
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager, suppress

POLL_SECONDS = 1.0
"""How late a change made by another replica of this service is noticed, at most."""


class Watch:
    """One caller's wait for changes of one program."""

    def __init__(self, poll_seconds: float) -> None:
        self._changed = asyncio.Event()
        self._poll_seconds = poll_seconds

    def ring(self) -> None:
        """Say that something may have changed."""
        self._changed.set()

    async def wait(self) -> None:
        """Return once something may have changed since the last return, or it is time to look."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), self._poll_seconds)
        # Cleared before the record is read: a change that commits later rings again.
        self._changed.clear()


class Watchers:
    """The watches of this process, by program. Used on the event loop only."""

    def __init__(self, poll_seconds: float = POLL_SECONDS) -> None:
        self._poll_seconds = poll_seconds
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)

    @contextmanager
    def watching(self, program: str) -> Generator[Watch]:
        """A watch of one program, for as long as the context lasts."""
        watch = Watch(self._poll_seconds)
        self._watches[program].add(watch)
        try:
            yield watch
        finally:
            self._watches[program].discard(watch)
            if not self._watches[program]:
                del self._watches[program]

    def is_watched(self, program: str) -> bool:
        """Whether anybody watches this program here."""
        return program in self._watches

    def announce(self, program: str) -> None:
        """Wake whoever watches this program."""
        for watch in self._watches.get(program, ()):
            watch.ring()
