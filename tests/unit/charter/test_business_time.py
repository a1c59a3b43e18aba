"""Business time against calendars, clock changes and a oracle that counts step by step."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from importlib.metadata import version
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from investiture.charter.business_time import (
    HolidaysUnknown,
    PlaceUnknown,
    add_working_time,
    holidays_of,
    is_working_day,
    working_time_between,
)
from investiture.charter.calendar import Calendar
from investiture.charter.duration import BusinessDays

US = Calendar(id="us", zone="America/New_York", country="US", subdivision="none")
BERLIN = Calendar(id="berlin", zone="Europe/Berlin", country="DE", subdivision="BE")
ALWAYS = Calendar(id="always", always_open=True)
NIGHTS = Calendar(
    id="nights",
    zone="America/New_York",
    working_days=(0, 1, 2, 3, 4, 5, 6),
    opens=time(0),
    closes=time(6),
)
"""Open when the clock changes: 7 working hours on 2026-11-01, 5 on 2026-03-08."""

SHORT_WEEK = Calendar(
    id="short",
    zone="Asia/Kathmandu",
    working_days=(6, 0, 1),
    opens=time(10, 30),
    closes=time(14, 45),
    closed_on=(date(2026, 6, 1), date(2026, 6, 2)),
)
CALENDARS = (US, BERLIN, SHORT_WEEK, NIGHTS, ALWAYS)
DAYLIGHT = (US, BERLIN, SHORT_WEEK, ALWAYS)

STEP = timedelta(minutes=5)
"""Every calendar here opens, closes and changes its clock at a multiple of it."""

instants = st.datetimes(
    datetime.fromisoformat("2026-01-01"),
    datetime.fromisoformat("2027-12-31"),
    timezones=st.just(UTC),
)
amounts = st.timedeltas(timedelta(0), timedelta(hours=400))
counts = st.fractions(min_value=0, max_value=40, max_denominator=100)
calendars = st.sampled_from(CALENDARS)


def at(calendar: Calendar, text: str) -> datetime:
    """An instant from wall-clock time in the calendar's zone."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(calendar.zone))
    return local.astimezone(UTC)


@cache
def known_holidays(country: str, region: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=region, years=year))


def is_working(calendar: Calendar, instant: datetime) -> bool:
    """The oracle: written from the definition, sharing no code with what it judges."""
    if calendar.always_open:
        return True
    local = instant.astimezone(ZoneInfo(calendar.zone))
    if calendar.country is not None:
        region = None if calendar.subdivision == "none" else calendar.subdivision
        if local.date() in known_holidays(calendar.country, region, local.year):
            return False
    return (
        local.weekday() in calendar.working_days
        and local.date() not in calendar.closed_on
        and calendar.opens <= local.time() < calendar.closes
    )


