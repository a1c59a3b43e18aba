"""IT's side of the house: the itrisk service served alone, with its callers."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from tests.support.clock import SettableClock
from tests.support.directory import ScriptedDirectory, scripted_directory
from tests.support.facts import revision
from tests.support.services import Realm, Served, new_request_id, served

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.casework.facts import Revision
from investiture.casework.words import Gate
from investiture.chassis.client import Problem, explain
from investiture.itrisk.__main__ import compose

REVIEWER = "people/ines"
GAP = gate_pb2.Gap(
    risk="abuse", tolerance="none unmoderated", excess="4,000 posts a day", remedy="moderate"
)


@dataclass(slots=True)
class Desk:
    """The service with its callers."""

    realm: Realm
    clock: SettableClock
    directory: ScriptedDirectory
    service: Served
    cases: CaseServiceStub
    review: ItRiskServiceStub

    def opening(
        self, facts: Revision, money: str = "people/fiona", **request: Any
    ) -> case_pb.OpenCaseRequest:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "gate": gate_pb2.GATE_KNIGHT,
            "revision_statement": self.realm.revision_statement(facts),
            "warrants": [
                self.realm.warrant(Gate.PLEDGE, facts, facts.sponsor),
                self.realm.warrant(Gate.FUND, facts, money),
            ],
        }
        return case_pb.OpenCaseRequest(**{**values, **request})

    async def opened(self, facts: Revision | None = None) -> gate_pb2.GateCase:
        reading: case_pb.CaseReading = await self.cases.OpenCase(self.opening(facts or revision()))
        return reading.gate_case

    async def refused(self, call: Any) -> Problem:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call
        return explain(error.value)


@asynccontextmanager
async def it_side(
    realm: Realm, clock: SettableClock, database_url: str, **given: Any
) -> AsyncGenerator[Desk]:
    """Serves itrisk; `given` overrides its settings."""
    async with AsyncExitStack() as stack:
        directory, at = await stack.enter_async_context(scripted_directory(clock))
        service = await stack.enter_async_context(
            served(
                compose,
                "itrisk",
                realm,
                database_url,
                peers={"sponsorship": at},
                **{"attendance_seconds": 0.03, "expiry_seconds": 0.05, **given},
            )
        )
        yield Desk(
            realm,
            clock,
            directory,
            service,
            CaseServiceStub(service.channel("workloads/worker", "worker")),
            ItRiskServiceStub(service.channel(REVIEWER, "reviewer")),
        )
