"""A pledge: who has to pledge, who did, which units stand behind it, and when it stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from investiture.casework import case as cases
from investiture.casework.case import Candidate, Case, Holder
from investiture.casework.facts import Authority, Condition, Decider, Revision
from investiture.casework.words import Side, Verdict
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed
from investiture.sponsorship.domain import deciders, positions, voting
from investiture.sponsorship.domain.authority_legs import AuthorityLeg
from investiture.sponsorship.domain.deciders import ARBITER, ENDORSER, MEMBER
from investiture.sponsorship.domain.positions import Able, Position, PositionKind, PositionRole

SPONSOR = "sponsor"


class Place(StrEnum):
    """The places that have to pledge: the sponsor's, and beside it a counter-sponsor's."""

    SPONSOR = "SPONSOR"
    COUNTER_SPONSOR = "COUNTER_SPONSOR"


@dataclass(frozen=True, slots=True)
class Seat:
    """Who is asked to pledge in a place, for which unit, and who did; empty while nobody did.

    `lost` says why who took it cannot carry it; once it is free again, `former` is who that was,
    `successor` whom they named. The attestation is their last word since the pledge.
    """

    place: Place
    named: str
    unit: str
    person: str = ""
    on_behalf_of: str = ""
    pledged_at: datetime | None = None
    statement: str = ""
    revision: int = 0
    gate_digest: str = ""
    attested_at: datetime | None = None
    attestation: str = ""
    attested_revision: int = 0
    lost: str = ""
    former: str = ""
    successor: str = ""

    @property
    def word_at(self) -> datetime | None:
        """When who sits in it last said that they stand behind the program."""
        return self.attested_at or self.pledged_at

    @property
    def taken(self) -> bool:
        """Whether somebody pledged in it."""
        return bool(self.person)

    @property
    def people(self) -> tuple[str, ...]:
        """Who pledged in it, principals included."""
        return tuple(name for name in (self.person, self.on_behalf_of) if name)


@dataclass(frozen=True, slots=True)
class Pledge:
    """What a pledge keeps beside its case."""

    seats: tuple[Seat, ...]
    positions: tuple[Position, ...]
    unowned: tuple[str, ...] = ()
    contested: tuple[str, ...] = ()
    legs: tuple[AuthorityLeg, ...] = ()
    liveness_at: datetime | None = None
    """When to look at its sponsors next: to ask for their word, or to take a step of the wait."""

    @property
    def complete(self) -> bool:
        """Whether everybody who is asked has pledged and each unit that must agree consents."""
        return all(seat.taken for seat in self.seats) and not any(
            position.outstanding for position in self.positions
        )

    @property
    def sponsors(self) -> tuple[str, ...]:
        """Who is named to pledge or did, principals included."""
        names = (name for seat in self.seats for name in (seat.named, *seat.people))
        return tuple(dict.fromkeys(names))

    @property
    def endorsers(self) -> frozenset[str]:
        """Who consented for a unit that must agree, principals included."""
        return frozenset(
            name
            for one in self.positions
            if one.agreed and one.role is PositionRole.AGREE and not one.counts_with
            for name in (one.person, one.on_behalf_of, *(n for v in one.carried for n in v.people))
            if name
        )

    @property
    def voters(self) -> tuple[str, ...]:
        """Who took part in a committee's vote, whatever they said, principals included."""
        held = (one for position in self.positions for one in (position.ballot, position.appeal))
        names = (name for ballot in held if ballot is not None for name in ballot.people)
        return tuple(dict.fromkeys(names))

    @property
    def overriders(self) -> tuple[str, ...]:
        """Who overrode a unit that objects, principals included."""
        names = (
            name
            for one in self.positions
            if one.overridden
            for name in (one.resolved_by, one.resolved_for)
            if name
        )
        return tuple(dict.fromkeys(names))

    @property
    def silent(self) -> tuple[str, ...]:
        """Units that were heard and said nothing."""
        return tuple(one.unit for one in self.positions if one.kind is PositionKind.HEARD_NO_ANSWER)

    def position(self, unit: str) -> Position | None:
        """The position of a unit; None where it is not asked."""
        return next((one for one in self.positions if one.unit == unit), None)


