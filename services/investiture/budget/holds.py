"""Holds that time out, settled in the ledger: by whoever touches one first, or by the sweep."""

from datetime import datetime
from functools import partial

import structlog
from structlog.typing import FilteringBoundLogger

from investiture.budget import spending, timeouts
from investiture.budget.holdings import Reservation
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.store import FundingStore
from investiture.budget.timeouts import Settled
from investiture.casework.facts import Revision
from investiture.chassis.call import Call, Principal
from investiture.chassis.transaction import Mutations, Transaction

_log: FilteringBoundLogger = structlog.get_logger()

_BATCH = 200


class Holds:
    """Settles a timeout inside the transaction that found it."""

    def __init__(self, fundings: FundingStore) -> None:
        self._fundings = fundings

    def settled(self, tx: Transaction, found: Reservation) -> Settled:
        """A locked reservation as it is now.

        Where its timeout has come it is saved as EXPIRED; the postings are the caller's to post
        with their own, because a transaction posts once (`LedgerStore.post`).
        """
        after = timeouts.settled(found, tx.now)
        if after.reservation is found:
            return after
        self._fundings.save_reservation(tx, after.reservation)
        assert found.expires_at is not None, "only what has a timeout expires"
        tx.record(
            "reservation.expired",
            found.name,
            after.reservation.version,
            {
                "envelope": found.envelope,
                "returned_minor": str(found.remaining_minor),
                "committed_minor": str(found.committed_minor),
                "currency": found.currency,
                "expired_at": found.expires_at.isoformat(),
            },
            program=found.program,
        )
        return after

    def taken_over(self, tx: Transaction, program: str) -> Settled | None:
        """What a new hold takes the place of, locked, and what its timeout still has to post."""
        found = self._fundings.taken_over(tx, program)
        return None if found is None else self.settled(tx, found)

    def take(
        self,
        tx: Transaction,
        ledger: LedgerStore,
        name: str,
        facts: Revision,
        envelope: str,
        before: Settled | None,
        until: datetime | None,
    ) -> Reservation:
        """Holds a revision's total in an envelope in place of what the program held `before`."""
        older = before.reservation if before else None
        held = spending.hold(name, facts, envelope, older, until)
        # Whoever reserves in this envelope waits from the posting to the commit: no reading there.
        ledger.post(tx, (*(before.postings if before else ()), *held.postings))
        self._fundings.hold(tx, held.reservation, held.replaced)
        return held.reservation


class HoldSweeper:
    """Settles what has timed out and nobody touched, one transaction a hold.

    It locks as a commitment does: the reservation, its envelope, the ledger's head. Of two that
    come for one hold, the second finds it expired and does nothing.
    """

    def __init__(self, mutations: Mutations, fundings: FundingStore, ledger: LedgerStore) -> None:
        self._mutations = mutations
        self._fundings = fundings
        self._ledger = ledger
        self._holds = Holds(fundings)
        self._call = Call(
            Principal("workloads/budget", frozenset({"service"})), "budget/expire-holds"
        )

    async def tick(self) -> None:
        """Settle everything that is due by the service's clock."""
        after: tuple[datetime, str] | None = None
        while due := await self._mutations.read(
            self._call, partial(self._fundings.due, after=after, limit=_BATCH)
        ):
            for _, program in due:
                await self._expire(program)
            after = due[-1]

    async def _expire(self, program: str) -> None:
        try:
            await self._mutations.run_own(self._call, partial(self._settle, program=program))
        except Exception:  # noqa: BLE001 - one hold must not keep the others from being settled
            _log.exception("hold.not_expired", program=program)

    def _settle(self, tx: Transaction, program: str) -> None:
        held = self._fundings.held(tx, program)
        if held is not None:
            self._ledger.post(tx, self._holds.settled(tx, held).postings)
