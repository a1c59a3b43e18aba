"""Every storage test runs on SQLite and on a real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from investiture.chassis.database import Database
from tests.contract.chassis_sql import ground


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
async def store(database: str) -> AsyncIterator[Database]:
    """A database with the tables of the ground and one case in it."""
    opened = Database(database)
    await opened.write(ground.make_tables)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Database]:
    """As ``store``, for what only SQLite does."""
    opened = Database(f"sqlite:///{tmp_path / 'test.db'}")
    await opened.write(ground.make_tables)
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_store(postgres_database: str) -> AsyncIterator[Database]:
    """As ``store``, for what only PostgreSQL does."""
    opened = Database(postgres_database)
    await opened.write(ground.make_tables)
    yield opened
    await opened.close()
