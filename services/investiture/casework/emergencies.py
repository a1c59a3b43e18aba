"""The emergency path: a gate decided provisionally by two people, beside its ordinary decision.

Pure. The case stays open and in the hands of who decide it; what two have decided is kept beside it
and reads as standing until it runs out or the ordinary decision takes its place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from investiture.casework import case as cases
from investiture.casework.amounts import Amount
from investiture.casework.case import Case
from investiture.casework.facts import Authority, Decider, Provisional, Revision, Voice
from investiture.casework.words import Basis, CaseState, Gate, Side, Verdict
from investiture.charter.model import Charter
from investiture.charter.policy import LONGEST_EMERGENCY, EmergencyPath
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed

NEEDED = 2
"""People who decide a gate provisionally."""

_VERDICTS: Mapping[Gate, Verdict] = {
    Gate.PLEDGE: Verdict.PLEDGED,
    Gate.FUND: Verdict.FUNDED,
    Gate.KNIGHT: Verdict.KNIGHTED,
}
SIDES: Mapping[Gate, Side] = {
    Gate.PLEDGE: Side.BUSINESS,
    Gate.FUND: Side.MONEY,
    Gate.KNIGHT: Side.IT,
}
"""Which side decides each gate that may be decided provisionally."""


def in_force(case: Case, now: datetime) -> bool:
    """Whether a provisional decision stands: only while the ordinary one is still to be made."""
    made = case.provisional
    return (
        case.state is CaseState.OPEN
        and made is not None
        and made.standing_until is not None
        and now < made.standing_until
    )


def shown(case: Case, now: datetime) -> Case:
    """The case as everybody else reads it: standing while a provisional decision does.

    Its holders and its timetable stay: the ordinary decision is asked of them.
    """
    made = case.provisional
    if made is None or not in_force(case, now):
        return case
    waited = cases.waited_by(case, made.decided_at or now)
    return replace(
        case,
        state=CaseState.STANDING,
        verdict=_VERDICTS[case.gate],
        basis=Basis.EMERGENCY,
        deciders=made.deciders,
        decided_at=made.decided_at,
        standing_until=made.standing_until,
        exposure_limit_bps=case.facts.exposure_bps,
        waited_ms=waited,
        reason="; ".join(voice.reason for voice in made.voices),
    )


def spoken(case: Case) -> frozenset[str]:
    """Who has decided a case provisionally so far."""
    made = case.provisional
    return frozenset(by.person for by in made.deciders) if made is not None else frozenset()


def exceeded(path: EmergencyPath, facts: Revision, currency: str) -> tuple[str, ...]:
    """One line for each cap that a revision does not keep: what was asked, and the cap."""
    return tuple(_exceeded(path, facts, currency))


def _exceeded(path: EmergencyPath, facts: Revision, currency: str) -> Iterator[str]:
    most = Amount(path.caps.amount_minor, currency)
    asked = Amount(facts.amount_minor, facts.currency)
    if facts.currency != currency or asked.minor > most.minor:
        yield f"money: {asked} asked, at most {most}"
    if facts.exposure_bps > path.caps.exposure_bps:
        most_bps = path.caps.exposure_bps
        yield f"exposure: {facts.exposure_bps} basis points asked, at most {most_bps}"
    if not facts.envelope:
        yield "envelope: none asked, the program has to name one"
    if facts.counter_sponsor:
        yield f"sponsor: {facts.counter_sponsor} has to pledge as well, two sponsors are not quick"


def require_path(charter: Charter, facts: Revision) -> EmergencyPath:
    """The charter's emergency path; refused where it has none, or a revision exceeds its caps."""
    path = charter.emergency
    if path is None:
        why = "the charter has no emergency path"
        raise _refused(facts.program, why, "take the ordinary path, or have the charter changed")
    legs = tuple(
        Leg("CAP", facts.program, why, "revise the program to within the cap, or take its time")
        for why in exceeded(path, facts, charter.currency)
    )
    if legs:
        raise PreconditionFailed("WRONG_STATE", legs=legs)
    return path


