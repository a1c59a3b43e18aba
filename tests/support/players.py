"""The people who bring a program down its path through the public API, gate after gate.

They wait for their turn by watching the program, never by the clock, and they insist: a call that
nobody answered is repeated under the same request id, as every client of ours may.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from tests.support.halden import charter, directory
from tests.support.programs import (
    BENEFIT_OWNER,
    PILOT_OWNER,
    PROPOSER,
    SPONSOR,
    content,
    eur,
)
from tests.support.services import new_request_id
from tests.support.traps import PATIENCE_SECONDS

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2 as gates_pb
from investiture.api.common.v1 import statements_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as itrisk_pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.chassis.client import explain
from investiture.stack.roles import roles_of

COMMITTEE = "people/ada"
CONFIRMER = "people/fay"
_NOBODY_ANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

Gate = gates_pb.Gate.ValueType
M = TypeVar("M", bound=Message)
Dial = Callable[[str, str, Sequence[str]], grpc.aio.Channel]
"""Gives a channel to a service, as a subject with roles."""


async def insist(ask: Callable[[], Awaitable[M]]) -> M:
    """What a service answers, however often it has to be asked until it is there."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await ask()
            except grpc.aio.AioRpcError as error:
                if error.code() not in _NOBODY_ANSWERED:
                    raise


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was asked and answered; asked again, it has to be answered the same."""

    ask: Callable[[Any], Awaitable[Message]]
    request: Message
    answer: Message

    async def again(self) -> Message:
        """What the very same request is answered now."""
        return await insist(lambda: self.ask(self.request))


class Cast:
    """Everybody of the example directory, with the roles that the stack would give them."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    def channel(self, service: str, person: str) -> grpc.aio.Channel:
        """A channel of one person to one service."""
        known = directory()[person]
        unit = known.unit.removeprefix("units/")
        roles = roles_of(person, unit, guest=known.guest, charter=charter())
        return self._dial(service, person, roles)

    def launch(self, person: str) -> LaunchServiceStub:
        return LaunchServiceStub(self.channel("launch", person))

    def sponsorship(self, person: str) -> SponsorshipServiceStub:
        return SponsorshipServiceStub(self.channel("sponsorship", person))

    def budget(self, person: str) -> BudgetServiceStub:
        return BudgetServiceStub(self.channel("budget", person))

    def itrisk(self, person: str) -> ItRiskServiceStub:
        return ItRiskServiceStub(self.channel("itrisk", person))

    def worker(self) -> LaunchServiceStub:
        """The launch service as the worker calls it."""
        return LaunchServiceStub(self._dial("launch", "workloads/worker", ("worker",)))

    def cases(self, service: str) -> CaseServiceStub:
        """The cases of a service as the worker calls them."""
        return CaseServiceStub(self._dial(service, "workloads/worker", ("worker",)))


def sees(gate: Gate, *states: gates_pb.CaseState.ValueType) -> Callable[[launch_pb.Path], bool]:
    """Whether a path shows the gate's case in one of these states."""

    def look(path: launch_pb.Path) -> bool:
        return any(one.gate == gate and one.gate_case.state in states for one in path.gates)

    return look


def ended(path: launch_pb.Path) -> bool:
    """Whether a program has ended and nothing is held for it any more."""
    return path.program.settled


