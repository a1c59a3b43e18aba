"""A company on a stack of its own, and the people who bring its programs down the path.

The cheapest program the default charter knows: one business unit agrees by its head's pledge, one
finance partner approves, finance's head confirms, one reviewer knights, one pilot, one go.
"""

import re
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self, TypeVar

import grpc
from google.type.money_pb2 import Money

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as itrisk_pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.stack.embedded import Stack
from investiture.stack.plan import ANY_PORTS, Options

ROOT = Path(__file__).resolve().parents[2]
CHARTER = ROOT / "deploy" / "charters" / "default.yaml"
PEOPLE = ROOT / "deploy" / "examples" / "people.yaml"
ENVELOPE = "general"
BEN, SARA, FIONA, FAY, RALF = (f"people/{n}" for n in ("ben", "sara", "fiona", "fay", "ralf"))

_FREEZES = re.compile(r"^freeze_windows:\n(?:[ -].*\n)+", re.MULTILINE)

Stub = TypeVar("Stub")
Metadata = tuple[tuple[str, str], ...]

OWNERS: Mapping[gate_pb2.Gate.ValueType, str] = {
    gate_pb2.GATE_PLEDGE: "sponsorship",
    gate_pb2.GATE_FUND: "budget",
    gate_pb2.GATE_KNIGHT: "itrisk",
    gate_pb2.GATE_PILOT: "launch",
    gate_pb2.GATE_LAUNCH: "launch",
}
"""The service that owns each gate of the path, in the path's order."""


def options(folder: Path, *, database: str = "sqlite", in_memory: bool = True) -> Options:
    """How a company's stack is set up: nothing that only a person at a screen needs."""
    return Options(
        charter=_charter(folder),
        database=database,
        ports=ANY_PORTS,
        supervise=False,
        ui=False,
        traces=False,
        people=PEOPLE,
        temporal_in_memory=in_memory,
    )


