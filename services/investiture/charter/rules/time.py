"""Rules about calendars, agreed times, validities and dates."""

from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from investiture.charter.business_time import HolidaysUnknown, PlaceUnknown, holidays_of
from investiture.charter.calendar import NO_SUBDIVISION, Calendar, Sla
from investiture.charter.document import At
from investiture.charter.duration import Duration
from investiture.charter.model import Charter
from investiture.charter.rules import Check, Report
from investiture.charter.vocabulary import Gate, Wait

YEARS_AHEAD = 3
"""A case opened in a charter's last year runs on: its dates may lie this many years ahead."""


def calendars_can_be_computed(charter: Charter, report: Report) -> None:
    """Report calendars whose hours, zone or holidays cannot be."""
    years = range(charter.effective.year, charter.effective.year + YEARS_AHEAD + 1)
    for place, calendar in enumerate(charter.calendars):
        at: At = ("calendars", place)
        if calendar.always_open:
            _says_nothing_else(calendar, at, report)
        else:
            _zone_exists(calendar, at, report)
            _hours_are_some(calendar, at, report)
            _holidays_are_known(calendar, at, years, report)


def _says_nothing_else(calendar: Calendar, at: At, report: Report) -> None:
    for name in sorted(calendar.model_fields_set - {"id", "always_open"}):
        report.add(
            "calendar-always-open",
            (*at, name),
            f"`{calendar.id}` is always open, so `{name}` has no meaning",
            "remove it, or set always_open to false",
        )


