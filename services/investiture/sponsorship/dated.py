"""Changes of the directory whose date has come take effect, also when nobody calls."""

from datetime import timedelta
from typing import ClassVar

from investiture.chassis.call import Call, Principal
from investiture.chassis.transaction import Mutations
from investiture.sponsorship.operations.changes import ChangeOperations

_OWN = Call(Principal("workloads/sponsorship", frozenset({"service"})), "sponsorship/changes")


class DatedChanges:
    """Applies signed changes at their date, one in a transaction."""

    INTERVAL: ClassVar[timedelta] = timedelta(seconds=2)

    def __init__(self, mutations: Mutations, changes: ChangeOperations) -> None:
        self._mutations = mutations
        self._changes = changes

    async def apply(self) -> None:
        """Apply all whose date has come."""
        while await self._mutations.read(_OWN, self._changes.any_due):
            if not await self._mutations.run_own(_OWN, self._changes.apply_due):
                return  # another replica was faster
