"""Objections that a unit upholds: who stands above both sides, and what they may decide.

Above the top of the house stands no unit. There the committee that the charter names as
`oversight` decides by its vote, and where none can, who countersigns from outside. With neither
the objection ends by the unit itself or by a revision.
"""

from dataclasses import replace
from datetime import datetime

from investiture.casework.case import Case
from investiture.casework.facts import Authority, Gap, Revision
from investiture.casework.words import Side
from investiture.charter.model import Charter
from investiture.charter.ownership import lineage
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed
from investiture.sponsorship.domain import ballots
from investiture.sponsorship.domain.ballots import (
    Ballot,
    Vote,
    seat_of,
    vacated,
    with_vote,
    without,
)
from investiture.sponsorship.domain.committees import Choice, Outcome
from investiture.sponsorship.domain.deciders import ARBITER
from investiture.sponsorship.domain.organisation import find_unit, side_of, unit_name
from investiture.sponsorship.domain.pledges import Pledge
from investiture.sponsorship.domain.positions import (
    Able,
    Position,
    PositionRole,
    Resolution,
    Speaker,
    resolved,
)


def arbiters(charter: Charter, objecting: str, sponsoring: str) -> tuple[str, ...]:
    """The heads and deputies of the business units above both units, nearest first.

    Empty where no unit stands above both, as for a sponsor at the top of the house: only the
    objecting unit ends its objection then.
    """
    one, other = find_unit(charter, objecting), find_unit(charter, sponsoring)
    if one is None or other is None:
        return ()
    above = {unit.id for unit in lineage(charter, other.id)} - {other.id, one.id}
    people = [
        person
        for unit in lineage(charter, one.id)
        if unit.id in above and side_of(charter, unit_name(unit.id)) is Side.BUSINESS
        for person in (unit.head, unit.deputy)
        if person is not None
    ]
    return tuple(dict.fromkeys(people))


def arbiters_of(charter: Charter, case: Case, pledge: Pledge, position: Position) -> list[str]:
    """Who may end an objection over the unit's head.

    Free of who stands for the program, of who objected or recused themselves, and of who pledged or
    endorsed; one arbiter may end several objections.
    """
    involved = _involved(case, pledge, position)
    sponsoring = next((seat.unit for seat in pledge.seats), case.facts.owning_unit)
    return [one for one in arbiters(charter, position.unit, sponsoring) if one not in involved]


def _involved(case: Case, pledge: Pledge, position: Position) -> frozenset[str]:
    voted = () if position.ballot is None else position.ballot.people
    return frozenset(
        {
            *case.facts.business_people,
            *pledge.sponsors,
            *(name for one in case.deciders if one.role != ARBITER for name in one.people),
            *position.recused,
            *voted,
            position.person,
            position.on_behalf_of,
        }
    )


def with_arbiter(
    charter: Charter, case: Case, pledge: Pledge, position: Position, able: Able, now: datetime
) -> Position:
    """The position of a unit that upholds its veto, with who is asked to end it."""
    if not (position.objects and position.role is PositionRole.AGREE):
        return position
    line = arbiters_of(charter, case, pledge, position)
    nearest = next((one for one in line if able(one)), "")
    if nearest:
        return replace(position, arbiter=nearest, appeal=None)
    involved = _involved(case, pledge, position)
    appeal = _appealed(charter, position, involved, able, now)
    if appeal is not None and appeal.count.outcome is not Outcome.NO_QUORUM:
        return replace(position, arbiter="", appeal=appeal)
    outside = charter.countersigner or ""
    free = bool(outside) and outside not in involved and able(outside)
    return replace(position, arbiter=outside if free else "", appeal=appeal)


def _appealed(
    charter: Charter, position: Position, involved: frozenset[str], able: Able, now: datetime
) -> Ballot | None:
    """The ballot of the committee above the top; the one that goes on, without who has left."""
    if position.appeal is not None:
        gone = [name for name in position.appeal.members if not able(name)]
        return vacated(position.appeal, gone)
    if charter.oversight is None:
        return None
    return ballots.opened(charter, charter.oversight, involved, able, now)


def require_objection(case: Case, position: Position) -> None:
    """Refuses with WRONG_STATE unless the unit holds a veto up."""
    if position.objects and position.role is PositionRole.AGREE:
        return
    if position.role is not PositionRole.AGREE:
        why = f"{position.unit} has no veto on {case.name}, so nothing has to be resolved"
    elif position.resolution is not None:
        why = f"the objection of {position.unit} was {position.resolution.value.lower()} already"
    else:
        why = f"{position.unit} does not object to {case.name}"
    raise PreconditionFailed(
        "WRONG_STATE",
        why,
        legs=(
            Leg("OBJECTION", position.unit, why, "read the pledge again: see who is waited for"),
        ),
    )


