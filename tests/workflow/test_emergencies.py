"""An emergency on a running path: the real services at all gates, time skipped.

It is piloted within seconds of its declaration. Where nobody decides it in full within three days,
its gates wait as usual and its stage is frozen; where they do, nothing notices.
"""

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from tests.support import halden
from tests.support.clock import SettableClock
from tests.support.emergencies import OTTO, voiced
from tests.support.eventually import eventually
from tests.support.launches import Front, front
from tests.support.programs import PROPOSER, SPONSOR, eur
from tests.support.services import CHARTER, Realm, Served, new_request_id, served
from tests.support.walking import walking

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2 as gates
from investiture.api.governance.v1 import emergencies_pb2 as emergency_pb
from investiture.api.governance.v1.emergencies_pb2_grpc import EmergencyServiceStub
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.budget.__main__ import compose as budget
from investiture.chassis.client import explain
from investiture.itrisk.__main__ import compose as itrisk
from investiture.sponsorship.__main__ import compose as sponsorship
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")

Gate: TypeAlias = gates.Gate.ValueType
STANDS, OPEN = gates.CASE_STATE_STANDING, gates.CASE_STATE_OPEN
BUSINESS, MONEY, IT = gates.GATE_PLEDGE, gates.GATE_FUND, gates.GATE_KNIGHT
VOICES = {
    BUSINESS: ((SPONSOR, "sponsor"), (OTTO, "sponsor")),
    MONEY: (("people/finn", "finance"), ("people/fiona", "finance")),
    IT: (("people/ivan", "reviewer"), ("people/ralf", "reviewer")),
}


