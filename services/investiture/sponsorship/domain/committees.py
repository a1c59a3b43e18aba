"""The vote of a committee: who counts, what is needed, and what it comes to.

domain.md, Sponsorship. Recused members leave numerator and denominator. An abstention is a
presence and no vote. One person is one presence, however many votes they carry. Silence is
neither. It is decided as early as no vote that is still out could change it, and no earlier.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from investiture.charter.committees import Committee, Majority, Tie


class Choice(StrEnum):
    """What a member says."""

    YES = "YES"
    NO = "NO"
    ABSTAIN = "ABSTAIN"
    RECUSE = "RECUSE"


class Outcome(StrEnum):
    """What a vote comes to. Values equal the API's enum names without their prefix."""

    OPEN = "OPEN"
    CARRIED = "CARRIED"
    REJECTED = "REJECTED"
    NO_QUORUM = "NO_QUORUM"


@dataclass(frozen=True, slots=True)
class Voice:
    """What was said for a seat, and by whom: the member, or their delegate."""

    seat: str
    choice: Choice
    person: str


@dataclass(frozen=True, slots=True)
class Count:
    """A vote as it is counted.

    `eligible` are the seats that are not recused, `votes` those of them that may still be votes
    because they did not abstain, `needed` how many of these have to be yes. `present` are people,
    not seats. `asked` names whose word is still out.
    """

    outcome: Outcome
    eligible: int
    votes: int
    needed: int
    yes: int
    no: int
    abstained: int
    present: int
    asked: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in words: 3 of 5 needed, 2 yes, 1 no."""
        parts = [f"{self.needed} of {self.votes} needed", f"{self.yes} yes", f"{self.no} no"]
        if self.abstained:
            parts.append(f"{self.abstained} abstained")
        return ", ".join(parts)


def count(committee: Committee, voices: Iterable[Voice], out: Iterable[str] = ()) -> Count:
    """Count a vote: of each seat the newest voice; `out` are members who take no part at all."""
    newest = {voice.seat: voice for voice in voices if voice.seat in committee.seats}
    gone = {*out, *(one.seat for one in newest.values() if one.choice is Choice.RECUSE)}
    seats = [seat for seat in committee.seats if seat not in gone]
    said = [newest[seat] for seat in seats if seat in newest]
    waiting = tuple(seat for seat in seats if seat not in newest)
    chair = newest.get(committee.chair) if committee.chair in seats else None
    tally = _Tally(
        yes=sum(one.choice is Choice.YES for one in said),
        no=sum(one.choice is Choice.NO for one in said),
        abstained=sum(one.choice is Choice.ABSTAIN for one in said),
        waiting=len(waiting),
        present=len({one.person for one in said}),
        chair=None if chair is None else chair.choice,
        chair_waits=committee.chair in waiting,
    )
    outcome = _outcome(committee, tally)
    tied = outcome is Outcome.OPEN and not waiting
    return Count(
        outcome=outcome,
        eligible=len(seats),
        votes=tally.votes,
        needed=committee.needed(tally.votes),
        yes=tally.yes,
        no=tally.no,
        abstained=tally.abstained,
        present=tally.present,
        asked=(committee.chair,) if tied else waiting if outcome is Outcome.OPEN else (),
    )


@dataclass(frozen=True, slots=True)
class _Tally:
    yes: int
    no: int
    abstained: int
    waiting: int
    present: int
    chair: Choice | None
    chair_waits: bool

    @property
    def said(self) -> int:
        return self.yes + self.no + self.abstained

    @property
    def votes(self) -> int:
        """How many votes there are if whoever is still asked votes."""
        return self.yes + self.no + self.waiting


def _outcome(committee: Committee, tally: _Tally) -> Outcome:
    """What it comes to whatever those say who are still asked; OPEN while that matters."""
    # Each who is still asked may come in person or send somebody: one more presence at the most.
    if tally.present + tally.waiting < committee.quorum:
        return Outcome.NO_QUORUM
    if tally.said + tally.waiting < committee.floor:
        return Outcome.NO_QUORUM
    # They may all recuse themselves: then only who has spoken is there.
    if tally.present < committee.quorum or tally.said < committee.floor:
        return Outcome.OPEN
    worst = _resolved(committee, tally, tally.yes, tally.no + tally.waiting, Choice.NO)
    if worst is Outcome.CARRIED:
        return worst
    best = _resolved(committee, tally, tally.yes + tally.waiting, tally.no, Choice.YES)
    return best if best is Outcome.REJECTED else Outcome.OPEN


def _resolved(
    committee: Committee, tally: _Tally, yes: int, no: int, waiting_say: Choice
) -> Outcome:
    """What it comes to when everybody who is still asked says the same."""
    if yes >= committee.needed(yes + no):
        return Outcome.CARRIED
    tied = yes == no >= committee.floor and committee.majority is Majority.STRICT
    if not tied or committee.tie is Tie.FAILS:
        return Outcome.REJECTED
    chair = waiting_say if tally.chair_waits else tally.chair
    if chair is Choice.YES:
        return Outcome.CARRIED
    return Outcome.OPEN if chair is Choice.ABSTAIN else Outcome.REJECTED
