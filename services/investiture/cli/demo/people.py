"""Deciders as people: each reads the record, decides on what it says, and is told of."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import grpc
from opentelemetry import trace

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1 import case_service_pb2 as casework_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as itrisk_pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.chassis.client import explain
from investiture.cli.demo.stage import Stage
from investiture.cli.demo.story import Story
from investiture.cli.session import OWNERS
from investiture.stack import amounts

_LOOKS = 5
"""How often somebody reads again because the record changed while they thought."""

_TRACER = trace.get_tracer("investiture.cli")
_DAY = timedelta(days=1)

R = TypeVar("R")
A = TypeVar("A")


class Person:
    """Somebody of the cast, acting through the public API with a token of their own."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage = stage
        self.name = f"people/{name}"
        self.called = stage.display_name(self.name)
        self._sponsorship = SponsorshipServiceStub(stage.channel("sponsorship", self.name))
        self._budget = BudgetServiceStub(stage.channel("budget", self.name))
        self._itrisk = ItRiskServiceStub(stage.channel("itrisk", self.name))
        self._launch = LaunchServiceStub(stage.channel("launch", self.name))

    async def submits(self, story: Story) -> None:
        """Create the program from its file and submit it; its trace is the story's."""
        with _TRACER.start_as_current_span("submit a proposal") as span:
            story.trace_id = f"{span.get_span_context().trace_id:032x}"
            draft = await self._launch.CreateProgram(
                pb.CreateProgramRequest(
                    request_id=_new(),
                    program_id=story.proposal.program,
                    content=story.proposal.content,
                )
            )
            await self._launch.SubmitProgram(
                pb.SubmitProgramRequest(request_id=_new(), name=draft.name, etag=draft.etag)
            )
        story.tell(f"{self.called} submits “{story.proposal.content.title}”.")
        story.watch()

    async def revises(
        self, story: Story, change: Callable[[pb.ProgramContent], None], reason: str
    ) -> pb.ReviseProgramResponse:
        """Submit the program's content with a change as a new revision."""

        async def act(program: pb.Program) -> pb.ReviseProgramResponse:
            content = program.content
            change(content)
            return await self._launch.ReviseProgram(
                pb.ReviseProgramRequest(
                    request_id=_new(),
                    name=program.name,
                    etag=program.etag,
                    content=content,
                    reason=reason,
                )
            )

        story.tell(f"{self.called} revises: {reason}")
        return await self._decide(lambda: self._program(story), act)

    async def withdraws(self, story: Story, reason: str) -> None:
        """Withdraw the program."""

        async def act(program: pb.Program) -> pb.Program:
            return await self._launch.WithdrawProgram(
                pb.WithdrawProgramRequest(
                    request_id=_new(), name=program.name, etag=program.etag, reason=reason
                )
            )

        await self._decide(lambda: self._program(story), act)
        story.tell(f"{self.called} withdraws: {reason}")

    async def asks_it(self, story: Story) -> casework_pb.CaseReading:
        """Ask IT to open its review, with nothing but the proposal in hand."""
        story.tell(f"{self.called} asks IT first.")
        statement = await self._launch.GetRevisionStatement(
            pb.GetRevisionStatementRequest(program=story.program)
        )
        cases = CaseServiceStub(self.stage.channel("itrisk", self.name))
        return await cases.OpenCase(
            casework_pb.OpenCaseRequest(
                request_id=_new(),
                gate=gate_pb2.GATE_KNIGHT,
                revision_statement=statement.statement,
            )
        )

    async def asks_to_launch(self, story: Story) -> casework_pb.CaseReading:
        """Ask whether the launch could be decided on now; nothing is stored."""
        story.tell(f"{self.called} asks whether it can launch.")
        statement = await self._launch.GetRevisionStatement(
            pb.GetRevisionStatementRequest(program=story.program)
        )
        cases = CaseServiceStub(self.stage.channel("launch", self.name))
        return await cases.OpenCase(
            casework_pb.OpenCaseRequest(
                request_id=_new(),
                gate=gate_pb2.GATE_LAUNCH,
                revision_statement=statement.statement,
                warrants=story.warrants.values(),
                validate_only=True,
            )
        )

    async def pledges(self, story: Story) -> None:
        """Pledge as the sponsor, or beside the sponsor."""

        async def act(pledge: sponsorship_pb.Pledge) -> sponsorship_pb.Pledge:
            return await self._sponsorship.Pledge(
                sponsorship_pb.PledgeRequest(
                    request_id=_new(), name=pledge.gate_case.name, etag=pledge.gate_case.etag
                )
            )

        await self._decide(lambda: self._pledge(story), act)
        story.tell(f"{self.called} pledges.")

    async def consents(self, story: Story, unit: str) -> None:
        """Agree for a unit."""
        await self._says(story, unit, kind=sponsorship_pb.POSITION_KIND_CONSENT)
        story.tell(f"{self.called} agrees for {unit}.")

    async def consents_if(self, story: Story, unit: str, asked: gate_pb2.Condition) -> None:
        """Agree for a unit on a condition."""
        kind = sponsorship_pb.POSITION_KIND_CONSENT_WITH_CONDITIONS
        await self._says(story, unit, kind=kind, conditions=[asked])
        story.tell(f"{self.called} agrees for {unit} on a condition: {asked.text}.")

    async def objects(
        self, story: Story, unit: str, grounds: str, harm: str, proposal: str
    ) -> sponsorship_pb.Pledge:
        """Object for a unit, with grounds of its scope, the harm and what it proposes."""
        kind = sponsorship_pb.POSITION_KIND_OBJECT
        story.tell(f"{self.called} objects for {unit} ({grounds}): {harm}.")
        return await self._says(
            story, unit, kind=kind, grounds=grounds, harm=harm, proposal=proposal
        )

    async def _says(self, story: Story, unit: str, **said: Any) -> sponsorship_pb.Pledge:
        async def act(pledge: sponsorship_pb.Pledge) -> sponsorship_pb.Pledge:
            return await self._sponsorship.RecordPosition(
                sponsorship_pb.RecordPositionRequest(
                    request_id=_new(),
                    name=pledge.gate_case.name,
                    etag=pledge.gate_case.etag,
                    unit=f"units/{unit}",
                    **said,
                )
            )

        return await self._decide(lambda: self._pledge(story), act)

    async def approves(self, story: Story) -> None:
        """Approve the funding at the level that is asked now."""

        async def act(funding: budget_pb.Funding) -> budget_pb.Funding:
            return await self._budget.ApproveFunding(
                budget_pb.ApproveFundingRequest(
                    request_id=_new(), name=funding.gate_case.name, etag=funding.gate_case.etag
                )
            )

        await self._decide(lambda: self._funding(story), act)
        story.tell(f"{self.called} approves the funding.")

    async def reserves(self, story: Story) -> None:
        """Reserve the approved amount in the envelope that was asked for."""

        async def act(funding: budget_pb.Funding) -> budget_pb.Funding:
            return await self._budget.Reserve(
                budget_pb.ReserveRequest(
                    request_id=_new(), name=funding.gate_case.name, etag=funding.gate_case.etag
                )
            )

        funding = await self._decide(lambda: self._funding(story), act)
        held = amounts.shown(funding.reservation.reserved)
        story.tell(f"{self.called} reserves {held} in {funding.reservation.envelope}.")

    async def spends_on_it(self, story: Story, promised: str, spent: str) -> None:
        """Promise part of the reservation to IT, and book the invoice as the final one."""
        funding = await self._funding(story)
        commitment = await self._budget.Commit(
            budget_pb.CommitRequest(
                request_id=_new(),
                program=story.program,
                etag=funding.gate_case.etag,
                amount=amounts.parse(promised),
                tranche=budget_pb.TRANCHE_GENERAL,
            )
        )
        await self._budget.RecordActual(
            budget_pb.RecordActualRequest(
                request_id=_new(),
                name=commitment.name,
                etag=commitment.etag,
                amount=amounts.parse(spent),
                final=True,
                invoice="2026-0117",
            )
        )
        story.tell(f"{self.called} promises {promised} to IT and books {spent} of it.")

    async def knights(self, story: Story, conditions: Sequence[gate_pb2.Condition] = ()) -> None:
        """Knight the program for IT."""

        async def act(review: itrisk_pb.RiskReview) -> itrisk_pb.RiskReview:
            return await self._itrisk.Knight(
                itrisk_pb.KnightRequest(
                    request_id=_new(),
                    name=review.gate_case.name,
                    etag=review.gate_case.etag,
                    conditions=conditions,
                )
            )

        await self._decide(lambda: self._review(story), act)
        how = ", with a condition" if conditions else ""
        story.tell(f"{self.called} knights it{how}.")

    async def closes(
        self,
        story: Story,
        gate: gate_pb2.Gate.ValueType,
        condition: gate_pb2.Condition,
        evidence: str,
    ) -> None:
        """Close a condition of a gate's decision with its evidence."""
        cases = CaseServiceStub(self.stage.channel(OWNERS[gate], self.name))

        async def read() -> gate_pb2.GateCase:
            request = casework_pb.ReadCaseRequest(program=story.program, gate=gate)
            return (await cases.ReadCase(request)).gate_case

        async def act(case: gate_pb2.GateCase) -> casework_pb.CaseReading:
            return await cases.CloseCondition(
                casework_pb.CloseConditionRequest(
                    request_id=_new(),
                    name=case.name,
                    etag=case.etag,
                    condition_id=condition.id,
                    evidence=evidence,
                )
            )

        await self._decide(read, act)
        story.tell(f"{self.called} closes the condition: {condition.text}.")

    async def ends_pilot(self, story: Story, *observations: str) -> None:
        """Record that the pilot met its exit criteria."""

        async def act(pilot: pb.Pilot) -> pb.Pilot:
            return await self._launch.RecordPilotOutcome(
                pb.RecordPilotOutcomeRequest(
                    request_id=_new(),
                    name=pilot.gate_case.name,
                    etag=pilot.gate_case.etag,
                    outcome=pb.PILOT_OUTCOME_SUCCEEDED,
                    observations=observations,
                )
            )

        latest = pb.GetPilotRequest(name=f"{story.program}/pilots/latest")
        await self._decide(lambda: self._launch.GetPilot(latest), act)
        story.tell(f"{self.called} records the pilot: {'; '.join(observations)}.")

    async def says_go(self, story: Story) -> None:
        """Decide go."""

        async def act(decision: pb.GoDecision) -> pb.GoDecision:
            return await self._launch.DecideGo(
                pb.DecideGoRequest(
                    request_id=_new(),
                    name=decision.gate_case.name,
                    etag=decision.gate_case.etag,
                    answer=pb.GO_ANSWER_GO,
                )
            )

        latest = pb.GetGoDecisionRequest(name=f"{story.program}/goDecisions/latest")
        await self._decide(lambda: self._launch.GetGoDecision(latest), act)
        story.tell(f"{self.called} says go.")

    async def measures(self, story: Story, benefit: str, value: str) -> None:
        """Record the measured value of a promised benefit."""

        async def act(program: pb.Program) -> pb.Program:
            return await self._launch.RecordBenefit(
                pb.RecordBenefitRequest(
                    request_id=_new(),
                    name=program.name,
                    etag=program.etag,
                    benefit_id=benefit,
                    measured=amounts.parse(value),
                    evidence="report of the first year",
                )
            )

        await self._decide(lambda: self._program(story), act)
        story.tell(f"{self.called} measures the promise: {benefit} brought {value}.")

    async def settles(self, story: Story, outcome: int, reason: str) -> None:
        """Close the program as the measured benefits say."""

        async def act(program: pb.Program) -> pb.Program:
            request = pb.CloseProgramRequest(
                request_id=_new(), name=program.name, etag=program.etag, reason=reason
            )
            request.outcome = type(request.outcome)(outcome)
            return await self._launch.CloseProgram(request)

        await self._decide(lambda: self._program(story), act)
        story.tell(f"{self.called} closes it: {reason}")

    async def _decide(
        self, read: Callable[[], Awaitable[R]], act: Callable[[R], Awaitable[A]]
    ) -> A:
        """Think, then decide on what the record says; read again where it changed meanwhile."""
        await asyncio.sleep(self.stage.pace_seconds)
        for _ in range(_LOOKS - 1):
            try:
                return await act(await read())
            except grpc.aio.AioRpcError as error:
                if explain(error).reason != "STALE_ETAG":
                    raise
        return await act(await read())

    async def _program(self, story: Story) -> pb.Program:
        return await self._launch.GetProgram(pb.GetProgramRequest(name=story.program))

    async def _pledge(self, story: Story) -> sponsorship_pb.Pledge:
        name = f"{story.program}/pledges/latest"
        return await self._sponsorship.GetPledge(sponsorship_pb.GetPledgeRequest(name=name))

    async def _funding(self, story: Story) -> budget_pb.Funding:
        name = f"{story.program}/budgetRequests/latest"
        return await self._budget.GetFunding(budget_pb.GetFundingRequest(name=name))

    async def _review(self, story: Story) -> itrisk_pb.RiskReview:
        name = f"{story.program}/riskReviews/latest"
        return await self._itrisk.GetReview(itrisk_pb.GetReviewRequest(name=name))


def condition(text: str, owner: str, blocks: gate_pb2.Gate.ValueType) -> gate_pb2.Condition:
    """Return a condition that is due tomorrow."""
    asked = gate_pb2.Condition(text=text, owner=f"people/{owner}", blocks=blocks)
    asked.due_at.FromDatetime(datetime.now(UTC) + _DAY)
    return asked


def _new() -> str:
    return str(uuid.uuid4())
