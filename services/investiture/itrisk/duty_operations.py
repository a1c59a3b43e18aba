"""A unit's word on a duty: load → decide → save, inside one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from investiture.casework.case import Case
from investiture.casework.emergencies import shown
from investiture.casework.operations import CaseOperations
from investiture.casework.sides import shared_people
from investiture.casework.words import CaseState, Gate
from investiture.chassis.refusal import NotFound, PreconditionFailed, Stale
from investiture.chassis.transaction import Transaction
from investiture.itrisk import duties as rules
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.duties import Duty, DutyKind, DutyState
from investiture.itrisk.duty_store import DutyStore


@dataclass(frozen=True, slots=True)
class Word:
    """What a unit says; `etag` is the name of its newest word on this, as its speaker saw it."""

    program: str
    kind: DutyKind
    unit: str
    state: DutyState
    reason: str
    until: datetime | None
    etag: str


class DutyOperations:
    """Records duties, and reads how a program stands to them."""

    def __init__(self, cases: CaseOperations, store: DutyStore, bounds: Bounds) -> None:
        self._cases = cases
        self._store = store
        self._bounds = bounds

    def record(self, tx: Transaction, word: Word) -> Duty:
        """Stores a word. A failure takes a knighting back; an exception limits how long it stands.

        Nobody who proposes or sponsors the program speaks for a unit about it.
        """
        rules.check(word.state, word.reason, word.until, tx.now)
        case = self._cases.newest(tx, word.program, Gate.KNIGHT)
        if case is None:
            raise NotFound(f"{word.program}/riskReviews/latest")
        person = tx.call.principal.subject
        rules.require_owner(self._cases.rules(tx, case), word.kind, word.unit, person)
        legs = shared_people((person,), case.facts.business_people, "unit's", "business")
        if legs:
            raise PreconditionFailed("SIDES_NOT_SEPARATE", legs=legs)
        known = self._store.newest(tx, word.program)
        present = next((o for o in known if (o.kind, o.unit) == (word.kind, word.unit)), None)
        current = present.name if present else ""
        if word.etag != current:
            raise Stale(word.program, current, "another word was said since; read it first")
        duty = Duty(
            program=word.program,
            number=max((one.number for one in known), default=0) + 1,
            kind=word.kind,
            unit=word.unit,
            state=word.state,
            reason=word.reason,
            until=word.until,
            person=person,
            recorded_at=tx.now,
        )
        self._store.insert(tx, duty)
        payload = {"kind": word.kind.value, "unit": word.unit, "state": word.state.value}
        payload["reason"] = word.reason
        tx.record("risk.duty_recorded", duty.name, duty.number, payload, program=duty.program)
        if shown(case, tx.now).state is CaseState.STANDING:
            self._follow(tx, case, duty)
        return duty

    def list(self, tx: Transaction, program: str) -> Sequence[Duty]:
        """Of each kind and unit the newest word."""
        return self._store.newest(tx, program)

    def _follow(self, tx: Transaction, case: Case, duty: Duty) -> None:
        if duty.fails(tx.now):
            why = f"{duty.kind.value.lower()} duty fails, says {duty.unit}: {duty.reason}"
            self._cases.take_back(tx, case, why)
        else:
            self._bounds.apply(tx, case, "knight.dated", "")
