"""Whose a case is to decide now: their own, or of somebody who lends them just that."""

from collections.abc import Callable, Collection

from investiture.casework.case import Case, as_of
from investiture.casework.operations import CaseOperations
from investiture.chassis.transaction import Transaction


def waits_for(
    operations: CaseOperations, tx: Transaction, person: str, principals: Collection[str]
) -> Callable[[Case], bool]:
    """Says of a case that it waits for a person: held by them, or by who lends them that part.

    What `principals` hold waits for the person whatever it is.
    """
    lent = {(lender, loan.purpose) for lender, loan in operations.store.standings.lent(tx, person)}
    names = {lender for lender, _ in lent}

    def waits(case: Case) -> bool:
        if not as_of(case, tx.now).in_hands:  # what has expired asks nobody any more
            return False
        if case.held_by(person, *principals) is not None:
            return True
        lenders = [held for held in case.holders if held.person in names]
        return bool(lenders) and any(
            part.serves(held) and (held.person, part.purpose) in lent
            for part in operations.parts(tx, case)
            for held in lenders
        )

    return waits
