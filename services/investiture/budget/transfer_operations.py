"""Proposing, approving and declining transfers: load → decide → save, each in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from investiture.budget import transfers
from investiture.budget.domain import Envelope
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.transfer_store import TransferStore
from investiture.budget.transfers import Owned, Quote, State, Transfer
from investiture.casework.amounts import Amount
from investiture.casework.directory import require_able
from investiture.casework.facts import Authority
from investiture.casework.standing_store import StandingStore
from investiture.casework.words import Gate, Purpose
from investiture.charter.model import Charter
from investiture.charter.timetable import timetable
from investiture.chassis.transaction import Transaction

COMMITTEE = "budget-committee"


class TransferOperations:
    """Money from one envelope to another. The transfer's row is locked before its envelopes."""

    def __init__(
        self, charter: Charter, store: TransferStore, ledger: LedgerStore, standings: StandingStore
    ) -> None:
        self._charter = charter
        self._store = store
        self._ledger = ledger
        self._standings = standings

    def propose(
        self,
        tx: Transaction,
        name: str,
        envelopes: tuple[str, str],
        amount: Amount,
        quote: Quote | None,
        reason: str,
    ) -> Transfer:
        """A transfer from the first envelope to the second, which waits for its approvals."""
        # The new row's foreign keys lock both: in the one order, or two could wait in a circle.
        locked = self._ledger.locked(tx, envelopes)
        giver, taker = (locked[one] for one in envelopes)
        proposer = tx.call.principal.subject
        made = transfers.propose(name, giver, taker, amount, quote, reason, proposer, tx.now)
        waits = timetable(self._charter, Gate.FUND.value, tx.now)
        made = replace(made, timetable=waits)
        self._store.add(tx, made)
        self._record(tx, "transfer.proposed", made, {"reason": reason})
        return made

    def approve(self, tx: Transaction, name: str, etag: str, authority: Authority) -> Transfer:
        """One more voice; with the last one both envelopes are posted, or neither."""
        transfer, giver, taker = self._decidable(tx, name, etag, authority)
        after = transfers.approve(
            transfer, giver, taker, authority, tx.now, committee=_on_committee(tx)
        )
        self._store.save(tx, after)
        if after.state is State.POSTED:
            self._ledger.post(tx, transfers.postings(after))
        kind = "transfer.posted" if after.state is State.POSTED else "transfer.approved"
        payload = {
            "authority": authority.evidence(),
            "seats": [seat.value for seat in after.voices[-1].seats],
        }
        self._record(tx, kind, after, payload)
        return after

    def decline(
        self, tx: Transaction, name: str, etag: str, reason: str, authority: Authority
    ) -> Transfer:
        """Ends a transfer before it moved anything."""
        transfer, giver, taker = self._decidable(tx, name, etag, authority)
        after = transfers.decline(
            transfer, giver, taker, authority, reason, tx.now, committee=_on_committee(tx)
        )
        self._store.save(tx, after)
        payload = {"authority": authority.evidence(), "reason": reason}
        self._record(tx, "transfer.declined", after, payload)
        return after

    def read(self, tx: Transaction, name: str) -> Transfer:
        """The transfer called `name`, or NOT_FOUND."""
        return self._store.find(tx, name)

    def list(
        self,
        tx: Transaction,
        envelope: str,
        state: State | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[Transfer]:
        """Transfers as they were proposed."""
        return self._store.list(tx, envelope, state, after, limit)

    def waiting(
        self,
        tx: Transaction,
        envelope: str,
        person: str,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> tuple[Sequence[Owned], Callable[[Owned], bool]]:
        """Proposed transfers that may wait for a person, and which of them do.

        For what they own and what is lent to them over money, and for the committee where they
        ask for themselves and sit on it.
        """
        lent = self._standings.lent(tx, person)
        people = {person, *(lender for lender, loan in lent if loan.purpose is Purpose.FUND)}
        committee = person == tx.call.principal.subject and _on_committee(tx)
        owners = None if committee else people
        found = self._store.waiting(tx, envelope, owners, after, limit)
        return found, lambda one: one.waits_for(frozenset(people), committee=committee)

    def _decidable(
        self, tx: Transaction, name: str, etag: str, authority: Authority
    ) -> tuple[Transfer, Envelope, Envelope]:
        transfer = self._store.locked(tx, name)
        transfers.check_etag(transfer, etag)
        require_able(authority)
        giver = self._ledger.envelope(tx, transfer.giver)
        return transfer, giver, self._ledger.envelope(tx, transfer.taker)

    def _record(
        self, tx: Transaction, kind: str, transfer: Transfer, payload: Mapping[str, object]
    ) -> None:
        exchange = transfer.exchange
        figures: dict[str, object] = {
            "giver": transfer.giver,
            "taker": transfer.taker,
            "given_minor": str(transfer.given.minor),
            "given_currency": transfer.given.currency,
            "taken_minor": str(transfer.taken.minor),
            "taken_currency": transfer.taken.currency,
        }
        if exchange is not None:
            figures |= {
                "rate": exchange.quote.rate,
                "rate_source": exchange.quote.source,
                "rate_quoted_on": exchange.quote.quoted_on.isoformat(),
                "rounding": exchange.quote.rounding.value,
                "residue": exchange.residue,
            }
        tx.record(kind, transfer.name, transfer.version, {**figures, **payload})


def _on_committee(tx: Transaction) -> bool:
    return COMMITTEE in tx.call.principal.roles
