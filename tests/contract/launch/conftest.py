"""The launch service of one test."""

from collections.abc import AsyncIterator

import pytest
from tests.support.clock import SettableClock
from tests.support.launches import Front, front
from tests.support.services import Realm


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Front]:
    """The service on each database, with its callers."""
    async with front(realm, clock, database_url) as opened:
        yield opened
