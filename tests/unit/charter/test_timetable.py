"""Timetables: exact dates, the next step, reminders without end, and clocks that stood still."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.charter.small import small

from investiture.charter.business_time import working_time_between
from investiture.charter.duration import Duration
from investiture.charter.model import UnknownId
from investiture.charter.timetable import (
    StepDue,
    Timetable,
    extended,
    next_step,
    resumed,
    step_at,
    timetable,
    weekly_at,
)
from investiture.charter.vocabulary import Step, Wait

CHARTER = small()
NEW_YORK = ZoneInfo("America/New_York")
instants = st.datetimes(
    datetime.fromisoformat("2026-01-01"),
    datetime.fromisoformat("2027-06-30"),
    timezones=st.just(UTC),
)


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


OPENED = new_york("2026-12-22T10:00")
TABLE = timetable(CHARTER, "PLEDGE", OPENED)


def test_three_business_days_over_christmas() -> None:
    """Percentages from domain.md, "Timetable"; dates counted by hand, Christmas Day is off."""
    assert (
        Timetable(
            opened_at=OPENED,
            nudge_at=new_york("2026-12-23T14:00"),
            warn_at=new_york("2026-12-24T13:12"),
            overdue_at=new_york("2026-12-28T10:00"),
            second_at=new_york("2026-12-29T14:00"),
            calendar_version=CHARTER.calendar("office").version,
        )
        == TABLE
    )


def test_more_time_is_the_agreed_time_again_from_the_due_date() -> None:
    """domain.md, Time: one extension. Counted by hand: due Monday 28 December 10:00."""
    table = extended(CHARTER, "PLEDGE", TABLE, new_york("2026-12-23T09:00"))
    assert (
        Timetable(
            opened_at=OPENED,
            nudge_at=new_york("2026-12-29T14:00"),
            warn_at=new_york("2026-12-30T13:12"),
            overdue_at=new_york("2026-12-31T10:00"),
            second_at=new_york("2027-01-04T14:00"),  # New Year's Day is off
            calendar_version=CHARTER.calendar("office").version,
        )
        == table
    )


def test_more_time_that_is_asked_for_late_counts_from_then() -> None:
    table = extended(CHARTER, "PLEDGE", TABLE, new_york("2026-12-28T15:00"))
    assert table.overdue_at == new_york("2026-12-31T15:00")


def test_a_charter_says_how_much_more_time_there_is() -> None:
    sla = CHARTER.sla("PLEDGE").model_copy(update={"extension": Duration(days=1)})
    charter = CHARTER.model_copy(update={"slas": {**CHARTER.slas, Wait.PLEDGE: sla}})
    table = extended(charter, "PLEDGE", TABLE, OPENED)
    assert table.overdue_at == new_york("2026-12-29T10:00")


def test_the_dates_are_utc() -> None:
    assert {at.utcoffset() for at in (TABLE.opened_at, TABLE.nudge_at, TABLE.second_at)} == {
        timedelta(0)
    }


def test_seconds_around_the_clock() -> None:
    table = timetable(CHARTER, "PROVE", OPENED)
    seconds = [
        (at - OPENED).total_seconds()
        for at in (table.nudge_at, table.warn_at, table.overdue_at, table.second_at)
    ]
    assert seconds == [30, 48, 60, 90]
    assert weekly_at(CHARTER, "PROVE", table, 3) == table.second_at + timedelta(seconds=90)
    assert table.calendar_version == "always@24x7"


def test_reminders_come_every_business_week_after_the_second_escalation() -> None:
    """domain.md, "Timetable": then weekly. New Year's Day is off."""
    assert weekly_at(CHARTER, "PLEDGE", TABLE, 1) == new_york("2027-01-06T14:00")
    assert weekly_at(CHARTER, "PLEDGE", TABLE, 2) == new_york("2027-01-13T14:00")


def test_every_wait_has_a_timetable() -> None:
    for wait in Wait:
        table = timetable(CHARTER, wait, OPENED)
        assert table.opened_at < table.nudge_at < table.warn_at < table.overdue_at < table.second_at


def test_an_unknown_wait_is_refused() -> None:
    with pytest.raises(UnknownId, match="LUNCH"):
        timetable(CHARTER, "LUNCH", OPENED)


