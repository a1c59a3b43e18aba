"""A committee's ballot on one program: the rules it was opened under, and what its seats said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from investiture.casework.facts import Authority, Condition
from investiture.charter.committees import Committee
from investiture.charter.meetings import committee_timetable
from investiture.charter.model import Charter
from investiture.charter.timetable import Timetable
from investiture.sponsorship.domain.committees import Choice, Count, Outcome, Voice, count


@dataclass(frozen=True, slots=True)
class Vote:
    """What was said for a seat, by whom and on what they saw."""

    seat: str
    choice: Choice
    person: str
    recorded_at: datetime
    revision: int
    gate_digest: str
    grounds: str = ""
    harm: str = ""
    proposal: str = ""
    reason: str = ""
    conditions: tuple[Condition, ...] = ()

    @property
    def on_behalf_of(self) -> str:
        """The member in whose name a delegate voted; empty where the member did."""
        return "" if self.person == self.seat else self.seat

    @property
    def people(self) -> tuple[str, ...]:
        """The person who voted and, for a delegate, the member."""
        return tuple(dict.fromkeys((self.person, self.seat)))


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote as it goes on.

    `committee` is as the charter had it when the ballot opened. `out` are members who take no
    part: they stand for the program, recused themselves, or have left without a word.
    """

    committee: Committee
    out: tuple[str, ...] = ()
    votes: tuple[Vote, ...] = ()
    timetable: Timetable | None = None

    @property
    def name(self) -> str:
        """The committee's resource name."""
        return f"committees/{self.committee.id}"

    @property
    def count(self) -> Count:
        """The count as it stands."""
        voices = (Voice(one.seat, one.choice, one.person) for one in self.votes)
        return count(self.committee, voices, self.out)

    @property
    def members(self) -> tuple[str, ...]:
        """Whose word counts or would: everybody with a seat who takes part."""
        recused = {one.seat for one in self.votes if one.choice is Choice.RECUSE}
        gone = recused.union(self.out)
        return tuple(seat for seat in self.committee.seats if seat not in gone)

    @property
    def asked(self) -> tuple[str, ...]:
        """Whom it waits for; after a rejection everybody, because they may reconsider."""
        found = self.count
        return self.members if found.outcome is Outcome.REJECTED else found.asked

    @property
    def counted(self) -> tuple[Vote, ...]:
        """The votes of who takes part, recusals left out."""
        members = self.members
        return tuple(one for one in self.votes if one.seat in members)

    def saying(self, choice: Choice) -> tuple[Vote, ...]:
        """The counted votes of one kind, the oldest first."""
        return tuple(one for one in self.counted if one.choice is choice)

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who took part, principals included."""
        return tuple(dict.fromkeys(name for one in self.counted for name in one.people))


def opened(
    charter: Charter,
    committee_id: str,
    out: Iterable[str],
    able: Callable[[str], bool],
    now: datetime,
) -> Ballot:
    """A committee's ballot, without the people `out` and without who has left.

    Raises:
        UnknownId: the charter has no such committee.
        HolidaysUnknown: its next meeting lies in a year without holiday data.
    """
    committee = charter.committee(committee_id)
    ballot = Ballot(committee, timetable=committee_timetable(charter, committee, now))
    return without(ballot, (*out, *(name for name in committee.seats if not able(name))))


def extended(charter: Charter, ballot: Ballot, now: datetime) -> Ballot:
    """The ballot with its dates by the meeting after the due one, or after `now` where that passed.

    A committee decides when it meets: a day more would be no more time. Raises as `opened`.
    """
    table = ballot.timetable
    if table is None:
        return ballot
    longer = committee_timetable(charter, ballot.committee, max(table.overdue_at, now))
    if longer is None:
        return ballot
    return replace(ballot, timetable=replace(longer, opened_at=table.opened_at))


def seat_of(ballot: Ballot, authority: Authority) -> str:
    """The seat for which a person speaks, their own or their principal's; empty for none."""
    seat = authority.on_behalf_of or authority.person
    return seat if seat in ballot.committee.seats else ""


def with_vote(ballot: Ballot, vote: Vote) -> Ballot:
    """The ballot with the newest word of a seat instead of its older one."""
    kept = tuple(one for one in ballot.votes if one.seat != vote.seat)
    return replace(ballot, votes=(*kept, vote))


def without(ballot: Ballot, people: Iterable[str]) -> Ballot:
    """The ballot without these people, whatever they said."""
    added = (name for name in people if name in ballot.committee.seats)
    return replace(ballot, out=tuple(dict.fromkeys((*ballot.out, *added))))


def vacated(ballot: Ballot, people: Iterable[str]) -> Ballot:
    """The ballot without those of these people whose seat has said nothing yet.

    What was said by somebody who leaves later still counts: it was said with authority.
    """
    spoken = {one.seat for one in ballot.votes}
    return without(ballot, (name for name in people if name not in spoken))
