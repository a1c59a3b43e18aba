"""Launch's record of a gate that two people decided: what follows when that runs out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.emergencies import OTTO, SARA
from tests.support.facts import NOW, open_case, revision
from tests.unit.casework.test_emergencies import DAYS, spoken

from investiture.casework import emergencies
from investiture.casework.openings import Tolerance
from investiture.casework.words import CaseState, Gate
from investiture.launch.domain.path import (
    Effect,
    GateRecord,
    Recorded,
    effect_on,
    lost,
    record,
    recorded_of,
)

FACTS = revision(1)
CASE = spoken(open_case(FACTS, Gate.FUND), SARA, OTTO)


def provisional() -> Recorded:
    return replace(recorded_of(emergencies.shown(CASE, NOW)), provisional=True)


def ran_out() -> Recorded:
    return recorded_of(emergencies.shown(CASE, NOW + DAYS))


def test_it_stands_until_it_runs_out_and_is_open_in_the_same_version() -> None:
    known = record(None, provisional(), NOW)
    assert known is not None
    assert known.standing_for(FACTS, NOW + DAYS - timedelta(microseconds=1))
    assert not known.standing_for(FACTS, NOW + DAYS)
    after = record(known, ran_out(), NOW + DAYS)
    assert after is not None
    assert (after.case.state, after.case.version) == (CaseState.OPEN, known.case.version)
    assert after.passed_at is None
    assert record(after, provisional(), NOW + DAYS) is None, "it does not come back"


@pytest.mark.parametrize(
    ("state", "gone"),
    [
        (CaseState.OPEN, True),
        (CaseState.CHANGES_REQUESTED, True),
        (CaseState.VOIDED, True),
        (CaseState.DECLINED, True),
        (CaseState.STANDING, False),
    ],
)
def test_a_launched_program_has_an_incident_where_it_is_gone(state: CaseState, gone: bool) -> None:
    before = GateRecord(provisional())
    assert lost(before, replace(ran_out(), state=state, version=9)) is gone


def test_it_is_not_carried_to_a_revision_as_an_ordinary_decision_is() -> None:
    grown = revision(2, amount_minor=FACTS.amount_minor + 1)
    tolerance = Tolerance(frozenset({"amount"}), amount_increase_bps=1_000)
    for case, effect in (
        (provisional(), Effect.REOPENED),
        (replace(provisional(), provisional=False), Effect.CARRIED),
    ):
        found = effect_on(case, FACTS, grown, tolerance, NOW, same_tier=True)
        assert found is effect