def require_arbiter(
    charter: Charter, case: Case, pledge: Pledge, position: Position, authority: Authority
) -> None:
    """Refuses with NOT_A_HOLDER who does not stand one level above both sides."""
    line = arbiters_of(charter, case, pledge, position)
    held = any(
        h.role == ARBITER and h.unit == position.unit and h.person in authority.people
        for h in case.holders
    )
    involved = {*case.facts.business_people, *pledge.sponsors} & set(authority.people)
    appeal = position.before_the_board
    if appeal is not None:
        called = seat_of(appeal, authority) in appeal.members
    else:
        called = held or bool(set(line) & set(authority.people))
    if called and not involved:
        return
    if appeal is not None:
        members = ", ".join(appeal.members)
        who = f"the vote of {appeal.name}, which stands above the top: {members}"
    else:
        who = " or ".join(line) or position.arbiter or _nobody(position)
    raise Denied(
        "NOT_A_HOLDER",
        f"{authority.person} does not stand above {position.unit} and the sponsor's unit; "
        f"the objection is ended by {who} ({case.name})",
    )


def _nobody(position: Position) -> str:
    own = ", ".join(position.members_asked) or position.asked or position.person
    return (
        "nobody: no business unit stands above both and the charter names no committee above the "
        f"top that could; the unit itself may, by another position of {own}, and the proposer may "
        "revise the program"
    )


def appealed(
    position: Position,
    appeal: Ballot,
    resolution: Resolution,
    authority: Authority,
    reason: str,
    seen: tuple[int, str],
    now: datetime,
) -> Position:
    """The position after a vote of the committee above the top, a yes being for the override.

    Overridden or sustained as soon as nothing can change it any more.
    """
    vote = Vote(
        seat=seat_of(appeal, authority),
        choice=Choice.YES if resolution is Resolution.OVERRIDDEN else Choice.NO,
        person=authority.person,
        recorded_at=now,
        revision=seen[0],
        gate_digest=seen[1],
        reason=reason,
    )
    return _counted(position, with_vote(appeal, vote), now)


def recused(
    position: Position, appeal: Ballot, authority: Authority, seen: tuple[int, str], now: datetime
) -> Position:
    """The position after a member of the committee above the top cannot judge it.

    They leave numerator and denominator, whatever they said before, and the vote may be decided by
    that. Whom to ask without a quorum is `with_arbiter`.
    """
    vote = Vote(
        seat=seat_of(appeal, authority),
        choice=Choice.RECUSE,
        person=authority.person,
        recorded_at=now,
        revision=seen[0],
        gate_digest=seen[1],
    )
    after = without(with_vote(appeal, vote), authority.people)
    out = tuple(dict.fromkeys((*position.recused, *authority.people)))
    return _counted(replace(position, recused=out), after, now)


def sits_above(position: Position, authority: Authority) -> Ballot | None:
    """The vote above the top in which a person has a seat; None where there is none for them."""
    appeal = position.before_the_board
    if appeal is None or not position.objects:
        return None
    return appeal if seat_of(appeal, authority) in appeal.members else None


def _counted(position: Position, appeal: Ballot, now: datetime) -> Position:
    """The position with the vote above the top as it is now, ended once that is decided.

    By the last who voted: they made the difference, also where somebody stepped aside after them.
    """
    voted, outcome = replace(position, appeal=appeal), appeal.count.outcome
    if outcome not in (Outcome.CARRIED, Outcome.REJECTED):
        return voted
    last = appeal.counted[-1]
    if outcome is Outcome.CARRIED:
        return override(voted, last, last.reason, (last.revision, last.gate_digest), now)
    return sustain(voted, last, last.reason, now)


def override(
    position: Position, authority: Speaker, reason: str, seen: tuple[int, str], now: datetime
) -> Position:
    """The position overridden: it is on record and bars nothing.

    Kept with the revision and gate digest that the arbiter saw.
    """
    return replace(
        resolved(position, Resolution.OVERRIDDEN, authority, reason, now),
        revision=seen[0],
        gate_digest=seen[1],
        asked="",
        arbiter="",
    )


def sustain(position: Position, authority: Speaker, reason: str, now: datetime) -> Position:
    """The position sustained: the proposer has to revise."""
    ended = resolved(position, Resolution.SUSTAINED, authority, reason, now)
    return replace(ended, asked="", arbiter="")


def gap_of(position: Position) -> Gap:
    """What is missing, as the objecting unit named it."""
    return Gap(
        risk=position.harm,
        tolerance=f"{position.unit} agrees, by its scope {position.grounds}",
        excess=f"its objection was sustained by {position.resolved_by}"
        + (f": {position.resolution_reason}" if position.resolution_reason else ""),
        remedy=position.proposal,
    )


def refuse_repeated(case: Case, position: Position) -> None:
    """Refuses with WRONG_STATE an objection that was overridden on what it is about."""
    if not position.overridden or position.gate_digest != case.gate_digest:
        return
    why = f"{position.resolved_by} overrode the objection of {position.unit} on this revision"
    raise PreconditionFailed(
        "WRONG_STATE",
        why,
        legs=(
            Leg(
                "OBJECTION",
                position.unit,
                why,
                "consent, or have the pledge voided by who overrode it",
            ),
        ),
    )


def amended(position: Position, facts: Revision, now: datetime) -> Position:
    """The position of an older round once the proposer has revised what it objected to."""
    if not position.objects:
        return position
    return replace(
        position,
        resolution=Resolution.AMENDED,
        resolved_by=facts.proposer,
        resolved_at=now,
        resolution_reason=f"revision {facts.number}; {position.unit} is asked anew",
    )