def steps(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += STEP


def inside_hours(calendar: Calendar, instant: datetime) -> bool:
    """Inside working hours, bounds included."""
    just_before = instant - timedelta(microseconds=1)
    return is_working(calendar, instant) or is_working(calendar, just_before)


@pytest.mark.parametrize("hour", ["00:00", "07:00", "09:00", "12:34:56", "17:00", "23:59"])
def test_ten_business_days_after_a_friday_in_december(hour: str) -> None:
    """The vector of domain.md, "Time": whatever the hour of that Friday."""
    start = at(US, f"2026-12-18T{hour}")
    due = add_working_time(US, start, BusinessDays.of(10)).astimezone(ZoneInfo(US.zone))
    assert due.date() == date(2027, 1, 5)


def test_a_business_day_keeps_the_wall_clock_over_a_change_of_the_clock() -> None:
    """Clocks went back in New York on Sunday 2026-11-01: 24 + 1 + 48 hours pass."""
    start = at(US, "2026-10-30T10:00")
    due = add_working_time(US, start, BusinessDays.of(1))
    assert due == at(US, "2026-11-02T10:00")
    assert due - start == timedelta(hours=73)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-11-25T10:00", 1, "2026-11-27T10:00"),  # Thanksgiving between
        ("2026-11-25T18:30", 1, "2026-11-27T17:00"),  # after closing counts as closing
        ("2026-11-25T06:00", 1, "2026-11-27T09:00"),  # before opening counts as opening
        ("2026-11-26T12:00", 1, "2026-11-27T17:00"),  # a holiday counts as closing before it
        ("2026-11-28T12:00", 2, "2026-12-01T17:00"),  # so does a Saturday
        ("2026-12-31T16:00", 1, "2027-01-04T16:00"),  # over the year's end
    ],
)
def test_business_days_from_and_over_days_without_work(start: str, days: int, due: str) -> None:
    found = add_working_time(US, at(US, start), BusinessDays.of(days))
    assert found == at(US, due)


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        ("2026-11-23T10:00", Fraction(1, 2), "2026-11-23T14:00"),
        ("2026-11-23T15:00", Fraction(1, 2), "2026-11-24T11:00"),
        ("2026-11-23T10:00", Fraction(3, 2), "2026-11-24T14:00"),
        ("2026-11-25T15:00", Fraction(1, 2), "2026-11-27T11:00"),
        ("2026-11-21T12:00", Fraction(1, 2), "2026-11-23T13:00"),
        ("2026-11-23T20:00", Fraction(1, 4), "2026-11-24T11:00"),
    ],
)
def test_a_part_of_a_business_day_is_working_time(start: str, count: Fraction, due: str) -> None:
    assert add_working_time(US, at(US, start), BusinessDays(count)) == at(US, due)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23T10:00", 3, "2026-11-23T13:00"),
        ("2026-11-23T10:00", 7, "2026-11-23T17:00"),  # used up at closing: not the next opening
        ("2026-11-23T10:00", 8, "2026-11-24T10:00"),
        ("2026-11-25T16:00", 2, "2026-11-27T10:00"),
        ("2026-11-22T10:00", 1, "2026-11-23T10:00"),
    ],
)
def test_working_hours(start: str, hours: int, due: str) -> None:
    assert add_working_time(US, at(US, start), timedelta(hours=hours)) == at(US, due)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-11-01", 7), ("2026-03-08", 5), ("2026-06-01", 6)]
)
def test_an_hour_that_the_clock_repeats_or_skips_counts_as_it_happened(
    day: str, hours: int
) -> None:
    start, end = at(NIGHTS, f"{day}T00:00"), at(NIGHTS, f"{day}T06:00")
    assert working_time_between(NIGHTS, start, end) == timedelta(hours=hours)
    assert add_working_time(NIGHTS, start, timedelta(hours=hours)) == end


def test_a_subdivision_has_its_own_holidays() -> None:
    """Women's Day, 8 March, is one in Berlin and not in Bavaria; in 2027 it is a Monday."""
    bavaria = BERLIN.model_copy(update={"subdivision": "BY"})
    friday = at(BERLIN, "2027-03-05T12:00")
    assert add_working_time(BERLIN, friday, BusinessDays.of(1)) == at(BERLIN, "2027-03-09T12:00")
    assert add_working_time(bavaria, friday, BusinessDays.of(1)) == at(BERLIN, "2027-03-08T12:00")


def test_around_the_clock_a_business_day_is_24_hours() -> None:
    start = at(ALWAYS, "2026-12-24T23:00")
    assert add_working_time(ALWAYS, start, BusinessDays.of(3)) == start + timedelta(days=3)
    assert add_working_time(ALWAYS, start, timedelta(seconds=6)) == start + timedelta(seconds=6)
    assert add_working_time(ALWAYS, start, BusinessDays(Fraction(1, 2))) == start + timedelta(
        hours=12
    )


def test_days_that_the_company_is_closed_are_no_working_days() -> None:
    sunday = at(SHORT_WEEK, "2026-05-31T14:45")
    due = add_working_time(SHORT_WEEK, sunday, BusinessDays.of(1))
    assert due == at(SHORT_WEEK, "2026-06-07T14:45")
    assert not is_working_day(SHORT_WEEK, date(2026, 6, 1))


def test_a_year_without_holiday_data_is_refused_rather_than_taken_for_one_without_holidays() -> (
    None
):
    last = at(US, "2100-12-31T12:00")
    with pytest.raises(HolidaysUnknown, match="2101"):
        add_working_time(US, last, BusinessDays.of(1))
    with pytest.raises(PlaceUnknown):
        holidays_of(US.model_copy(update={"country": "XX"}), 2026)


def test_a_calendar_that_never_works_is_refused_rather_than_searched_for_ever() -> None:
    never = SHORT_WEEK.model_copy(update={"working_days": ()})
    with pytest.raises(ValueError, match="no working day"):
        add_working_time(never, at(US, "2026-01-01T00:00"), timedelta(hours=1))


def test_instants_without_a_zone_and_times_that_run_backwards_are_refused() -> None:
    naive = datetime.fromisoformat("2026-01-01")
    aware = naive.replace(tzinfo=UTC)
    with pytest.raises(ValueError, match="aware"):
        add_working_time(US, naive, timedelta(0))
    with pytest.raises(ValueError, match="aware"):
        working_time_between(US, naive, aware)
    for amount in (timedelta(seconds=-1), BusinessDays.of(-1)):
        with pytest.raises(ValueError, match="backwards"):
            add_working_time(US, aware, amount)


