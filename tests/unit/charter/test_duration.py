"""ISO 8601 durations: read, written, refused."""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investiture.charter.duration import BusinessDays, Duration, scaled


@pytest.mark.parametrize(
    ("text", "days", "milliseconds"),
    [
        ("P3D", 3, 0),
        ("PT60S", 0, 60_000),
        ("PT15M", 0, 900_000),
        ("P1DT12H", 1, 43_200_000),
        ("PT0.25S", 0, 250),
        ("PT1H1M1S", 0, 3_661_000),
        ("P0D", 0, 0),
    ],
)
def test_durations_are_read(text: str, days: int, milliseconds: int) -> None:
    assert Duration.parse(text) == Duration(days, milliseconds)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "3D", "P3", "P1W", "P1M", "P1Y", "-P3D", "P-3D", "PT-1S", "PT1.5H",
     "p3d", " P3D", "P3D ", "P١D", "PT0.0001S", "P100000D"],
)  # fmt: skip
def test_what_is_no_fixed_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="P3D"):
        Duration.parse(text)


@given(st.integers(0, 99_999), st.integers(0, 10**9))
def test_what_is_written_is_read_again(days: int, milliseconds: int) -> None:
    duration = Duration(days, milliseconds)
    assert Duration.parse(str(duration)) == duration


def test_equal_durations_are_written_alike() -> None:
    assert str(Duration.parse("PT60S")) == str(Duration.parse("PT1M")) == "PT1M"
    assert str(Duration()) == "PT0S"


def test_plain_and_business_time_are_two_readings() -> None:
    assert Duration.parse("P3D").elapsed == timedelta(days=3)
    assert Duration.parse("P3D").business == BusinessDays.of(3)
    assert Duration.parse("PT60S").business == timedelta(seconds=60)
    with pytest.raises(ValueError, match="mixes"):
        _ = Duration.parse("P1DT1H").business


def test_a_share_of_business_time_is_exact() -> None:
    assert scaled(BusinessDays.of(3), 80, 100) == BusinessDays(Fraction(12, 5))
    assert scaled(timedelta(seconds=6), 80, 100) == timedelta(seconds=4.8)
