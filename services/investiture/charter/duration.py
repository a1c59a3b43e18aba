"""ISO 8601 durations of fixed length, and amounts of business time."""

import re
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

_SHAPE = re.compile(
    r"P(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?"
    r"(?:(?P<seconds>\d{1,9})(?:\.(?P<fraction>\d{1,3}))?S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """A number of business days, whole or not: half of three of them is ``Fraction(3, 2)``."""

    count: Fraction

    @classmethod
    def of(cls, count: int | Fraction) -> "BusinessDays":
        """Return ``count`` business days."""
        return cls(Fraction(count))


Amount = timedelta | BusinessDays
"""Business time: working time by the second, or business days of a calendar."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Days and milliseconds, kept apart: what a day is depends on who reads it."""

    days: int = 0
    milliseconds: int = 0

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read ``P3D``, ``PT60S``, ``P1DT12H``, ``PT0.25S``.

        Raises:
            ValueError: for anything else. Weeks, months and years are refused, because their
                length in business time is anybody's guess; so is a negative duration.
        """
        if text.startswith(("-", "P-", "PT-")):
            raise ValueError(f"{text} is negative; a duration is positive, for instance P3D")
        match = _SHAPE.fullmatch(text)
        if match is None or text.endswith(("P", "T")):
            raise ValueError(
                f"{text!r} is no duration of days, hours, minutes and seconds: "
                "write for instance P3D or PT60S"
            )
        part = {name: int(value or 0) for name, value in match.groupdict().items()}
        thousandths = int((match["fraction"] or "").ljust(3, "0"))
        seconds = part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"]
        return cls(part["days"], seconds * 1000 + thousandths)

    @property
    def elapsed(self) -> timedelta:
        """Plain time: a day is 24 hours."""
        return timedelta(days=self.days, milliseconds=self.milliseconds)

    @property
    def business(self) -> Amount:
        """Business time: ``P3D`` is three business days, ``PT60S`` sixty working seconds.

        Raises:
            ValueError: the duration has both days and a time.
        """
        if self.days and self.milliseconds:
            raise ValueError(f"{self} mixes business days with hours: write one of them")
        if self.days:
            return BusinessDays.of(self.days)
        return timedelta(milliseconds=self.milliseconds)

    @property
    def positive(self) -> bool:
        """Whether it is longer than nothing."""
        return self.days > 0 or self.milliseconds > 0

    def __str__(self) -> str:
        """Return the ISO 8601 text, the same for equal durations."""
        whole, thousandths = divmod(self.milliseconds, 1000)
        minutes, seconds = divmod(whole, 60)
        hours, minutes = divmod(minutes, 60)
        last = f"{seconds}.{thousandths:03d}".rstrip("0") if thousandths else f"{seconds}"
        time = "".join(
            f"{amount}{unit}"
            for amount, unit in ((hours, "H"), (minutes, "M"), (last, "S"))
            if amount not in (0, "0")
        )
        day = f"{self.days}D" if self.days else ""
        if not day and not time:
            return "PT0S"
        return f"P{day}T{time}" if time else f"P{day}"


def scaled(amount: Amount, numerator: int, denominator: int) -> Amount:
    """Return ``amount`` × numerator / denominator; working time in whole microseconds, downward."""
    if isinstance(amount, BusinessDays):
        return BusinessDays(amount.count * Fraction(numerator, denominator))
    return amount * numerator // denominator


def _validate(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return Duration.parse(value)
    raise ValueError("a duration is text: write for instance P3D or PT60S")


IsoDuration = Annotated[
    Duration,
    PlainValidator(_validate),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "format": "duration"}),
]
"""A :class:`Duration` as a field of a model."""
