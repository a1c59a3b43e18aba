"""IT's side with its sweep in the test's hand: none comes by itself."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.clock import SettableClock
from tests.support.reviews import Desk, it_side
from tests.support.services import Realm

from investiture.itrisk import __main__ as process
from investiture.itrisk.appetites import Recomputing

UNSWEPT = {"expiry_seconds": 3_600.0}


@dataclass(slots=True)
class Swept:
    """The service with its callers, and its sweep."""

    desk: Desk
    recomputing: Recomputing


@asynccontextmanager
async def swept_by_hand(
    monkeypatch: pytest.MonkeyPatch, realm: Realm, clock: SettableClock, database_url: str
) -> AsyncGenerator[Swept]:
    """Serves itrisk without a beat."""
    made: list[Recomputing] = []

    class Caught(Recomputing):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            made.append(self)

    monkeypatch.setattr(process, "Recomputing", Caught)
    async with it_side(realm, clock, database_url, **UNSWEPT) as desk:
        yield Swept(desk, made[-1])
