"""The bare path: the signals and activities of LaunchPath, and nothing else.

No timer, no search attribute, no memo, no hold, no escalation: what is left of a path when it only
asks, waits for a ring, and reads again.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from tests.bench.bare import contract
    from tests.bench.bare.activities import Activities

    from investiture.api.workflows.v1.path_pb2 import (
        GateInput,
        GateReading,
        PathInput,
        PathOutcome,
        ProgramReading,
        Ring,
    )

_QUICK = timedelta(seconds=3)
_NORMAL = timedelta(seconds=30)


@workflow.defn(name=contract.PATH)
class BarePath:
    """Opens each gate, waits for its decisions, and launches."""

    @workflow.init
    def __init__(self, start: PathInput) -> None:
        """Know nothing."""
        self._heard: dict[int, int] = {}

    @workflow.run
    async def run(self, start: PathInput) -> PathOutcome:
        """Walk the path."""
        await _read_program(start)
        asked = GateInput(program=start.program)
        for gate in contract.GATES:
            asked = GateInput(
                program=start.program,
                gate=gate,
                case_name=contract.case_name(start.program, gate),
                version=1,
            )
            reading = await workflow.execute_activity_method(
                Activities.open_gate, asked, start_to_close_timeout=_NORMAL
            )
            while reading.version <= contract.DECISIONS[gate]:
                reading = await self._next(asked, reading)
        await workflow.execute_activity_method(
            Activities.execute_launch, asked, start_to_close_timeout=_NORMAL
        )
        await _read_program(start)
        return PathOutcome(program=start.program, launched=True)

    @workflow.signal(name=contract.RING)
    def ring(self, ring: Ring) -> None:
        """Something changed."""
        self._heard[ring.gate] = max(ring.version, self._heard.get(ring.gate, 0))

    async def _next(self, asked: GateInput, known: GateReading) -> GateReading:
        await workflow.wait_condition(lambda: self._heard.get(asked.gate, 0) > known.version)
        return await workflow.execute_local_activity_method(
            Activities.read_gate, asked, start_to_close_timeout=_QUICK
        )


@workflow.defn(name=contract.PROOF)
class BareProof:
    """Reads what there is and waits."""

    @workflow.run
    async def run(self, start: PathInput) -> PathOutcome:
        """Wait for ever."""
        await _read_program(start)
        asked = GateInput(program=start.program, case_name=start.program)
        await workflow.execute_local_activity_method(
            Activities.read_gate, asked, start_to_close_timeout=_QUICK
        )
        await workflow.wait_condition(lambda: False)
        return PathOutcome(program=start.program)

    @workflow.signal(name=contract.RING)
    def ring(self, ring: Ring) -> None:
        """Something changed; nobody looks."""


async def _read_program(start: PathInput) -> ProgramReading:
    return await workflow.execute_local_activity_method(
        Activities.read_program, start, start_to_close_timeout=_QUICK
    )
