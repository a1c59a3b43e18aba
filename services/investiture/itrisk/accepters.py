"""Whose acceptance a knighting rests on: they stay off every side for as long as it stands."""

from investiture.casework.case import Case
from investiture.chassis.transaction import Transaction
from investiture.itrisk.acceptance_store import AcceptanceStore
from investiture.itrisk.comparing import INSIDE
from investiture.itrisk.profiles import ProfileStore


class Accepters:
    """Reads them from the record."""

    def __init__(self, profiles: ProfileStore, acceptances: AcceptanceStore) -> None:
        self._profiles = profiles
        self._acceptances = acceptances

    def of(self, tx: Transaction, case: Case) -> frozenset[str]:
        """Everyone who accepted the risk of a knighting that is not inside the appetite."""
        judged = self._profiles.judgement(tx, case.name)
        if judged is None or judged.answer["verdict"] == INSIDE:
            return frozenset()
        holding = (o for o in self._acceptances.of(tx, case.program) if o.holds(tx.now))
        return frozenset(person for one in holding for person in one.people)
