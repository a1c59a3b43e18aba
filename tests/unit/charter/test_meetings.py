"""When a committee meets and by when it answers; domain.md, Words: Timetable."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.charter.small import small

from investiture.charter.business_time import is_working_day, working_time_between
from investiture.charter.calendar import Calendar
from investiture.charter.committees import ORDINALS, WEEKDAYS, Committee, Majority, Meetings
from investiture.charter.meetings import committee_timetable, next_meeting

BERLIN = Calendar(id="berlin", zone="Europe/Berlin", country="DE", subdivision="BE")
CHARTER = small().model_copy(
    update={"calendars": (BERLIN, Calendar(id="always", always_open=True))}
)


def meets(every: str | None = None, *dates: date, calendar: str = "berlin") -> Meetings:
    return Meetings(calendar=calendar, every=every, dates=dates)


def circle(meetings: Meetings, seats: int = 3) -> Committee:
    people = tuple(f"people/p{number}" for number in range(seats))
    return Committee(id="circle", name="Circle", seats=people, chair=people[0], meets=meetings)


def at(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "opened", "meeting"),
    [
        ("second tuesday", at(3, 1), date(2027, 3, 9)),
        ("second tuesday", at(3, 8), date(2027, 3, 9)),
        ("second tuesday", at(3, 9), date(2027, 4, 13)),  # on the day itself: the next one
        ("second tuesday", at(3, 8, 23), date(2027, 4, 13)),  # past midnight in Berlin
        ("last friday", at(12, 31), date(2028, 1, 28)),
        ("last monday", at(2, 1), date(2027, 2, 22)),
        ("first monday", at(1, 1), date(2027, 1, 4)),
        ("last monday", at(3, 2), date(2027, 3, 30)),  # the 29th is Easter Monday
        ("first saturday", at(5, 2), date(2027, 5, 3)),  # moved from the 1st, a Saturday
        ("fourth sunday", at(2, 28), date(2027, 3, 1)),  # moved into the month after
    ],
)
def test_a_monthly_rule_has_one_working_day_in_each_month(
    every: str, opened: datetime, meeting: date
) -> None:
    assert next_meeting(BERLIN, meets(every), opened) == meeting


def test_listed_dates_stand_beside_the_rule_and_end() -> None:
    listed = meets(None, date(2027, 3, 20), date(2027, 3, 4))
    assert next_meeting(BERLIN, listed, at(3, 1)) == date(2027, 3, 4)
    assert next_meeting(BERLIN, listed, at(3, 4)) == date(2027, 3, 20)
    assert next_meeting(BERLIN, listed, at(3, 20)) is None
    both = meets("second tuesday", date(2027, 3, 4))
    assert next_meeting(BERLIN, both, at(3, 1)) == date(2027, 3, 4)
    assert next_meeting(BERLIN, both, at(3, 5)) == date(2027, 3, 9)


def test_due_is_the_next_meeting_and_two_days_of_business() -> None:
    """domain.md, Words, Timetable: "for a committee, due = its next meeting + 2 days"."""
    table = committee_timetable(CHARTER, circle(meets("second tuesday")), at(3, 1))
    assert table is not None
    assert table.overdue_at == datetime(2027, 3, 11, 16, tzinfo=UTC)  # Thursday, 17:00 in Berlin
    friday = committee_timetable(CHARTER, circle(meets(None, date(2027, 3, 12))), at(3, 1))
    assert friday is not None
    assert friday.overdue_at == datetime(2027, 3, 16, 16, tzinfo=UTC)  # the Tuesday after
    always = meets(None, date(2027, 3, 12), calendar="always")
    clock = committee_timetable(CHARTER, circle(always), at(3, 1))
    assert clock is not None
    assert clock.overdue_at == at(3, 15, 0)


@given(
    st.integers(0, 2_000_000).map(lambda minutes: at(1, 1) + timedelta(minutes=minutes)),
    st.sampled_from(ORDINALS),
    st.sampled_from(WEEKDAYS),
)
def test_every_wait_has_its_steps_at_the_same_shares_and_a_meeting_within_two_months(
    opened: datetime, ordinal: str, weekday: str
) -> None:
    rule = meets(f"{ordinal} {weekday}")
    day = next_meeting(BERLIN, rule, opened)
    assert day is not None
    assert is_working_day(BERLIN, day)
    today = opened.astimezone(UTC).date()
    assert timedelta(0) <= day - today <= timedelta(days=62)
    table = committee_timetable(CHARTER, circle(rule), opened)
    assert table is not None
    wait = working_time_between(BERLIN, opened, table.overdue_at)
    for step, percent in (
        (table.nudge_at, 50),
        (table.warn_at, 80),
        (table.overdue_at, 100),
        (table.second_at, 150),
    ):
        assert working_time_between(BERLIN, opened, step) == wait * percent // 100


def test_a_committee_that_does_not_meet_again_has_no_timetable_of_its_own() -> None:
    assert committee_timetable(CHARTER, circle(meets(None, date(2027, 1, 1))), at(3, 1)) is None


@pytest.mark.parametrize(
    ("majority", "needed"),
    [
        (Majority.STRICT, [1, 1, 2, 2, 3, 3, 4, 4]),
        (Majority.TWO_THIRDS, [1, 1, 2, 2, 3, 4, 4, 5]),
        (Majority.UNANIMOUS, [1, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_how_many_yes_a_majority_needs(majority: Majority, needed: list[int]) -> None:
    committee = circle(meets("last friday"), 7).model_copy(
        update={"majority": majority, "floor": 1}
    )
    assert [committee.needed(votes) for votes in range(8)] == needed
    floored = committee.model_copy(update={"floor": 3})
    assert [floored.needed(votes) for votes in range(8)] == [max(3, one) for one in needed]
