"""The activities: each one mutating RPC and the reads it needs. Proto in, proto out.

They decide nothing: a case is opened, read, escalated or released by the service that owns it, and
launch records what that service signed. Whatever they do may be done twice.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.trace import Span
from temporalio import activity

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.api.workflows.v1.path_pb2 import (
    GateInput,
    GateReading,
    PathInput,
    ProgramReading,
)
from investiture.workflows import contract
from investiture.workflows.answers import Refused, answer, branch, unexpected
from investiture.workflows.doorbell import PROGRAM, GateId, gate_name
from investiture.workflows.readings import escalated_reading, gate_reading, program_reading
from investiture.workflows.request_ids import request_id

OF_LAUNCH: frozenset[GateId] = frozenset(
    {gate_pb2.GATE_PILOT, gate_pb2.GATE_LAUNCH, gate_pb2.GATE_PROVE}
)
"""Gates whose cases launch keeps itself: it needs no statement to know how they stand."""

WARRANTS: Sequence[GateId] = (gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND, gate_pb2.GATE_KNIGHT)

REVISIONS_KEPT = 1024
RPC_SECONDS = 10.0

_tracer = trace.get_tracer("investiture.workflows")


class Activities:
    """What the workflows have done for them, over long-lived channels."""

    def __init__(
        self,
        cases: Mapping[GateId, CaseServiceStub],
        launch: LaunchServiceStub,
        sponsorship: SponsorshipServiceStub | None = None,
    ) -> None:
        """Take the stub of the service that owns each gate, of launch, and of who asks sponsors.

        Without the last nobody is told that a gate opened.
        """
        self._cases = cases
        self._sponsorship = sponsorship
        self._launch = launch
        self._revisions: dict[str, launch_pb.Revision] = {}

    @activity.defn(name=contract.READ_PROGRAM)
    async def read_program(self, asked: PathInput) -> ProgramReading:
        """Read the program and its newest revision."""
        with _span(contract.READ_PROGRAM, asked.program):
            try:
                path = await answer(
                    self._launch.GetPath(
                        launch_pb.GetPathRequest(program=asked.program), timeout=_seconds()
                    )
                )
                revision = await self._revision(path.program) if path.program.revision else None
            except Refused as refused:
                raise unexpected(PROGRAM, refused) from None
            return program_reading(path, revision)

    @activity.defn(name=contract.OPEN_GATE)
    async def open_gate(self, asked: GateInput) -> GateReading:
        """Open the gate's case for the newest revision; answer the present one where it is that."""
        with _span(contract.OPEN_GATE, asked.program, asked.gate):
            try:
                return await self._open(asked)
            except Refused as refused:
                return branch(asked.gate, refused)

    @activity.defn(name=contract.READ_GATE)
    async def read_gate(self, asked: GateInput) -> GateReading:
        """Read the gate's record, and have launch record what changed."""
        with _span(contract.READ_GATE, asked.program, asked.gate):
            try:
                return await self._read(asked)
            except Refused as refused:
                return branch(asked.gate, refused)

    @activity.defn(name=contract.ESCALATE_GATE)
    async def escalate_gate(self, asked: GateInput) -> GateReading:
        """Have the service take the steps that are due by its clock; it says when to come back."""
        with _span(contract.ESCALATE_GATE, asked.program, asked.gate):
            try:
                return await self._escalate(asked)
            except Refused as refused:
                return branch(asked.gate, refused)

    @activity.defn(name=contract.EXECUTE_LAUNCH)
    async def execute_launch(self, asked: GateInput) -> GateReading:
        """Launch, with three fresh warrants; the program has changed where it is done."""
        with _span(contract.EXECUTE_LAUNCH, asked.program, asked.gate):
            try:
                warrants = await self._warrants(asked.program, WARRANTS)
                if warrants is None:
                    return _not_standing(asked.gate)
                name = request_id("launch", asked.program, asked.revision, *warrants)
                await answer(
                    self._launch.ExecuteLaunch(
                        launch_pb.ExecuteLaunchRequest(
                            request_id=name, program=asked.program, warrants=warrants
                        ),
                        timeout=_seconds(),
                    )
                )
            except Refused as refused:
                if not await self._launched(asked.program):
                    return branch(asked.gate, refused)
            return _program_changed(asked.gate, "")

    @activity.defn(name=contract.RELEASE_GATE)
    async def release_gate(self, asked: GateInput) -> GateReading:
        """Have the gate release all it holds for a program that has ended."""
        with _span(contract.RELEASE_GATE, asked.program, asked.gate):
            try:
                end = await answer(
                    self._launch.GetEndStatement(
                        launch_pb.GetEndStatementRequest(program=asked.program), timeout=_seconds()
                    )
                )
                name = request_id("release", asked.program, asked.gate, end.statement)
                released = await answer(
                    self._cases[asked.gate].ReleaseCase(
                        case_pb.ReleaseCaseRequest(
                            request_id=name,
                            program=asked.program,
                            gate=asked.gate,
                            end_statement=end.statement,
                        ),
                        timeout=_seconds(),
                    )
                )
                await self._record(asked, released)
            except Refused as refused:
                return branch(asked.gate, refused)
            return gate_reading(asked.gate, released)

    async def _open(self, asked: GateInput) -> GateReading:
        # First of all, so that a revision or a withdrawal ends the retries for the older revision.
        try:
            signed = await answer(
                self._launch.GetRevisionStatement(
                    launch_pb.GetRevisionStatementRequest(program=asked.program),
                    timeout=_seconds(),
                )
            )
        except Refused as refused:
            if refused.means("PROGRAM_ENDED", "WRONG_STATE"):
                return _program_changed(asked.gate, refused.problem.reason)
            raise
        if signed.revision != asked.revision:
            return _program_changed(asked.gate, "REVISION_SUPERSEDED")
        present, warrants = await asyncio.gather(
            self._case(asked), self._warrants(asked.program, _before(asked.gate))
        )
        if warrants is None:
            return _not_standing(asked.gate)
        if not _is_for(present.gate_case, asked):
            # The version that was read is in the id: after a void or an expiry it is another one.
            name = request_id(
                "open",
                asked.program,
                asked.gate,
                asked.gate_digest,
                asked.revision,
                present.gate_case.round,
                present.gate_case.version,
                signed.statement,
                *warrants,
            )
            present = await answer(
                self._cases[asked.gate].OpenCase(
                    case_pb.OpenCaseRequest(
                        request_id=name,
                        gate=asked.gate,
                        revision_statement=signed.statement,
                        warrants=warrants,
                    ),
                    timeout=_seconds(),
                )
            )
        await self._record(asked, present)
        await self._tell_sponsorship(asked, present)
        return gate_reading(asked.gate, present)

    async def _read(self, asked: GateInput) -> GateReading:
        present = await self._case(asked)
        await self._record(asked, present)
        return gate_reading(asked.gate, present)

    async def _escalate(self, asked: GateInput) -> GateReading:
        name = request_id(
            "escalate",
            asked.program,
            asked.gate,
            asked.gate_digest,
            asked.revision,
            asked.round,
            asked.version,
            asked.step,
            asked.repetition,
        )
        request = case_pb.EscalateCaseRequest(
            request_id=name, name=asked.case_name, step=asked.step
        )
        try:
            taken = await answer(self._cases[asked.gate].EscalateCase(request, timeout=_seconds()))
        except Refused as refused:
            if refused.means("WRONG_STATE"):  # decided or replaced since it was read
                return await self._read(asked)
            raise
        await self._record(asked, taken.reading)
        return escalated_reading(asked.gate, taken)

    async def _case(self, asked: GateInput) -> case_pb.CaseReading:
        return await answer(
            self._cases[asked.gate].ReadCase(
                case_pb.ReadCaseRequest(program=asked.program, gate=asked.gate), timeout=_seconds()
            )
        )

    async def _warrants(self, program: str, gates: Sequence[GateId]) -> list[str] | None:
        """Fresh warrants of the gates, or None where one of them does not stand any more."""
        calls = (
            self._cases[gate].GetWarrant(
                case_pb.GetWarrantRequest(program=program, gate=gate), timeout=_seconds()
            )
            for gate in gates
        )
        try:
            return [signed.warrant for signed in await asyncio.gather(*map(answer, calls))]
        except Refused as refused:
            if refused.means("WRONG_STATE", "RESOURCE_NOT_FOUND"):
                return None
            raise

    async def _tell_sponsorship(self, asked: GateInput, opened: case_pb.CaseReading) -> None:
        """Have the sponsor asked for their word, where the last one is old for the gate's round."""
        if self._sponsorship is None or asked.gate in (gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND):
            return
        name = request_id("gate-opened", asked.program, asked.gate, opened.gate_case.name)
        await answer(
            self._sponsorship.NoteGateOpened(
                sponsorship_pb.NoteGateOpenedRequest(
                    request_id=name, program=asked.program, gate=asked.gate
                ),
                timeout=_seconds(),
            )
        )

    async def _record(self, asked: GateInput, answered: case_pb.CaseReading) -> None:
        """Have launch record how the case stands, unless it knows that by itself or already."""
        case = answered.gate_case
        same = case.name == asked.case_name and case.version <= asked.version
        known = same and case.state == asked.state
        if asked.gate in OF_LAUNCH or known or not answered.case_statement:
            return
        name = request_id("record", asked.program, asked.gate, answered.case_statement)
        await answer(
            self._launch.RecordStanding(
                launch_pb.RecordStandingRequest(
                    request_id=name, case_statement=answered.case_statement
                ),
                timeout=_seconds(),
            )
        )

    async def _revision(self, program: launch_pb.Program) -> launch_pb.Revision:
        name = f"{program.name}/revisions/{program.revision}"
        if name not in self._revisions:
            while len(self._revisions) >= REVISIONS_KEPT:
                self._revisions.pop(next(iter(self._revisions)))
            whole = await answer(
                self._launch.GetRevision(
                    launch_pb.GetRevisionRequest(name=name), timeout=_seconds()
                )
            )
            self._revisions[name] = launch_pb.Revision(gate_digests=dict(whole.gate_digests))
        return self._revisions[name]

    async def _launched(self, program: str) -> bool:
        present = await answer(
            self._launch.GetProgram(launch_pb.GetProgramRequest(name=program), timeout=_seconds())
        )
        return present.HasField("launch_time")


