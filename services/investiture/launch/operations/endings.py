"""How a program ends: by one recorded decision, whichever it is."""

from investiture.casework.operations import CaseOperations
from investiture.casework.words import Gate, Outcome
from investiture.chassis.transaction import Transaction
from investiture.launch.domain import programs as rules
from investiture.launch.domain.programs import Program
from investiture.launch.doorbell import ring_program
from investiture.launch.store import ProgramStore

OWN = (Gate.PILOT, Gate.LAUNCH, Gate.PROVE)


class Endings:
    """Ends programs, releases the gates of our own, and rings so that the others release theirs."""

    def __init__(self, programs: ProgramStore, cases: CaseOperations) -> None:
        self._programs = programs
        self._cases = cases

    def end(
        self,
        tx: Transaction,
        program: Program,
        outcome: Outcome,
        by: str,
        reason: str,
        *,
        keep: tuple[Gate, ...] = (),
    ) -> Program:
        """The program ended by a decision of `by`; the cases of `keep` stay as they are."""
        ended = rules.end(program, outcome, by, reason, tx.now)
        ending = rules.ending_of(ended)
        for gate in OWN:
            if gate not in keep:
                self._cases.release(tx, gate, ending)
            else:
                self._cases.store.end(tx, ending, gate)
        saved = self._programs.save(tx, program, ended)
        payload = {"outcome": outcome.value, "by": by, "reason": reason}
        tx.record("program.ended", saved.name, saved.version, payload, program=saved.name)
        if not saved.settled:
            tx.post(ring_program(saved, "ended"))
        return saved
