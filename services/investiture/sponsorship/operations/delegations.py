"""Delegating authority, and revoking it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from investiture.casework.amounts import Amount
from investiture.casework.words import Purpose
from investiture.charter.model import Charter
from investiture.chassis.refusal import Denied, InvalidArgument, NotFound
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.authority import party
from investiture.sponsorship.domain.delegations import Delegation, draw_up, revoke
from investiture.sponsorship.domain.lending import refuse_mutual
from investiture.sponsorship.store.delegations import DelegationStore
from investiture.sponsorship.store.people import PeopleStore

_COLLECTION = "/delegations/"


@dataclass(frozen=True, slots=True)
class Lending:
    """What a person wants to delegate; no limit means their own, no start means now."""

    delegate: str
    purpose: Purpose
    limit: Amount | None
    starts_at: datetime | None
    ends_at: datetime


class DelegationOperations:
    """Creates and revokes delegations of the caller."""

    def __init__(self, charter: Charter, people: PeopleStore, delegations: DelegationStore) -> None:
        self._charter = charter
        self._people = people
        self._delegations = delegations

    def create(self, tx: Transaction, asked: Lending) -> Delegation:
        """Delegates the caller's own authority."""
        actor = tx.call.principal
        delegator = self._people.find(tx, actor.subject) if actor.is_person else None
        if delegator is None:
            raise Denied("NOT_A_HOLDER", f"{actor.subject} is nobody of the directory")
        if asked.limit is not None and asked.limit.currency != self._charter.currency:
            raise InvalidArgument.of(
                "limit.currency_code",
                f"limits are in {self._charter.currency}, as the charter says",
                reason="INVALID_AMOUNT",
            )
        made = draw_up(
            f"{delegator.name}{_COLLECTION}{uuid4().hex[:12]}",
            party(self._charter, delegator, asked.purpose),
            party(self._charter, self._people.load(tx, asked.delegate), asked.purpose),
            asked.purpose,
            asked.limit,
            (asked.starts_at, asked.ends_at),
            tx.now,
        )
        back = self._delegations.between(tx, made.delegate, made.delegator, made.purpose)
        refuse_mutual(made, back)
        self._delegations.insert(tx, made)
        tx.record("delegation.created", made.name, made.version, _payload(made))
        return made

    def revoke(self, tx: Transaction, name: str, etag: str, reason: str) -> Delegation:
        """Revokes a delegation at once: who made it may, and governance."""
        actor = tx.call.principal
        delegator, found, _ = name.partition(_COLLECTION)
        if not found:
            raise NotFound(name)
        if actor.subject != delegator and "governance" not in actor.roles:
            raise Denied(
                "NOT_A_HOLDER", f"{name} is not yours; who delegated it, or governance, revokes it"
            )
        before = self._delegations.load(tx, name)
        after = revoke(before, etag, tx.now)
        if after is not before:
            self._delegations.revoke(tx, before, after)
            tx.record("delegation.revoked", name, after.version, {"reason": reason})
        return after


def _payload(made: Delegation) -> dict[str, object]:
    return {
        "delegate": made.delegate,
        "purpose": made.purpose.value,
        "limit_minor": None if made.limit_minor is None else str(made.limit_minor),
        "starts_at": made.starts_at.isoformat(),
        "ends_at": made.ends_at.isoformat(),
    }
