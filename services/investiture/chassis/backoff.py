"""Pauses between attempts: doubling, bounded, and never the same for two processes."""

import random


def jittered(pause_s: float, spread: float = 0.5) -> float:
    """Return a pause shortened at random by up to ``spread`` of itself (seconds)."""
    return pause_s * random.uniform(1 - spread, 1)  # noqa: S311 - it scatters, it hides nothing


def backoff(failures: int, *, first_s: float, longest_s: float) -> float:
    """Return the pause after that many failures in a row, from one on (seconds, jittered)."""
    return jittered(min(longest_s, first_s * 2 ** min(failures - 1, 30)))
