"""Fiscal years: on which day they begin, and which one a day belongs to."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from investiture.charter.vocabulary import Part

FIRST_YEAR, LAST_YEAR = 2000, 2200
"""The fiscal years that there are: an envelope is issued for one of them."""

_COMMON_YEAR = 2001


class NoFiscalYear(ValueError):
    """A day or a number belongs to no fiscal year; the message says which ones there are."""


class NamedAfter(StrEnum):
    """Which calendar year a fiscal year that lies in two has its number from."""

    END = "end"
    START = "start"


def _day_of_every_year(value: str) -> str:
    month, _, day = value.partition("-")
    try:
        if len(month) == len(day) == 2:
            date(_COMMON_YEAR, int(month), int(day))
            return value
    except ValueError:
        pass
    raise ValueError("write month and day of every year as MM-DD, for instance 01-01 or 10-01")


class FiscalYears(Part):
    """When fiscal years begin: ``starts`` is month and day, ``MM-DD``, of their first day.

    A year that lies in two calendar years has the number of the one it ends in, or of the one it
    starts in where ``named_after`` says so.
    """

    starts: Annotated[str, AfterValidator(_day_of_every_year)] = "01-01"
    named_after: NamedAfter = NamedAfter.END

    def bounds(self, year: int) -> tuple[date, date]:
        """Return the first and the last day of a fiscal year. Raises NoFiscalYear."""
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise NoFiscalYear(
                f"there is no fiscal year {year}; they go from {FIRST_YEAR} to {LAST_YEAR}"
            )
        first = self._begins(year)
        return first, self._begins(year + 1) - timedelta(days=1)

    def year_of(self, day: date) -> int:
        """Return the fiscal year of a day. Raises NoFiscalYear."""
        for year in (day.year - 1, day.year, day.year + 1):
            if FIRST_YEAR <= year <= LAST_YEAR:
                first, last = self.bounds(year)
                if first <= day <= last:
                    return year
        first, last = self.bounds(FIRST_YEAR)[0], self.bounds(LAST_YEAR)[1]
        raise NoFiscalYear(
            f"{day} lies in no fiscal year; they go from {first.isoformat()} to {last.isoformat()}"
        )

    def _begins(self, year: int) -> date:
        month, day = (int(part) for part in self.starts.split("-"))
        crosses = self.starts != "01-01" and self.named_after is NamedAfter.END
        return date(year - 1 if crosses else year, month, day)