@dataclass(slots=True)
class Play:
    """One program and its way, with everything that was done for it."""

    cast: Cast
    program_id: str
    deeds: list[Deed] = field(default_factory=list[Deed])

    @property
    def name(self) -> str:
        return f"programs/{self.program_id}"

    @property
    def envelope(self) -> str:
        """The envelope that pays for this program and for no other."""
        return f"envelopes/{self.program_id}"

    async def take(self, step: str) -> Message:
        """Take a step of the play by its name."""
        steps: dict[str, Callable[[], Awaitable[Message]]] = {
            "submit": self.submit,
            "pledge": self.pledge,
            "fund": self.fund,
            "knight": self.knight,
            "pilot": self.pilot,
            "go": self.go,
            "prove": self.prove,
            "withdraw": self.withdraw,
        }
        return await steps[step]()

    async def until(self, look: Callable[[launch_pb.Path], bool]) -> launch_pb.Path:
        """The first path that a watch shows and that looks so, through every interruption."""
        watch = self.cast.launch(PROPOSER).WatchProgram
        request = launch_pb.WatchProgramRequest(program=self.name)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                stream = watch(request, wait_for_ready=True)
                try:
                    async for change in stream:
                        if look(change.path):
                            return change.path
                except grpc.aio.AioRpcError as error:
                    if error.code() not in _NOBODY_ANSWERED:
                        raise
                finally:
                    stream.cancel()

    async def opened(self, gate: Gate) -> launch_pb.Path:
        """The path once the gate's case waits for its deciders."""
        return await self.until(sees(gate, gates_pb.CASE_STATE_OPEN))

    async def stands(self, gate: Gate) -> launch_pb.Path:
        """The path once the gate's decision is on record there."""
        return await self.until(sees(gate, gates_pb.CASE_STATE_STANDING))

    async def fund_it(self) -> None:
        """An envelope of its own with 100,000 EUR, so that its ledger can be told from others'."""
        await self._do(
            self.cast.budget(COMMITTEE).IssueEnvelope,
            budget_pb.IssueEnvelopeRequest(
                request_id=new_request_id(),
                envelope_id=self.program_id,
                display_name="A test's own",
                fiscal_year=2026,
                cost_centre="4711",
                purpose="launches",
                owner=CONFIRMER,
                appropriation=eur(100_000),
            ),
        )

    async def draft(self, **changes: Any) -> launch_pb.Program:
        return await self._do(
            self.cast.launch(PROPOSER).CreateProgram,
            launch_pb.CreateProgramRequest(
                request_id=new_request_id(),
                program_id=self.program_id,
                content=content(envelope=self.envelope, **changes),
            ),
        )

    async def submit(self) -> launch_pb.Program:
        """The program, created and funded with an envelope where it is not, and submitted."""
        if not self.deeds:
            await self.fund_it()
            await self.draft()
        stub = self.cast.launch(PROPOSER)
        return await self._do(
            stub.SubmitProgram,
            launch_pb.SubmitProgramRequest(
                request_id=new_request_id(), name=self.name, etag=(await self.program()).etag
            ),
        )

    async def program(self) -> launch_pb.Program:
        stub, request = self.cast.worker(), launch_pb.GetProgramRequest(name=self.name)
        return await insist(lambda: stub.GetProgram(request, wait_for_ready=True))

    async def case(self, gate: Gate, service: str) -> gates_pb.GateCase:
        """The gate's case as its service reads it now."""
        stub = self.cast.cases(service)
        request = case_pb.ReadCaseRequest(program=self.name, gate=gate)
        reading = await insist(lambda: stub.ReadCase(request, wait_for_ready=True))
        return reading.gate_case

    async def take_positions(self) -> None:
        """Every unit that has to agree consents, but the sponsor's own."""
        await self.opened(gates_pb.GATE_PLEDGE)
        stub = self.cast.sponsorship(SPONSOR)
        latest = sponsorship_pb.GetPledgeRequest(name=f"{self.name}/pledges/latest")
        pledge = await insist(lambda: stub.GetPledge(latest, wait_for_ready=True))
        for position in pledge.positions:
            if position.role != sponsorship_pb.POSITION_ROLE_AGREE or position.asked == SPONSOR:
                continue
            unit = position.unit

            def consent(case: gates_pb.GateCase, request_id: str, unit: str = unit) -> Message:
                return sponsorship_pb.RecordPositionRequest(
                    request_id=request_id,
                    name=case.name,
                    etag=case.etag,
                    unit=unit,
                    kind=sponsorship_pb.POSITION_KIND_CONSENT,
                )

            speaker = self.cast.sponsorship(position.asked)
            await self._decide(
                gates_pb.GATE_PLEDGE, "sponsorship", speaker.RecordPosition, consent
            )

    async def pledge(self) -> Message:
        """The sponsor pledges, which is the last that is needed."""
        await self.take_positions()
        return await self._decide(
            gates_pb.GATE_PLEDGE,
            "sponsorship",
            self.cast.sponsorship(SPONSOR).Pledge,
            lambda case, request_id: sponsorship_pb.PledgeRequest(
                request_id=request_id, name=case.name, etag=case.etag, statement="I stand for it"
            ),
        )

    async def approve(self) -> None:
        """Every level of the delegation-of-authority table approves, in order."""
        await self.opened(gates_pb.GATE_FUND)
        stub = self.cast.budget(CONFIRMER)
        latest = budget_pb.GetFundingRequest(name=f"{self.name}/budgetRequests/latest")
        funding = await insist(lambda: stub.GetFunding(latest, wait_for_ready=True))
        for level in funding.levels:
            for person in level.eligible[: level.needed]:
                await self._decide(
                    gates_pb.GATE_FUND,
                    "budget",
                    self.cast.budget(person).ApproveFunding,
                    lambda case, request_id: budget_pb.ApproveFundingRequest(
                        request_id=request_id, name=case.name, etag=case.etag
                    ),
                )

    async def fund(self) -> Message:
        """The money is approved and held."""
        await self.approve()
        return await self._decide(
            gates_pb.GATE_FUND,
            "budget",
            self.cast.budget(CONFIRMER).Reserve,
            lambda case, request_id: budget_pb.ReserveRequest(
                request_id=request_id, name=case.name, etag=case.etag, envelope=self.envelope
            ),
        )

    async def knight(self) -> Message:
        """The first reviewer who holds the case says yes."""
        path = await self.opened(gates_pb.GATE_KNIGHT)
        held = next(one for one in path.gates if one.gate == gates_pb.GATE_KNIGHT)
        reviewer = held.gate_case.holders[0].person
        return await self._decide(
            gates_pb.GATE_KNIGHT,
            "itrisk",
            self.cast.itrisk(reviewer).Knight,
            lambda case, request_id: itrisk_pb.KnightRequest(
                request_id=request_id,
                name=case.name,
                etag=case.etag,
                exposure_limit_bps=5_000,
                rationale="within the appetite",
            ),
        )

    async def pilot(self) -> Message:
        """The pilot meets its criteria."""
        await self.opened(gates_pb.GATE_PILOT)
        return await self._decide(
            gates_pb.GATE_PILOT,
            "launch",
            self.cast.launch(PILOT_OWNER).RecordPilotOutcome,
            lambda case, request_id: launch_pb.RecordPilotOutcomeRequest(
                request_id=request_id,
                name=case.name,
                etag=case.etag,
                outcome=launch_pb.PILOT_OUTCOME_SUCCEEDED,
                observations=["41 % were active in week four"],
            ),
        )

    async def go(self) -> Message:
        """The sponsor says go."""
        await self.opened(gates_pb.GATE_LAUNCH)
        return await self._decide(
            gates_pb.GATE_LAUNCH,
            "launch",
            self.cast.launch(SPONSOR).DecideGo,
            lambda case, request_id: launch_pb.DecideGoRequest(
                request_id=request_id,
                name=case.name,
                etag=case.etag,
                answer=launch_pb.GO_ANSWER_GO,
            ),
        )

    async def prove(self) -> Message:
        """The promised return is measured, and the program closed as proven."""
        await self.opened(gates_pb.GATE_PROVE)
        owner, sponsor = self.cast.launch(BENEFIT_OWNER), self.cast.launch(SPONSOR)
        await self._change(
            owner.RecordBenefit,
            lambda program, request_id: launch_pb.RecordBenefitRequest(
                request_id=request_id,
                name=program.name,
                etag=program.etag,
                benefit_id="deflection",
                measured=eur(40_000),
                evidence="https://halden.example/figures",
            ),
        )
        return await self._change(
            sponsor.CloseProgram,
            lambda program, request_id: launch_pb.CloseProgramRequest(
                request_id=request_id,
                name=program.name,
                etag=program.etag,
                outcome=statements_pb2.OUTCOME_PROVEN,
                reason="it returned more than was promised",
            ),
        )

    async def withdraw(self) -> Message:
        """The proposer takes the program back."""
        return await self._change(
            self.cast.launch(PROPOSER).WithdrawProgram,
            lambda program, request_id: launch_pb.WithdrawProgramRequest(
                request_id=request_id,
                name=program.name,
                etag=program.etag,
                reason="we found something better",
            ),
        )

    async def settled(self) -> launch_pb.Path:
        """The path once it has ended and nothing is held for it any more."""
        return await self.until(ended)

    async def _decide(
        self,
        gate: Gate,
        service: str,
        ask: Callable[..., Awaitable[M]],
        request: Callable[[gates_pb.GateCase, str], Message],
    ) -> M:
        """A decision on the gate's case as it reads now."""
        request_id = new_request_id()

        async def now() -> Message:
            return request(await self.case(gate, service), request_id)

        return await self._until_fresh(ask, now)

    async def _change(
        self,
        ask: Callable[..., Awaitable[M]],
        request: Callable[[launch_pb.Program, str], Message],
    ) -> M:
        """A change of the program as it reads now."""
        request_id = new_request_id()

        async def now() -> Message:
            return request(await self.program(), request_id)

        return await self._until_fresh(ask, now)

    async def _until_fresh(
        self, ask: Callable[..., Awaitable[M]], request: Callable[[], Awaitable[Message]]
    ) -> M:
        """Reads again where something else was faster, an escalation for instance."""
        while True:
            asked = await request()
            try:
                return await self._do(ask, asked)
            except grpc.aio.AioRpcError as error:
                if explain(error).reason != "STALE_ETAG":
                    raise

    async def _do(self, ask: Callable[..., Awaitable[M]], request: Message) -> M:
        async def once(asked: Message) -> M:
            return await ask(asked, wait_for_ready=True)

        answer = await insist(lambda: once(request))
        self.deeds.append(Deed(once, request, answer))
        return answer
