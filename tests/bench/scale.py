"""How much is measured: enough for a figure, or just enough to see that it runs."""

from dataclasses import dataclass
from pathlib import Path

from tests.bench.progress import Steps


@dataclass(frozen=True, slots=True)
class Scale:
    """Rounds and repetitions of each bench."""

    rounds: int = 5
    alone: int = 100
    """Calls one at a time, in a round."""
    together: int = 400
    """Calls sixteen at a time, in a round."""
    paths_alone: int = 12
    """Paths whose hops are timed one at a time, in a round."""
    paths_together: int = 64
    """Paths sixteen at a time, in a round."""
    open_paths: int = 2000
    """Paths that wait."""
    idle_seconds: float = 20.0
    """How long an idle system is watched."""
    starts: int = 5
    """Stacks started from cold."""
    reservations: int = 400
    """Reservations on one envelope, in a round."""
    entries: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    """How long the ledger is, from measurement to measurement."""
    open_cases: int = 10_000
    closed_cases: int = 1_000_000


FULL = Scale()
QUICK = Scale(
    rounds=1,
    alone=4,
    together=16,
    paths_alone=1,
    paths_together=4,
    open_paths=20,
    idle_seconds=1.0,
    starts=1,
    reservations=32,
    entries=(1_000, 2_000),
    open_cases=200,
    closed_cases=2_000,
)


@dataclass(frozen=True, slots=True)
class Run:
    """What every bench gets: its scale, a folder of its own, and where its steps are told."""

    scale: Scale
    folder: Path
    steps: Steps
