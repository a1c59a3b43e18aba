"""IT's side for a whole module: for tests that each take a program of their own."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest
import pytest_asyncio
from tests.support.clock import SettableClock
from tests.support.reviews import Desk, it_side
from tests.support.services import Realm

START = datetime(2027, 1, 4, 15, 0, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def shared_desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """The service, once for a module and an engine."""
    folder = tmp_path_factory.mktemp("desk")
    clock = SettableClock(START)
    url, name, server = f"sqlite:///{folder / 'service.db'}", "", ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_url")
        name = f"test_{uuid.uuid4().hex}"
        url = server.replace("/postgres?", f"/{name}?", 1)
    async with it_side(Realm(folder / "realm", clock), clock, url) as opened:
        yield opened
    if name:
        plain = server.replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(plain, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
