"""Recording how cases stand, and showing the path."""

from collections.abc import AsyncIterator
from functools import partial

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.chassis.call import Call
from investiture.chassis.transaction import Transaction
from investiture.launch import wire
from investiture.launch.handlers.rooms import Handlers


class PathHandlers(Handlers):
    """Records, reads and watches paths."""

    async def RecordStanding(self, request: pb.RecordStandingRequest, call: Call) -> pb.PathGate:
        """Takes over how a case stands, as its service signed it."""
        gate_case = self._rooms.statements.read_any_case(request.case_statement).gate_case
        recorded = wire.recorded_of(gate_case)
        signed = gate_case.SerializeToString(deterministic=True)

        return await self._mutations.run(
            call,
            request,
            lambda tx: wire.gate_to(
                self._rooms.path.record_standing(tx, gate_case.program, recorded, signed)
            ),
        )

    async def GetPath(self, request: pb.GetPathRequest, call: Call) -> pb.Path:
        """Reads the path: every gate, whom it waits for, since when, and what that cost."""
        return await self._mutations.read(
            call, lambda tx: wire.path_to(self._rooms.path.read(tx, request.program))
        )

    async def WatchProgram(
        self, request: pb.WatchProgramRequest, call: Call
    ) -> AsyncIterator[pb.WatchProgramResponse]:
        """Streams the path at each change, until nothing of the program can change any more.

        Changes that come faster than the caller reads are told together.
        """
        seen = request.after_version
        with self._rooms.watchers.watching(request.program) as watch:
            while True:
                look = partial(self._path_after, name=request.program, version=seen)
                change = await self._mutations.read(call, look)
                if change is not None:
                    seen = change.version
                    yield change
                    if change.path.program.settled:
                        return
                await watch.wait()

    def _path_after(
        self, tx: Transaction, name: str, version: int
    ) -> pb.WatchProgramResponse | None:
        reading = self._rooms.path.read_after(tx, name, version)
        if reading is None:
            return None
        return pb.WatchProgramResponse(path=wire.path_to(reading), version=reading.program.version)
