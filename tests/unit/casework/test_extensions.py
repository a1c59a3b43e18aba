"""More time for a wait: once, until the second escalation, and the taken steps stay taken."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.facts import NOW, open_case, revision
from tests.support.halden import charter

from investiture.casework import case as cases
from investiture.casework import extensions
from investiture.casework.case import Case, DueStep, Holder
from investiture.casework.words import CaseState, Step
from investiture.charter import timetable as dates
from investiture.chassis.refusal import PreconditionFailed

SAM = Holder("people/sam", "sponsor", NOW)


def waiting() -> Case:
    case = cases.with_holders(open_case(revision()), [SAM])
    return replace(case, timetable=dates.timetable(charter(), "PLEDGE", NOW))


def extended(case: Case, after: timedelta) -> Case:
    table = dates.extended(charter(), "PLEDGE", case.timetable, NOW + after)
    return extensions.extend(case, SAM, table, NOW + after, "a reason")


def due(case: Case, now: timedelta) -> DueStep:
    step = dates.next_step(charter(), "PLEDGE", case.timetable, case.steps_in_wait, NOW + now)
    return DueStep(Step(step.step.value), step.at, step.index)


@given(taken=st.integers(0, 3), after=st.timedeltas(timedelta(), timedelta(days=60)))
def test_no_step_is_due_at_the_moment_in_which_more_time_is_given(
    taken: int, after: timedelta
) -> None:
    case = extended(replace(waiting(), steps_in_wait=taken), after)
    following = due(case, after)
    assert following.at > NOW + after
    assert (following.index, case.steps_in_wait) == (taken, taken)
    assert following.step is (Step.NUDGE, Step.WARN, Step.OVERDUE, Step.SECOND)[taken]


@given(after=st.timedeltas(timedelta(), timedelta(days=60)))
def test_the_due_date_only_ever_moves_back(after: timedelta) -> None:
    before = waiting().timetable
    table = extended(waiting(), after).timetable
    assert table.overdue_at > max(before.overdue_at, NOW + after)
    assert table.nudge_at < table.warn_at < table.overdue_at < table.second_at
    assert table.opened_at == before.opened_at


def test_a_wait_is_extended_once_and_the_next_wait_of_the_case_once_more() -> None:
    case = extended(waiting(), timedelta(days=1))
    with pytest.raises(PreconditionFailed) as refusal:
        extended(case, timedelta(days=2))
    (leg,) = refusal.value.legs
    assert leg.type == "EXTENDED_BEFORE"
    assert "people/sam" in leg.description
    now = NOW + timedelta(days=2)
    asked = cases.request_changes(case, (), dates.timetable(charter(), "CHANGES", now), now)
    again = extended(asked, timedelta(days=3))
    assert [one.wait for one in again.extensions] == [CaseState.OPEN, CaseState.CHANGES_REQUESTED]


@pytest.mark.parametrize("taken", [4, 5, 40])
def test_after_the_second_escalation_there_is_no_more_time(taken: int) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        extended(replace(waiting(), steps_in_wait=taken), timedelta(days=9))
    assert [leg.type for leg in refusal.value.legs] == ["ESCALATED_TWICE"]
