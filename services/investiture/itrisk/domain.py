"""Rules of IT's verdicts: which one it is, when a decline is allowed, and who may not knight."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from investiture.casework import case as cases
from investiture.casework.appeals import SPONSOR
from investiture.casework.approvals import Level, open_level
from investiture.casework.case import Case, Holder
from investiture.casework.facts import Authority, Condition, Decider, Gap, Revision, Warrant
from investiture.casework.sides import shared_people
from investiture.casework.words import Gate, Side, Verdict
from investiture.chassis.refusal import FieldViolation, InvalidArgument, Leg, PreconditionFailed

BLOCKABLE = (Gate.PILOT, Gate.LAUNCH)
"""Gates that a condition of the knighting may block."""
REVIEWER = "reviewer"


@dataclass(frozen=True, slots=True)
class Knighting:
    """What a reviewer says yes to. `exposure_limit_bps` is in basis points of the full audience."""

    conditions: tuple[Condition, ...]
    exposure_limit_bps: int
    rationale: str


def verdict_of(asked_bps: int, limit_bps: int, conditions: Sequence[Condition]) -> Verdict:
    """The name of a yes: a limited exposure outranks conditions, which outrank an outright yes."""
    if limit_bps < asked_bps:
        return Verdict.KNIGHTED_FOR_EXPOSURE
    if conditions:
        return Verdict.KNIGHTED_WITH_CONDITIONS
    return Verdict.KNIGHTED


def check_conditions(conditions: Sequence[Condition], now: datetime) -> None:
    """Each condition says what, who, until when, and which gate it blocks."""
    wrong: list[FieldViolation] = []
    for index, condition in enumerate(conditions):
        at = f"conditions[{index}]"
        if not condition.text.strip():
            wrong.append(FieldViolation(f"{at}.text", "say what has to hold"))
        if not condition.owner.startswith("people/"):
            wrong.append(FieldViolation(f"{at}.owner", "name who sees to it, as people/{person}"))
        if condition.due_at is None or condition.due_at <= now:
            wrong.append(FieldViolation(f"{at}.due_at", "give a date in the future"))
        if condition.blocks not in BLOCKABLE:
            gates = " or ".join(gate.value for gate in BLOCKABLE)
            wrong.append(FieldViolation(f"{at}.blocks", f"name the gate it blocks: {gates}"))
    if wrong:
        raise InvalidArgument(violations=wrong)


def check_gaps(gaps: Sequence[Gap]) -> None:
    """No bare no: each gap names the risk, the tolerance, the excess and the remedy."""
    if not gaps:
        raise InvalidArgument.of("gaps", "name what is missing; the numbers alone show no gap")
    wrong = [
        FieldViolation(f"gaps[{index}].{name}", why)
        for index, gap in enumerate(gaps)
        for name, value, why in (
            ("risk", gap.risk, "say which risk it is"),
            ("tolerance", gap.tolerance, "say which tolerance it exceeds"),
            ("excess", gap.excess, "say by how much"),
            ("remedy", gap.remedy, "say what would flip the answer"),
        )
        if not value.strip()
    ]
    if wrong:
        raise InvalidArgument(violations=wrong)


def check_sides(
    authority: Authority, business_people: Sequence[str], money_people: Sequence[str]
) -> None:
    """Who knights stands on neither the business nor the money side, also through delegation."""
    require_apart(authority.people, business_people, money_people)


def require_apart(
    people: Iterable[str], business_people: Iterable[str], money_people: Iterable[str]
) -> None:
    """Refuses with SIDES_NOT_SEPARATE who of IT's people stands on another side, a leg each."""
    deciding = frozenset(people)
    legs = (
        *shared_people(deciding, business_people, "IT", "business"),
        *shared_people(deciding, money_people, "IT", "money"),
    )
    if legs:
        raise PreconditionFailed(
            "SIDES_NOT_SEPARATE",
            "; ".join(leg.description for leg in legs) + ": somebody else has to decide for IT",
            legs=legs,
        )


def check_decline(rounds_of_changes: int, after_rounds: int, *, no_exposure_fits: bool) -> None:
    """A decline comes after enough rounds of requested changes, or where no exposure fits."""
    if no_exposure_fits or rounds_of_changes >= after_rounds:
        return
    raise PreconditionFailed(
        "VERDICT_NOT_ALLOWED",
        f"changes were requested {rounds_of_changes} times; a decline needs {after_rounds} rounds, "
        "or gaps that show that no exposure fits the appetite",
        legs=(
            Leg(
                type="ROUNDS",
                subject="verdict",
                description=f"{rounds_of_changes} of {after_rounds} rounds of changes",
                remedy="request changes with the named gap, or knight for a limited exposure",
            ),
        ),
    )


def knight(
    case: Case,
    levels: Sequence[Level],
    knighting: Knighting,
    authority: Authority,
    now: datetime,
    validity: timedelta,
) -> Case:
    """The case after one reviewer's yes: knighted once every level of the review has said so."""
    cases.require_first_time(case, authority.people)
    asked = case.facts.exposure_bps
    limit = knighting.exposure_limit_bps or asked
    if limit > asked:
        raise InvalidArgument.of(
            "exposure_limit_bps", f"the program asks for {asked}; a limit cannot be more than that"
        )
    number = len(case.conditions)
    numbered = tuple(
        replace(condition, id=f"c{number + index}")
        for index, condition in enumerate(knighting.conditions, start=1)
    )
    conditions = (*case.conditions, *numbered)
    limit = min(limit, case.exposure_limit_bps)
    decided = replace(
        case,
        deciders=(*case.deciders, decider(case, authority, now)),
        conditions=conditions,
        exposure_limit_bps=limit,
    )
    following = open_level(levels, len(decided.deciders))
    if following is not None:
        if following == open_level(levels, len(case.deciders)):
            left = [held for held in case.holders if held.person not in authority.people]
            return cases.with_holders(decided, left)
        heard = decided.people
        first = [held for held in holders_of(following, now) if held.person not in heard]
        return cases.with_holders(decided, first)
    verdict = verdict_of(asked, limit, conditions)
    return cases.decide(decided, verdict, now, validity=validity, reason=knighting.rationale)


def pledged(pledge: Warrant) -> tuple[str, ...]:
    """Who pledged as a sponsor, named by the program or in a named one's place."""
    return tuple(dict.fromkeys(d.person for d in pledge.deciders if d.role == SPONSOR))


def sponsors(facts: Revision, by_pledge: Iterable[str]) -> tuple[str, ...]:
    """Who sponsors a program: who pledged, and whom it names."""
    named = (one for one in (facts.sponsor, facts.counter_sponsor) if one)
    return tuple(dict.fromkeys((*by_pledge, *named)))


def decider(case: Case, authority: Authority, now: datetime) -> Decider:
    """Who decided for IT, on what they saw."""
    return Decider(
        person=authority.person,
        on_behalf_of=authority.on_behalf_of,
        side=Side.IT,
        role=REVIEWER,
        decided_at=now,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
    )


def holders_of(level: Level, now: datetime) -> tuple[Holder, ...]:
    """The first holders of a level."""
    return tuple(Holder(person, REVIEWER, now, level.unit) for person in level.eligible)
