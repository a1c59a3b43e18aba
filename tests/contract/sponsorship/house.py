"""The sponsorship service with the people of Halden in its directory, and its callers."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from tests.support import halden
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.services import Realm, Served, new_request_id, served

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.casework.facts import Revision
from investiture.chassis.client import Problem, explain
from investiture.chassis.clock import Clock
from investiture.chassis.server import Server
from investiture.chassis.settings import ServiceSettings
from investiture.sponsorship.__main__ import build
from investiture.sponsorship.attestations import Attestations

BEN, SARA, VERA, SAM = "people/ben", "people/sara", "people/vera", "people/sam"
FORUM = {"channels": ("community-forum",)}


def community(number: int = 1, **changes: Any) -> Revision:
    """Ben's self-support community, sponsored by the head of support; sales has to agree too."""
    values: dict[str, Any] = {
        "proposer": BEN,
        "sponsor": SARA,
        "benefit_owners": (SARA,),
        **FORUM,
        **changes,
    }
    return revision(number, **values)


@dataclass(slots=True)
class House:
    """The service with its callers; its sweep runs when a test says so."""

    realm: Realm
    clock: SettableClock
    service: Served
    attestations: Attestations

    def of(self, person: str, *roles: str) -> SponsorshipServiceStub:
        return SponsorshipServiceStub(
            self.service.channel(person, *(roles or ("sponsor", "endorser")))
        )

    def cases(self, subject: str = "workloads/worker", *roles: str) -> CaseServiceStub:
        return CaseServiceStub(self.service.channel(subject, *(roles or ("worker",))))

    def opening(self, facts: Revision, **request: Any) -> case_pb.OpenCaseRequest:
        values: dict[str, Any] = {
            "request_id": new_request_id(),
            "gate": gate_pb2.GATE_PLEDGE,
            "revision_statement": self.realm.revision_statement(facts),
        }
        return case_pb.OpenCaseRequest(**{**values, **request})

    async def opened(self, facts: Revision | None = None) -> gate_pb2.GateCase:
        request = self.opening(facts or community())
        reading: case_pb.CaseReading = await self.cases().OpenCase(request)
        return reading.gate_case

    async def read(self, case: gate_pb2.GateCase) -> pb.Pledge:
        pledge: pb.Pledge = await self.of(BEN).GetPledge(pb.GetPledgeRequest(name=case.name))
        return pledge

    async def pledge(self, person: str, case: gate_pb2.GateCase, **request: Any) -> pb.Pledge:
        asked = pb.PledgeRequest(**{**_act(case), **request})
        pledge: pb.Pledge = await self.of(person).Pledge(asked)
        return pledge

    async def say(
        self, person: str, case: gate_pb2.GateCase, unit: str, kind: str, **request: Any
    ) -> pb.Pledge:
        values: dict[str, Any] = {
            **_act(case),
            "unit": unit,
            "kind": pb.PositionKind.Value(f"POSITION_KIND_{kind}"),
            **request,
        }
        asked = pb.RecordPositionRequest(**values)
        pledge: pb.Pledge = await self.of(person).RecordPosition(asked)
        return pledge

    async def standing(self, facts: Revision | None = None) -> gate_pb2.GateCase:
        """The community's pledge, made by Sara and agreed by the head of sales."""
        case = await self.opened(facts)
        pledged = await self.pledge(SARA, case)
        agreed = await self.say(VERA, pledged.gate_case, "units/sales", "CONSENT")
        assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING
        return agreed.gate_case

    async def import_people(self, *people: pb.Person, **request: Any) -> Any:
        values: dict[str, Any] = {"request_id": new_request_id(), "people": people, **request}
        asked = pb.ImportDirectoryRequest(**values)
        return await self.of("workloads/hr", "directory-admin").ImportDirectory(asked)


def _act(case: gate_pb2.GateCase) -> dict[str, Any]:
    return {"request_id": new_request_id(), "name": case.name, "etag": case.etag}


def position_of(pledge: pb.Pledge, unit: str) -> pb.Position:
    (found,) = (one for one in pledge.positions if one.unit == unit)
    return found


def holders(case: gate_pb2.GateCase) -> list[tuple[str, str, str]]:
    return sorted((one.person, one.role, one.unit) for one in case.holders)


async def refused(call: Awaitable[Any]) -> Problem:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return explain(error.value)


@asynccontextmanager
async def open_house(
    realm: Realm, clock: SettableClock, database_url: str, **given: Any
) -> AsyncGenerator[House]:
    """The service, everybody imported; `given` overrides its settings."""
    sweeps: list[Attestations] = []

    async def unswept(
        settings: ServiceSettings, closing: AsyncExitStack, clock: Clock | None
    ) -> Server:
        server, attestations, _ = await build(settings, closing, clock)
        sweeps.append(attestations)
        return server

    async with served(unswept, "sponsorship", realm, database_url, **given) as service:
        house = House(realm, clock, service, sweeps[0])
        await house.import_people(*halden.people())
        yield house
