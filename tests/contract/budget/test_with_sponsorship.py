"""The budget beside the real sponsorship service: its warrants, its directory, its delegations."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from google.type.money_pb2 import Money
from tests.contract.sponsorship.house import House, community, open_house
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, money_side, refused
from tests.support.clock import SettableClock
from tests.support.services import Realm, new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.casework import wire


@dataclass(slots=True)
class Neighbours:
    """Both services, and a program whose pledge stands."""

    house: House
    money: MoneySide
    case: gate_pb2.GateCase


@pytest.fixture
async def neighbours(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Neighbours]:
    async with AsyncExitStack() as stack:
        beside = f"sqlite:///{tmp_path / 'sponsorship.db'}"
        house = await stack.enter_async_context(open_house(realm, clock, beside))
        money = await stack.enter_async_context(
            money_side(realm, clock, database_url, sponsorship=house.service.address)
        )
        facts = community(amount_minor=9_000_00)
        await house.standing(facts)
        signed: case_pb.SignedWarrant = await house.cases().GetWarrant(
            case_pb.GetWarrantRequest(program=facts.program, gate=gate_pb2.GATE_PLEDGE)
        )
        await money.issue()
        yield Neighbours(house, money, await money.open(facts, warrants=[signed.warrant]))


async def test_a_standing_pledge_is_funded_by_the_people_of_the_directory(
    neighbours: Neighbours,
) -> None:
    money = neighbours.money
    case = await money.approve(neighbours.case, "fiona")
    funding = await money.reserve(case, "finn")
    assert funding.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert (await money.balances())["reserved"] == 9_000_00


@ON_SQLITE
async def test_who_is_not_in_the_directory_or_pledged_decides_nothing(
    neighbours: Neighbours,
) -> None:
    money = neighbours.money
    for name, reason in (("nobody", "NOT_A_HOLDER"), ("sara", "SIDES_NOT_SEPARATE")):
        assert (await refused(money.approve(neighbours.case, name))).reason == reason


@ON_SQLITE
async def test_a_confirmation_by_a_delegate_needs_a_delegation_that_reaches(
    neighbours: Neighbours,
) -> None:
    house, money = neighbours.house, neighbours.money
    case = await money.approve(neighbours.case, "fiona")

    def confirmation() -> pb.ReserveRequest:
        return pb.ReserveRequest(
            request_id=new_request_id(),
            name=case.name,
            etag=case.etag,
            envelope=ENVELOPE,
            on_behalf_of="people/fay",
        )

    async def delegate(units: int) -> None:
        await house.of("people/fay", "finance").CreateDelegation(
            sponsorship_pb.CreateDelegationRequest(
                request_id=new_request_id(),
                delegate="people/felix",
                purpose=sponsorship_pb.PURPOSE_FUND,
                limit=Money(currency_code="EUR", units=units),
                ends_at=wire.stamp(money.clock.now() + timedelta(days=30)),
            )
        )

    felix = money.person("felix")
    assert (await refused(felix.Reserve(confirmation()))).reason == "NOT_A_HOLDER"
    await delegate(8_999)
    assert (await refused(felix.Reserve(confirmation()))).reason == "AUTHORITY_INSUFFICIENT"
    await delegate(9_000)
    funding: pb.Funding = await felix.Reserve(confirmation())
    confirmer = funding.gate_case.deciders[-1]
    assert (confirmer.person, confirmer.on_behalf_of) == ("people/felix", "people/fay")
