"""Figures of one quantity over several rounds, and what they say against a target."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any


class Bound(StrEnum):
    """Which side of its limit a figure has to be on."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


@dataclass(frozen=True, slots=True)
class Target:
    """A limit, on the ratio to the bare side where there is one, on the figure itself otherwise."""

    limit: float
    bound: Bound = Bound.AT_MOST

    def met_by(self, figure: float) -> bool:
        """Whether a figure keeps it."""
        return figure <= self.limit if self.bound is Bound.AT_MOST else figure >= self.limit


@dataclass(slots=True)
class Row:
    """One quantity: ours in each round and, where there is a baseline, the bare side's too."""

    key: str
    what: str
    unit: str
    target: Target | None = None
    note: str = ""
    ours: list[float] = field(default_factory=list[float])
    bare: list[float] = field(default_factory=list[float])

    def add(self, ours: float, bare: float | None = None) -> None:
        """Add a round."""
        self.ours.append(ours)
        if bare is not None:
            self.bare.append(bare)

    @property
    def ratios(self) -> list[float]:
        """Ours over the bare side's of the same round; empty without a baseline."""
        return [ours / bare for ours, bare in zip(self.ours, self.bare, strict=False) if bare]

    @property
    def figure(self) -> float:
        """What the target is about: the median ratio, or the median where nothing is compared."""
        return median(self.ratios or self.ours)

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest of what :attr:`figure` is the median of."""
        among = self.ratios or self.ours
        return min(among), max(among)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None for a figure without one."""
        return None if self.target is None else self.target.met_by(self.figure)

    def as_json(self) -> dict[str, Any]:
        """Return everything there is to say."""
        target = self.target
        return {
            "key": self.key,
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours,
            "bare": self.bare,
            "ours_median": median(self.ours),
            "bare_median": median(self.bare) if self.bare else None,
            "ratio": self.figure if self.ratios else None,
            "spread": list(self.spread),
            "target": None if target is None else f"{target.bound} {target.limit:g}",
            "met": self.met,
            "note": self.note,
        }


@dataclass(slots=True)
class Findings:
    """What a bench found, with what ran and why a target was missed."""

    rows: list[Row] = field(default_factory=list[Row])
    ran: list[str] = field(default_factory=list[str])

    def row(self, key: str) -> Row:
        """Return the row with a key."""
        return next(row for row in self.rows if row.key == key)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all values do not exceed."""
    ordered = sorted(values)
    rank = max(1, -int(-share * len(ordered) // 1))
    return ordered[rank - 1]