def _zone_exists(calendar: Calendar, at: At, report: Report) -> None:
    remedy = "write an IANA zone, for instance Europe/Berlin"
    if "zone" not in calendar.model_fields_set:
        report.add("calendar-zone", at, f"`{calendar.id}` names no zone", remedy)
        return
    try:
        ZoneInfo(calendar.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # no such name; no such path; a folder
        message = f"there is no time zone {calendar.zone!r}"
        report.add("calendar-zone", (*at, "zone"), message, remedy)


def _hours_are_some(calendar: Calendar, at: At, report: Report) -> None:
    if calendar.opens >= calendar.closes:
        report.add(
            "calendar-hours",
            (*at, "closes"),
            f"`{calendar.id}` closes at {calendar.closes:%H:%M}, "
            f"not after it opens at {calendar.opens:%H:%M}",
            "open before closing; a night shift is two calendars, or always_open",
        )
    days = calendar.working_days
    if not days or any(day not in range(7) for day in days) or len(set(days)) < len(days):
        report.add(
            "calendar-hours",
            (*at, "working_days"),
            f"`{calendar.id}` works on days {list(days)}",
            "name each working day once, 0 for Monday to 6 for Sunday",
        )


def _holidays_are_known(calendar: Calendar, at: At, years: range, report: Report) -> None:
    if calendar.country is None:
        if calendar.subdivision is not None:
            message = f"`{calendar.id}` has a subdivision of no country"
            report.add("calendar-subdivision", (*at, "subdivision"), message, "name the country")
        elif not calendar.closed_on:
            report.add(
                "calendar-without-holidays",
                at,
                f"`{calendar.id}` knows no holidays: things fall due on New Year's Day",
                "name country and subdivision, or list the days in closed_on",
            )
        return
    if calendar.subdivision is None:
        report.add(
            "calendar-subdivision",
            (*at, "country"),
            f"`{calendar.id}` names {calendar.country} without a subdivision",
            f"add the subdivision, or `subdivision: {NO_SUBDIVISION}` for the country as a whole",
        )
        return
    try:
        for year in years:
            holidays_of(calendar, year)
    except PlaceUnknown as unknown:
        report.add(
            "calendar-country",
            (*at, "country"),
            f"`{calendar.id}`: {unknown}",
            "write an ISO 3166 country and subdivision that the holiday data have",
        )
    except HolidaysUnknown as unknown:
        report.add(
            "calendar-year-empty",
            (*at, "country"),
            f"`{calendar.id}`: {unknown}",
            "update the holiday data, or make the charter effective in a year that they cover",
        )


def agreed_times_are_positive(charter: Charter, report: Report) -> None:
    """Report waits without an agreed time, and agreed times of nothing or of two kinds."""
    for wait in Wait:
        if wait not in charter.slas:
            message = f"no time is agreed for {wait}"
            report.add("sla-missing", ("slas",), message, f"add {wait}: {{duration, calendar}}")
    agreed: list[tuple[At, str, Sla]] = [
        (("slas", wait.value), wait.value, sla) for wait, sla in charter.slas.items()
    ]
    if charter.emergency is not None:
        review = charter.emergency.review
        agreed.append((("emergency", "review"), "the review of an emergency", review))
    for place, wait_name, sla in agreed:
        named = {"duration": sla.duration, "repeat": sla.repeat, "extension": sla.extension}
        for name, duration in named.items():
            if duration is None:
                continue
            if not duration.positive or (duration.days and duration.milliseconds):
                report.add(
                    "sla-duration",
                    (*place, name),
                    f"{duration} is no time that can be agreed for {wait_name}",
                    "write business days (P3D) or working seconds (PT60S)",
                )


def appeals_have_one_kind_of_time(charter: Charter, report: Report) -> None:
    """Report a time for appeals in days and in hours at once; none at all is a choice."""
    window = charter.review.appeal_window
    if window is not None and window.days and window.milliseconds:
        report.add(
            "appeal-window",
            ("review", "appeal_window"),
            f"{window} mixes business days with hours",
            "write business days (P5D) or working seconds (PT60S)",
        )


def durations_are_something(charter: Charter, report: Report) -> None:
    """Report durations of nothing, missing validities and unordered benefit reviews."""
    for gate in Gate:
        if gate not in charter.warrant_validity:
            message = f"how long a decision of {gate} stands is not said"
            report.add("warrant-validity-missing", ("warrant_validity",), message, "add it")
    named: list[tuple[At, Duration]] = [
        *((("warrant_validity", g.value), d) for g, d in charter.warrant_validity.items()),
        *((("benefit_reviews", n), d) for n, d in enumerate(charter.benefit_reviews)),
        (("launch", "heartbeat"), charter.launch.heartbeat),
        (("sponsorship", "reattestation"), charter.sponsorship.reattestation),
        (("sponsorship", "input_window"), charter.sponsorship.input_window),
    ]
    if charter.funding.split_window is not None:
        named.append((("funding", "split_window"), charter.funding.split_window))
    if charter.funding.hold_timeout is not None:
        named.append((("funding", "hold_timeout"), charter.funding.hold_timeout))
    for at, duration in named:
        if not duration.positive:
            report.add("duration-nothing", at, f"{duration} is no time at all", "make it longer")
    reviews = [duration.elapsed for duration in charter.benefit_reviews]
    for place in range(1, len(reviews)):
        if reviews[place] <= reviews[place - 1]:
            report.add(
                "benefit-reviews-order",
                ("benefit_reviews", place),
                f"{charter.benefit_reviews[place]} is not after the review before it",
                "write the reviews in their order; each is counted from the launch",
            )


def windows_are_forward(charter: Charter, report: Report) -> None:
    """Report freezes that end before they start, and standing decisions of more than a year."""
    for place, window in enumerate(charter.freeze_windows):
        if window.ends <= window.starts:
            report.add(
                "freeze-reversed",
                ("freeze_windows", place, "ends"),
                f"`{window.id}` ends at {window.ends.isoformat()}, not after it starts",
                "let it end after it starts",
            )
    for place, decision in enumerate(charter.standing_decisions):
        last = a_year_after(decision.valid_from)
        if not decision.valid_from < decision.expires <= last:
            report.add(
                "standing-decision-term",
                ("standing_decisions", place, "expires"),
                f"`{decision.id}` is valid from {decision.valid_from} to {decision.expires}",
                f"let it expire after it begins and by {last}: at most 12 months",
            )


def a_year_after(day: date) -> date:
    """Return the same day of the next year; 28 February for a leap day."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


CHECKS: tuple[Check, ...] = (
    calendars_can_be_computed,
    agreed_times_are_positive,
    appeals_have_one_kind_of_time,
    durations_are_something,
    windows_are_forward,
)
