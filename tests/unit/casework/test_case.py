"""Transitions that every gate's case shares."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.facts import NOW, open_case, revision, standing

from investiture.casework import case as cases
from investiture.casework.case import Candidate, DueStep, Holder
from investiture.casework.conditions import close_condition
from investiture.casework.escalating import escalate
from investiture.casework.facts import Condition, Ending, Gap
from investiture.casework.words import CaseState, Gate, Outcome, Step, Verdict
from investiture.chassis.refusal import Denied, NotFound, PreconditionFailed, Stale

HOUR = timedelta(hours=1)
SAM = Holder("people/sam", "sponsor", NOW)
CHAIN = (
    Candidate("people/sam", "sponsor"),
    Candidate("people/head", "sponsor", "units/support"),
    Candidate("people/gov", "governance"),
)
STEPS = (Step.NUDGE, Step.WARN, Step.OVERDUE, Step.SECOND)


def due(recorded: int) -> DueStep:
    dates = [NOW + HOUR * h for h in (12, 19, 24, 36)]
    if recorded < len(STEPS):
        return DueStep(STEPS[recorded], dates[recorded], recorded)
    return DueStep(Step.REPEAT, dates[-1] + timedelta(days=7 * (recorded - 3)), recorded)


def test_each_due_step_keeps_its_own_date_however_late_it_is_taken() -> None:
    case = cases.with_holders(open_case(revision()), [SAM])
    late = NOW + HOUR * 40
    moved, taken = escalate(case, late, due, CHAIN)
    assert [(t.step, t.due_at - NOW) for t in taken] == [
        (Step.NUDGE, HOUR * 12),
        (Step.WARN, HOUR * 19),
        (Step.OVERDUE, HOUR * 24),
        (Step.SECOND, HOUR * 36),
    ]
    assert [t.added for t in taken] == [(), (), ("people/head",), ("people/gov",)]
    assert [h.person for h in moved.holders] == ["people/sam", "people/head", "people/gov"]
    assert all(t.recorded_at == late for t in taken)


def test_an_escalation_that_is_not_due_changes_nothing() -> None:
    case = cases.with_holders(open_case(revision()), [SAM])
    assert escalate(case, NOW + HOUR * 11, due, CHAIN) == (case, ())


def test_escalating_twice_at_one_instant_takes_each_step_once() -> None:
    case = cases.with_holders(open_case(revision()), [SAM])
    first, _ = escalate(case, NOW + HOUR * 24, due, CHAIN)
    assert escalate(first, NOW + HOUR * 24, due, CHAIN) == (first, ())


def test_a_decided_case_is_not_escalated() -> None:
    case = standing(revision())
    assert escalate(case, NOW + HOUR * 100, due, CHAIN) == (case, ())


def test_nobody_who_may_decide_is_an_alarm_at_once() -> None:
    case = cases.with_holders(open_case(revision()), [Holder("people/gov", "governance", NOW)])
    assert case.no_eligible_holder
    assert not cases.with_holders(case, [SAM]).no_eligible_holder


def test_governance_reassigns_and_never_decides() -> None:
    case = cases.with_holders(open_case(revision()), [Holder("people/gov", "governance", NOW), SAM])
    with pytest.raises(Denied) as refused:
        cases.require_holder(case, "people/gov")
    assert refused.value.reason == "NOT_A_HOLDER"
    assert "people/sam" in refused.value.message
    assert cases.require_holder(case, "people/sam") is SAM


def test_a_decision_needs_the_etag_its_maker_saw() -> None:
    case = open_case(revision())
    cases.check_etag(case, case.etag)
    with pytest.raises(Stale) as refused:
        cases.check_etag(replace(case, version=2), case.etag)
    assert refused.value.reason == "STALE_ETAG"


def test_while_changes_are_requested_the_proposer_holds_the_case_on_a_clock_of_his_own() -> None:
    case = cases.with_holders(open_case(revision()), [SAM])
    gap = Gap("abuse", "none unmoderated", "4,000 posts a day", "add moderation", ("controls",))
    again = replace(case.timetable, opened_at=NOW + HOUR * 5)
    moved = cases.request_changes(case, [gap], again, NOW + HOUR * 5)
    assert [(h.person, h.role) for h in moved.holders] == [("people/pia", "proposer")]
    assert moved.waited_ms == 5 * 3_600_000
    assert moved.steps_in_wait == 0
    assert moved.timetable.opened_at == NOW + HOUR * 5


def test_waiting_is_counted_until_the_decision_and_not_after_it() -> None:
    case = standing(revision())
    assert case.waited_ms == 0
    late = cases.decide(open_case(revision()), Verdict.GO, NOW + HOUR, validity=None)
    ending = Ending(case.program, Outcome.WITHDRAWN, 1, "people/pia", "", NOW + HOUR * 9)
    assert late.waited_ms == 3_600_000
    assert cases.release(late, ending, NOW + HOUR * 9).waited_ms == 3_600_000


def test_a_decision_against_keeps_what_would_have_flipped_it() -> None:
    gap = Gap("price", "100,000", "20,000 too much", "cut the scope")
    declined = cases.decline(open_case(revision()), [gap], NOW + HOUR)
    assert declined.state is CaseState.DECLINED
    assert declined.gaps == (gap,)
    assert declined.reason == "price: 20,000 too much"


def test_a_condition_is_closed_once_and_by_its_id() -> None:
    condition = Condition("c1", "rota is staffed", "people/bea", Gate.PILOT)
    case = replace(standing(revision()), conditions=(condition,))
    closed = close_condition(case, "c1", "link", NOW + HOUR)
    assert closed.conditions[0].closed_at == NOW + HOUR
    assert close_condition(closed, "c1", "other", NOW + HOUR * 2) == closed
    with pytest.raises(NotFound):
        close_condition(case, "c2", "link", NOW)


def test_one_person_is_one_voice_in_whoevers_name() -> None:
    case = standing(revision())
    with pytest.raises(PreconditionFailed, match="one person is one voice"):
        cases.require_first_time(case, ("people/del", "people/sam"))
    cases.require_first_time(case, ("people/del",))


def test_a_wrong_state_is_named_with_its_remedy() -> None:
    case = cases.void(standing(revision()), NOW, "new facts")
    with pytest.raises(PreconditionFailed) as refused:
        cases.require_state(case, CaseState.OPEN)
    (leg,) = refused.value.legs
    assert refused.value.reason == "WRONG_STATE"
    assert leg.subject == case.name
    assert "new round" in leg.remedy
