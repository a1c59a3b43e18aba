"""The one rule for revisions, voids and expiries: what an opening does to a gate's present case."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.facts import MATERIAL, NOW, open_case, revision, standing

from investiture.casework import case as cases
from investiture.casework.case import Case
from investiture.casework.facts import Revision
from investiture.casework.openings import Fresh, Kept, Tolerance, reopen
from investiture.casework.words import Basis, CaseState, Gate
from investiture.chassis.refusal import PreconditionFailed

TOLERANCE = Tolerance(
    frozenset(MATERIAL["PLEDGE"]), amount_increase_bps=1_000, exposure_increase_bps=0
)
KNIGHT_TOLERANCE = Tolerance(frozenset(MATERIAL["KNIGHT"]), exposure_increase_bps=500)


def reopened(present: Case | None, facts: Revision, *, same_tier: bool = True) -> Kept | Fresh:
    return reopen(present, facts, Gate.PLEDGE, TOLERANCE, NOW, same_tier=same_tier)


def test_the_first_opening_is_round_one() -> None:
    assert reopened(None, revision()) == Fresh(1, None)


def test_opening_again_for_the_same_revision_changes_nothing() -> None:
    case = open_case(revision())
    assert reopened(case, revision()) == Kept(case, changed=False)


def test_a_decision_stands_as_it_is_where_nothing_material_changed() -> None:
    case = standing(revision())
    moved = reopened(case, revision(2, vendors=("Acme",)))
    assert isinstance(moved, Kept)
    assert moved.changed
    assert moved.case.basis is Basis.DECISION
    assert moved.case.facts.number == 2
    assert moved.case.notices == ()


@pytest.mark.parametrize(
    ("amount_minor", "same_tier", "carried"),
    [
        (90_000_00, False, True),  # a decrease is always inside
        (110_000_00, True, True),  # exactly 10 %
        (110_000_01, True, False),  # one minor unit more
        (105_000_00, False, False),  # inside 10 %, but in another tier
    ],
)
def test_an_amount_is_carried_up_to_the_limit_inside_the_same_tier(
    amount_minor: int, same_tier: bool, carried: bool
) -> None:
    case = standing(revision())
    opening = reopened(case, revision(2, amount_minor=amount_minor), same_tier=same_tier)
    assert isinstance(opening, Kept) is carried
    if isinstance(opening, Kept):
        assert opening.case.basis is Basis.CARRIED
        assert opening.case.deciders[0].revision == 1
        notice = opening.case.notices[0]
        assert notice.people == ("people/sam",)
        assert notice.changes == (f"amount: 10000000 → {amount_minor} minor units of EUR",)
    else:
        assert opening == Fresh(2, case)


def test_increases_are_measured_from_what_the_decider_saw_not_from_the_last_carry() -> None:
    case = standing(revision())
    first = reopened(case, revision(2, amount_minor=108_000_00))
    assert isinstance(first, Kept)
    second = reopened(replace(first.case, version=2), revision(3, amount_minor=114_000_00))
    assert isinstance(second, Fresh), "108,000 → 114,000 is 5.6 %, but 14 % since the decision"


def test_exposure_has_its_own_tolerance() -> None:
    case = standing(revision(), Gate.KNIGHT)
    inside = revision(2, exposure_bps=5_250)
    outside = revision(2, exposure_bps=5_251)
    kept = reopen(case, inside, Gate.KNIGHT, KNIGHT_TOLERANCE, NOW)
    assert isinstance(kept, Kept)
    assert isinstance(reopen(case, outside, Gate.KNIGHT, KNIGHT_TOLERANCE, NOW), Fresh)


def test_a_change_that_has_no_tolerance_reopens_exactly_that_gate() -> None:
    changed = revision(2, objective="something else")
    assert reopened(standing(revision()), changed) == Fresh(2, standing(revision()))
    knighted = standing(revision(), Gate.KNIGHT)
    kept = reopen(knighted, changed, Gate.KNIGHT, KNIGHT_TOLERANCE, NOW)
    assert isinstance(kept, Kept)


def test_an_open_case_is_superseded_by_a_material_revision() -> None:
    case = open_case(revision())
    opening = reopened(case, revision(2, objective="something else"))
    assert opening == Fresh(2, case)


@pytest.mark.parametrize("state", [CaseState.VOIDED, CaseState.EXPIRED])
def test_a_voided_or_expired_decision_reopens_its_gate(state: CaseState) -> None:
    case = replace(standing(revision()), state=state)
    assert reopened(case, revision()) == Fresh(2, case)


def test_a_decision_reads_as_expired_from_the_instant_its_validity_ends() -> None:
    case = standing(revision())
    assert case.standing_until is not None
    last = case.standing_until - timedelta(microseconds=1)
    assert cases.as_of(case, last).state is CaseState.STANDING
    assert cases.as_of(case, case.standing_until).state is CaseState.EXPIRED


@pytest.mark.parametrize("state", [CaseState.DECLINED, CaseState.RELEASED])
def test_a_case_that_ended_never_reopens(state: CaseState) -> None:
    case = replace(open_case(revision()), state=state)
    assert reopened(case, revision(2, objective="something else")) == Kept(case, changed=False)


def test_a_late_opening_for_an_older_revision_is_refused() -> None:
    with pytest.raises(PreconditionFailed) as refused:
        reopened(open_case(revision(3)), revision(2))
    assert refused.value.reason == "REVISION_SUPERSEDED"
