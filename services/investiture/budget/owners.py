"""Who may own an envelope, says the directory now; and what a new owner takes over."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from investiture.budget import domain
from investiture.budget.domain import APPROVER, Envelope
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.store import FundingStore
from investiture.casework import case as cases
from investiture.casework.case import Case, Holder
from investiture.casework.directory import Directory
from investiture.casework.operations import CaseOperations
from investiture.casework.words import CaseState, Gate, Purpose
from investiture.chassis.refusal import Denied, InvalidArgument, Stale
from investiture.chassis.transaction import Transaction

_AT_ONCE = 32


async def unable(directory: Directory, people: Iterable[str]) -> Mapping[str, str]:
    """Why a person cannot own an envelope, by person; nobody who can is in it.

    UNAVAILABLE where the directory does not answer.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def why_not(person: str) -> str:
        async with places:
            try:
                found = await directory.resolve(person, Purpose.FUND)
            except Denied:
                return f"{person} is not in the directory"
        if not found.active:
            return f"{person} no longer works here"
        return f"{person} is a guest" if found.guest else ""

    distinct = sorted(set(people))
    answers = await asyncio.gather(*(why_not(person) for person in distinct))
    return {person: why for person, why in zip(distinct, answers, strict=True) if why}


async def require_owner(directory: Directory, person: str) -> None:
    """Refuses with INVALID_FIELD who left, guests and strangers: they could confirm nothing."""
    gone = await unable(directory, [person])
    if person in gone:
        raise InvalidArgument.of(
            "owner", f"{gone[person]} and cannot own an envelope; name a person who works here"
        )


class OwnerOperations:
    """Names another owner of an envelope and puts the confirmations that wait in their hands."""

    def __init__(self, cases_: CaseOperations, fundings: FundingStore, ledger: LedgerStore) -> None:
        self._cases = cases_
        self._fundings = fundings
        self._ledger = ledger

    def change(self, tx: Transaction, name: str, etag: str, owner: str, reason: str) -> Envelope:
        """The envelope with its new owner; the former one keeps what finance gave them to hold."""
        envelope = self._ledger.envelope(tx, name)
        if etag != envelope.etag:
            raise Stale(name, envelope.etag)
        if owner == envelope.owner:
            raise InvalidArgument.of("owner", f"{owner} owns {name} already; name somebody else")
        for case in list(self._waiting(tx, envelope)):  # cases before envelopes, as everywhere
            self._hand_over(tx, case, envelope.owner, owner)
        after = self._ledger.set_owner(tx, envelope, owner)
        payload = {"from": envelope.owner, "to": owner, "reason": reason}
        tx.record("envelope.owner_changed", name, after.version, payload)
        return after

    def _waiting(self, tx: Transaction, envelope: Envelope) -> Iterator[Case]:
        """Open fundings in the envelope that wait for its owner's confirmation."""
        after = None
        while rows := self._cases.store.held(tx, [envelope.owner], "", after, _PAGE):
            for case, due in rows:
                after = (due, case.name)
                asked_here = case.gate is Gate.FUND and case.facts.envelope == envelope.name
                if not asked_here or case.state is not CaseState.OPEN:
                    continue
                funding = self._fundings.load(tx, case.name)
                if domain.present_level(case, funding) is None:
                    yield case

    def _hand_over(self, tx: Transaction, case: Case, former: str, owner: str) -> None:
        funding = self._fundings.load(tx, case.name)
        kept = [h for h in case.holders if h.person != former or h.unit]
        able = owner not in domain.conflicted(case, funding)
        if able and not any(holder.person == owner for holder in kept):
            kept = [Holder(owner, APPROVER, tx.now), *kept]
        after = self._cases.governed(tx, cases.with_holders(case, kept))
        payload = {"from": former, "to": owner if able else ""}
        self._cases.store.save(tx, case, after, "fund.reassigned", payload)


_PAGE = 200
