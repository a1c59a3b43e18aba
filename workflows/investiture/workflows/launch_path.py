"""LaunchPath: a program's way from Pledge to Launch."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from investiture.api.common.v1 import statements_pb2
    from investiture.api.workflows.v1.path_pb2 import PathInput, PathOutcome, Ring

from investiture.workflows import contract
from investiture.workflows.asking import HistoryFull
from investiture.workflows.compensation import GATES, undo
from investiture.workflows.gates import Seeker
from investiture.workflows.visibility import LAUNCHED, outcome_name


@workflow.defn(name=contract.LAUNCH_PATH)
class LaunchPath:
    """Sequences, waits, escalates and undoes; every decision is a record of a service."""

    @workflow.init
    def __init__(self, start: PathInput) -> None:
        """Know the program's name; everything else is read."""
        self._start = start
        self._seeker = Seeker(start.program, GATES)

    @workflow.run
    async def run(self, start: PathInput) -> PathOutcome:
        """Walk the path, over as many runs as the history needs."""
        try:
            outcome = await self._walk()
        except HistoryFull:
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(self._start)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    async def _walk(self) -> PathOutcome:
        """The path: find the first gate that does not stand, and seek it."""
        seeker = self._seeker
        while True:
            program = await seeker.program()
            if program.launched:
                # What was launched in an emergency is watched until it was decided in full or not.
                provisional = await seeker.provisional()
                if provisional is not None:
                    await seeker.seek(provisional)
                    continue
                seeker.display.end(LAUNCHED)
                return PathOutcome(program=program.program, launched=True)
            if program.outcome != statements_pb2.OUTCOME_UNSPECIFIED:
                await undo(seeker)
                seeker.display.end(outcome_name(program.outcome))
                return PathOutcome(program=program.program, outcome=program.outcome)
            gate = await seeker.first_not_standing()
            if gate is None:
                await seeker.launch()
            else:
                await seeker.seek(gate)

    @workflow.signal(name=contract.RING)
    def ring(self, ring: Ring) -> None:
        """Something may have changed: look again. It decides nothing."""
        self._seeker.bell.ring(ring)

    @workflow.signal(name=contract.RETRY)
    def retry(self) -> None:
        """Try again what an unexpected answer parked."""
        self._seeker.bell.retry()
