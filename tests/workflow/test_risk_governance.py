"""A knighting on a running path as its risk changes: the real itrisk and launch, time skipped.

Issue 4, must show 6: an estimate made better is RECONFIRMED, one made worse voids the warrant and
reopens the gate; an acceptance that ends freezes the stage.
"""

import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from tests.support.clock import SettableClock
from tests.support.eventually import eventually
from tests.support.given_gates import given_gates
from tests.support.launches import Front, front
from tests.support.programs import PROPOSER, SPONSOR
from tests.support.risks import content, saving, scenario
from tests.support.services import Realm, Served, new_request_id, served
from tests.support.walking import walking

from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2 as gates
from investiture.api.itrisk.v1 import acceptance_service_pb2 as acceptance_pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.api.itrisk.v1.acceptance_service_pb2_grpc import AcceptanceServiceStub
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.casework.words import Gate
from investiture.chassis.client import explain
from investiture.itrisk.__main__ import compose

pytestmark = pytest.mark.asyncio(loop_scope="session")

FUNDED_BY = "people/fiona"
STANDS, OPEN = gates.CASE_STATE_STANDING, gates.CASE_STATE_OPEN


@dataclass(slots=True)
class House:
    """A program on its path, and who decides on it for IT."""

    front: Front
    it: Served
    environment: WorkflowEnvironment
    clock: SettableClock
    path: WorkflowHandle[Any, Any]
    program: str

    def advance_to(self, instant: datetime) -> None:
        self.clock.set(max(instant, self.clock.now()))

    async def days(self, number: float) -> None:
        """Let time pass for the path, and for the services with it."""
        await self.environment.fast_forward(self.path, timedelta(days=number))
        self.advance_to(await self.environment.get_current_time(self.path))

    @property
    def risk(self) -> RiskServiceStub:
        return RiskServiceStub(self.it.channel(PROPOSER, "proposer"))

    async def review(self, number: int, state: gates.CaseState.ValueType) -> gates.GateCase:
        """The review of that round, once it is in that state."""
        stub = ItRiskServiceStub(self.it.channel("people/ines", "reviewer"))
        name = f"{self.program}/riskReviews/latest"

        async def read() -> gates.GateCase | None:
            try:
                return (await stub.GetReview(review_pb.GetReviewRequest(name=name))).gate_case
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                return None

        found = await eventually(
            read, lambda case: case is not None and (case.round, case.state) == (number, state)
        )
        assert found is not None
        return found

    async def knighted(self, number: int) -> gates.GateCase:
        case = await self.review(number, OPEN)
        stub = ItRiskServiceStub(self.it.channel("people/ines", "reviewer"))
        request = review_pb.KnightRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, rationale="seen"
        )
        return (await stub.Knight(request)).gate_case

    async def estimated(self, mode: float) -> risk_pb.RiskProfile:
        """Scenario X counted anew."""
        name = f"{self.program}/riskProfiles/latest"
        latest = await self.risk.GetRiskProfile(risk_pb.GetRiskProfileRequest(name=name))
        what = content(scenario(mode))
        request = saving(self.program, what, etag=latest.etag, reason="counted anew")
        saved: risk_pb.RiskProfile = await self.risk.SaveRiskProfile(request)
        return saved

    async def accepted(self, until: datetime, *people: str) -> None:
        date = Timestamp()
        date.FromDatetime(until)
        for person in people:
            seen = await self.risk.Assess(risk_pb.AssessRequest(program=self.program))
            stub = AcceptanceServiceStub(self.it.channel(person, "finance"))
            await stub.AcceptRisk(
                acceptance_pb.AcceptRiskRequest(
                    request_id=new_request_id(),
                    program=self.program,
                    assessment_digest=seen.digest,
                    reason="the fair does not wait",
                    until=date,
                )
            )

    async def recorded(self, number: int, state: gates.CaseState.ValueType) -> None:
        """Wait until launch knows the knighting of that round so: the path has read it."""

        def shows(path: launch_pb.Path) -> bool:
            case = next(one.gate_case for one in path.gates if one.gate == gates.GATE_KNIGHT)
            return (case.round, case.state) == (number, state)

        await eventually(lambda: self.front.path(self.program), shows)

    async def piloting(self) -> launch_pb.Pilot:
        async def read() -> launch_pb.Pilot | None:
            try:
                return await self.front.pilot(self.program)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                return None

        found = await eventually(read, lambda pilot: pilot is not None)
        assert found is not None
        return found

    async def frozen(self, because: str) -> None:
        """That the pilot succeeded is refused, for the knighting that does not stand."""
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await self.front.outcome(await self.piloting())
        problem = explain(error.value)
        assert problem.reason == "BUSINESS_FIRST"
        (leg,) = problem.legs
        assert leg.type == "WARRANT_KNIGHT"
        assert because in leg.description


@pytest_asyncio.fixture(loop_scope="session")
async def house(environment: WorkflowEnvironment, tmp_path: Path) -> AsyncGenerator[House]:
    async with opened_house(environment, tmp_path) as home:
        await home.risk.SaveRiskProfile(saving(home.program, content()))
        yield home


@asynccontextmanager
async def opened_house(environment: WorkflowEnvironment, tmp_path: Path) -> AsyncGenerator[House]:
    """A program on its path; its pledge and its money are given."""
    clock = SettableClock(datetime.now(UTC))
    realm = Realm(tmp_path / "realm", clock)
    queue = f"queue-{uuid.uuid4().hex[:12]}"
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(
            front(realm, clock, f"sqlite:///{tmp_path / 'launch.db'}")
        )
        itrisk = await stack.enter_async_context(
            served(
                compose,
                "itrisk",
                realm,
                f"sqlite:///{tmp_path / 'itrisk.db'}",
                peers=opened.peers,
                temporal_address=environment.client.service_client.config.target_host,
            )
        )
        program = (await opened.submitted(f"p-{uuid.uuid4().hex[:8]}", exposure_bps=10_000)).name
        given = await stack.enter_async_context(
            given_gates(opened, {Gate.PLEDGE: SPONSOR, Gate.FUND: FUNDED_BY})
        )
        it = CaseServiceStub(itrisk.channel("workloads/worker", "worker"))
        owners = dict.fromkeys((gates.GATE_PLEDGE, gates.GATE_FUND), given)
        owners |= {gates.GATE_KNIGHT: it}
        owners |= dict.fromkeys((gates.GATE_PILOT, gates.GATE_LAUNCH), opened.cases)
        path = await stack.enter_async_context(
            walking(environment, clock, owners, opened.worker, program, queue)
        )
        yield House(opened, itrisk, environment, clock, path, program)


async def test_a_knighting_follows_its_risk_and_a_running_path_follows_the_knighting(
    house: House,
) -> None:
    await house.knighted(1)
    await house.piloting()
    assert (await house.estimated(0.3)).effect == "RECONFIRMED"
    await house.days(3)
    await house.review(1, STANDS)

    assert (await house.estimated(1.5)).effect == "VOIDED"
    again = await house.review(2, OPEN)
    await house.recorded(2, OPEN)
    assert again.round == 2, "its ring has reopened the gate on the running path"
    await house.frozen("does not stand")

    until = house.clock.now() + timedelta(days=20)
    await house.accepted(until, "people/finn", "people/fay", "people/ada")
    stands = await house.knighted(2)
    assert stands.standing_until.ToDatetime(UTC) == until
    await house.recorded(2, STANDS)
    await house.days(21)
    await house.review(3, OPEN)
    await house.recorded(3, OPEN)
    await house.frozen("does not stand")