def _before(gate: GateId) -> list[GateId]:
    return [earlier for earlier in WARRANTS if earlier < gate]


def _is_for(case: gate_pb2.GateCase, asked: GateInput) -> bool:
    """Whether the case is open or stands for the very revision; anything else is to be opened."""
    going_on = case.state in (
        gate_pb2.CASE_STATE_OPEN,
        gate_pb2.CASE_STATE_CHANGES_REQUESTED,
        gate_pb2.CASE_STATE_STANDING,
    )
    return going_on and case.revision == asked.revision and case.gate_digest == asked.gate_digest


def _not_standing(gate: GateId) -> GateReading:
    return GateReading(
        gate=gate, walk_again=True, reason="BUSINESS_FIRST", next_in_ms=-1, standing_for_ms=-1
    )


def _program_changed(gate: GateId, reason: str) -> GateReading:
    return GateReading(
        gate=gate, program_changed=True, reason=reason, next_in_ms=-1, standing_for_ms=-1
    )


def _seconds() -> float:
    """Deadline of one RPC: it ends before its activity does, which then says why."""
    bound = activity.info().start_to_close_timeout
    return RPC_SECONDS if bound is None else min(RPC_SECONDS, bound.total_seconds() * 0.9)


def _span(name: str, program: str, gate: GateId = PROGRAM) -> AbstractContextManager[Span]:
    attributes = {"launch.id": program}
    if gate != PROGRAM:
        attributes["gate"] = gate_name(gate)
    return _tracer.start_as_current_span(name, attributes=attributes)