def _charter(folder: Path) -> Path:
    """Write the default charter without its freeze windows: figures do not depend on the date."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "charter.yaml"
    path.write_text(_FREEZES.sub("freeze_windows: []\n", CHARTER.read_text()))
    return path


class Company:
    """Calls a stack's services as its people, over plain channels: no client of ours in between."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._headers: dict[tuple[str, str], Metadata] = {}

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Self]:
        """Keep the channels for as long as the context lasts."""
        try:
            yield self
        finally:
            channels, self._channels = self._channels, {}
            for channel in channels.values():
                await channel.close()

    def stub(self, service: str, kind: Callable[[grpc.aio.Channel], Stub]) -> Stub:
        """Return a stub of a service."""
        if service not in self._channels:
            address = self._stack.addresses[service]
            self._channels[service] = grpc.aio.insecure_channel(address)
        return kind(self._channels[service])

    def headers(self, subject: str, role: str) -> Metadata:
        """Return the metadata of a call by somebody; the token is good for ten minutes."""
        key = (subject, role)
        if key not in self._headers:
            token = self._stack.tokens(subject, (role,)).token()
            self._headers[key] = (("authorization", f"Bearer {token}"),)
        return self._headers[key]

    def renew(self) -> None:
        """Take new tokens from now on; to be called between measurements."""
        self._headers.clear()

    async def issue_envelope(self) -> None:
        """Issue the one envelope that pays for everything."""
        request = budget_pb.IssueEnvelopeRequest(
            request_id=new_id(),
            envelope_id=ENVELOPE,
            display_name="General",
            fiscal_year=2026,
            cost_centre="1000",
            purpose="programs",
            owner=FAY,
            appropriation=_eur(1_000_000_000),
        )
        stub = self.stub("budget", BudgetServiceStub)
        await stub.IssueEnvelope(request, metadata=self.headers(FAY, "budget-committee"))

    async def submit(self, program_id: str) -> str:
        """Create and submit a program; return its name once that is acknowledged."""
        launch, headers = self.stub("launch", LaunchServiceStub), self.headers(BEN, "proposer")
        draft = await launch.CreateProgram(
            launch_pb.CreateProgramRequest(
                request_id=new_id(), program_id=program_id, content=content()
            ),
            metadata=headers,
        )
        submitted = await launch.SubmitProgram(
            launch_pb.SubmitProgramRequest(request_id=new_id(), name=draft.name, etag=draft.etag),
            metadata=headers,
        )
        return submitted.name

    async def read(self, program: str, gate: gate_pb2.Gate.ValueType) -> gate_pb2.GateCase:
        """Read a gate's case as its decider would before deciding."""
        reading = await self.stub(OWNERS[gate], CaseServiceStub).ReadCase(
            case_pb.ReadCaseRequest(program=program, gate=gate),
            metadata=self.headers("workloads/worker", "worker"),
        )
        return reading.gate_case

    async def pledge(self, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
        """Sara pledges."""
        request = sponsorship_pb.PledgeRequest(
            request_id=new_id(), name=case.name, etag=case.etag, statement="I stand for it"
        )
        stub = self.stub("sponsorship", SponsorshipServiceStub)
        return (await stub.Pledge(request, metadata=self.headers(SARA, "sponsor"))).gate_case

    async def approve(self, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
        """Fiona approves the amount."""
        request = budget_pb.ApproveFundingRequest(
            request_id=new_id(), name=case.name, etag=case.etag
        )
        stub = self.stub("budget", BudgetServiceStub)
        headers = self.headers(FIONA, "finance")
        return (await stub.ApproveFunding(request, metadata=headers)).gate_case

    async def reserve(self, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
        """Fay confirms and reserves the money."""
        request = budget_pb.ReserveRequest(request_id=new_id(), name=case.name, etag=case.etag)
        stub = self.stub("budget", BudgetServiceStub)
        return (await stub.Reserve(request, metadata=self.headers(FAY, "finance"))).gate_case

    async def knight(self, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
        """Ralf knights."""
        request = itrisk_pb.KnightRequest(
            request_id=new_id(), name=case.name, etag=case.etag, rationale="within the appetite"
        )
        stub = self.stub("itrisk", ItRiskServiceStub)
        return (await stub.Knight(request, metadata=self.headers(RALF, "reviewer"))).gate_case

    async def end_pilot(self, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
        """Ben records that the pilot succeeded."""
        request = launch_pb.RecordPilotOutcomeRequest(
            request_id=new_id(),
            name=case.name,
            etag=case.etag,
            outcome=launch_pb.PILOT_OUTCOME_SUCCEEDED,
            observations=["40 of 50 came back in the fourth week"],
        )
        stub = self.stub("launch", LaunchServiceStub)
        headers = self.headers(BEN, "pilot-owner")
        return (await stub.RecordPilotOutcome(request, metadata=headers)).gate_case

    async def go(self, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
        """Sara says go."""
        request = launch_pb.DecideGoRequest(
            request_id=new_id(), name=case.name, etag=case.etag, answer=launch_pb.GO_ANSWER_GO
        )
        stub = self.stub("launch", LaunchServiceStub)
        return (await stub.DecideGo(request, metadata=self.headers(SARA, "sponsor"))).gate_case

    def decisions(self, gate: gate_pb2.Gate.ValueType) -> Sequence["Decision"]:
        """Return the decisions that pass a gate, in their order."""
        by_gate: Mapping[gate_pb2.Gate.ValueType, Sequence[Decision]] = {
            gate_pb2.GATE_PLEDGE: (self.pledge,),
            gate_pb2.GATE_FUND: (self.approve, self.reserve),
            gate_pb2.GATE_KNIGHT: (self.knight,),
            gate_pb2.GATE_PILOT: (self.end_pilot,),
            gate_pb2.GATE_LAUNCH: (self.go,),
        }
        return by_gate[gate]


Decision = Callable[[gate_pb2.GateCase], Awaitable[gate_pb2.GateCase]]
"""Takes a case as it reads now, and answers it as the decision left it."""


def new_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4())


def content() -> launch_pb.ProgramContent:
    """Return what every program says."""
    return launch_pb.ProgramContent(
        title="Customers help each other",
        objective="A third of the questions answered by other customers within a day",
        customer_promise="An answer from somebody who had the same question",
        audiences=["customers"],
        channels=["support-portal"],
        owning_unit="units/support",
        sponsor=SARA,
        it_liaison="people/omar",
        steward="people/stella",
        amount=_eur(9_000),
        category="opex",
        envelope=f"envelopes/{ENVELOPE}",
        exposure_bps=2_000,
        benefits=[
            launch_pb.Benefit(
                id="deflection",
                description="Questions that no agent has to answer",
                measure="cost of the contacts avoided in a year",
                owner=SARA,
                baseline=0,
                low=_eur(10_000),
                likely=_eur(31_500),
                high=_eur(50_000),
            )
        ],
        cost_of_delay_per_week=_eur(600),
        pilot_plan=launch_pb.PilotPlan(
            hypothesis="One invited person in three is active in the fourth week",
            exposure_bps=100,
            exit_criteria=["a third of the invited active in the fourth week"],
            kill_criteria=["an answer that harms a customer"],
            rollback="close the forum, point to the support portal",
            owner=BEN,
        ),
        response_rota=["people/stella"],
    )


def _eur(units: int) -> Money:
    return Money(currency_code="EUR", units=units)
