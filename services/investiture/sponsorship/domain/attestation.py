"""Does the sponsor still stand behind the program? When they are asked, and what silence does.

The sponsor is asked on a standing pledge, every so many weeks after their last word and when a gate
opens long after it. The wait has the timetable of a pledge: reminded, warned, then a sponsor in
name only and the line above is asked too, then no further gate opens. What was decided stays.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from investiture.casework import case as cases
from investiture.casework.case import Case, Escalation, Holder
from investiture.casework.facts import Authority
from investiture.casework.words import Amber, CaseState, Gate, Step
from investiture.charter.model import Charter
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed
from investiture.sponsorship.domain.pledges import SPONSOR, Pledge, Seat

SUPERIOR = "superior"
"""The role of who stands above a sponsor in name only: they find the sponsor, or a successor."""

FRESH_PART = 4
"""A word younger than this part of the charter's interval counts for the gate that opens."""


def word_at(pledge: Pledge) -> datetime | None:
    """When the sponsors last said that they stand behind it, the oldest word of several."""
    words = [seat.word_at for seat in pledge.seats if seat.word_at is not None]
    return min(words, default=None)


def due_at(charter: Charter, pledge: Pledge, now: datetime) -> datetime:
    """When they are asked next: the charter's interval after their word, not before `now`."""
    spoken = word_at(pledge) or now
    return max(spoken + charter.sponsorship.reattestation.elapsed, now)


def asked_at_gate(charter: Charter, pledge: Pledge, gate: Gate, now: datetime) -> bool:
    """Whether the sponsors are asked because `gate` opens.

    The pledge itself is their word for FUND. Later gates ask unless their last word is younger
    than a quarter of the charter's interval, so that a program that moves fast is not held up and
    one that stalls is asked at each gate.
    """
    if gate in (Gate.PLEDGE, Gate.FUND):
        return False
    spoken = word_at(pledge)
    fresh: timedelta = charter.sponsorship.reattestation.elapsed / FRESH_PART
    return spoken is not None and now - spoken >= fresh


def asked(case: Case, pledge: Pledge, timetable: Timetable, now: datetime) -> Case:
    """The standing case with the question in the hands of who pledged."""
    holders = tuple(
        Holder(person, SPONSOR, now, seat.unit)
        for seat in pledge.seats
        if seat.taken
        for person in dict.fromkeys(seat.people)
    )
    return cases.ask(case, holders, timetable, now)


def seat_of(pledge: Pledge, case: Case, authority: Authority) -> Seat:
    """The seat that a person pledged in, themselves or by a delegate; NOT_A_HOLDER without one."""
    for seat in pledge.seats:
        if set(seat.people) & set(authority.people):
            return seat
    sponsors = ", ".join(dict.fromkeys(n for seat in pledge.seats for n in seat.people))
    raise Denied(
        "NOT_A_HOLDER",
        f"{authority.person} did not pledge on {case.name}, so cannot attest it; {sponsors} can",
    )


def attested(pledge: Pledge, seat: Seat, statement: str, revision: int, now: datetime) -> Pledge:
    """The pledge with a sponsor's newest word."""
    spoken = replace(seat, attested_at=now, attestation=statement, attested_revision=revision)
    seats = tuple(spoken if one.place is seat.place else one for one in pledge.seats)
    return replace(pledge, seats=seats)


def answered(case: Case, pledge: Pledge) -> Case:
    """The case after a word: green with the last sponsor who was asked, else still with the rest.

    A word given before anybody asked counts as well.
    """
    since = min((h.since for h in case.holders if h.role == SPONSOR), default=None)
    silent = [s for s in pledge.seats if since and s.word_at is not None and s.word_at < since]
    if silent:
        waited = {person for seat in silent for person in seat.people}
        spoken = {person for seat in pledge.seats for person in seat.people} - waited
        return replace(case, holders=tuple(h for h in case.holders if h.person not in spoken))
    return replace(
        cases.answered(case),
        amber=None,
        reason="" if case.amber else case.reason,
    )


def escalated(case: Case, taken: Sequence[Escalation]) -> Case:
    """The case after steps of the wait: amber from the one by which the word was missed."""
    steps = {one.step for one in taken}
    amber = case.amber
    if Step.OVERDUE in steps:
        amber = Amber.SPONSOR_IN_NAME_ONLY
    if Step.SECOND in steps:
        amber = Amber.FORWARD_MOVES_PAUSED
    if amber is case.amber:
        return case
    return replace(case, amber=amber, reason=_why(case))


def paused(case: Case, now: datetime) -> bool:
    """Whether no further gate opens: asked, and silent beyond the second escalation.

    By the dates and not by what was recorded of them, so that it holds from that very instant. Who
    was never asked has missed nothing.
    """
    return (
        case.state is CaseState.STANDING and bool(case.holders) and case.timetable.second_at <= now
    )


def require_not_paused(case: Case, now: datetime) -> None:
    """Refuses with FORWARD_MOVES_PAUSED while no further gate opens."""
    if not paused(case, now):
        return
    raise PreconditionFailed(
        "FORWARD_MOVES_PAUSED",
        f"{case.program} makes no forward move: {_why(case)}",
        legs=(
            Leg(
                type="ATTESTATION",
                subject=case.name,
                description=_why(case),
                remedy="the sponsor attests, or the sponsorship is transferred; what runs goes on",
            ),
        ),
    )


def _why(case: Case) -> str:
    sponsors = ", ".join(dict.fromkeys(h.person for h in case.holders if h.role == SPONSOR))
    return (
        f"{sponsors} was asked on {case.timetable.opened_at:%Y-%m-%d %H:%M} UTC whether they still "
        "stand behind the program and has not answered"
    )