def test_the_steps_come_in_order_each_at_its_own_date() -> None:
    steps = [step_at(CHARTER, "PLEDGE", TABLE, index) for index in range(6)]
    assert [step.step for step in steps] == [
        Step.NUDGE,
        Step.WARN,
        Step.OVERDUE,
        Step.SECOND,
        Step.REPEAT,
        Step.REPEAT,
    ]
    assert [step.number for step in steps] == [0, 0, 0, 0, 1, 2]
    assert sorted(step.at for step in steps) == [step.at for step in steps]


def test_no_named_step_is_skipped_however_late() -> None:
    much_later = OPENED + timedelta(days=300)
    for taken in range(4):
        due = next_step(CHARTER, "PLEDGE", TABLE, taken, much_later)
        assert due == step_at(CHARTER, "PLEDGE", TABLE, taken)


def test_before_its_date_a_step_is_waited_for() -> None:
    due = next_step(CHARTER, "PLEDGE", TABLE, 0, OPENED)
    assert due == StepDue(Step.NUDGE, TABLE.nudge_at, 0)
    assert due.remaining(OPENED) == TABLE.nudge_at - OPENED
    assert due.remaining(TABLE.nudge_at + timedelta(days=1)) == timedelta(0)
    reminder = next_step(CHARTER, "PLEDGE", TABLE, 4, TABLE.second_at)
    assert (reminder.step, reminder.number) == (Step.REPEAT, 1)


@pytest.mark.parametrize(
    ("now", "number", "at"),
    [
        ("2027-01-21T09:00", 2, "2027-01-13T14:00"),
        ("2027-01-21T14:00", 3, "2027-01-21T14:00"),  # 18 January is Martin Luther King Day
        ("2027-01-27T09:00", 3, "2027-01-21T14:00"),
    ],
)
def test_of_the_missed_reminders_only_the_last_comes(now: str, number: int, at: str) -> None:
    due = next_step(CHARTER, "PLEDGE", TABLE, 4, new_york(now))
    assert (due.number, due.at) == (number, new_york(at))
    following = next_step(CHARTER, "PLEDGE", TABLE, due.index + 1, new_york(now))
    assert following.number == number + 1
    assert following.at > new_york(now)


def test_a_reminder_is_found_quickly_after_a_year_of_seconds() -> None:
    """A demo that is started again after a year: half a million reminders were missed."""
    table = timetable(CHARTER, "PROVE", OPENED)
    now = OPENED + timedelta(days=365)
    due = next_step(CHARTER, "PROVE", table, 4, now)
    assert now - timedelta(seconds=30) < due.at <= now


@given(instants, st.integers(4, 12), st.integers(0, 200))
def test_the_last_due_reminder_is_followed_by_one_to_wait_for(
    opened: datetime, taken: int, days: int
) -> None:
    table = timetable(CHARTER, "PLEDGE", opened)
    now = opened + timedelta(days=days)
    due = next_step(CHARTER, "PLEDGE", table, taken, now)
    assert due.index >= taken
    if due.at <= now:
        assert step_at(CHARTER, "PLEDGE", table, due.index + 1).at > now
    else:
        assert due.index == taken


@given(instants)
def test_dates_stand_in_order_wherever_a_wait_opens(opened: datetime) -> None:
    table = timetable(CHARTER, "KNIGHT", opened)
    dates = (table.opened_at, table.nudge_at, table.warn_at, table.overdue_at, table.second_at)
    assert sorted(set(dates)) == list(dates)


@given(instants, st.timedeltas(timedelta(0), timedelta(days=9)), st.integers(0, 30))
def test_a_clock_that_stood_still_leaves_the_time_that_was_left(
    opened: datetime, until_stop: timedelta, days: int
) -> None:
    """domain.md, "Time": the decider's clock stops only while changes are requested."""
    calendar = CHARTER.calendar("office")
    table = timetable(CHARTER, "PLEDGE", opened)
    stopped = opened + until_stop
    again = stopped + timedelta(days=days)
    moved = resumed(CHARTER, "PLEDGE", table, stopped, again)
    assert moved.opened_at == table.opened_at
    for before, after in (
        (table.nudge_at, moved.nudge_at),
        (table.warn_at, moved.warn_at),
        (table.overdue_at, moved.overdue_at),
        (table.second_at, moved.second_at),
    ):
        if before <= stopped:
            assert after == before
        else:
            assert after >= again
            left = working_time_between(calendar, stopped, before)
            assert working_time_between(calendar, again, after) == left
