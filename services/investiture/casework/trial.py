"""What the next round of each open case would ask by another charter: the same code, rolled back.

An open case keeps the charter it was opened under, so nothing changes for it; what would change is
what the gate asks when it opens anew. Each case is opened anew twice, under the charter in force
and under the proposed one, so that what differs comes from the charter and from nothing that was
said or decided since.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from investiture.casework.case import Case
from investiture.casework.operations import CaseOperations
from investiture.charter.authority import NoTier
from investiture.charter.model import UnknownId
from investiture.chassis.refusal import Refusal
from investiture.chassis.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Tried:
    """An open case and what its next round would ask: `-` by today's charter, `+` by the other."""

    case: Case
    differences: tuple[str, ...]


class Trial:
    """Tries a charter on the open cases of a service; its transaction is to be rolled back."""

    def __init__(self, present: CaseOperations, proposed: CaseOperations) -> None:
        self._present = present
        self._proposed = proposed

    def page(self, tx: Transaction, after: str, limit: int) -> list[Tried]:
        """Open cases by name, from the one after `after` on, each with what would differ for it."""
        found = self._present.store.open_page(tx, after, limit)
        return [Tried(case, self._differences(tx, case)) for case in found]

    def _differences(self, tx: Transaction, case: Case) -> tuple[str, ...]:
        is_, would = (_terms(tx, one, case) for one in (self._present, self._proposed))
        gone = (f"- {line}" for line in is_ if line not in would)
        come = (f"+ {line}" for line in would if line not in is_)
        return (*gone, *come)


def _terms(tx: Transaction, operations: CaseOperations, case: Case) -> Sequence[str]:
    savepoint = tx.connection.begin_nested()
    try:
        return operations.terms(tx, case)
    except (Refusal, NoTier, UnknownId) as why:
        said = why.message if isinstance(why, Refusal) else str(why)
        return (f"it cannot be opened: {said}",)
    finally:
        savepoint.rollback()
