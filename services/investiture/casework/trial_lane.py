"""The trial lane: whether a standing decision, signed in advance, covers a revision.

Pure. A program that is of no class that was decided in advance is not told anything; one that is,
and does not fit, is told each cap with its value and what was asked. Each service asks this of its
own: sponsorship counts the programs and knows the signatures, the others follow its warrant.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from investiture.casework import case as cases
from investiture.casework.amounts import Amount
from investiture.casework.case import Case
from investiture.casework.conflicts import interested, reporting
from investiture.casework.facts import (
    Authority,
    Decider,
    Evidence,
    Revision,
    StandingRef,
    Warrant,
)
from investiture.casework.words import Basis, Gate, Side, Verdict
from investiture.charter.model import Charter
from investiture.charter.policy import Caps, StandingDecision


@dataclass(frozen=True, slots=True)
class Covered:
    """A standing decision that covers a case, and until when it does at the longest."""

    decision: StandingDecision
    ref: StandingRef
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """How a case goes: by a standing decision, or on foot, with why none covers it."""

    covered: Covered | None = None
    why: tuple[str, ...] = ()


ON_FOOT = Lane()
"""The full path, and nothing to say about it."""


def signer_of(decision: StandingDecision, side: Side) -> str:
    """Whom the charter names to sign for a side."""
    signers = decision.signers
    by_side: Mapping[Side, str] = {
        Side.BUSINESS: signers.sponsor,
        Side.MONEY: signers.fund_owner,
        Side.IT: signers.knight,
    }
    return by_side[side]


def ref_of(charter: Charter, decision: StandingDecision) -> StandingRef:
    """The decision by the text that is to be signed."""
    return StandingRef(decision.id, charter.signed_digest(decision))


def of_class(decision: StandingDecision, facts: Revision) -> bool:
    """Whether a revision is of the kind that was decided in advance; its size does not matter."""
    return (
        set(facts.audiences) <= set(decision.audiences)
        and set(facts.channels) <= set(decision.channels)
        and set(facts.data_classes) <= set(decision.data_classes)
        and facts.category in decision.categories
    )


def exceeded(decision: StandingDecision, facts: Revision, currency: str) -> tuple[str, ...]:
    """One line for each cap that a revision does not keep: what was asked, and the cap.

    People and days are the pilot plan's; money is the cumulative total, in the trial tranche.
    """
    size = _size(decision.caps, facts)
    return (*size, *_money(decision, facts, currency), *_named(decision, facts))


def _size(caps: Caps, facts: Revision) -> Iterator[str]:
    if not 0 < facts.pilot_people <= caps.people:
        yield f"people: {facts.pilot_people or 'no number'} asked, at most {caps.people}"
    if facts.exposure_bps > caps.exposure_bps:
        yield f"exposure: {facts.exposure_bps} basis points asked, at most {caps.exposure_bps}"
    days = timedelta(days=facts.pilot_days)
    if not timedelta() < days <= caps.duration.elapsed:
        yield f"days: {facts.pilot_days or 'no number'} asked, at most {caps.duration}"


def _money(decision: StandingDecision, facts: Revision, currency: str) -> Iterator[str]:
    most = Amount(decision.caps.amount_minor, currency)
    asked = Amount(facts.amount_minor, facts.currency)
    if facts.currency != currency or asked.minor > most.minor:
        yield f"money: {asked} asked, at most {most}"
    if facts.trial_minor != facts.amount_minor:
        trial = Amount(facts.trial_minor, facts.currency)
        yield f"money: {trial} of {asked} in the trial tranche, all of it has to be"
    only = f"envelopes/{decision.envelope}" if decision.envelope else ""
    if only and facts.envelope not in ("", only):
        yield f"envelope: {facts.envelope} asked, only {only} is covered"
    if not only and not facts.envelope:
        yield "envelope: none asked, the program has to name one"


def _named(decision: StandingDecision, facts: Revision) -> Iterator[str]:
    if facts.sponsor != decision.signers.sponsor or facts.counter_sponsor:
        named = " and ".join(filter(None, (facts.sponsor, facts.counter_sponsor)))
        yield f"sponsor: {named} named, {decision.signers.sponsor} signed it"
    if facts.vendors:
        yield f"vendors: {', '.join(facts.vendors)} named, none may be"
    if facts.spend_conditions:
        yield f"spend: {', '.join(facts.spend_conditions)}, none of these may be"


def out_of_term(decision: StandingDecision, now: datetime) -> tuple[str, ...]:
    """Why a decision is not in force at an instant by its dates, which are days in UTC."""
    if now < _midnight(decision.valid_from):
        return (f"term: it is in force from {decision.valid_from} on",)
    if expired(decision, now):
        return (f"term: it expired on {decision.expires}",)
    return ()


def expired(decision: StandingDecision, now: datetime) -> bool:
    """Whether a decision's last day is over; on the day it names it is no longer in force."""
    return now >= _midnight(decision.expires)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def unfit(
    person: str,
    side: Side,
    authority: Authority | None,
    facts: Revision,
    others: Iterable[str] = (),
) -> tuple[str, ...]:
    """Why a signer's word does not carry a program: gone, on another side, or in conflict.

    `others` are people of the other sides. The sponsor may have proposed the program; who signed
    for money or IT stands apart from who asks for it, as they would to decide in person.
    """
    return tuple(f"signer: {why}" for why in _unfit(person, side, authority, facts, others))


