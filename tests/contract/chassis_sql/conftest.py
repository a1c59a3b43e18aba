"""Every storage test runs on SQLite and on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.client import Client
from tests.contract.chassis_sql import ground, temporal

from investiture.chassis.database import Database


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


@pytest.fixture(scope="package")
def temporal_address(temporal_binary: Path) -> Iterator[str]:
    """The address of a Temporal dev server of these tests' own."""
    environment = asyncio.run(temporal.start(temporal_binary))
    yield temporal.address_of(environment)
    asyncio.run(environment.shutdown())


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await Client.connect(temporal_address)