def as_of(pledge: Pledge, now: datetime) -> Pledge:
    """The pledge as it reads at `now`."""
    return replace(pledge, positions=tuple(positions.as_of(one, now) for one in pledge.positions))


def places(facts: Revision) -> tuple[tuple[Place, str], ...]:
    """The places of a revision, with who is named in each."""
    sponsor = (Place.SPONSOR, facts.sponsor)
    if facts.counter_sponsor in ("", facts.sponsor):
        return (sponsor,)
    return (sponsor, (Place.COUNTER_SPONSOR, facts.counter_sponsor))


def seat_of(pledge: Pledge, case: Case, authority: Authority) -> Seat:
    """The seat in which a person may pledge: their own, or one they hold by an escalation.

    Refuses with NOT_A_HOLDER, and with WRONG_STATE who has pledged already: one voice a person.
    """
    people = authority.people
    if any(set(people) & set(seat.people) for seat in pledge.seats):
        raise PreconditionFailed(
            "WRONG_STATE",
            f"{authority.person} has pledged on {case.name} already",
            legs=(_waits_for(pledge, case),),
        )
    cases.require_first_time(case, people)  # who endorsed for a unit does not sponsor as well
    _require_no_vote(pledge, case, people)
    free = [seat for seat in pledge.seats if not seat.taken]
    for seat in free:
        if seat.named in people:
            return seat
    held = [h for h in case.holders if h.person in people and h.role == SPONSOR]
    for seat in free:
        if any(serves(holder, seat, pledge) for holder in held):
            return seat
    asked = ", ".join(seat.named for seat in free) or "nobody any more"
    raise Denied(
        "NOT_A_HOLDER",
        f"{authority.person} is not asked to pledge on {case.name}; asked is {asked}. "
        "A holder or the governance owner can reassign it",
    )


def _require_no_vote(pledge: Pledge, case: Case, people: Sequence[str]) -> None:
    for name in people:
        if name in pledge.voters:
            why = f"{name} has voted in a committee on {case.name}; one person is one voice"
            remedy = "another eligible person pledges"
            raise PreconditionFailed(
                "WRONG_STATE", why, legs=(Leg("ONE_VOICE", name, why, remedy),)
            )


def require_sponsor(pledge: Pledge, case: Case, authority: Authority) -> None:
    """Refuses with NOT_A_HOLDER who is neither asked to pledge nor has pledged."""
    held = any(h.person == authority.person and h.role == SPONSOR for h in case.holders)
    carrying = {n for s in pledge.seats if not s.lost for n in (s.named, *s.people)}
    if not held and authority.person not in carrying:
        raise Denied(
            "NOT_A_HOLDER",
            f"{authority.person} is not asked to pledge on {case.name}, so cannot decline it",
        )


def require_voice(pledge: Pledge, case: Case, position: Position, authority: Authority) -> None:
    """Refuses with NOT_A_HOLDER who may not speak for a unit.

    Its head, its deputy, their delegates, and who holds the case for it may; not who recused
    themselves, and not the program's own proposer and sponsors.
    """
    why = ""
    holds = any(
        h.person in authority.people and h.role == ENDORSER and h.unit == position.unit
        for h in case.holders
    )
    ballot = position.ballot
    involved = {*case.facts.business_people, *pledge.sponsors} & set(authority.people)
    if position.role is PositionRole.INFORM:
        why = f"{position.unit} is told of this program and takes no position"
    elif position.counts_with:
        why = f"the pledge of {position.counts_with} counts as the position of {position.unit}"
    elif involved:
        why = f"{', '.join(sorted(involved))} stands for the program and cannot endorse it as well"
    elif set(position.recused) & set(authority.people):
        why = f"{authority.person} recused themselves for {position.unit}"
    elif ballot is not None and not holds:
        voting.require_seat(case, position, ballot, authority)
    elif not holds and position.unit not in authority.heads:
        asked = position.asked or "nobody at present"
        why = f"{authority.person} does not speak for {position.unit}; asked is {asked}"
    if why:
        raise Denied("NOT_A_HOLDER", f"{why} ({case.name})")


