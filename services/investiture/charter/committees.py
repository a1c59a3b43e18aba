"""Committees: who sits, by which majority they decide, and when they meet."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from investiture.charter.vocabulary import Id, Part, PersonId, Side, Text

Count = Annotated[int, Field(ge=1, le=99)]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ORDINALS = ("first", "second", "third", "fourth", "last")

MonthlyRule = Annotated[
    str,
    StringConstraints(pattern=rf"^({'|'.join(ORDINALS)}) ({'|'.join(WEEKDAYS)})$"),
]
"""A day of each month, for instance ``second tuesday``."""


class Majority(StrEnum):
    """How many of the votes a yes needs."""

    STRICT = "strict"
    """More than half."""
    TWO_THIRDS = "two-thirds"
    """Two thirds, rounded up."""
    UNANIMOUS = "unanimous"
    """All."""


class Tie(StrEnum):
    """What as many yes as no mean where a strict majority is needed."""

    FAILS = "fails"
    """The proposal fails."""
    CHAIR = "chair"
    """The chair's own vote decides; a chair who abstained is asked again."""


class Meetings(Part):
    """When a committee meets: on ``dates``, by a monthly rule, or both.

    A day of the monthly rule without work in ``calendar`` moves to the next day of work.
    """

    calendar: Id
    dates: tuple[date, ...] = ()
    every: MonthlyRule | None = None


class Committee(Part):
    """People who answer together.

    ``majority`` is of the votes: who recused themselves and who abstained have none. Whatever the
    majority, at least ``quorum`` people are present and at least ``floor`` vote yes, so that no
    committee is one person unless its charter says so.
    """

    id: Id
    name: Text
    side: Side = Side.BUSINESS
    seats: Annotated[tuple[PersonId, ...], Field(min_length=1, max_length=99)]
    chair: PersonId
    majority: Majority = Majority.STRICT
    tie: Tie = Tie.FAILS
    quorum: Count = 2
    floor: Count = 2
    meets: Meetings

    def needed(self, votes: int) -> int:
        """Return how many yes are needed when there are ``votes`` votes, at least ``floor``."""
        share = {
            Majority.STRICT: votes // 2 + 1,
            Majority.TWO_THIRDS: -(-2 * votes // 3),
            Majority.UNANIMOUS: votes,
        }[self.majority]
        return max(share, self.floor)
