"""What a pilot and a launch need: three fresh warrants, three sides apart, a way that is free."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from investiture.casework.case import Case
from investiture.casework.facts import Revision, Warrant
from investiture.casework.sides import business_side, shared_people
from investiture.casework.words import CaseState, Gate, Verdict
from investiture.charter.calendar import FreezeWindow
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.launch.domain.content import Content
from investiture.launch.domain.path import GateRecord

WARRANTS = (Gate.PLEDGE, Gate.FUND, Gate.KNIGHT)
"""The gates whose warrants a pilot and a launch present."""

Warrants = Mapping[Gate, Warrant]

_ASK = {
    Gate.PLEDGE: "ask sponsorship for a fresh warrant; where none stands, a sponsor pledges first",
    Gate.FUND: "ask budget for a fresh warrant; where none stands, finance approves first",
    Gate.KNIGHT: "ask itrisk for a fresh warrant; where none stands, IT knights first",
}


@dataclass(frozen=True, slots=True)
class Sides:
    """Who stands on which side of a program."""

    business: frozenset[str]
    money: frozenset[str]
    it: frozenset[str]


def sides_of(newest: Revision, warrants: Warrants) -> Sides:
    """The three sides as the warrants show them, delegates and their principals included.

    Units that endorse are heard for their relationships; only who proposes and pledges is business.
    """
    return Sides(
        business=business_side(newest, warrants[Gate.PLEDGE]),
        money=warrants[Gate.FUND].people,
        it=warrants[Gate.KNIGHT].people,
    )


def require_separate(sides: Sides) -> None:
    """Refuses with SIDES_NOT_SEPARATE, a leg for each person who stands on two sides."""
    legs = (
        *shared_people(sides.money, sides.business, "money", "business"),
        *shared_people(sides.it, sides.business, "IT", "business"),
        *shared_people(sides.it, sides.money, "IT", "money"),
    )
    if legs:
        raise PreconditionFailed("SIDES_NOT_SEPARATE", legs=legs)


def require_standing(newest: Revision, warrants: Warrants, now: datetime, fresh: timedelta) -> None:
    """Refuses unless each of the three warrants is here, for this revision, fresh, and stands.

    Raises BUSINESS_FIRST where one is missing or about something else, STATEMENT_EXPIRED where one
    is only too old; every unfit warrant is a leg.
    """
    absent: list[Leg] = []
    old: list[Leg] = []
    for gate in WARRANTS:
        warrant = warrants.get(gate)
        if warrant is None:
            absent.append(_leg(newest, gate, "there is no warrant"))
        elif warrant.program != newest.program:
            absent.append(_leg(newest, gate, f"the warrant is about {warrant.program}"))
        elif warrant.gate_digest != newest.gate_digest(gate):
            absent.append(
                _leg(
                    newest, gate, f"the warrant is for another state than revision {newest.number}"
                )
            )
        elif warrant.issued_at + fresh < now:
            minutes = fresh // timedelta(minutes=1)
            old.append(
                _leg(
                    newest,
                    gate,
                    f"the warrant was minted at {warrant.issued_at:%H:%M:%S}, "
                    f"more than {minutes} minutes ago",
                )
            )
        elif warrant.standing_until is not None and warrant.standing_until <= now:
            until = f"{warrant.standing_until:%Y-%m-%d %H:%M}"
            old.append(_leg(newest, gate, f"the decision stood until {until}"))
    if absent or old:
        reason = "BUSINESS_FIRST" if absent else "STATEMENT_EXPIRED"
        raise PreconditionFailed(reason, legs=(*absent, *old))


def require_not_frozen(
    newest: Revision, records: Mapping[Gate, GateRecord], stage: Gate, now: datetime
) -> None:
    """Refuses with BUSINESS_FIRST while a decision that the stage rests on is gone, as recorded.

    And with LAUNCH_NOT_READY while a condition is overdue that guards the stage, or one before it.
    What runs goes on and may fail; that it succeeded, or a go, waits until it is in order again.
    """
    legs = tuple(
        _leg(newest, gate, f"the decision does not stand{_because(records[gate])}")
        for gate in WARRANTS
        if gate in records and not records[gate].standing_for(newest, now)
    )
    if legs:
        raise PreconditionFailed("BUSINESS_FIRST", legs=legs)
    require_nothing_in_the_way(overdue_conditions(records.values(), stage, now))


def overdue_conditions(
    records: Iterable[GateRecord], stage: Gate, now: datetime
) -> tuple[Leg, ...]:
    """One leg for each open condition whose date has passed and that guards the stage."""
    guarded = (Gate.PILOT, stage)
    return tuple(
        Leg(
            type="CONDITION",
            subject=f"{record.case.case_name}/conditions/{condition.id}",
            description=(
                f"{condition.text}: overdue since {condition.due_at:%Y-%m-%d %H:%M} UTC, "
                f"{condition.owner} sees to it"
            ),
            remedy="its owner closes it with the evidence that it holds",
        )
        for record in records
        for condition in record.case.conditions
        if condition.blocks in guarded
        and condition.closed_at is None
        and condition.due_at is not None
        and condition.due_at <= now
    )


def _because(known: GateRecord) -> str:
    return f": {known.case.reason}" if known.case.reason else ""


def require_nothing_in_the_way(legs: Sequence[Leg]) -> None:
    """Refuses with LAUNCH_NOT_READY, naming everything that is in the way at once."""
    if legs:
        raise PreconditionFailed("LAUNCH_NOT_READY", legs=tuple(legs))


def open_conditions(warrants: Iterable[Warrant], gates: Sequence[Gate]) -> tuple[Leg, ...]:
    """One leg for each open condition that blocks one of `gates`."""
    return tuple(
        Leg(
            type="CONDITION",
            subject=f"{warrant.case_name}/conditions/{condition.id}",
            description=f"{condition.text}: open, {condition.owner} sees to it",
            remedy="its owner closes it with the evidence that it holds",
        )
        for warrant in warrants
        for gate in gates
        for condition in warrant.open_conditions(gate)
    )


def exposure(asked_bps: int, warrants: Iterable[Warrant], program: str) -> tuple[Leg, ...]:
    """One leg for each warrant that allows less exposure than `asked_bps`."""
    return tuple(
        Leg(
            type="EXPOSURE",
            subject=program,
            description=(
                f"asks for {asked_bps} basis points of the audience; {warrant.gate.value.lower()} "
                f"allows {warrant.exposure_limit_bps}"
            ),
            remedy="revise the program down to the allowed exposure",
        )
        for warrant in warrants
        if asked_bps > warrant.exposure_limit_bps
    )


def freeze(window: FreezeWindow | None) -> tuple[Leg, ...]:
    """One leg where a freeze window holds, with the date of its end."""
    if window is None:
        return ()
    ends = f"{window.ends:%Y-%m-%d %H:%M %Z}"
    return (
        Leg(
            type="FREEZE",
            subject=window.id,
            description=f"{window.name}: frozen until {ends}",
            remedy=f"wait until {ends}",
        ),
    )


def steward(content: Content, program: str) -> tuple[Leg, ...]:
    """One leg where nobody looks after the mixed community: mandatory at go."""
    if content.steward:
        return ()
    return (
        Leg(
            type="STEWARD",
            subject=program,
            description="no steward of the mixed community is named",
            remedy="revise the program and name a steward",
        ),
    )


def pilot(case: Case | None, newest: Revision) -> tuple[Leg, ...]:
    """One leg unless a pilot succeeded for what this revision says of it."""
    if (
        case is not None
        and case.state is CaseState.STANDING
        and case.verdict is Verdict.PILOT_SUCCEEDED
        and case.gate_digest == newest.gate_digest(Gate.PILOT)
    ):
        return ()
    return (
        _pilot_leg(newest.program, "no pilot has succeeded for this revision", "pilot it first"),
    )


def go(case: Case | None, newest: Revision) -> tuple[Leg, ...]:
    """One leg unless a go stands for what this revision says of the launch."""
    if (
        case is not None
        and case.state is CaseState.STANDING
        and case.verdict is Verdict.GO
        and case.gate_digest == newest.gate_digest(Gate.LAUNCH)
    ):
        return ()
    return (
        Leg(
            type="GO",
            subject=newest.program,
            description="no go stands for this revision",
            remedy="the sponsor decides go",
        ),
    )


def _pilot_leg(program: str, description: str, remedy: str) -> Leg:
    return Leg(
        type=f"WARRANT_{Gate.PILOT.value}", subject=program, description=description, remedy=remedy
    )


def _leg(newest: Revision, gate: Gate, why: str) -> Leg:
    return Leg(
        type=f"WARRANT_{gate.value}",
        subject=newest.program,
        description=f"{gate.value.lower()}: {why}",
        remedy=_ASK[gate],
    )
