"""What a launch needs is checked here and not believed of who asks for it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.facts import NOW, open_case, revision
from tests.support.halden import charter
from tests.support.programs import content

from investiture.casework.case import Case
from investiture.casework.facts import Condition, Decider, Warrant
from investiture.casework.words import Basis, CaseState, Gate, Side, Verdict
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.launch.domain import readiness
from investiture.launch.domain.readiness import Warrants
from investiture.launch.wire import content_of

FACTS = revision()
FRESH = timedelta(minutes=5)
SIDES = {
    Gate.PLEDGE: (Side.BUSINESS, "sponsor", "people/sam"),
    Gate.FUND: (Side.MONEY, "approver", "people/finn"),
    Gate.KNIGHT: (Side.IT, "reviewer", "people/ines"),
}


def decider(gate: Gate, person: str = "", behalf: str = "", role: str = "") -> Decider:
    side, usual, decides = SIDES[gate]
    return Decider(person or decides, side, role or usual, NOW, 1, FACTS.gate_digest(gate), behalf)


def warrant(gate: Gate, *deciders: Decider, **changes: Any) -> Warrant:
    values: dict[str, Any] = {
        "program": FACTS.program,
        "gate": gate,
        "revision": 1,
        "gate_digest": FACTS.gate_digest(gate),
        "case_name": f"{FACTS.program}/cases/{gate.value}",
        "case_version": 1,
        "verdict": Verdict.PLEDGED,
        "basis": Basis.DECISION,
        "deciders": deciders or (decider(gate),),
        "issued_at": NOW,
        "standing_until": NOW + timedelta(days=90),
        "charter_digest": "sha256:charter",
        "business_people": FACTS.business_people if gate is Gate.PLEDGE else (),
    }
    return Warrant(**{**values, **changes})


def warrants(*others: Warrant, without: Gate | None = None) -> Warrants:
    usual = {gate: warrant(gate) for gate in readiness.WARRANTS}
    found = {**usual, **{one.gate: one for one in others}}
    return {gate: one for gate, one in found.items() if gate is not without}


def refused(*arguments: Any) -> tuple[str, Sequence[Leg]]:
    with pytest.raises(PreconditionFailed) as error:
        readiness.require_standing(FACTS, *arguments)
    return error.value.reason, error.value.legs


def test_three_fresh_standing_warrants_are_enough() -> None:
    readiness.require_standing(FACTS, warrants(), NOW, FRESH)
    readiness.require_standing(FACTS, warrants(), NOW + FRESH, FRESH)


@pytest.mark.parametrize("gate", readiness.WARRANTS)
def test_a_missing_warrant_is_business_first_with_the_remedy(gate: Gate) -> None:
    reason, (leg,) = refused(warrants(without=gate), NOW, FRESH)
    assert (reason, leg.type) == ("BUSINESS_FIRST", f"WARRANT_{gate.value}")
    assert "first" in leg.remedy


def test_every_missing_warrant_is_a_leg() -> None:
    reason, legs = refused({}, NOW, FRESH)
    assert reason == "BUSINESS_FIRST"
    assert [leg.type for leg in legs] == ["WARRANT_PLEDGE", "WARRANT_FUND", "WARRANT_KNIGHT"]


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"program": "programs/other"}, "BUSINESS_FIRST", "is about programs/other"),
        ({"gate_digest": "sha256:older"}, "BUSINESS_FIRST", "another state than revision 1"),
        (
            {"issued_at": NOW - FRESH - timedelta(microseconds=1)},
            "STATEMENT_EXPIRED",
            "more than 5 minutes ago",
        ),
        ({"standing_until": NOW}, "STATEMENT_EXPIRED", "the decision stood until"),
    ],
)
@pytest.mark.parametrize("gate", readiness.WARRANTS)
def test_an_unfit_warrant_is_named(
    gate: Gate, changes: dict[str, Any], reason: str, says: str
) -> None:
    found, (leg,) = refused(warrants(warrant(gate, **changes)), NOW, FRESH)
    assert found == reason
    assert says in leg.description


def test_missing_outweighs_too_old() -> None:
    old = warrant(Gate.FUND, standing_until=NOW)
    reason, legs = refused(warrants(old, without=Gate.KNIGHT), NOW, FRESH)
    assert reason == "BUSINESS_FIRST"
    assert [leg.type for leg in legs] == ["WARRANT_KNIGHT", "WARRANT_FUND"]


def separation(*others: Warrant) -> list[str]:
    with pytest.raises(PreconditionFailed) as error:
        readiness.require_separate(readiness.sides_of(FACTS, warrants(*others)))
    assert error.value.reason == "SIDES_NOT_SEPARATE"
    return [leg.subject for leg in error.value.legs]


def test_three_sides_with_people_of_their_own_are_separate() -> None:
    readiness.require_separate(readiness.sides_of(FACTS, warrants()))


@pytest.mark.parametrize("gate", [Gate.FUND, Gate.KNIGHT])
@pytest.mark.parametrize("person", ["people/pia", "people/sam"])
def test_who_proposes_or_pledges_neither_funds_nor_knights(gate: Gate, person: str) -> None:
    assert separation(warrant(gate, decider(gate, person))) == [person]


def test_who_funds_does_not_knight() -> None:
    assert separation(warrant(Gate.KNIGHT, decider(Gate.KNIGHT, "people/finn"))) == ["people/finn"]


def test_delegation_joins_no_sides() -> None:
    for_sponsor = warrant(Gate.KNIGHT, decider(Gate.KNIGHT, "people/ralf", "people/sam"))
    assert separation(for_sponsor) == ["people/sam"]
    delegate = warrant(Gate.PLEDGE, decider(Gate.PLEDGE, "people/ralf", "people/sam"))
    knight = warrant(Gate.KNIGHT, decider(Gate.KNIGHT, "people/ralf"))
    assert separation(delegate, knight) == ["people/ralf"]


def test_a_unit_that_endorses_is_not_a_side() -> None:
    endorser = decider(Gate.PLEDGE, "people/finn", role="endorser")
    pledge = warrant(Gate.PLEDGE, decider(Gate.PLEDGE), endorser)
    readiness.require_separate(readiness.sides_of(FACTS, warrants(pledge)))


def test_only_open_conditions_of_these_gates_are_in_the_way() -> None:
    conditions = (
        Condition("c1", "moderators are trained", "people/stella", Gate.LAUNCH),
        Condition("c2", "data is deleted after a year", "people/kai", Gate.PILOT),
        Condition("c3", "the load test passed", "people/omar", Gate.LAUNCH, closed_at=NOW),
    )
    knighted = [warrant(Gate.KNIGHT, conditions=conditions)]
    subjects = [leg.subject for leg in readiness.open_conditions(knighted, (Gate.LAUNCH,))]
    assert subjects == [f"{FACTS.program}/cases/KNIGHT/conditions/c1"]
    both = readiness.open_conditions(knighted, (Gate.PILOT, Gate.LAUNCH))
    assert len(both) == 2


def test_the_exposure_stays_within_what_every_warrant_allows() -> None:
    knighted = [warrant(Gate.KNIGHT, exposure_limit_bps=500)]
    assert readiness.exposure(500, knighted, FACTS.program) == ()
    (leg,) = readiness.exposure(501, knighted, FACTS.program)
    assert "knight allows 500" in leg.description


def test_a_freeze_says_until_when() -> None:
    (window,) = charter().freeze_windows
    assert readiness.freeze(None) == ()
    (leg,) = readiness.freeze(window)
    assert leg.description.endswith("frozen until 2027-01-03 00:00 UTC")


def test_a_steward_is_mandatory_at_go() -> None:
    assert readiness.steward(content_of(content()), FACTS.program) == ()
    (leg,) = readiness.steward(content_of(content(steward="")), FACTS.program)
    assert leg.type == "STEWARD"


def case(gate: Gate, verdict: Verdict, **changes: Any) -> Case:
    stands = replace(open_case(FACTS, gate), state=CaseState.STANDING, verdict=verdict)
    return replace(stands, **changes)


def test_a_pilot_counts_for_what_it_piloted() -> None:
    piloted = case(Gate.PILOT, Verdict.PILOT_SUCCEEDED)
    assert readiness.pilot(piloted, FACTS) == ()
    for unfit in (
        None,
        replace(piloted, state=CaseState.VOIDED),
        replace(piloted, verdict=Verdict.PILOT_FAILED),
        replace(piloted, facts=revision(2, pilot_plan="100 customers")),
    ):
        assert [leg.type for leg in readiness.pilot(unfit, FACTS)] == ["WARRANT_PILOT"]


def test_a_go_counts_for_what_was_answered() -> None:
    go = case(Gate.LAUNCH, Verdict.GO)
    assert readiness.go(go, FACTS) == ()
    for unfit in (
        None,
        replace(go, state=CaseState.EXPIRED),
        replace(go, state=CaseState.OPEN, verdict=None),
        replace(go, facts=revision(2, objective="another")),
    ):
        assert [leg.type for leg in readiness.go(unfit, FACTS)] == ["GO"]
