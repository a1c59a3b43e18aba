"""Keeps launch's record of how each gate stands, of our own cases and of the other services'."""

from collections.abc import MutableMapping
from dataclasses import dataclass

from investiture.casework.case import Case
from investiture.casework.words import Gate
from investiture.chassis.transaction import Transaction
from investiture.launch.domain.path import GateRecord, Recorded, record, recorded_of
from investiture.launch.store import PathStore, ProgramStore, SignedRecord


@dataclass(frozen=True, slots=True)
class Step:
    """What a statement changed: the gate's record before and after it."""

    before: GateRecord | None
    after: GateRecord


class Projection:
    """Writes the path of a program, monotone by the version of each case."""

    def __init__(self, programs: ProgramStore, path: PathStore) -> None:
        self._programs = programs
        self._path = path

    def witness(self, tx: Transaction, case: Case) -> None:
        """Takes over a case of our own that was just stored."""
        records = self._path.load(tx, case.program)
        self.take(tx, case.program, records, recorded_of(case), b"")
        self._programs.touch(tx, case.program)

    def take(
        self,
        tx: Transaction,
        program: str,
        records: MutableMapping[Gate, SignedRecord],
        new: Recorded,
        signed: bytes,
    ) -> Step | None:
        """Takes a statement over, into `records` too; None where it says nothing new.

        `signed` is the case as its service signed it, kept to be shown.
        """
        present = records.get(new.gate)
        before = present.record if present else None
        after = record(before, new, tx.now)
        if after is None:
            return None
        kept = records[new.gate] = SignedRecord(after, signed)
        self._path.save(tx, program, new.gate, kept, new=present is None)
        return Step(before, after)
