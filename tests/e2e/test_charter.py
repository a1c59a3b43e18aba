"""A charter that two people sign holds in the running services, for what is opened after it."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from tests.support.plays import Play
from tests.support.services import new_request_id
from tests.support.site import CHARTER, Site, site
from tests.support.traps import PATIENCE_SECONDS

from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import governance_service_pb2 as pb
from investiture.api.governance.v1.governance_service_pb2_grpc import GovernanceServiceStub
from investiture.stack.plan import ANY_PORTS

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]

CONTROLLER = "role: controller, needed: 1, of: [people/finn]"
FINN, FIONA = "people/finn", "people/fiona"


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncGenerator[Site]:
    async with site(ports=ANY_PORTS) as started:
        yield started


def governance(stage: Site, person: str) -> GovernanceServiceStub:
    return GovernanceServiceStub(stage.stack.channel("sponsorship", person, ("governance",)))


async def asked_for_money(play: Play) -> list[str]:
    """Who holds the FUND case of a program that was pledged for."""
    await play.play("submit", "pledge")
    await play.opened(gate_pb2.GATE_FUND)
    case = await play.case(gate_pb2.GATE_FUND, "budget")
    return [one.person for one in case.holders]


async def test_a_signed_charter_holds_in_the_running_services_for_what_is_opened_after_it(
    stage: Site,
) -> None:
    before = stage.play("before")
    assert await asked_for_money(before) == [FINN]
    text = CHARTER.read_text(encoding="utf-8")
    assert CONTROLLER in text
    assert "version: 1\n" in text
    document = text.replace("version: 1\n", "version: 2\n", 1).replace(
        CONTROLLER, CONTROLLER.replace(FINN, FIONA)
    )
    change: pb.Change = await governance(stage, "people/grace").ProposeCharter(
        pb.ProposeCharterRequest(
            request_id=new_request_id(), document=document, reason="Fiona is the controller now"
        )
    )
    await governance(stage, "people/gus").ApproveChange(
        pb.ApproveChangeRequest(request_id=new_request_id(), name=change.name, etag=change.etag)
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        for number in range(100):
            after = stage.play(f"after-{number}")
            if await asked_for_money(after) == [FIONA]:
                break
    kept = await before.case(gate_pb2.GATE_FUND, "budget")
    assert [one.person for one in kept.holders] == [FINN]
    await before.play("fund")
    await before.opened(gate_pb2.GATE_KNIGHT)
