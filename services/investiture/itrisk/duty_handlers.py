"""DutyService: proto in, operation, proto out."""

from investiture.api.itrisk.v1 import duty_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.directory import Directory, require_able, resolve_caller
from investiture.casework.words import Purpose
from investiture.chassis.call import Call
from investiture.chassis.transaction import Mutations
from investiture.itrisk.duties import Duty, DutyKind, DutyState
from investiture.itrisk.duty_operations import DutyOperations, Word

SERVICE = "investiture.api.itrisk.v1.DutyService"


class DutyHandlers:
    """How programs stand to their duties, over gRPC."""

    def __init__(
        self, operations: DutyOperations, mutations: Mutations, directory: Directory
    ) -> None:
        self._operations = operations
        self._mutations = mutations
        self._directory = directory

    async def RecordDuty(self, request: pb.RecordDutyRequest, call: Call) -> pb.Duty:
        """Records a word on a duty."""
        word = Word(
            program=request.program,
            kind=DutyKind(pb.DutyKind.Name(request.kind).removeprefix("DUTY_KIND_")),
            unit=request.unit,
            state=DutyState(pb.DutyState.Name(request.state).removeprefix("DUTY_STATE_")),
            reason=request.reason,
            until=wire.instant(request, "until"),
            etag=request.etag,
        )
        require_able(await resolve_caller(self._directory, call, Purpose.POSITION))
        return await self._mutations.run(
            call, request, lambda tx: _message(self._operations.record(tx, word))
        )

    async def ListDuties(self, request: pb.ListDutiesRequest, call: Call) -> pb.ListDutiesResponse:
        """Lists how a program stands to its duties."""
        found = await self._mutations.read(
            call, lambda tx: self._operations.list(tx, request.program)
        )
        return pb.ListDutiesResponse(duties=[_message(one) for one in found])


def _message(duty: Duty) -> pb.Duty:
    return pb.Duty(
        name=duty.name,
        kind=pb.DutyKind.Value(f"DUTY_KIND_{duty.kind.value}"),
        unit=duty.unit,
        state=pb.DutyState.Value(f"DUTY_STATE_{duty.state.value}"),
        reason=duty.reason,
        until=wire.stamp(duty.until),
        person=duty.person,
        recorded_at=wire.stamp(duty.recorded_at),
    )
