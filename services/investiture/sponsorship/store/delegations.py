"""Delegations in SQL."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.casework.words import Purpose
from investiture.chassis.refusal import NotFound, Stale
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.delegations import Delegation
from investiture.sponsorship.store.standing import publish
from investiture.sponsorship.store.tables import DELEGATION

_COLUMNS = [DELEGATION.c[field.name] for field in fields(Delegation)]
_ONE = sa.select(*_COLUMNS).where(DELEGATION.c.name == sa.bindparam("wanted"))
_BETWEEN = sa.select(*_COLUMNS).where(
    DELEGATION.c.delegate == sa.bindparam("to"),
    DELEGATION.c.delegator == sa.bindparam("by"),
    DELEGATION.c.purpose == sa.bindparam("for"),
)
_HELD = _BETWEEN.with_for_update(read=True)
_HELD_BY = sa.select(*_COLUMNS).where(DELEGATION.c.delegate == sa.bindparam("to"))
_LIVING = sa.select(*_COLUMNS).where(
    DELEGATION.c.ends_at > sa.bindparam("at", type_=Instant), DELEGATION.c.revoked_at.is_(None)
)
_INSERT = DELEGATION.insert()
_REVOKE = (
    DELEGATION.update()
    .where(DELEGATION.c.name == sa.bindparam("known"))
    .where(DELEGATION.c.version == sa.bindparam("seen"))
    .values(revoked_at=sa.bindparam("revoked_at"), version=sa.bindparam("version"))
)


class DelegationStore:
    """Loads and saves delegations inside a transaction."""

    def load(self, tx: Transaction, name: str) -> Delegation:
        """The delegation called `name`, or NOT_FOUND."""
        row = tx.connection.execute(_ONE, {"wanted": name}).mappings().one_or_none()
        if row is None:
            raise NotFound(name)
        return _delegation(row)

    def between(
        self, tx: Transaction, delegator: str, delegate: str, purpose: Purpose
    ) -> list[Delegation]:
        """Delegations of one purpose from one person to another, past ones included.

        Where the transaction writes, who revokes one waits until it has ended.
        """
        key = {"by": delegator, "to": delegate, "for": purpose.value}
        rows = tx.connection.execute(_HELD if tx.writable else _BETWEEN, key).mappings()
        return [_delegation(row) for row in rows]

    def held_by(self, tx: Transaction, delegate: str) -> list[Delegation]:
        """Delegations to a person, past ones included."""
        rows = tx.connection.execute(_HELD_BY, {"to": delegate}).mappings()
        return [_delegation(row) for row in rows]

    def living(self, tx: Transaction, at: datetime) -> list[Delegation]:
        """Delegations that have neither ended at an instant nor been revoked."""
        return [_delegation(row) for row in tx.connection.execute(_LIVING, {"at": at}).mappings()]

    def page(
        self, tx: Transaction, person: str, living_at: datetime | None, after: str, limit: int
    ) -> list[Delegation]:
        """Delegations by name, from the one after `after` on, of one person or of all.

        With an instant without those that had ended then or were revoked.
        """
        columns = DELEGATION.c
        query = sa.select(*_COLUMNS).where(columns.name > after)
        if person:
            query = query.where(sa.or_(columns.delegator == person, columns.delegate == person))
        if living_at is not None:
            query = query.where(columns.ends_at > living_at, columns.revoked_at.is_(None))
        rows = tx.connection.execute(query.order_by(columns.name).limit(limit)).mappings()
        return [_delegation(row) for row in rows]

    def insert_all(self, tx: Transaction, delegations: Sequence[Delegation]) -> None:
        """Stores new delegations."""
        rows = [{**asdict(one), "purpose": one.purpose.value} for one in delegations]
        tx.connection.execute(_INSERT, rows)

    def insert(self, tx: Transaction, delegation: Delegation) -> None:
        """Stores a new delegation."""
        row = {**asdict(delegation), "purpose": delegation.purpose.value}
        tx.connection.execute(_INSERT, row)
        publish(tx, [delegation.delegator])

    def revoke(self, tx: Transaction, before: Delegation, after: Delegation) -> None:
        """Stores a revocation by compare-and-set; STALE_ETAG where another was faster."""
        done = tx.connection.execute(
            _REVOKE,
            {
                "known": before.name,
                "seen": before.version,
                "revoked_at": after.revoked_at,
                "version": after.version,
            },
        )
        if done.rowcount != 1:
            raise Stale(before.name, "", f"{before.name} was changed by another call; read again")
        publish(tx, [before.delegator])


def _delegation(row: sa.RowMapping) -> Delegation:
    values: dict[str, Any] = {**row}
    values["purpose"] = Purpose(values["purpose"])
    return Delegation(**values)
