"""The budget service of one test."""

from collections.abc import AsyncIterator

import pytest
from tests.support.budget import MoneySide, money_side
from tests.support.clock import SettableClock
from tests.support.services import Realm


@pytest.fixture
async def money(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[MoneySide]:
    """The service on each database, with its callers."""
    async with money_side(realm, clock, database_url) as side:
        yield side
