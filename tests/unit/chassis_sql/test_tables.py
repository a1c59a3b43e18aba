"""Instants: the same moment goes in and comes out, and sorts as it should, on each database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from investiture.chassis.tables import Instant

DIALECTS = (sqlite.dialect(), postgresql.dialect())
instants = st.datetimes(timezones=st.timezones())


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_instant_needs_a_zone(dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="time zone"):
        Instant().process_bind_param(datetime(2027, 1, 4), dialect)  # noqa: DTZ001 - refused


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_instant_comes_back_in_utc(dialect: Dialect) -> None:
    vienna = datetime(2027, 1, 4, 10, tzinfo=timezone(timedelta(hours=1)))
    stored = Instant().process_bind_param(vienna, dialect)
    found = Instant().process_result_value(stored, dialect)
    assert found == vienna
    assert found is not None
    assert found.tzinfo is UTC
    assert Instant().process_bind_param(None, dialect) is None
    assert Instant().process_result_value(None, dialect) is None


@given(
    st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9000, 1, 1)),
    st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9000, 1, 1)),
)
def test_text_sorts_as_the_instants_do(one: datetime, other: datetime) -> None:
    first, second = (moment.replace(tzinfo=UTC) for moment in (one, other))
    texts = [Instant().process_bind_param(moment, DIALECTS[0]) for moment in (first, second)]
    assert (str(texts[0]) < str(texts[1])) == (first < second)