def _unfit(
    person: str, side: Side, authority: Authority | None, facts: Revision, others: Iterable[str]
) -> Iterator[str]:
    if authority is None or not authority.active or authority.guest:
        yield f"{person}, who signed for {_SIDES[side]}, decides nothing any more"
        return
    if authority.side is not side:
        yield f"{person} signed for {_SIDES[side]} and no longer stands there"
    if side is not Side.BUSINESS and person in {*facts.business_people, *others}:
        yield f"{person}, who signed for {_SIDES[side]}, stands on another side of this program"
    if side is Side.BUSINESS and not authority.covers(facts.amount_minor, facts.currency):
        asked = Amount(facts.amount_minor, facts.currency)
        yield f"the limit of {person} does not reach {asked} any more"
    legs = interested(facts, authority.interests)
    if side is not Side.BUSINESS:
        legs = (*legs, *reporting(facts, authority))
    yield from (leg.description for leg in legs)


_SIDES: Mapping[Side, str] = {
    Side.BUSINESS: "the business",
    Side.MONEY: "the money",
    Side.IT: "IT",
}


def ended_by_incident(ref: StandingRef, evidence: Evidence) -> tuple[str, ...]:
    """Why an incident has ended the decision, by launch's own statement."""
    return tuple(
        f"revoked: an incident of {one.program} ({one.incident})"
        for one in evidence.incidents
        if one.standing.digest == ref.digest
    )


def says_why(decision: StandingDecision, reasons: Iterable[str]) -> tuple[str, ...]:
    """The lines that a case keeps: of which decision, then which cap."""
    return tuple(f"standing decision {decision.id} does not cover it: {one}" for one in reasons)


def followed(
    charter: Charter, side: Side, evidence: Evidence, others: Iterable[str], now: datetime
) -> Lane:
    """How a later gate goes: as the pledge's warrant says, within the caps as it reads them itself.

    `others` are people of the other sides, by the warrants.
    """
    pledge = evidence.warrants[Gate.PLEDGE]
    if pledge.standing_decision is None:
        return ON_FOOT
    decision = _by_ref(charter, pledge.standing_decision)
    if decision is None:
        known = pledge.standing_decision.id
        return Lane(
            why=(f"standing decision {known} is not in the charter in force, or in other words",)
        )
    person, facts = signer_of(decision, side), evidence.revision
    ended = pledge.standing_decision_ended
    reasons = (
        *(() if of_class(decision, facts) else ("class: the program is of another one",)),
        *exceeded(decision, facts, charter.currency),
        *out_of_term(decision, now),
        *((ended,) if ended else ended_by_incident(pledge.standing_decision, evidence)),
        *unfit(person, side, evidence.signer, facts, others),
    )
    if reasons:
        return Lane(why=says_why(decision, dict.fromkeys(reasons)))
    return Lane(Covered(decision, pledge.standing_decision, pledge.standing_until))


def signer_by(charter: Charter, side: Side, pledge: Warrant | None) -> str:
    """Who signed for a side what the pledge stands by; empty where people pledged."""
    ref = pledge.standing_decision if pledge else None
    decision = _by_ref(charter, ref) if ref else None
    return signer_of(decision, side) if decision else ""


def still_fits(charter: Charter, present: Case, facts: Revision) -> bool:
    """Whether a later revision keeps the caps that a case was decided by."""
    if facts.number <= present.facts.number or present.standing_decision is None:
        return True
    decision = _by_ref(charter, present.standing_decision)
    fitting = decision is not None and of_class(decision, facts)
    return fitting and decision is not None and not exceeded(decision, facts, charter.currency)


def _by_ref(charter: Charter, ref: StandingRef) -> StandingDecision | None:
    found = (one for one in charter.standing_decisions if one.id == ref.id)
    return next((one for one in found if charter.signed_digest(one) == ref.digest), None)


def decided(
    case: Case,
    verdict: Verdict,
    role: str,
    side: Side,
    covered: Covered,
    now: datetime,
    validity: timedelta,
) -> Case:
    """The case standing by a standing decision; its decider is who signed for this side."""
    person = signer_of(covered.decision, side)
    by = Decider(person, side, role, now, case.facts.number, case.gate_digest)
    return marked(
        cases.decide(cases.with_decider(case, by), verdict, now, validity=validity), covered
    )


def marked(case: Case, covered: Covered) -> Case:
    """A decided case with the standing decision as its basis, standing no longer than that says."""
    decision, until = covered.decision, case.standing_until
    if covered.until is not None:
        until = covered.until if until is None else min(until, covered.until)
    signers = decision.signers
    return replace(
        case,
        basis=Basis.STANDING_DECISION,
        standing_decision=covered.ref,
        standing_until=until,
        reason=(
            f"by standing decision {decision.id} ({decision.name}), signed in advance by "
            f"{signers.sponsor}, {signers.fund_owner} and {signers.knight}"
        ),
    )
