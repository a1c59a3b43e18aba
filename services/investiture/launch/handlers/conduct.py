"""Suspending, resuming, measuring, closing."""

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.vocabulary import OUTCOMES
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.launch import wire
from investiture.launch.handlers.rooms import Handlers
from investiture.launch.operations.conduct import Closing


class ConductHandlers(Handlers):
    """What happens around and after a launch."""

    async def Suspend(self, request: pb.SuspendRequest, call: Call) -> pb.Program:
        """Stops a program at once."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(
                self._rooms.conduct.suspend(tx, request.name, request.etag, request.reason)
            ),
        )

    async def Resume(self, request: pb.ResumeRequest, call: Call) -> pb.Program:
        """Agrees to resume a program."""
        authority = await self._rooms.directory.resolve(call.principal.subject, Purpose.GO)
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(
                self._rooms.conduct.resume(
                    tx, request.name, request.etag, request.reason, authority
                )
            ),
        )

    async def RecordBenefit(self, request: pb.RecordBenefitRequest, call: Call) -> pb.Program:
        """Records the measured value of a promised benefit."""
        value = wire.on_benefit(request.measured)
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(
                self._rooms.conduct.record_benefit(
                    tx, request.name, request.etag, request.benefit_id, value, request.evidence
                )
            ),
        )

    async def CloseProgram(self, request: pb.CloseProgramRequest, call: Call) -> pb.Program:
        """Closes a launched program."""
        closing = Closing(OUTCOMES.of(request.outcome), request.reason)
        authority = await self._rooms.directory.resolve(call.principal.subject, Purpose.GO)
        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.program_to(
                self._rooms.conduct.close(tx, request.name, request.etag, closing, authority)
            ),
        )
