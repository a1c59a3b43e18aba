"""Instants: the same moment goes in and comes out, and sorts as it should, on each database."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Dialect

from investiture.chassis.tables import Instant

DIALECTS: tuple[Dialect, ...] = tuple(
    sa.make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql+psycopg")
)
UTC_INSTANTS = st.datetimes(
    min_value=datetime(1000, 1, 2),  # noqa: DTZ001 - hypothesis takes bounds without a zone
    timezones=st.just(UTC),
)


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


@given(UTC_INSTANTS, UTC_INSTANTS)
def test_text_sorts_as_the_instants_do(first: datetime, second: datetime) -> None:
    texts = [Instant().process_bind_param(moment, DIALECTS[0]) for moment in (first, second)]
    assert (str(texts[0]) < str(texts[1])) == (first < second)
