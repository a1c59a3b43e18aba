"""One program on its way through the gates, and what its people do for it at each.

They wait for their turn by watching the program, never by the clock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message
from tests.support.players import NOBODY_ANSWERED, Cast, Deed, insist
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
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2 as gates_pb
from investiture.api.common.v1 import statements_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as itrisk_pb
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.chassis.client import explain

COMMITTEE = "people/ada"
CONFIRMER = "people/fay"

Gate: TypeAlias = gates_pb.Gate.ValueType
Steps = tuple[str, ...]

PROVEN: Steps = ("submit", "pledge", "fund", "knight", "pilot", "go", "prove")
WITHDRAWN: Steps = ("submit", "pledge", "fund", "withdraw")
"""The steps of two plays, from the first to the last."""

M = TypeVar("M", bound=Message)


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
    told: Callable[[str], Awaitable[str]] | None = None
    """What the parts say of a program that is not where it is waited for."""
    deeds: list[Deed] = field(default_factory=list[Deed])

    @property
    def name(self) -> str:
        return f"programs/{self.program_id}"

    @property
    def envelope(self) -> str:
        """The envelope that pays for this program and for no other."""
        return f"envelopes/{self.program_id}"

    async def ready_for(self, step: str) -> None:
        """Returns once the gate is open at which a step is taken; to withdraw, IT is asked."""
        gates: dict[str, Gate] = {
            "pledge": gates_pb.GATE_PLEDGE,
            "fund": gates_pb.GATE_FUND,
            "knight": gates_pb.GATE_KNIGHT,
            "withdraw": gates_pb.GATE_KNIGHT,
            "pilot": gates_pb.GATE_PILOT,
            "go": gates_pb.GATE_LAUNCH,
            "prove": gates_pb.GATE_PROVE,
        }
        if step in gates:
            await self.opened(gates[step])

    async def play(self, *steps: str) -> None:
        """Take steps one after the other, each once its gate is open."""
        for step in steps:
            await self.ready_for(step)
            await self.take(step)

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
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._watched(look)
        except TimeoutError as error:
            if self.told is not None:
                error.add_note(await self.told(self.name))
            raise

    async def _watched(self, look: Callable[[launch_pb.Path], bool]) -> launch_pb.Path:
        watch = self.cast.launch(PROPOSER).WatchProgram
        request = launch_pb.WatchProgramRequest(program=self.name)
        while True:
            stream = watch(request, wait_for_ready=True)
            try:
                async for change in stream:
                    if look(change.path):
                        return change.path
            except grpc.aio.AioRpcError as error:
                if error.code() not in NOBODY_ANSWERED:
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
        # A vendor of its own: what is asked for one vendor together is approved together.
        said = {"vendors": [f"Forumware for {self.program_id}"], **changes}
        return await self._do(
            self.cast.launch(PROPOSER).CreateProgram,
            launch_pb.CreateProgramRequest(
                request_id=new_request_id(),
                program_id=self.program_id,
                content=content(envelope=self.envelope, **said),
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
        stub = self.cast.sponsorship(SPONSOR)
        latest = sponsorship_pb.GetPledgeRequest(name=f"{self.name}/pledges/latest")
        pledge = await insist(lambda: stub.GetPledge(latest, wait_for_ready=True))
        for position in pledge.positions:
            if position.role != sponsorship_pb.POSITION_ROLE_AGREE:
                continue
            if position.asked in ("", SPONSOR):  # it has answered, or her pledge is the answer
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
            await self.decide(gates_pb.GATE_PLEDGE, "sponsorship", speaker.RecordPosition, consent)

    async def pledge(self) -> Message:
        """The sponsor pledges, which is the last that is needed."""
        await self.take_positions()
        return await self.decide(
            gates_pb.GATE_PLEDGE,
            "sponsorship",
            self.cast.sponsorship(SPONSOR).Pledge,
            lambda case, request_id: sponsorship_pb.PledgeRequest(
                request_id=request_id, name=case.name, etag=case.etag, statement="I stand for it"
            ),
        )

    async def approve(self) -> None:
        """Every level of the delegation-of-authority table approves, in order."""
        stub = self.cast.budget(CONFIRMER)
        latest = budget_pb.GetFundingRequest(name=f"{self.name}/budgetRequests/latest")
        funding = await insist(lambda: stub.GetFunding(latest, wait_for_ready=True))
        for level in funding.levels:
            for person in level.eligible[: level.needed]:
                await self.decide(
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
        return await self.decide(
            gates_pb.GATE_FUND,
            "budget",
            self.cast.budget(CONFIRMER).Reserve,
            lambda case, request_id: budget_pb.ReserveRequest(
                request_id=request_id, name=case.name, etag=case.etag, envelope=self.envelope
            ),
        )

    async def knight(self) -> Message:
        """The first reviewer who holds the case says yes."""
        asked = await self.case(gates_pb.GATE_KNIGHT, "itrisk")
        reviewer = asked.holders[0].person
        return await self.decide(
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
        return await self.decide(
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
        return await self.decide(
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
        owner, sponsor = self.cast.launch(BENEFIT_OWNER), self.cast.launch(SPONSOR)
        await self.change(
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
        return await self.change(
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
        return await self.change(
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

    async def decide(
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

    async def change(
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
