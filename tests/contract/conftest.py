"""What contract tests of every service share: both databases, a clock, keys and tokens."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.clock import SettableClock
from tests.support.services import Realm

START = datetime(2027, 1, 4, 15, 0, tzinfo=UTC)
"""A Monday, 10:00 in New York: inside the working hours of the default charter's calendars."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The engine that the test runs on; asking for it runs the test once on each."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> str:
    """The URL of a database of the test's own, which is made as the service is first served."""
    if database == "sqlite":
        return f"sqlite:///{tmp_path / 'service.db'}"
    url: str = request.getfixturevalue("postgres_name")
    return url


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, database: str, database_url: str) -> str:
    """The same, made already, without a table: for who migrates it."""
    if database == "postgresql":
        request.getfixturevalue("postgres_database")
    return database_url


@pytest.fixture
def clock() -> SettableClock:
    """The service's clock, which stands still until the test moves it."""
    return SettableClock(START)


@pytest.fixture
def realm(tmp_path: Path, clock: SettableClock) -> Realm:
    """Keys, tokens and statements of the test's own."""
    return Realm(tmp_path / "realm", clock)
