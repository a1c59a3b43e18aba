"""Interests in SQL."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.casework.conflicts import subject_key
from investiture.chassis.prepared import Query
from investiture.chassis.refusal import NotFound, Stale
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.interests import Interest, InterestKind
from investiture.sponsorship.store.tables import INTEREST

_FIELDS = tuple(field.name for field in fields(Interest))
_ALL = sa.select(*(INTEREST.c[name] for name in _FIELDS))
_ONE = _ALL.where(INTEREST.c.name == sa.bindparam("wanted"))
_IN_FORCE = Query(
    _ALL.where(
        INTEREST.c.person == sa.bindparam("of"),
        INTEREST.c.starts_at <= sa.bindparam("at", type_=Instant),
        sa.or_(
            INTEREST.c.ends_at.is_(None), INTEREST.c.ends_at > sa.bindparam("then", type_=Instant)
        ),
    ).order_by(INTEREST.c.name)
)
_INSERT = INTEREST.insert()
_END = (
    INTEREST.update()
    .where(INTEREST.c.name == sa.bindparam("known"), INTEREST.c.version == sa.bindparam("seen"))
    .values(ends_at=sa.bindparam("ends_at"), version=sa.bindparam("version"))
)


class InterestStore:
    """Loads and saves interests inside a transaction."""

    def load(self, tx: Transaction, name: str) -> Interest:
        """The interest called `name`, or NOT_FOUND."""
        row = tx.connection.execute(_ONE, {"wanted": name}).one_or_none()
        if row is None:
            raise NotFound(name)
        return _interest(tuple(row))

    def in_force(self, tx: Transaction, person: str, at: datetime) -> list[Interest]:
        """A person's interests that hold at an instant."""
        rows = _IN_FORCE.rows(tx.connection, {"of": person, "at": at, "then": at})
        return [_interest(row) for row in rows]

    def page(
        self,
        tx: Transaction,
        person: str,
        subject: str,
        in_force_at: datetime | None,
        after: str,
        limit: int,
    ) -> list[Interest]:
        """Interests by name, from the one after `after` on; all of them without an instant."""
        query = _ALL.where(INTEREST.c.name > after).order_by(INTEREST.c.name).limit(limit)
        if person:
            query = query.where(INTEREST.c.person == person)
        if subject:
            query = query.where(INTEREST.c.compared == subject_key(subject))
        if in_force_at is not None:
            later = INTEREST.c.ends_at > in_force_at
            query = query.where(sa.or_(INTEREST.c.ends_at.is_(None), later))
        return [_interest(tuple(row)) for row in tx.connection.execute(query)]

    def insert(self, tx: Transaction, interests: Sequence[Interest]) -> None:
        """Stores new interests."""
        rows = [
            {**asdict(one), "kind": one.kind.value, "compared": subject_key(one.subject)}
            for one in interests
        ]
        tx.connection.execute(_INSERT, rows)

    def end(self, tx: Transaction, before: Interest, after: Interest) -> None:
        """Stores an end by compare-and-set; STALE_ETAG where another was faster."""
        values = {
            "known": before.name,
            "seen": before.version,
            "ends_at": after.ends_at,
            "version": after.version,
        }
        if tx.connection.execute(_END, values).rowcount != 1:
            raise Stale(before.name, "", f"{before.name} was changed by another call; read again")


def _interest(row: tuple[Any, ...]) -> Interest:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values["kind"] = InterestKind(values["kind"])
    return Interest(**values)