def pledged(
    pledge: Pledge, case: Case, seat: Seat, authority: Authority, statement: str, now: datetime
) -> Pledge:
    """The pledge with a seat taken; it counts as the Agree of the sponsor's own unit."""
    taken = replace(
        seat,
        person=authority.person,
        on_behalf_of=authority.on_behalf_of,
        pledged_at=now,
        statement=statement,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
        lost="",
        successor="",
    )
    return replace(
        pledge,
        seats=tuple(taken if one.place is seat.place else one for one in pledge.seats),
        positions=tuple(
            _agreed(one, taken, now)
            if one.counts_with == seat.named
            else voting.apart(one, taken.people, now)
            for one in pledge.positions
        ),
    )


def with_position(pledge: Pledge, position: Position) -> Pledge:
    """The pledge with a unit's newest position instead of its older one."""
    return replace(
        pledge,
        positions=tuple(position if p.unit == position.unit else p for p in pledge.positions),
    )


def conditions_with(
    case: Case, unit: str, conditions: Sequence[Condition]
) -> tuple[Condition, ...]:
    """The case's conditions with a unit's newest ones instead of its older ones.

    A unit's conditions are numbered by its name, `pr-1`, so that each tells whose it is.
    """
    prefix = unit.removeprefix("units/")
    kept = [one for one in case.conditions if one.id.rpartition("-")[0] != prefix]
    numbered = (
        replace(one, id=f"{prefix}-{number}") for number, one in enumerate(conditions, start=1)
    )
    return (*kept, *numbered)


def settled(case: Case, pledge: Pledge, able: Able, now: datetime, validity: timedelta) -> Case:
    """The case after an act: STANDING with the last one that was needed, else whom it waits for."""
    decided = decided_by(case, pledge)
    if pledge.complete:
        return cases.decide(decided, Verdict.PLEDGED, now, validity=validity)
    return held(decided, pledge, able, now)


def decided_by(case: Case, pledge: Pledge) -> Case:
    """The case with who has decided so far."""
    return replace(case, deciders=tuple(_deciders(pledge)))


def held(case: Case, pledge: Pledge, able: Able, now: datetime) -> Case:
    """The case in the hands of those whose act is still needed.

    Who holds it already stays as long as their act is needed, escalated holders included. An act
    that nobody who is able has in hand raises the alarm.
    """
    kept = [h for h in case.holders if _needed(h, pledge)]
    added = [
        Holder(seat.named, SPONSOR, now, seat.unit)
        for seat in free_seats(pledge)
        if able(seat.named) and not seat.lost and not any(serves(h, seat, pledge) for h in kept)
    ]
    for position in unanswered(pledge):
        for role, asked in _asked(position, kept):
            held_already = _holding(kept, role, position.unit)
            added += [Holder(n, role, now, position.unit) for n in asked if n not in held_already]
    return in_hands(case, pledge, (*kept, *added))


def in_hands(case: Case, pledge: Pledge, holders: Sequence[Holder]) -> Case:
    """The case in these hands; an act that is missing and in nobody's raises the alarm."""
    after = cases.with_holders(case, holders)
    seats = all(any(serves(h, s, pledge) for h in holders) for s in free_seats(pledge))
    units = all(
        _holding(holders, ENDORSER, one.unit) or _holding(holders, MEMBER, one.unit)
        for one in unanswered(pledge)
    )
    return replace(after, no_eligible_holder=after.no_eligible_holder or not (seats and units))


def chain(
    pledge: Pledge,
    sponsors: Sequence[Sequence[str]],
    endorsers: Sequence[Sequence[str]],
    arbiters: Sequence[Sequence[str]],
) -> Iterator[Candidate]:
    """Who may be added for the acts that are missing, one of each in turn, nearest first.

    `sponsors` names them for each free seat, `endorsers` for each unanswered unit, `arbiters` for
    each unit that upholds its veto.
    """
    lines = [
        [Candidate(name, SPONSOR, seat.unit) for name in names]
        for seat, names in zip(free_seats(pledge), sponsors, strict=True)
    ]
    lines += [
        [Candidate(name, ENDORSER, position.unit) for name in names]
        for position, names in zip(unanswered(pledge), endorsers, strict=True)
    ]
    lines += [
        [Candidate(name, ARBITER, position.unit) for name in names]
        for position, names in zip(objecting(pledge), arbiters, strict=True)
    ]
    longest = max((len(line) for line in lines), default=0)
    for turn in range(longest):
        yield from (line[turn] for line in lines if turn < len(line))


