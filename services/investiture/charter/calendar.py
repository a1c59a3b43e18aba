"""Working hours, agreed times and freezes: the parts of a charter that speak of time."""

from datetime import date, datetime, time
from functools import cache
from importlib.metadata import version
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from investiture.charter.duration import Duration, IsoDuration
from investiture.charter.vocabulary import Gate, Id, Part, Text

NO_SUBDIVISION = "none"
"""What a calendar says that means the country as a whole."""


def _whole_minutes(value: time) -> time:
    if value.second or value.microsecond or value.tzinfo is not None:
        raise ValueError("write hours and minutes of the calendar's zone, for instance 09:00")
    return value


@cache
def _holidays_version() -> str:
    """Ask the installed distribution: importing the package costs what a 24×7 charter can save."""
    return version("holidays")


HourOfDay = Annotated[time, AfterValidator(_whole_minutes)]


class Calendar(Part):
    """When work is done: the working hours of one place, or around the clock.

    ``country`` and ``subdivision`` are codes of ISO 3166; a country as a whole says ``none``.
    ``working_days`` count from 0 = Monday to 6 = Sunday. ``opens`` and ``closes`` are wall-clock
    time in ``zone``. ``closed_on`` are days without work beside the country's holidays.
    """

    id: Id
    always_open: bool = False
    zone: str = "UTC"
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,3}$")] | None = None
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,10}$")] | None = None
    working_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: HourOfDay = time(9)
    closes: HourOfDay = time(17)
    closed_on: tuple[date, ...] = ()

    @property
    def version(self) -> str:
        """What dates computed with it depend on: its id and the version of the holiday data."""
        data = "24x7" if self.always_open else f"holidays-{_holidays_version()}"
        return f"{self.id}@{data}"


class Sla(Part):
    """How long a wait may take, in business time of a calendar.

    ``duration`` and ``repeat`` are business days (``P3D``) or working seconds (``PT60S``).
    ``repeat`` is the distance between the reminders after the second escalation: a business week
    by default. ``extension`` is how much more time is given once, to who says why: as much again
    by default.
    """

    duration: IsoDuration
    calendar: Id
    repeat: IsoDuration = Duration(days=5)
    extension: IsoDuration | None = None


class FreezeWindow(Part):
    """A time in which the named gates do not pass, from ``starts`` until just before ``ends``."""

    id: Id
    name: Text
    starts: AwareDatetime
    ends: AwareDatetime
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)] = (Gate.PILOT, Gate.LAUNCH)

    def freezes(self, gate: str, at: datetime) -> bool:
        """Return whether it stops ``gate`` at the instant ``at``."""
        return gate in self.gates and self.starts <= at < self.ends
