"""The budget service of one test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.budget import MoneySide, Sweep, money_side
from tests.support.clock import SettableClock
from tests.support.services import Realm

from investiture.budget import __main__ as process
from investiture.budget.holds import HoldSweeper


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> list[Sweep]:
    """The sweep of each budget service that a test starts after it; none comes by itself."""
    made: list[Sweep] = []

    class Caught(HoldSweeper):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            made.append(self.tick)

    monkeypatch.setattr(process, "HoldSweeper", Caught)
    return made


@pytest.fixture
async def money(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[MoneySide]:
    """The service on each database, with its callers."""
    async with money_side(realm, clock, database_url) as side:
        yield side
