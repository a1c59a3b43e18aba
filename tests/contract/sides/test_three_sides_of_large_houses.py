"""No person stands on two sides: enterprises of more people.

Must-show 5 of the issue on the business gates; architecture.md, law 7: by role (every caller here
has all of them), by delegation in either direction, by being two units' head, in bulk (everybody at
once), and through `validate_only`; in emergencies and beside them.
"""

from functools import partial
from pathlib import Path

import pytest
from tests.contract.sides.everybody import everybody_tries
from tests.contract.sides.rooms import rooms
from tests.support.clock import SettableClock
from tests.support.services import Realm

LEAST = 12_500
"""Decisions that are tried in each of four quarters: with the small houses 100,000."""


@pytest.mark.sqlite
@pytest.mark.parametrize("quarter", range(4))
async def test_the_three_sides_of_a_larger_house_never_share_a_person(
    quarter: int,
    realm: Realm,
    clock: SettableClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_rooms = partial(rooms, monkeypatch, realm, clock)
    tally = await everybody_tries(
        5_000 + quarter * 1_000, (11, 15), LEAST, open_rooms, realm, clock, tmp_path
    )
    assert tally.attempts >= LEAST
    assert tally.attempts > tally.rehearsed > 0, "both kinds were tried"
    assert tally.refused["SIDES_NOT_SEPARATE"] > LEAST // 25
    assert tally.done > LEAST // 25
    assert tally.delegated
    assert tally.launched, "honest people get through"
    assert tally.provisional["PLEDGE"], "two people decided it for a while"
    assert tally.replaced, "the ordinary decision took its place"
    assert tally.blocked, "a team that is owed a review has no other emergency"
    assert tally.reviewed
