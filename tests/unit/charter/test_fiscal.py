"""Fiscal years as the charter counts them."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from investiture.charter.fiscal import FiscalYears, NamedAfter, NoFiscalYear
from investiture.charter.load import examine_text, load

DEFAULT = Path("deploy/charters/default.yaml")
STARTS = st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(lambda day: f"{day:%m-%d}")


def test_a_fiscal_year_is_the_calendar_year_unless_said_otherwise() -> None:
    assert FiscalYears().bounds(2027) == (date(2027, 1, 1), date(2027, 12, 31))
    assert FiscalYears().year_of(date(2027, 12, 31)) == 2027


def test_a_fiscal_year_has_the_number_of_the_year_it_ends_in_or_starts_in() -> None:
    """The fiscal year 2027 of the United States: 2026-10-01 to 2027-09-30 (31 U.S.C. 1102)."""
    federal = FiscalYears(starts="10-01")
    assert federal.bounds(2027) == (date(2026, 10, 1), date(2027, 9, 30))
    assert federal.year_of(date(2026, 10, 1)) == 2027
    india = FiscalYears(starts="04-01", named_after=NamedAfter.START)
    assert india.bounds(2026) == (date(2026, 4, 1), date(2027, 3, 31))


@given(starts=STARTS, named=st.sampled_from(NamedAfter), year=st.integers(2000, 2199))
def test_years_follow_one_another_without_a_gap(starts: str, named: NamedAfter, year: int) -> None:
    calendar = FiscalYears(starts=starts, named_after=named)
    first, last = calendar.bounds(year)
    assert calendar.bounds(year + 1)[0] == last + timedelta(days=1)
    assert calendar.year_of(first) == calendar.year_of(last) == year


def test_a_day_or_a_number_outside_of_every_fiscal_year_is_an_error_that_says_so() -> None:
    for day in (date(1999, 12, 31), date(2201, 1, 1)):
        with pytest.raises(NoFiscalYear, match="2000-01-01 to 2200-12-31"):
            FiscalYears().year_of(day)
    with pytest.raises(NoFiscalYear, match="there is no fiscal year 1999"):
        FiscalYears().bounds(1999)


@pytest.mark.parametrize("starts", ["02-29", "02-30", "13-01", "1-1", "2027-01-01", "", "01/01"])
def test_a_start_that_is_no_day_of_every_year_is_refused(starts: str) -> None:
    with pytest.raises(ValidationError, match="MM-DD"):
        FiscalYears(starts=starts)


def test_the_lint_names_the_line_of_a_start_that_is_none() -> None:
    text = DEFAULT.read_text(encoding="utf-8")
    (finding,) = examine_text(f'{text}\nfiscal_year: {{starts: "02-29"}}\n', "c.yaml").findings
    assert (finding.rule, finding.field) == ("fiscal-year-start", "fiscal_year.starts")
    assert finding.line == text.count("\n") + 2


def test_a_charter_that_says_nothing_keeps_its_digest() -> None:
    text = DEFAULT.read_text(encoding="utf-8")
    said = examine_text(f'{text}\nfiscal_year: {{starts: "01-01"}}\n', "c.yaml").charter
    assert said is not None
    assert said.digest == load(DEFAULT).digest
