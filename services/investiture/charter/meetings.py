"""When a committee meets next, and the timetable of who waits for it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from investiture.charter.business_time import (
    add_working_time,
    is_working_day,
    working_time_between,
)
from investiture.charter.calendar import Calendar
from investiture.charter.committees import ORDINALS, WEEKDAYS, Committee, Meetings
from investiture.charter.duration import BusinessDays, scaled
from investiture.charter.model import Charter
from investiture.charter.timetable import Timetable

AFTER_MEETING = BusinessDays.of(2)
"""Due is the next meeting and 2 days, in business time (domain.md, Words: Timetable)."""

_DAY = timedelta(days=1)
_LONGEST_MONTHS = 24
"""A monthly rule has a day in every month; this bounds the search all the same."""


def next_meeting(calendar: Calendar, meets: Meetings, opened_at: datetime) -> date | None:
    """Return the first meeting on a later day than ``opened_at``; None where there is none.

    A meeting on the very day does not count: nobody is asked to decide on what they have not had
    the time to read.

    Raises:
        HolidaysUnknown: the search runs into a year without holiday data.
    """
    today = opened_at.astimezone(ZoneInfo(calendar.zone)).date()
    listed = [day for day in meets.dates if day > today]
    monthly = [] if meets.every is None else [_next_monthly(calendar, meets.every, today)]
    return min((*listed, *monthly), default=None)


def committee_timetable(
    charter: Charter, committee: Committee, opened_at: datetime
) -> Timetable | None:
    """Return the dates of a wait for a committee; None where it does not meet again.

    Due at the close of the second business day after its next meeting; nudge, warning and second
    escalation are the shares of that wait that they are of every other.

    Raises:
        UnknownId: there is no such calendar.
        HolidaysUnknown: the dates run into a year without holiday data.
    """
    calendar = charter.calendar(committee.meets.calendar)
    day = next_meeting(calendar, committee.meets, opened_at)
    if day is None:
        return None
    start = opened_at.astimezone(UTC)
    due = add_working_time(calendar, _end_of(calendar, day), AFTER_MEETING)
    wait = working_time_between(calendar, start, due)

    def at(percent: int) -> datetime:
        return add_working_time(calendar, start, scaled(wait, percent, 100))

    return Timetable(start, at(50), at(80), due, at(150), calendar.version)


def _next_monthly(calendar: Calendar, every: str, today: date) -> date:
    ordinal, weekday = every.split()
    months = _months(today.replace(day=1) - _DAY)  # last month's day may have moved into this one
    for first in months:
        day = _working(calendar, _nth(first, ORDINALS.index(ordinal), WEEKDAYS.index(weekday)))
        if day > today:
            return day
    raise AssertionError("each month has its day")


def _months(start: date) -> Iterator[date]:
    first = start.replace(day=1)
    for _ in range(_LONGEST_MONTHS):
        yield first
        first = (first + timedelta(days=31)).replace(day=1)


def _nth(first: date, ordinal: int, weekday: int) -> date:
    """Return the n-th such weekday of the month that begins on ``first``; 4 is the last one."""
    if ordinal == ORDINALS.index("last"):
        last = (first + timedelta(days=31)).replace(day=1) - _DAY
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * ordinal)


def _working(calendar: Calendar, day: date) -> date:
    while not is_working_day(calendar, day):
        day += _DAY
    return day


def _end_of(calendar: Calendar, day: date) -> datetime:
    """Return the end of a meeting's day: closing, midnight where the calendar is always open."""
    if calendar.always_open:
        return datetime.combine(day + _DAY, time(0), ZoneInfo(calendar.zone)).astimezone(UTC)
    return datetime.combine(day, calendar.closes, ZoneInfo(calendar.zone)).astimezone(UTC)
