"""Levels of approval, n of m each, given in order: what the money and the IT side share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from investiture.charter.authority import candidates
from investiture.charter.policy import Approval


@dataclass(frozen=True, slots=True)
class Level:
    """One level: `needed` of the `eligible` people, who are free of the other sides."""

    level: int
    role: str
    unit: str
    needed: int
    eligible: tuple[str, ...]

    @property
    def attainable(self) -> bool:
        """Whether enough people are eligible."""
        return len(self.eligible) >= self.needed


def levels_of(
    approvals: Iterable[tuple[Approval, Sequence[str]]],
    conflicted: frozenset[str],
    countersigner: str | None = None,
) -> tuple[Level, ...]:
    """The levels in order, without the people who stand on another side.

    Where that leaves too few at a level, who countersigns from outside is eligible too: a company
    of two people has no third for its third side (architecture.md, law 7).
    """
    return tuple(
        Level(
            level=approval.level,
            role=approval.role,
            unit=f"units/{approval.unit}" if approval.unit else "",
            needed=approval.needed,
            eligible=_eligible(approval, people, conflicted, countersigner),
        )
        for approval, people in approvals
    )


def _eligible(
    approval: Approval,
    people: Sequence[str],
    conflicted: frozenset[str],
    countersigner: str | None,
) -> tuple[str, ...]:
    own = tuple(p for p in people if p not in conflicted)
    if len(own) >= approval.needed or countersigner is None or countersigner in conflicted:
        return own
    return (*own, countersigner)


def open_level(levels: Sequence[Level], given: int) -> Level | None:
    """The first level that lacks approvals when `given` were given in order; None when done."""
    for level in levels:
        if given < level.needed:
            return level
        given -= level.needed
    return None


def missing(levels: Sequence[Level], given: int) -> int:
    """How many approvals the open level lacks when `given` were given in order; 0 when done."""
    for level in levels:
        if given < level.needed:
            return level.needed - given
        given -= level.needed
    return 0


def lines_of(levels: Iterable[Level]) -> tuple[str, ...]:
    """Each level in words."""
    return tuple(
        f"level {one.level}, {one.role}: {one.needed} of {', '.join(one.eligible) or 'nobody'}"
        for one in levels
    )


__all__ = ["Level", "candidates", "levels_of", "lines_of", "missing", "open_level"]
