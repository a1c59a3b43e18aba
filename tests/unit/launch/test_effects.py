"""What a revision is said to do to a gate is what the gate's service then does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.facts import MATERIAL, NOW, open_case, revision, standing

from investiture.casework.case import Case
from investiture.casework.openings import Kept, Tolerance, reopen
from investiture.casework.words import Basis, CaseState, Gate
from investiture.launch.domain.path import Effect, changes, effect_on, recorded_of

TOLERANCE = Tolerance(
    frozenset(MATERIAL["PLEDGE"]), amount_increase_bps=1_000, exposure_increase_bps=0
)
STATES = (
    CaseState.OPEN,
    CaseState.CHANGES_REQUESTED,
    CaseState.STANDING,
    CaseState.VOIDED,
    CaseState.EXPIRED,
    CaseState.SUPERSEDED,
)


def said(case: Case | None, *, same_tier: bool = True, **new: Any) -> Effect:
    recorded = recorded_of(case) if case else None
    decided = case.decided if case else None
    facts = revision(2, **new)
    return effect_on(recorded, decided, facts, TOLERANCE, NOW, same_tier=same_tier)


def test_a_gate_that_nobody_decided_has_nothing_to_lose() -> None:
    assert said(None) is Effect.NOT_DECIDED
    assert said(open_case(revision()), objective="another") is Effect.NOT_DECIDED


def test_a_decision_stands_where_nothing_material_to_it_changed() -> None:
    assert said(standing(revision()), vendors=("Acme",)) is Effect.UNCHANGED


def test_a_small_increase_is_carried_and_a_larger_one_reopens() -> None:
    stood = standing(revision())
    assert said(stood, amount_minor=110_000_00) is Effect.CARRIED
    assert said(stood, amount_minor=110_000_01) is Effect.REOPENED
    assert said(stood, amount_minor=105_000_00, same_tier=False) is Effect.REOPENED
    assert said(stood, amount_minor=90_000_00, same_tier=False) is Effect.CARRIED


def test_another_objective_reopens() -> None:
    assert said(standing(revision()), objective="another") is Effect.REOPENED


def test_what_was_asked_to_change_stays_asked_until_it_does() -> None:
    asked = replace(open_case(revision()), state=CaseState.CHANGES_REQUESTED)
    assert said(asked, vendors=("Acme",)) is Effect.UNCHANGED
    assert said(asked, objective="another") is Effect.REOPENED


def test_a_decision_that_outlived_its_validity_reopens_even_if_nothing_changed() -> None:
    stood = replace(standing(revision()), standing_until=NOW - timedelta(seconds=1))
    assert said(stood) is Effect.REOPENED


def test_the_fields_that_changed_are_the_material_ones() -> None:
    old, new = revision(), revision(2, vendors=("Acme",), objective="another", amount_minor=1)
    assert changes(old, new, TOLERANCE) == ("amount", "objective")


@pytest.mark.parametrize("state", STATES)
@given(
    amount_minor=st.integers(80_000_00, 120_000_00) | st.just(100_000_00),
    objective=st.sampled_from(["help each other", "another"]),
    vendors=st.sampled_from([(), ("Acme",)]),
    same_tier=st.booleans(),
)
def test_the_effect_is_the_rule_of_the_openings(
    state: CaseState,
    amount_minor: int,
    objective: str,
    vendors: tuple[str, ...],
    same_tier: bool,
) -> None:
    case = standing(revision()) if state is CaseState.STANDING else open_case(revision())
    case = replace(case, state=state)
    new: dict[str, Any] = {"amount_minor": amount_minor, "vendors": vendors, "objective": objective}
    effect = said(case, same_tier=same_tier, **new)
    opening = reopen(case, revision(2, **new), Gate.PLEDGE, TOLERANCE, NOW, same_tier=same_tier)
    if effect in (Effect.UNCHANGED, Effect.CARRIED):
        assert isinstance(opening, Kept)
        carried = opening.case.basis is Basis.CARRIED
        assert carried is (effect is Effect.CARRIED)
    elif effect is Effect.REOPENED:
        assert not isinstance(opening, Kept)
    else:
        assert state in (CaseState.OPEN, CaseState.SUPERSEDED)