def test_a_calendar_names_itself_and_the_version_of_its_data() -> None:
    assert US.version == f"us@holidays-{version('holidays')}"
    assert ALWAYS.version == "always@24x7"


@settings(max_examples=40)
@given(calendars, instants, st.integers(0, 9 * 24 * 12))
def test_working_time_between_agrees_with_counting(
    calendar: Calendar, start: datetime, length: int
) -> None:
    start = start.replace(minute=start.minute // 5 * 5, second=0, microsecond=0)
    end = start + length * STEP
    counted = sum(is_working(calendar, instant) for instant in steps(start, end))
    assert working_time_between(calendar, start, end) == counted * STEP


@given(calendars, instants, amounts)
def test_what_was_added_lies_between(
    calendar: Calendar, start: datetime, amount: timedelta
) -> None:
    due = add_working_time(calendar, start, amount)
    assert due >= start
    assert working_time_between(calendar, start, due) == amount


@given(calendars, instants, amounts, amounts)
def test_working_time_adds_up(
    calendar: Calendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    stepwise = add_working_time(calendar, add_working_time(calendar, start, first), second)
    assert stepwise == add_working_time(calendar, start, first + second)


@given(st.sampled_from(DAYLIGHT), instants, st.integers(0, 30), st.integers(0, 30))
def test_business_days_add_up(calendar: Calendar, start: datetime, first: int, second: int) -> None:
    middle = add_working_time(calendar, start, BusinessDays.of(first))
    stepwise = add_working_time(calendar, middle, BusinessDays.of(second))
    assert stepwise == add_working_time(calendar, start, BusinessDays.of(first + second))


@given(calendars, instants, amounts, amounts)
def test_more_working_time_is_not_due_earlier(
    calendar: Calendar, start: datetime, one: timedelta, other: timedelta
) -> None:
    less, more = sorted((one, other))
    assert add_working_time(calendar, start, less) <= add_working_time(calendar, start, more)


@given(calendars, instants, counts, counts)
def test_more_business_days_are_not_due_earlier(
    calendar: Calendar, start: datetime, one: Fraction, other: Fraction
) -> None:
    less, more = sorted((one, other))
    assert add_working_time(calendar, start, BusinessDays(less)) <= add_working_time(
        calendar, start, BusinessDays(more)
    )


@given(calendars, instants, instants, amounts, counts)
def test_what_starts_later_is_not_due_earlier(
    calendar: Calendar, one: datetime, other: datetime, amount: timedelta, count: Fraction
) -> None:
    early, late = sorted((one, other))
    for asked in (amount, BusinessDays(count)):
        if asked in (timedelta(0), BusinessDays.of(0)):
            continue  # nothing added is the start itself, inside working hours or not
        assert add_working_time(calendar, early, asked) <= add_working_time(calendar, late, asked)


@given(calendars, instants, amounts, counts)
def test_nothing_falls_due_outside_working_hours(
    calendar: Calendar, start: datetime, amount: timedelta, count: Fraction
) -> None:
    assume(amount and count)
    assert inside_hours(calendar, add_working_time(calendar, start, amount))
    assert inside_hours(calendar, add_working_time(calendar, start, BusinessDays(count)))


@given(calendars, instants)
def test_nothing_added_is_the_start_itself(calendar: Calendar, start: datetime) -> None:
    assert add_working_time(calendar, start, timedelta(0)) == start
    assert add_working_time(calendar, start, BusinessDays.of(0)) == start


@given(st.sampled_from((US, BERLIN, SHORT_WEEK)), instants, st.integers(1, 30))
def test_whole_business_days_land_on_working_days(
    calendar: Calendar, start: datetime, count: int
) -> None:
    due = add_working_time(calendar, start, BusinessDays.of(count))
    zone = ZoneInfo(calendar.zone)
    first, last = start.astimezone(zone).date(), due.astimezone(zone).date()
    between = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    worked = [
        day for day in between if is_working(calendar, datetime.combine(day, calendar.opens, zone))
    ]
    assert len(worked) == count
    assert worked[-1] == last


@given(calendars, instants, instants)
def test_no_working_time_passes_backwards(
    calendar: Calendar, one: datetime, other: datetime
) -> None:
    early, late = sorted((one, other))
    assert working_time_between(calendar, late, early) == timedelta(0)
    assert working_time_between(calendar, early, late) <= late - early