def require_possible(charter: Charter, case: Case, now: datetime) -> EmergencyPath:
    """The path by which an open case may be decided provisionally now; else WRONG_STATE."""
    cases.require_state(case, CaseState.OPEN)
    path = require_path(charter, case.facts)
    if case.emergency is None:
        why = f"no emergency was declared for {case.name}"
        remedy = "the proposer declares it while the pledge is open, before anybody decides"
        raise _refused(case.name, why, remedy)
    if case.provisional is not None and case.provisional.decided_at is not None:
        why = f"{case.name} was decided provisionally already"
        raise _refused(case.name, why, "make the ordinary decision: it takes its place")
    until = case.emergency.declared_at + path.stands.elapsed
    if now >= until:
        why = f"the emergency was declared more than {path.stands} ago"
        raise _refused(case.name, why, "what could wait for so long is decided as usual")
    return path


def seats(path: EmergencyPath, case: Case) -> tuple[str, ...]:
    """Who may speak next; at the pledge its sponsor is one of the two, no proposer the other."""
    facts, said = case.facts, spoken(case)
    if case.gate is Gate.FUND:
        named = path.fund
    elif case.gate is Gate.KNIGHT:
        named = path.knight
    elif not said:
        named = (facts.sponsor, *path.countersigners)
    elif facts.sponsor in said:
        named = path.countersigners
    else:
        named = (facts.sponsor,)
    proposes = {facts.proposer} - {facts.sponsor}
    return tuple(p for p in dict.fromkeys(named) if p not in said | proposes)


def require_seat(charter: Charter, path: EmergencyPath, case: Case, authority: Authority) -> None:
    """Refuses who has spoken, whom the charter does not name, and who is of another side."""
    person, side = authority.person, SIDES[case.gate]
    if person in spoken(case):
        why = f"{person} has decided {case.name} provisionally; two different people have to"
        leg = Leg("ONE_VOICE", person, why, "another person decides")
        raise PreconditionFailed("WRONG_STATE", why, legs=(leg,))
    named = seats(path, case)
    if person not in named or person in charter.emergency_closers:
        raise Denied(
            "NOT_A_HOLDER",
            f"{person} does not decide {case.name} provisionally; it is in the hands of "
            f"{', '.join(named) or 'nobody'}",
        )
    if authority.side is not side:
        where = authority.side.value if authority.side else "no"
        why = f"{person} decides for side {side.value} and stands on side {where}"
        leg = Leg("SIDES", person, why, "somebody of that side decides")
        raise PreconditionFailed("SIDES_NOT_SEPARATE", why, legs=(leg,))


def unfit(case: Case, authority: Authority) -> str:
    """Why who decided a case provisionally does not carry it any more; empty where they do."""
    person, side = authority.person, SIDES[case.gate]
    if not authority.active or authority.guest:
        return f"{person}, who decided it in an emergency, decides nothing any more"
    if authority.side is not side:
        return f"{person}, who decided it in an emergency, is not of side {side.value} any more"
    facts = case.facts
    if person == facts.sponsor and not authority.covers(facts.amount_minor, facts.currency):
        return f"the limit of {person}, who decided it in an emergency, does not reach any more"
    return ""


def voiced(case: Case, authority: Authority, reason: str, now: datetime, until: datetime) -> Case:
    """The case after one more voice; the second one dates what both have decided."""
    by = Decider(
        person=authority.person,
        side=SIDES[case.gate],
        role="emergency",
        decided_at=now,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
    )
    before = case.provisional.voices if case.provisional else ()
    voices = (*before, Voice(by, reason))
    if len(voices) < NEEDED:
        return replace(case, provisional=Provisional(voices))
    return replace(case, provisional=Provisional(voices, now, until))


def runs_out(path: EmergencyPath, now: datetime, bound: datetime | None) -> datetime:
    """Until when what is decided now stands: never longer than the charter says."""
    until: datetime = now + min(path.stands.elapsed, LONGEST_EMERGENCY)
    return until if bound is None else min(until, bound)


def _refused(subject: str, why: str, remedy: str) -> PreconditionFailed:
    return PreconditionFailed("WRONG_STATE", why, legs=(Leg("EMERGENCY", subject, why, remedy),))
