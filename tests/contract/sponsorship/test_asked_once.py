"""The same person is asked once: one row for a case, however many parts of it they hold."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.contract.sponsorship.house import SAM, SARA, VERA, House, community, holders, position_of
from tests.contract.sponsorship.test_delegations import lent, revoking
from tests.support import halden
from tests.support.clock import SettableClock
from tests.support.services import CHARTER, Realm, served

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.sponsorship.__main__ import compose

WIDE: dict[str, Any] = {"channels": ("community-forum", "press-release")}
"""Touches sales by the forum, press and analysts by the release."""


@pytest.fixture
async def double(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[House]:
    """A house in which Vera heads sales and marketing."""
    text = CHARTER.read_text(encoding="utf-8")
    assert text.count("head: people/mira") == 1
    charter = tmp_path / "charter.yaml"
    charter.write_text(text.replace("head: people/mira", "head: people/vera"), encoding="utf-8")
    async with served(compose, "sponsorship", realm, database_url, charter=charter) as service:
        house = House(realm, clock, service)
        await house.import_people(*halden.people())
        yield house


async def inbox(house: House, person: str) -> list[str]:
    answer: case_pb.ListPendingDecisionsResponse = await house.cases(
        person, "endorser"
    ).ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    return [case.name for case in answer.cases]


async def test_the_head_of_two_touched_units_has_one_row(double: House) -> None:
    case = await double.opened(community(**WIDE))
    mine = [one for one in holders(case) if one[0] == VERA]
    assert [unit for _, _, unit in mine] == ["units/marketing", "units/sales"]
    assert await inbox(double, VERA) == [case.name]


async def test_a_sponsor_who_heads_two_touched_units_pledges_for_both_in_one_act(
    double: House,
) -> None:
    case = await double.opened(community(**WIDE, sponsor=VERA))
    assert [one for one in holders(case) if one[0] == VERA] == [(VERA, "sponsor", "units/sales")]
    pledge = await double.pledge(VERA, case)
    for unit in ("units/sales", "units/marketing"):
        assert position_of(pledge, unit).kind == pb.POSITION_KIND_CONSENT
    assert await inbox(double, VERA) == []


async def test_who_holds_as_a_delegate_and_in_their_own_right_has_one_row(house: House) -> None:
    case = await house.opened(community(sponsor=SAM))
    other = await house.opened(community(program="programs/other"))
    assert await inbox(house, SAM) == [case.name]
    made = await lent(house, delegate=SAM)
    found = await inbox(house, SAM)
    assert sorted(found) == sorted([case.name, other.name]), "Sara's is in his hands too"
    both = await house.opened(community(program="programs/both", sponsor=SARA, counter_sponsor=SAM))
    assert (await inbox(house, SAM)).count(both.name) == 1
    await house.of(SARA).RevokeDelegation(revoking(made))
    assert other.name not in await inbox(house, SAM)


async def test_a_delegation_that_has_ended_or_is_for_something_else_asks_nobody(
    house: House,
) -> None:
    case = await house.opened()
    await lent(house, delegate=SAM, purpose=pb.PURPOSE_GO)
    assert await inbox(house, SAM) == []
    await lent(house, delegate=SAM)
    assert await inbox(house, SAM) == [case.name]
    house.clock.advance(timedelta(days=30))
    assert await inbox(house, SAM) == []
    assert case.state == gate_pb2.CASE_STATE_OPEN
