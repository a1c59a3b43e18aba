"""A unit that answers by its committee: each word is a vote, and the count is its position."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from investiture.casework.case import Case
from investiture.casework.facts import Authority, Condition
from investiture.chassis.refusal import Denied
from investiture.sponsorship.domain.ballots import (
    Ballot,
    Vote,
    seat_of,
    vacated,
    with_vote,
    without,
)
from investiture.sponsorship.domain.committees import Choice, Outcome
from investiture.sponsorship.domain.positions import (
    Able,
    Position,
    PositionKind,
    Statement,
    said_by,
)

_DECIDED = (Outcome.CARRIED, Outcome.REJECTED)
_CHOICES = {
    PositionKind.CONSENT: Choice.YES,
    PositionKind.CONSENT_WITH_CONDITIONS: Choice.YES,
    PositionKind.OBJECT: Choice.NO,
    PositionKind.ABSTAIN: Choice.ABSTAIN,
    PositionKind.RECUSE: Choice.RECUSE,
}


def left(position: Position, able: Able, now: datetime) -> Position:
    """The position without members who have left before they said anything."""
    ballot = position.ballot
    if ballot is None:
        return position
    gone = (name for name in ballot.members if not able(name))
    return _counted(position, ballot, vacated(ballot, gone), now)


def apart(position: Position, people: Iterable[str], now: datetime) -> Position:
    """The position without members who stand for the program by now; they have not voted."""
    ballot = position.ballot
    if ballot is None:
        return position
    return _counted(position, ballot, vacated(ballot, people), now)


def require_seat(case: Case, position: Position, ballot: Ballot, authority: Authority) -> None:
    """Refuses with NOT_A_HOLDER who has no vote in a unit's committee."""
    seat, found = seat_of(ballot, authority), ballot.count
    if found.outcome is Outcome.NO_QUORUM:
        asked = position.asked or "nobody at present, which governance is told"
        why = f"{ballot.name} has no quorum for {position.unit} here; asked instead is {asked}"
    elif not seat:
        asked = ", ".join(ballot.asked) or "nobody any more"
        who = authority.on_behalf_of or authority.person
        of = f"{ballot.name}, which answers for {position.unit}"
        why = f"{who} has no seat in {of}; asked are {asked}"
    elif seat in ballot.out:
        why = f"{seat} takes no part in the vote of {ballot.name}"
    else:
        return
    raise Denied("NOT_A_HOLDER", f"{why} ({case.name})")


def votes_on(position: Position, authority: Authority) -> Ballot | None:
    """The ballot in which a person votes when they speak for a unit.

    None where the unit has no committee, or where they answer in its place: their authority is
    not a seat's.
    """
    ballot = position.ballot
    if ballot is None or ballot.count.outcome is Outcome.NO_QUORUM:
        return None
    return ballot if seat_of(ballot, authority) in ballot.members else None


def joined(ballot: Ballot, said: Statement) -> Statement:
    """A bare no with the grounds, harm and proposal of the objection that it joins.

    Somebody's are always on record: a first no without them is refused.
    """
    bare = not (said.grounds or said.harm or said.proposal)
    against = ballot.saying(Choice.NO)
    if said.kind is not PositionKind.OBJECT or not bare or not against:
        return said
    first = against[0]
    return replace(said, grounds=first.grounds, harm=first.harm, proposal=first.proposal)


def voted(
    position: Position,
    ballot: Ballot,
    said: Statement,
    authority: Authority,
    seen: tuple[int, str],
    now: datetime,
) -> Position:
    """The position after a member's word on a revision and gate digest that they saw.

    It stays what it was while the count comes to the same: an objection that was overridden is not
    raised again by one more no. Whom to ask without a quorum is `passed_on`.
    """
    vote = Vote(
        seat=seat_of(ballot, authority),
        choice=_CHOICES[said.kind],
        person=authority.person,
        recorded_at=now,
        revision=seen[0],
        gate_digest=seen[1],
        grounds=said.grounds,
        harm=said.harm,
        proposal=said.proposal,
        conditions=said.conditions,
    )
    recused = authority.people if vote.choice is Choice.RECUSE else ()
    after = without(with_vote(ballot, vote), recused)
    moved = replace(position, recused=tuple(dict.fromkeys((*position.recused, *recused))))
    return _counted(moved, ballot, after, now)


def _counted(position: Position, before: Ballot, after: Ballot, now: datetime) -> Position:
    """The position with its ballot as it is now, and what that comes to where it comes to another.

    The last who voted is who made the difference, also where somebody left after them.
    """
    moved = replace(position, ballot=after)
    was, outcome = before.count.outcome, after.count.outcome
    if was is outcome:
        # One more yes may bring a condition; nothing else changes what was decided already.
        return replace(moved, kind=answer_of(after).kind) if moved.carried else moved
    if not after.counted:
        return moved
    last = after.counted[-1]
    seen = (last.revision, last.gate_digest)
    if outcome in _DECIDED:
        return said_by(moved, answer_of(after), last, seen, now)
    if was not in _DECIDED:
        return moved  # what somebody above said in its place still holds
    quiet = said_by(moved, Statement(PositionKind.ABSTAIN), last, seen, now)
    return replace(quiet, kind=None, person="", on_behalf_of="", recorded_at=None)


def answer_of(ballot: Ballot) -> Statement:
    """What a unit says when its committee has decided.

    Rejected with nobody against it, by abstentions alone, it has said nothing: no bare no.
    """
    if ballot.count.outcome is Outcome.CARRIED:
        conditions = [one for vote in ballot.saying(Choice.YES) for one in vote.conditions]
        if conditions:
            return Statement(PositionKind.CONSENT_WITH_CONDITIONS, conditions=tuple(conditions))
        return Statement(PositionKind.CONSENT)
    against = ballot.saying(Choice.NO)
    if not against:
        return Statement(PositionKind.ABSTAIN)
    first = against[0]
    return Statement(PositionKind.OBJECT, first.grounds, first.harm, first.proposal)


def conditions_of(position: Position) -> tuple[Condition, ...]:
    """The conditions of a carried vote: those of every yes; none while it is not carried."""
    return tuple(one for vote in position.carried for one in vote.conditions)


def record_of(position: Position, authority: Authority) -> dict[str, object]:
    """What the audit trail keeps of a vote, beside who cast it."""
    if position.ballot is None:
        return {}
    found = position.ballot.count
    return {
        "committee": position.ballot.name,
        "seat": seat_of(position.ballot, authority),
        "outcome": found.outcome.value,
        "count": str(found),
    }
