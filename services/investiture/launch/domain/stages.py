"""Pilot and go: who holds them, what an outcome and an answer do to their cases."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from investiture.casework import case as cases
from investiture.casework.case import Case, Holder
from investiture.casework.facts import Authority, Decider, Gap
from investiture.casework.sides import shared_people
from investiture.casework.words import Amber, Side, Verdict
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import FieldViolation, InvalidArgument, Leg, PreconditionFailed
from investiture.launch.domain.content import Content, PilotPlan

SPONSOR = "sponsor"
PILOT_OWNER = "pilot-owner"
BENEFIT_OWNER = "benefit-owner"
ANSWER = "suspend the program, or answer for it on and close it in the end"
"""What sponsors can do about a decision that is lost after the launch."""


class PilotOutcome(StrEnum):
    """How a pilot ended; values equal the API's names without their prefix."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class GoAnswer(StrEnum):
    """An answer to go; values equal the API's names without their prefix."""

    GO = "GO"
    HOLD = "HOLD"
    NO_GO = "NO_GO"


@dataclass(frozen=True, slots=True)
class GoDecision:
    """What was answered to go, why, and the digest of what the decider saw."""

    answer: GoAnswer | None = None
    reason: str = ""
    snapshot_digest: str = ""


def go_holders(content: Content, deciders: Sequence[Decider], now: datetime) -> tuple[Holder, ...]:
    """Who decides go: the sponsor, and beside one from the IT side the business counter-sponsor.

    `deciders` are the pledge's: who follows a sponsor that was lost decides in their place.
    """
    named = [person for person in (content.sponsor, content.counter_sponsor) if person]
    pledged = [one for one in deciders if one.role == SPONSOR]
    standing = {person for one in pledged for person in one.people}
    people = [person for person in named if person in standing or not pledged]
    people += [one.person for one in pledged if not set(one.people) & set(named)]
    return tuple(Holder(person, SPONSOR, now) for person in dict.fromkeys(people))


def check_outcome(
    outcome: PilotOutcome, plan: PilotPlan, observations: Sequence[str], gaps: Sequence[Gap]
) -> None:
    """A success shows each exit criterion; a failure names each gap. INVALID_FIELD otherwise."""
    wrong: list[FieldViolation] = []
    wrong += [
        FieldViolation(f"observations[{index}]", "is blank; say what was observed")
        for index, line in enumerate(observations)
        if not line.strip()
    ]
    if outcome is PilotOutcome.SUCCEEDED:
        if len(observations) < len(plan.exit_criteria):
            criteria = "; ".join(plan.exit_criteria)
            wrong.append(
                FieldViolation("observations", f"give one line for each exit criterion: {criteria}")
            )
        if gaps:
            wrong.append(FieldViolation("gaps", "a pilot that succeeded has none; leave them out"))
    elif not gaps:
        wrong.append(
            FieldViolation("gaps", "name what is missing, so that the proposer can close it")
        )
    for index, gap in enumerate(gaps):
        said = (("risk", gap.risk), ("excess", gap.excess), ("remedy", gap.remedy))
        wrong += [
            FieldViolation(f"gaps[{index}].{name}", "is blank; no bare no: say it")
            for name, text in said
            if not text.strip()
        ]
    if wrong:
        raise InvalidArgument(violations=wrong)


def check_answer(answer: GoAnswer, reason: str) -> None:
    """Hold and no-go say why; INVALID_FIELD otherwise."""
    if answer is not GoAnswer.GO and not reason.strip():
        raise InvalidArgument.of("reason", "say why: who waits for it, and what would change it")


def check_decider(authority: Authority, others: frozenset[str]) -> None:
    """Who decides for the business stands on neither the money nor the IT side (`others`)."""
    legs = shared_people(authority.people, others, "business", "money or IT")
    if legs:
        raise PreconditionFailed("SIDES_NOT_SEPARATE", legs=legs)


def check_limit(authority: Authority, content: Content) -> None:
    """The decider's own limit for a go covers the program's total; AUTHORITY_INSUFFICIENT else."""
    amount = content.amount
    if authority.covers(amount.minor, amount.currency):
        return
    raise PreconditionFailed(
        "AUTHORITY_INSUFFICIENT",
        legs=(
            Leg(
                type="limit",
                subject=authority.person,
                description=f"the program's total is {amount}; {authority.person} may decide go "
                "only below that",
                remedy="a sponsor with a higher limit decides, or the program is revised down",
            ),
        ),
    )


def decider(case: Case, authority: Authority, role: str, now: datetime) -> Decider:
    """Who decided for the business, on what they saw."""
    return Decider(
        person=authority.person,
        on_behalf_of=authority.on_behalf_of,
        side=Side.BUSINESS,
        role=role,
        decided_at=now,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
    )


def succeeded(case: Case, by: Decider, now: datetime, validity: timedelta) -> Case:
    """The pilot that met its exit criteria."""
    decided = cases.with_decider(case, by)
    return cases.decide(decided, Verdict.PILOT_SUCCEEDED, now, validity=validity)


def failed(case: Case, gaps: Sequence[Gap], timetable: Timetable, now: datetime) -> Case:
    """The pilot that did not: in the proposer's hands, with what is missing."""
    asked = cases.request_changes(case, gaps, timetable, now)
    return replace(asked, verdict=Verdict.PILOT_FAILED)


def answered(
    case: Case, answer: GoAnswer, reason: str, by: Decider, now: datetime, validity: timedelta
) -> Case:
    """The case after an answer: a go stands, a hold leaves it open, a no-go declines it."""
    if answer is GoAnswer.HOLD:
        return replace(case, reason=reason)
    decided = cases.with_decider(case, by)
    if answer is GoAnswer.NO_GO:
        return cases.decline(decided, (), now, reason)
    return cases.decide(decided, Verdict.GO, now, validity=validity, reason=reason)


def launched(case: Case) -> Case:
    """The go that was carried out: it does not expire any more."""
    return replace(case, verdict=Verdict.LAUNCHED, standing_until=None)


def lost(case: Case, incidents: Sequence[str], sponsors: Sequence[Holder]) -> Case:
    """The proof of a program that was launched by a decision which is gone: its sponsors are asked.

    `incidents` says what was lost, oldest first. The benefit owners' review goes on as it was.
    """
    held = {holder.person for holder in case.holders}
    more = (holder for holder in sponsors if holder.person not in held)
    asked = cases.with_holders(case, (*case.holders, *more))
    return replace(asked, amber=Amber.DECISION_LOST, reason="; ".join((*incidents, ANSWER)))


def proven(case: Case, verdict: Verdict, by: Decider, reason: str, now: datetime) -> Case:
    """The promise settled, for good."""
    decided = cases.with_decider(case, by)
    return cases.decide(decided, verdict, now, validity=None, reason=reason)
