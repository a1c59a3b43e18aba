"""The house of each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.sponsorship.house import House, open_house
from tests.support.clock import SettableClock
from tests.support.councils import council_charter
from tests.support.services import Realm


@pytest.fixture
async def house(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[House]:
    """The sponsorship service, on each database in turn."""
    async with open_house(realm, clock, database_url, attendance_seconds=0.05) as opened:
        yield opened


@pytest.fixture
async def council(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[House]:
    """The service under the charter with committees."""
    charter = council_charter(tmp_path)
    async with open_house(realm, clock, database_url, charter=charter) as opened:
        yield opened
