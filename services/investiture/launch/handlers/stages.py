"""Pilot, go and launch."""

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.wire import gaps_of
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.launch import wire
from investiture.launch.domain.readiness import WARRANTS
from investiture.launch.handlers.rooms import Handlers


class StageHandlers(Handlers):
    """Records outcomes and answers, and launches."""

    async def GetPilot(self, request: pb.GetPilotRequest, call: Call) -> pb.Pilot:
        """Reads a pilot."""
        return await self._mutations.read(
            call, lambda tx: wire.pilot_to(self._rooms.stages.pilot(tx, request.name))
        )

    async def RecordPilotOutcome(
        self, request: pb.RecordPilotOutcomeRequest, call: Call
    ) -> pb.Pilot:
        """Records how a pilot ended."""
        outcome = wire.PILOT_OUTCOMES.of(request.outcome)
        observations = tuple(request.observations)
        gaps = gaps_of(request.gaps)
        authority = await self._rooms.directory.resolve(call.principal.subject, Purpose.GO)
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.pilot_to(
                self._rooms.stages.record_outcome(
                    tx, request.name, request.etag, outcome, observations, gaps, authority
                )
            ),
        )

    async def GetGoDecision(self, request: pb.GetGoDecisionRequest, call: Call) -> pb.GoDecision:
        """Reads a go decision."""
        return await self._mutations.read(
            call, lambda tx: wire.go_to(self._rooms.stages.go_decision(tx, request.name))
        )

    async def DecideGo(self, request: pb.DecideGoRequest, call: Call) -> pb.GoDecision:
        """Records a go, a hold or a no-go."""
        answer = wire.ANSWERS.of(request.answer)
        authority = await self._rooms.directory.resolve(call.principal.subject, Purpose.GO)
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.go_to(
                self._rooms.stages.decide_go(
                    tx, request.name, request.etag, answer, request.reason, authority
                )
            ),
        )

    async def ExecuteLaunch(self, request: pb.ExecuteLaunchRequest, call: Call) -> pb.Program:
        """Launches, against three fresh warrants that are verified here."""
        warrants = self._rooms.statements.read_warrants(request.warrants, WARRANTS)
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(self._rooms.stages.execute(tx, request.program, warrants)),
        )
