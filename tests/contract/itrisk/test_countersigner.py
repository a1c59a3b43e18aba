"""Who countersigns from outside, over a real socket; architecture.md, law 7."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.support.clock import SettableClock
from tests.support.councils import council_charter
from tests.support.directory import scripted_directory
from tests.support.facts import revision
from tests.support.reviews import REVIEWER, Desk
from tests.support.services import Realm, new_request_id, served

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.casework.words import Gate
from investiture.itrisk.__main__ import compose

RALF, ZOE = "people/ralf", "people/zoe"


@pytest.fixture
async def desk(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    """IT's service under a charter that names Zoe, from outside, to countersign."""
    charter = council_charter(tmp_path, countersigner=ZOE)
    async with AsyncExitStack() as stack:
        directory, at = await stack.enter_async_context(scripted_directory(clock))
        service = await stack.enter_async_context(
            served(
                compose, "itrisk", realm, database_url, peers={"sponsorship": at}, charter=charter
            )
        )
        yield Desk(
            realm,
            clock,
            directory,
            service,
            CaseServiceStub(service.channel("workloads/worker", "worker")),
            ItRiskServiceStub(service.channel(ZOE, "reviewer")),
        )


async def opened(desk: Desk, *business: str) -> gate_pb2.GateCase:
    """A review of a program for which these people stand on the business side."""
    facts = revision()
    everybody = (*facts.business_people, *business)
    warrants = [
        desk.realm.warrant(Gate.PLEDGE, facts, facts.sponsor, business_people=everybody),
        desk.realm.warrant(Gate.FUND, facts, "people/fiona"),
    ]
    reading: case_pb.CaseReading = await desk.cases.OpenCase(desk.opening(facts, warrants=warrants))
    return reading.gate_case


async def test_who_countersigns_knights_where_everybody_of_it_stands_on_another_side(
    desk: Desk,
) -> None:
    case = await opened(desk, REVIEWER, RALF)
    assert [one.person for one in case.holders] == [ZOE]
    assert not case.no_eligible_holder
    review: pb.RiskReview = await desk.review.Knight(
        pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    )
    assert review.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert [one.person for one in review.gate_case.deciders] == [ZOE]


async def test_while_somebody_of_it_can_knight_who_countersigns_is_not_asked(desk: Desk) -> None:
    case = await opened(desk, RALF)
    assert [one.person for one in case.holders] == [REVIEWER]
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await desk.refused(desk.review.Knight(request))
    assert problem.reason == "NOT_A_HOLDER"


async def test_who_countersigned_for_the_business_does_not_knight_as_well(desk: Desk) -> None:
    case = await opened(desk, REVIEWER, RALF, ZOE)
    assert [one.person for one in case.holders] == ["people/ivan"], "the next of the line at once"
    assert not case.no_eligible_holder
