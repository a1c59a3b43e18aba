"""ProveReturn: a launched program until the promised return is proven, missed or waived."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from investiture.api.common.v1 import gate_pb2, statements_pb2
    from investiture.api.workflows.v1.path_pb2 import PathInput, PathOutcome, Ring

from investiture.workflows import contract
from investiture.workflows.asking import HistoryFull
from investiture.workflows.compensation import HELD, undo
from investiture.workflows.gates import Seeker
from investiture.workflows.records import Seen
from investiture.workflows.visibility import outcome_name

PROVE = gate_pb2.GATE_PROVE
WATCHES = "watches-what-the-launch-rests-on"
"""What began before this watches from its next run on."""


class ReviewDone(Exception):
    """The next review of the benefits is another one than when the run began."""


@workflow.defn(name=contract.PROVE_RETURN)
class ProveReturn:
    """Waits on the PROVE case as the path waits on any other; one run a review.

    Beside it the decisions that the launch rests on are watched: what is lost is recorded.
    """

    @workflow.init
    def __init__(self, start: PathInput) -> None:
        """Know the program's name; everything else is read."""
        self._start = start
        self._seeker = Seeker(start.program, (PROVE,), watched=HELD)

    @workflow.run
    async def run(self, start: PathInput) -> PathOutcome:
        """Wait for the proof, one run a review, and release everything at the end."""
        try:
            outcome = await self._prove()
        except (HistoryFull, ReviewDone):
            await workflow.wait_condition(workflow.all_handlers_finished)
            workflow.continue_as_new(self._start)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    async def _prove(self) -> PathOutcome:
        """The proof: review by review, until the program's end is recorded."""
        seeker = self._seeker
        first = ""
        while True:
            program = await seeker.program()
            if program.outcome != statements_pb2.OUTCOME_UNSPECIFIED:
                await undo(seeker)
                seeker.display.end(outcome_name(program.outcome))
                return PathOutcome(
                    program=program.program, outcome=program.outcome, launched=program.launched
                )
            seeker.bell.seek(PROVE)  # rings for the gates before it count from here on
            if workflow.patched(WATCHES):
                await seeker.watch()
            review = _review(await seeker.reading(PROVE))
            first = first or review
            if review != first:
                raise ReviewDone
            await seeker.seek(PROVE)

    @workflow.signal(name=contract.RING)
    def ring(self, ring: Ring) -> None:
        """Something may have changed: look again. It decides nothing."""
        self._seeker.bell.ring(ring)

    @workflow.signal(name=contract.RETRY)
    def retry(self) -> None:
        """Try again what an unexpected answer parked."""
        self._seeker.bell.retry()


def _review(seen: Seen | None) -> str:
    """Which review of the benefits is due next; empty until the case was read."""
    if seen is None or not seen.reading.found:
        return ""
    return f"{seen.reading.round}/{seen.reading.overdue_at.seconds}"
