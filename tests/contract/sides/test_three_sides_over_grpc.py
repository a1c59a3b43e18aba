"""No person stands on two sides: over the sockets of the three services.

Must-show 5 of the issue on the business gates; architecture.md, law 7: by role (every caller here
has all of them), by delegation in either direction, by being two units' head, in bulk (everybody at
once), and through `validate_only`; in emergencies and beside them.
"""

from functools import partial
from pathlib import Path

import pytest
from tests.contract.sides.everybody import everybody_tries
from tests.contract.sides.rooms import distant_rooms
from tests.support.clock import SettableClock
from tests.support.services import Realm

LEAST = 3_000
"""Decisions that are tried."""


@pytest.mark.sqlite
async def test_the_three_sides_never_share_a_person_over_grpc(
    realm: Realm, clock: SettableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_rooms = partial(distant_rooms, monkeypatch, realm, clock)
    tally = await everybody_tries(10_000, (8, 12), LEAST, open_rooms, realm, clock, tmp_path)
    assert tally.attempts >= LEAST
    assert tally.attempts > tally.rehearsed > 0, "both kinds were tried"
    assert tally.refused["SIDES_NOT_SEPARATE"] > LEAST // 25
    assert tally.done > LEAST // 25
    assert tally.delegated
    assert tally.launched, "honest people get through"
    assert tally.declared
    assert tally.provisional.total(), "two people decided a gate for a while"
