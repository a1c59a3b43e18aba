"""Timetables: the dates of one wait, computed once in business time and stored as instants."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from investiture.charter.business_time import add_working_time, working_time_between
from investiture.charter.calendar import Calendar
from investiture.charter.duration import Amount, scaled
from investiture.charter.model import Charter
from investiture.charter.vocabulary import Step, Wait

_STEPS = (Step.NUDGE, Step.WARN, Step.OVERDUE, Step.SECOND)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The dates of one wait, aware UTC: 50, 80, 100 and 150 % of the agreed time.

    ``calendar_version`` names the calendar and the holiday data they were computed with.
    """

    opened_at: datetime
    nudge_at: datetime
    warn_at: datetime
    overdue_at: datetime
    second_at: datetime
    calendar_version: str


@dataclass(frozen=True, slots=True)
class StepDue:
    """A step and its date. ``index`` counts the steps of a wait from 0; repeats start at 4."""

    step: Step
    at: datetime
    index: int

    @property
    def number(self) -> int:
        """Which repeat it is, from 1; 0 for the four named steps."""
        return max(0, self.index - len(_STEPS) + 1)

    def remaining(self, now: datetime) -> timedelta:
        """Return how long it is until then; zero once it is due."""
        return max(timedelta(0), self.at - now)


def timetable(charter: Charter, wait: str, opened_at: datetime) -> Timetable:
    """Return the dates of a wait: a gate's name, or ``CHANGES`` for the proposer's.

    Raises:
        UnknownId: the charter agrees no time for it.
        HolidaysUnknown: the dates run into a year without holiday data.
    """
    sla = charter.sla(wait)
    return _dates(charter.calendar(sla.calendar), opened_at, sla.duration.business)


def _dates(calendar: Calendar, opened_at: datetime, agreed: Amount) -> Timetable:
    def at(percent: int) -> datetime:
        return add_working_time(calendar, opened_at, scaled(agreed, percent, 100))

    return Timetable(at(0), at(50), at(80), at(100), at(150), calendar.version)


def extended(charter: Charter, wait: str, table: Timetable, now: datetime) -> Timetable:
    """Return the dates of a wait that is given more time at ``now``.

    50, 80, 100 and 150 % of the charter's extension, counted from the due date; from ``now`` where
    that has passed, or who asks late would be given a date that has passed too. Raises as
    ``timetable``.
    """
    sla = charter.sla(wait)
    calendar = charter.calendar(sla.calendar)
    granted = (sla.extension or sla.duration).business
    start = max(table.overdue_at, now)

    def at(percent: int) -> datetime:
        return add_working_time(calendar, start, scaled(granted, percent, 100))

    return Timetable(table.opened_at, at(50), at(80), at(100), at(150), calendar.version)


def appeal_timetable(charter: Charter, wait: str, declined_at: datetime) -> Timetable | None:
    """Return the dates in which a decline may be appealed, overdue when no longer.

    In business time of the gate's calendar; None where the charter makes a decline final at once.
    Raises as ``timetable``.
    """
    window = charter.review.appeal_window
    if window is None or not window.positive:
        return None
    return _dates(charter.calendar(charter.sla(wait).calendar), declined_at, window.business)


def heard_until(charter: Charter, opened_at: datetime) -> datetime:
    """Return until when a unit without a veto is heard: the charter's input window.

    In business time of the calendar of PLEDGE. Raises as ``timetable``.
    """
    calendar = charter.calendar(charter.sla(Wait.PLEDGE).calendar)
    return add_working_time(calendar, opened_at, charter.sponsorship.input_window.business)


def weekly_at(charter: Charter, wait: str, table: Timetable, number: int) -> datetime:
    """Return the date of the n-th reminder after the second escalation, n from 1.

    Its distance is the SLA's ``repeat``: five business days unless the charter says otherwise.
    """
    sla = charter.sla(wait)
    distance = scaled(sla.repeat.business, number, 1)
    return add_working_time(charter.calendar(sla.calendar), table.second_at, distance)


def step_at(charter: Charter, wait: str, table: Timetable, index: int) -> StepDue:
    """Return the index-th step of a wait, from 0; there is always a next one."""
    if index < len(_STEPS):
        dates = (table.nudge_at, table.warn_at, table.overdue_at, table.second_at)
        return StepDue(_STEPS[index], dates[index], index)
    number = index - len(_STEPS) + 1
    return StepDue(Step.REPEAT, weekly_at(charter, wait, table, number), index)


def next_step(
    charter: Charter, wait: str, table: Timetable, recorded_steps: int, now: datetime
) -> StepDue:
    """Return the step to take, or to wait for, when ``recorded_steps`` were recorded.

    Each of the four named steps comes, in order, however late. Of the reminders after them only
    the last one that is due at ``now`` comes: an outage of a month is not followed by a shower of
    them. Who records the answer has then recorded ``answer.index + 1`` steps.
    """
    due = step_at(charter, wait, table, recorded_steps)
    if due.step is not Step.REPEAT or due.at > now:
        return due
    low, high = recorded_steps, recorded_steps + 1
    while step_at(charter, wait, table, high).at <= now:
        low, high = high, high + 2 * (high - recorded_steps)
    while high - low > 1:  # due at low, not at high
        middle = (low + high) // 2
        if step_at(charter, wait, table, middle).at <= now:
            low = middle
        else:
            high = middle
    return step_at(charter, wait, table, low)


def resumed(
    charter: Charter, wait: str, table: Timetable, stopped_at: datetime, resumed_at: datetime
) -> Timetable:
    """Return the dates of a clock that stood still from ``stopped_at`` to ``resumed_at``.

    What was due by ``stopped_at`` stays; what was not keeps the business time it had left.
    """
    calendar = charter.calendar(charter.sla(wait).calendar)

    def moved(at: datetime) -> datetime:
        if at <= stopped_at:
            return at
        left = working_time_between(calendar, stopped_at, at)
        return add_working_time(calendar, resumed_at, left)

    return replace(
        table,
        nudge_at=moved(table.nudge_at),
        warn_at=moved(table.warn_at),
        overdue_at=moved(table.overdue_at),
        second_at=moved(table.second_at),
        calendar_version=calendar.version,
    )
