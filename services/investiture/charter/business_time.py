"""Business time: working hours, weekends and holidays, exact across clock changes.

Instants are aware UTC datetimes. Working time is counted in real seconds between the opening and
the closing hour of working days, so an hour that the clock skips or repeats counts as it happened.

- An amount of working time that is used up exactly at the closing hour ends there, not at the
  next opening.
- ``n`` business days after an instant is the same wall-clock time on the n-th working day after
  its own day, which is not counted; before opening counts as opening, after closing as closing,
  and on a day without work as closing of the working day before.
- A part of a business day is that part of the working time between the two whole days around it.
- In a calendar that is always open, a business day is 24 hours.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from investiture.charter.calendar import NO_SUBDIVISION, Calendar
from investiture.charter.duration import Amount, BusinessDays

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_LONGEST_CLOSURE_DAYS = 366
"""No calendar rests longer than this; a search that does has no working day to find."""


class HolidaysUnknown(ValueError):
    """There are no holiday data for the year that was asked for."""


class PlaceUnknown(HolidaysUnknown):
    """There are no holiday data for the country or its subdivision, whatever the year."""


def add_working_time(calendar: Calendar, start: datetime, amount: Amount) -> datetime:
    """Return the instant at which ``amount`` of business time after ``start`` is used up.

    Nothing added is ``start`` itself; anything else ends inside working hours, bounds included.

    Raises:
        ValueError: ``start`` is not aware, or ``amount`` is negative.
        HolidaysUnknown: the calculation runs into a year without holiday data.
    """
    start = _utc(start)
    if isinstance(amount, BusinessDays):
        if amount.count < 0:
            raise ValueError(f"{amount.count} business days: business time does not run backwards")
        if amount.count == 0:
            return start
        if calendar.always_open:
            return start + _part(_DAY, amount.count)
        return _add_days(calendar, start, amount.count)
    if amount < timedelta(0):
        raise ValueError(f"{amount} of working time: business time does not run backwards")
    if calendar.always_open or not amount:
        return start + amount
    return _add_time(calendar, start, amount)


def working_time_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Return the working time in [``start``, ``end``); zero where ``end`` is not later.

    Raises:
        ValueError: an instant is not aware.
        HolidaysUnknown: the interval reaches a year without holiday data.
    """
    start, end = _utc(start), _utc(end)
    if end <= start:
        return timedelta(0)
    if calendar.always_open:
        return end - start
    total = timedelta(0)
    for opens, closes in _shifts(calendar, start):
        if opens >= end:
            break
        total += min(closes, end) - max(opens, start)
    return total


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Return whether work is done on a day of the calendar's zone.

    Raises:
        HolidaysUnknown: there are no holiday data for its year.
    """
    if calendar.always_open:
        return True
    return (
        day.weekday() in calendar.working_days
        and day not in calendar.closed_on
        and day not in holidays_of(calendar, day.year)
    )


def holidays_of(calendar: Calendar, year: int) -> frozenset[date]:
    """Return the country's holidays of a year; none where the calendar names no country.

    Raises:
        HolidaysUnknown: there are no data for this country, subdivision and year.
    """
    if calendar.always_open or calendar.country is None:
        return frozenset()
    subdivision = None if calendar.subdivision == NO_SUBDIVISION else calendar.subdivision
    return _holidays(calendar.country, subdivision, year)


@lru_cache(maxsize=512)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    import holidays  # here: it costs 0.5 s and 38 MB, which a calendar that is always open saves

    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=year)
    except NotImplementedError as error:  # how the package says that it has no such place
        raise PlaceUnknown(str(error)) from None
    if not found:
        raise HolidaysUnknown(f"no holidays are known for {country} in {year}")
    return frozenset(found)


def _add_time(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    left = amount
    for opens, closes in _shifts(calendar, start):
        begins = max(opens, start)
        if left <= closes - begins:
            return begins + left
        left -= closes - begins
    raise AssertionError("shifts never end")


def _add_days(calendar: Calendar, start: datetime, count: Fraction) -> datetime:
    whole, rest = int(count), count - int(count)
    before = _nth_day(calendar, start, whole) if whole else start
    if not rest:
        return before
    after = _nth_day(calendar, start, whole + 1)
    part = _part(working_time_between(calendar, before, after), rest)
    return _add_time(calendar, before, part)


def _nth_day(calendar: Calendar, start: datetime, count: int) -> datetime:
    """Return the wall-clock time of ``start``, within hours, on the n-th working day after it."""
    local = start.astimezone(ZoneInfo(calendar.zone))
    if is_working_day(calendar, local.date()):
        at = min(max(local.time().replace(fold=0), calendar.opens), calendar.closes)
    else:
        at = calendar.closes
    for number, day in enumerate(_working_days(calendar, local.date() + _DAY), start=1):
        if number == count:
            return _instant(calendar, day, at)
    raise AssertionError("working days never end")


def _shifts(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield opening and closing of every working day that closes after ``start``, in UTC."""
    first = start.astimezone(ZoneInfo(calendar.zone)).date()
    for day in _working_days(calendar, first):
        opens, closes = (_instant(calendar, day, at) for at in (calendar.opens, calendar.closes))
        if closes > max(opens, start):  # a clock change may swallow a short day whole
            yield opens, closes


def _working_days(calendar: Calendar, first: date) -> Iterator[date]:
    day, rested = first, 0
    while rested < _LONGEST_CLOSURE_DAYS:
        if is_working_day(calendar, day):
            rested = 0
            yield day
        else:
            rested += 1
        day += _DAY
    raise ValueError(f"calendar {calendar.id} has no working day in the year before {day}")


def _instant(calendar: Calendar, day: date, at: time) -> datetime:
    """Return a wall-clock time as an instant; the first of two, the later side of a gap."""
    return datetime.combine(day, at, ZoneInfo(calendar.zone)).astimezone(UTC)


def _part(whole: timedelta, share: Fraction) -> timedelta:
    """Return a share of a time in whole microseconds, downward."""
    return timedelta(microseconds=int((whole // _MICROSECOND) * share))


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant has a zone: pass an aware datetime")
    return instant.astimezone(UTC)