def charter(folder: Path) -> Path:
    """The default one, with a pledge that is overdue after 60 hours around the clock."""
    text = CHARTER.read_text()
    for old, new in (
        (
            "  PLEDGE: {duration: P3D, calendar: us-federal",
            "  PLEDGE: {duration: PT60H, calendar: always",
        ),
        ("calendars:\n", "calendars:\n  - {id: always, always_open: true}\n"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    file = folder / "sixty-hours.yaml"
    file.write_text(text)
    return file


@dataclass(slots=True)
class House:
    """A program on its path, and everybody who decides on it."""

    front: Front
    owners: dict[Gate, Served]
    environment: WorkflowEnvironment
    clock: SettableClock
    path: WorkflowHandle[Any, Any]
    program: str

    async def hours(self, number: float) -> None:
        """Let time pass for the path, and for the services with it."""
        await self.environment.fast_forward(self.path, timedelta(hours=number))
        now = await self.environment.get_current_time(self.path)
        self.clock.set(max(now, self.clock.now()))

    async def case(self, gate: Gate) -> gates.GateCase:
        stub = CaseServiceStub(self.owners[gate].channel("workloads/worker", "worker"))
        asked = case_pb.ReadCaseRequest(program=self.program, gate=gate)
        return (await stub.ReadCase(asked)).gate_case

    async def until(self, gate: Gate, state: gates.CaseState.ValueType) -> gates.GateCase:
        """The gate's case once its service has it so."""
        return await eventually(lambda: self.case(gate), lambda case: case.state == state)

    async def declared(self) -> None:
        case = await self.until(BUSINESS, OPEN)
        stub = EmergencyServiceStub(self.owners[BUSINESS].channel(PROPOSER, "proposer"))
        await stub.DeclareEmergency(
            emergency_pb.DeclareEmergencyRequest(
                request_id=new_request_id(),
                pledge=case.name,
                etag=case.etag,
                reason="the portal was breached",
                consequence="customers hear it from the press",
            )
        )

    async def decided(self, gate: Gate) -> None:
        """The gate, once it is open, decided provisionally by two."""
        case = await self.until(gate, OPEN)
        for person, role in VOICES[gate]:
            case = await voiced(CaseServiceStub(self.owners[gate].channel(person, role)), case)
        assert case.basis == gates.BASIS_EMERGENCY

    async def pilot(self) -> launch_pb.Pilot:
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

    async def ring(self, gate: Gate) -> None:
        """Ring for launch, which reaches no Temporal here."""
        await self.path.signal(contract.RING, Ring(gate=gate))

    async def asked_for_go(self) -> launch_pb.GoDecision | None:
        """What the sponsor is asked, once the path has come to it."""
        try:
            return await self.front.go_decision(self.program)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return None

    async def recorded(self, gate: Gate, look: Callable[[gates.GateCase], bool]) -> None:
        """Wait until launch knows the gate's case so: the path has read it."""

        def shows(path: launch_pb.Path) -> bool:
            return any(one.gate == gate and look(one.gate_case) for one in path.gates)

        await eventually(lambda: self.front.path(self.program), shows)

    async def pledged(self) -> None:
        business, case = self.owners[BUSINESS], await self.case(BUSINESS)
        sponsor = SponsorshipServiceStub(business.channel(SPONSOR, "sponsor"))
        found = await sponsor.Pledge(
            sponsorship_pb.PledgeRequest(
                request_id=new_request_id(), name=case.name, etag=case.etag, statement="I do"
            )
        )
        for position in found.positions:
            if position.role != sponsorship_pb.POSITION_ROLE_AGREE or not position.asked:
                continue
            case = await self.case(BUSINESS)
            speaker = SponsorshipServiceStub(business.channel(position.asked, "endorser"))
            await speaker.RecordPosition(
                sponsorship_pb.RecordPositionRequest(
                    request_id=new_request_id(),
                    name=case.name,
                    etag=case.etag,
                    unit=position.unit,
                    kind=sponsorship_pb.POSITION_KIND_CONSENT,
                )
            )

    async def funded(self) -> None:
        finance = self.owners[MONEY]
        reader = BudgetServiceStub(finance.channel("people/fay", "finance"))
        name = f"{self.program}/budgetRequests/latest"
        found = await reader.GetFunding(budget_pb.GetFundingRequest(name=name))
        for level in found.levels:
            for person in level.eligible[: level.needed]:
                case = await self.case(MONEY)
                await BudgetServiceStub(finance.channel(person, "finance")).ApproveFunding(
                    budget_pb.ApproveFundingRequest(
                        request_id=new_request_id(), name=case.name, etag=case.etag
                    )
                )
        case = await self.case(MONEY)
        await reader.Reserve(
            budget_pb.ReserveRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
        )

    async def knighted(self) -> None:
        while (case := await self.case(IT)).basis == gates.BASIS_EMERGENCY:
            reviewer = case.holders[0].person
            await ItRiskServiceStub(self.owners[IT].channel(reviewer, "reviewer")).Knight(
                review_pb.KnightRequest(
                    request_id=new_request_id(), name=case.name, etag=case.etag, rationale="seen"
                )
            )


@pytest_asyncio.fixture(loop_scope="session")
async def house(environment: WorkflowEnvironment, tmp_path: Path) -> AsyncGenerator[House]:
    clock = SettableClock(datetime.now(UTC))
    realm = Realm(tmp_path / "realm", clock)
    queue = f"queue-{uuid.uuid4().hex[:12]}"
    label = f"p-{uuid.uuid4().hex[:8]}"
    given: dict[str, Any] = {
        "temporal_address": environment.client.service_client.config.target_host,
        "charter": charter(tmp_path),
    }

    def database(service: str) -> str:
        return f"sqlite:///{tmp_path / service}.db"

    async with AsyncExitStack() as stack:
        business = await stack.enter_async_context(
            served(sponsorship, "sponsorship", realm, database("sponsorship"), **given)
        )
        hr = SponsorshipServiceStub(business.channel("workloads/hr", "directory-admin"))
        await hr.ImportDirectory(
            sponsorship_pb.ImportDirectoryRequest(
                request_id=new_request_id(), people=halden.people()
            )
        )
        peers = {"sponsorship": business.address}
        money = await stack.enter_async_context(
            served(budget, "budget", realm, database("budget"), peers=peers, **given)
        )
        it = await stack.enter_async_context(
            served(itrisk, "itrisk", realm, database("itrisk"), peers=peers, **given)
        )
        opened = await stack.enter_async_context(front(realm, clock, database("launch")))
        await BudgetServiceStub(money.channel("people/ada", "budget-committee")).IssueEnvelope(
            budget_pb.IssueEnvelopeRequest(
                request_id=new_request_id(),
                envelope_id=label,
                display_name="A test's own",
                fiscal_year=2026,
                cost_centre="4711",
                purpose="launches",
                owner="people/fay",
                appropriation=eur(100_000),
            )
        )
        submitted = await opened.submitted(label, envelope=f"envelopes/{label}")
        owners = {BUSINESS: business, MONEY: money, IT: it}
        stubs = {
            gate: CaseServiceStub(owner.channel("workloads/worker", "worker"))
            for gate, owner in owners.items()
        }
        stubs |= dict.fromkeys((gates.GATE_PILOT, gates.GATE_LAUNCH), opened.cases)
        path = await stack.enter_async_context(
            walking(environment, clock, stubs, opened.worker, submitted.name, queue)
        )
        yield House(opened, owners, environment, clock, path, submitted.name)


async def through_three_gates(house: House) -> launch_pb.Pilot:
    """The pilot of an emergency, open as soon as two people of each side have decided."""
    await house.declared()
    for gate in (BUSINESS, MONEY, IT):
        await house.decided(gate)
    return await house.pilot()


async def test_what_nobody_decides_in_full_waits_as_usual_after_three_days_and_its_stage_freezes(
    house: House,
) -> None:
    pilot = await through_three_gates(house)
    for gate in (BUSINESS, MONEY, IT):
        await house.recorded(gate, lambda case: case.basis == gates.BASIS_EMERGENCY)

    await house.hours(61)
    overdue = await eventually(
        lambda: house.case(BUSINESS), lambda case: len(case.escalations) == 3
    )
    assert overdue.state == STANDS, (
        "the path is at the pilot, and the pledge escalates all the same"
    )
    assert any(holder.added_by == gates.STEP_OVERDUE for holder in overdue.holders)

    await house.hours(12)
    await house.recorded(BUSINESS, lambda case: (case.round, case.state) == (1, OPEN))
    assert {holder.person for holder in (await house.case(BUSINESS)).holders} >= {SPONSOR}
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await house.front.outcome(pilot)
    problem = explain(error.value)
    assert problem.reason == "BUSINESS_FIRST"
    assert "WARRANT_PLEDGE" in {leg.type for leg in problem.legs}


async def test_what_was_launched_in_an_emergency_has_an_incident_where_nobody_decided_in_full(
    house: House,
) -> None:
    await house.front.outcome(await through_three_gates(house))
    await house.ring(gates.GATE_PILOT)
    go = await eventually(house.asked_for_go, lambda found: found is not None)
    assert go is not None
    await house.front.decide(go)
    await house.ring(gates.GATE_LAUNCH)

    async def program() -> launch_pb.Program:
        return await house.front.program(house.program)

    await eventually(program, lambda one: one.HasField("launch_time"))
    await house.hours(73)
    after = await eventually(program, lambda one: len(one.incidents) == 3)
    assert "the decision of pledge is no longer valid" in "; ".join(after.incidents)
    await house.path.result()


async def test_the_full_decision_in_time_takes_its_place_and_nothing_is_frozen(
    house: House,
) -> None:
    await through_three_gates(house)
    await house.pledged()
    await house.funded()
    await house.knighted()
    for gate in (BUSINESS, MONEY, IT):
        await house.recorded(gate, lambda case: case.basis == gates.BASIS_DECISION)
    await house.hours(73)
    for gate in (BUSINESS, MONEY, IT):
        assert (await house.case(gate)).state == STANDS
    pilot = await house.pilot()
    assert pilot.gate_case.round == 1
    done = await house.front.outcome(pilot)
    assert done.gate_case.state == STANDS
