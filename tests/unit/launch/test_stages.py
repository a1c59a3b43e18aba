"""Outcomes and answers: a success shows its criteria, a no names what would change it."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.facts import NOW, open_case, revision
from tests.support.programs import SPONSOR, content, eur, plan

from investiture.casework.facts import Authority, Decider, Gap
from investiture.casework.words import CaseState, Gate, Side, Verdict
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import InvalidArgument, PreconditionFailed
from investiture.launch.domain import stages
from investiture.launch.domain.stages import GoAnswer, PilotOutcome
from investiture.launch.wire import content_of

PLAN = content_of(content(pilot_plan=plan(exit_criteria=["active", "no abuse"]))).pilot_plan
GAP = Gap("moderation", "", "nobody at night", "a rota")
FACTS = revision()
LATER = NOW + timedelta(hours=2)
MONTH = timedelta(days=30)


def authority(person: str = SPONSOR, **changes: Any) -> Authority:
    values: dict[str, Any] = {
        "person": person,
        "active": True,
        "side": None,
        "unit": "units/support",
        "grade": "vp",
        "limit_minor": 90_000_00,
        "limit_currency": "EUR",
        "unlimited": False,
        "resolved_at": NOW,
    }
    return Authority(**{**values, **changes})


def wrong(outcome: PilotOutcome, observations: list[str], gaps: list[Gap]) -> list[str]:
    with pytest.raises(InvalidArgument) as refused:
        stages.check_outcome(outcome, PLAN, observations, gaps)
    return [found.field for found in refused.value.violations]


def test_a_success_shows_each_exit_criterion_and_has_no_gap() -> None:
    stages.check_outcome(PilotOutcome.SUCCEEDED, PLAN, ["41 %", "none"], [])
    assert wrong(PilotOutcome.SUCCEEDED, ["41 %"], []) == ["observations"]
    assert wrong(PilotOutcome.SUCCEEDED, ["41 %", " "], [GAP]) == ["observations[1]", "gaps"]


def test_a_failure_names_what_is_missing() -> None:
    stages.check_outcome(PilotOutcome.FAILED, PLAN, ["12 %"], [GAP])
    assert wrong(PilotOutcome.FAILED, ["12 %"], []) == ["gaps"]
    bare = Gap("moderation", "", "", " ")
    assert wrong(PilotOutcome.FAILED, ["12 %"], [bare]) == ["gaps[0].excess", "gaps[0].remedy"]


def test_a_pilot_that_failed_waits_for_the_proposer() -> None:
    timetable = Timetable(LATER, LATER, LATER, LATER, LATER, "test")
    failed = stages.failed(open_case(FACTS, Gate.PILOT), [GAP], timetable, LATER)
    assert (failed.state, failed.verdict) == (CaseState.CHANGES_REQUESTED, Verdict.PILOT_FAILED)
    assert [holder.person for holder in failed.holders] == [FACTS.proposer]
    assert failed.gaps == (GAP,)


@pytest.mark.parametrize(
    ("answer", "state", "verdict"),
    [
        (GoAnswer.GO, CaseState.STANDING, Verdict.GO),
        (GoAnswer.HOLD, CaseState.OPEN, None),
        (GoAnswer.NO_GO, CaseState.DECLINED, Verdict.DECLINED),
    ],
)
def test_a_go_stands_a_hold_stays_open_a_no_go_declines(
    answer: GoAnswer, state: CaseState, verdict: Verdict | None
) -> None:
    case = open_case(FACTS, Gate.LAUNCH)
    by = stages.decider(case, authority(), stages.SPONSOR, LATER)
    after = stages.answered(case, answer, "why", by, LATER, MONTH)
    assert (after.state, after.verdict, after.reason) == (state, verdict, "why")
    assert bool(after.deciders) is (answer is not GoAnswer.HOLD)


def test_a_launch_that_was_carried_out_does_not_expire() -> None:
    case = open_case(FACTS, Gate.LAUNCH)
    by = stages.decider(case, authority(), stages.SPONSOR, LATER)
    go = stages.answered(case, GoAnswer.GO, "", by, LATER, MONTH)
    assert go.standing_until == LATER + MONTH
    launched = stages.launched(go)
    assert (launched.verdict, launched.standing_until) == (Verdict.LAUNCHED, None)


@pytest.mark.parametrize("answer", [GoAnswer.HOLD, GoAnswer.NO_GO])
def test_who_does_not_say_go_says_why(answer: GoAnswer) -> None:
    stages.check_answer(GoAnswer.GO, "")
    with pytest.raises(InvalidArgument):
        stages.check_answer(answer, "  ")


def test_who_decides_go_stands_on_no_other_side() -> None:
    stages.check_decider(authority(), frozenset({"people/finn"}))
    with pytest.raises(PreconditionFailed) as refused:
        stages.check_decider(authority("people/finn"), frozenset({"people/finn"}))
    assert refused.value.reason == "SIDES_NOT_SEPARATE"


def test_a_go_is_within_the_deciders_limit() -> None:
    stages.check_limit(authority(), content_of(content()))
    with pytest.raises(PreconditionFailed) as refused:
        stages.check_limit(authority(), content_of(content(amount=eur(90_001), tranches=None)))
    assert refused.value.reason == "AUTHORITY_INSUFFICIENT"
    assert "90,001.00 EUR" in refused.value.legs[0].description


def test_go_is_asked_of_the_sponsor_and_of_the_counter_sponsor() -> None:
    both = content_of(content(counter_sponsor="people/hana"))
    holders = stages.go_holders(both, (), NOW)
    assert [holder.person for holder in holders] == [SPONSOR, "people/hana"]


@pytest.mark.parametrize(
    ("pledged", "asked"),
    [
        ([(SPONSOR, "")], [SPONSOR]),
        ([("people/sam", SPONSOR)], [SPONSOR]),
        ([("people/sam", "")], ["people/sam"]),
        ([("people/sam", "people/ada")], ["people/sam"]),
    ],
)
def test_go_is_asked_of_who_stands_behind_the_pledge(
    pledged: list[tuple[str, str]], asked: list[str]
) -> None:
    """Who follows a lost sponsor decides in their place; a delegate leaves it to the sponsor."""
    named = content_of(content())
    deciders = tuple(
        Decider(person, Side.BUSINESS, stages.SPONSOR, NOW, 1, "sha256:x", on_behalf_of=principal)
        for person, principal in pledged
    )
    holders = stages.go_holders(named, deciders, NOW)
    assert [holder.person for holder in holders] == asked
