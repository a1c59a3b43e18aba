"""Absences in SQL."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.chassis.refusal import NotFound, Stale
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.absences import Absence
from investiture.sponsorship.store.standing import publish
from investiture.sponsorship.store.tables import ABSENCE

_COLUMNS = [ABSENCE.c[field.name] for field in fields(Absence)]
_ALL = sa.select(*_COLUMNS)
_CLEAR = (
    ABSENCE.update()
    .where(ABSENCE.c.name == sa.bindparam("known"))
    .where(ABSENCE.c.version == sa.bindparam("seen"))
    .values(cleared_at=sa.bindparam("cleared_at"), version=sa.bindparam("version"))
)


class AbsenceStore:
    """Loads and saves absences inside a transaction; each change is published."""

    def load(self, tx: Transaction, name: str) -> Absence:
        """The absence called `name`, or NOT_FOUND."""
        row = tx.connection.execute(_ALL.where(ABSENCE.c.name == name)).one_or_none()
        if row is None:
            raise NotFound(name)
        return Absence(*row)

    def page(
        self, tx: Transaction, person: str, begun_by: datetime | None, after: str, limit: int
    ) -> list[Absence]:
        """Absences that have not ended, by name, of one person or of all.

        With `begun_by` only those that began until then.
        """
        query = _left(tx.now).where(ABSENCE.c.name > after).order_by(ABSENCE.c.name).limit(limit)
        if person:
            query = query.where(ABSENCE.c.person == person)
        if begun_by is not None:
            query = query.where(ABSENCE.c.starts_at <= begun_by)
        return [Absence(*row) for row in tx.connection.execute(query)]

    def of(self, tx: Transaction, person: str) -> list[Absence]:
        """A person's absences that have not ended."""
        query = _left(tx.now).where(ABSENCE.c.person == person)
        return [Absence(*row) for row in tx.connection.execute(query)]

    def insert(self, tx: Transaction, made: Sequence[Absence]) -> None:
        """Stores new absences."""
        if made:
            tx.connection.execute(ABSENCE.insert(), [asdict(one) for one in made])
            publish(tx, [one.person for one in made])

    def clear(self, tx: Transaction, before: Absence, after: Absence) -> None:
        """Stores that an absence was cleared, by compare-and-set; STALE_ETAG where it changed."""
        row = {
            "known": before.name,
            "seen": before.version,
            "cleared_at": after.cleared_at,
            "version": after.version,
        }
        if tx.connection.execute(_CLEAR, row).rowcount != 1:
            raise Stale(before.name, "", f"{before.name} was changed by another call; read again")
        publish(tx, [after.person])


def _left(now: datetime) -> "sa.Select[*tuple[Any, ...]]":
    unended = sa.or_(ABSENCE.c.ends_at.is_(None), ABSENCE.c.ends_at > now)
    return _ALL.where(ABSENCE.c.cleared_at.is_(None), unended)
