"""Pauses between attempts: doubling, bounded, and never the same for two processes."""

import random
from collections.abc import Container
from datetime import datetime, timedelta

from investiture.chassis.clock import Clock


def jittered(pause_s: float, spread: float = 0.5) -> float:
    """Return a pause shortened at random by up to ``spread`` of itself (seconds)."""
    return pause_s * random.uniform(1 - spread, 1)  # noqa: S311 - it scatters, it hides nothing


def backoff(failures: int, *, first_s: float, longest_s: float) -> float:
    """Return the pause after that many failures in a row, from one on (seconds, jittered)."""
    return jittered(min(longest_s, first_s * 2 ** min(failures - 1, 30)))


class Pauses:
    """What failed lately, by name: each is left alone for a pause that doubles, to a longest one.

    Kept in memory: a process that starts tries everything at once.
    """

    def __init__(self, clock: Clock, *, first_s: float, longest_s: float) -> None:
        """Keep by which clock; the pauses in seconds, jittered."""
        self._clock = clock
        self._first_s = first_s
        self._longest_s = longest_s
        self._failed: dict[str, tuple[int, datetime]] = {}

    def resting(self, name: str) -> bool:
        """Return whether it failed, and its pause is not over."""
        known = self._failed.get(name)
        return known is not None and self._clock.now() < known[1]

    def failed(self, name: str) -> datetime:
        """Count one more failure in a row; return when it is to be tried again."""
        failures = self._failed.get(name, (0, None))[0] + 1
        pause_s = backoff(failures, first_s=self._first_s, longest_s=self._longest_s)
        again_at = self._clock.now() + timedelta(seconds=pause_s)
        self._failed[name] = failures, again_at
        return again_at

    def succeeded(self, name: str) -> None:
        """Forget that it ever failed; harmless where it did not."""
        self._failed.pop(name, None)

    def keep(self, names: Container[str]) -> None:
        """Forget what is none of these: it is not tried any more."""
        self._failed = {name: one for name, one in self._failed.items() if name in names}
