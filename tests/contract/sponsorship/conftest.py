"""The house of each test."""

from collections.abc import AsyncIterator

import pytest
from tests.contract.sponsorship.house import House, open_house
from tests.support.clock import SettableClock
from tests.support.services import Realm


@pytest.fixture
async def house(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[House]:
    """The sponsorship service, on each database in turn."""
    async with open_house(realm, clock, database_url, attendance_seconds=0.05) as opened:
        yield opened