def free_seats(pledge: Pledge) -> list[Seat]:
    """Seats in which nobody has pledged yet."""
    return [seat for seat in pledge.seats if not seat.taken]


def unanswered(pledge: Pledge) -> list[Position]:
    """Units that must agree, do not yet, and are not spoken for by a pledge."""
    return [one for one in pledge.positions if one.outstanding and not one.counts_with]


def objecting(pledge: Pledge) -> list[Position]:
    """Units that uphold their veto."""
    return [one for one in unanswered(pledge) if one.objects]


def serves(holder: Holder, seat: Seat, pledge: Pledge) -> bool:
    """Whether a holder has a seat in hand: who is named in it, or who holds it in their place."""
    if holder.role != SPONSOR:
        return False
    if holder.person == seat.named:
        return True
    elsewhere = any(holder.person == one.named for one in pledge.seats)
    return holder.unit == seat.unit and not elsewhere and holder.person not in pledge.voters


def _needed(holder: Holder, pledge: Pledge) -> bool:
    if holder.role == SPONSOR:
        return any(serves(holder, seat, pledge) for seat in free_seats(pledge))
    if holder.role == ENDORSER:
        return any(
            position.unit == holder.unit and holder.person not in position.recused
            for position in unanswered(pledge)
        )
    if holder.role == MEMBER:
        return any(
            position.unit == holder.unit and holder.person in position.members_asked
            for position in unanswered(pledge)
        )
    if holder.role == ARBITER:
        return any(
            position.unit == holder.unit
            and (
                position.appeal is None
                or holder.person in (position.arbiter, *position.appeal.asked)
            )
            for position in objecting(pledge)
        )
    return True  # governance


def _asked(position: Position, held: Sequence[Holder]) -> Iterable[tuple[str, Sequence[str]]]:
    """Of whom a unit's word is asked, and the end of its objection, by their roles."""
    yield ARBITER, [position.arbiter] if position.arbiter else []
    yield ARBITER, position.appeal.asked if position.objects and position.appeal else ()
    yield MEMBER, position.members_asked
    if position.asked and not _holding(held, ENDORSER, position.unit):
        yield ENDORSER, [position.asked]


def _holding(holders: Sequence[Holder], role: str, unit: str) -> list[str]:
    return [holder.person for holder in holders if holder.role == role and holder.unit == unit]


def _agreed(position: Position, seat: Seat, now: datetime) -> Position:
    return replace(
        position,
        kind=PositionKind.CONSENT,
        person=seat.person,
        on_behalf_of=seat.on_behalf_of,
        recorded_at=now,
        revision=seat.revision,
        gate_digest=seat.gate_digest,
        asked="",
    )


def _deciders(pledge: Pledge) -> Iterable[Decider]:
    for seat in pledge.seats:
        if seat.pledged_at is not None:
            yield Decider(
                person=seat.person,
                on_behalf_of=seat.on_behalf_of,
                side=Side.BUSINESS,
                role=SPONSOR,
                decided_at=seat.pledged_at,
                revision=seat.revision,
                gate_digest=seat.gate_digest,
            )
    for one in pledge.positions:
        agree = one.role is PositionRole.AGREE and one.agreed and not one.counts_with
        if agree:
            yield from deciders.endorsing(one)
        if one.overridden:
            yield from deciders.overriding(one)


def _waits_for(pledge: Pledge, case: Case) -> Leg:
    named = [seat.named for seat in free_seats(pledge)]
    units = [position.unit for position in unanswered(pledge)]
    waiting = ", ".join((*named, *units)) or "nobody"
    return Leg("PLEDGED", case.name, "this pledge is recorded", f"it waits for {waiting}")
