"""Fiscal years in SQL: one row a year that an envelope was issued for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from investiture.budget.tables import FISCAL_YEAR
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.chassis.transaction import Transaction

_Y = FISCAL_YEAR.c
_READ = sa.select(FISCAL_YEAR).where(_Y.year == sa.bindparam("known_year"))
_SHARE = _READ.with_for_update(read=True)
_LOCK = _READ.with_for_update()
_CLOSE = (
    FISCAL_YEAR.update()
    .where(_Y.year == sa.bindparam("known_year"))
    .values(
        closed_at=sa.bindparam("closed_at"),
        closed_by=sa.bindparam("closed_by"),
        closing=sa.bindparam("closing"),
    )
)
_EARLIER = (
    sa.select(_Y.year)
    .where(_Y.year < sa.bindparam("known_year"), _Y.closed_at.is_(None))
    .order_by(_Y.year)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class YearRow:
    """A fiscal year as it stands: open, or closed by whom, when and with which outcome."""

    year: int
    closed_at: datetime | None
    closed_by: str
    closing: Mapping[str, Any] | None


class YearStore:
    """Loads and closes fiscal years, inside a transaction."""

    def join(self, tx: Transaction, year: int) -> None:
        """Lets an envelope into a fiscal year; WRONG_STATE where it is closed.

        The year cannot be closed before this transaction ends.
        """
        tx.connection.execute(_new(tx), {"year": year, "closed_by": ""})
        row = tx.connection.execute(_SHARE, {"known_year": year}).one()
        if row.closed_at is not None:
            raise PreconditionFailed(
                "WRONG_STATE",
                legs=(
                    Leg(
                        type="FISCAL_YEAR",
                        subject=f"fiscalYears/{year}",
                        description=f"fiscal year {year} is closed; nothing is issued for it",
                        remedy="issue the envelope for a fiscal year that is open",
                    ),
                ),
            )

    def find(self, tx: Transaction, year: int) -> YearRow | None:
        """The fiscal year, if an envelope was ever issued for it."""
        row = tx.connection.execute(_READ, {"known_year": year}).first()
        return None if row is None else YearRow(*row)

    def locked(self, tx: Transaction, year: int) -> YearRow | None:
        """The fiscal year, in nobody else's hands until the commit."""
        row = tx.connection.execute(_LOCK, {"known_year": year}).first()
        return None if row is None else YearRow(*row)

    def earliest_open_before(self, tx: Transaction, year: int) -> int | None:
        """The earliest year before `year` that is still open."""
        return tx.connection.execute(_EARLIER, {"known_year": year}).scalar_one_or_none()

    def close(self, tx: Transaction, year: int, closing: Mapping[str, Any]) -> None:
        """Closes a year that is locked, with what became of its money."""
        tx.connection.execute(
            _CLOSE,
            {
                "known_year": year,
                "closed_at": tx.now,
                "closed_by": tx.call.principal.subject,
                "closing": dict(closing),
            },
        )


def _new(tx: Transaction) -> sa.Insert:
    made = _INSERT_ON[tx.connection.dialect.name]
    return made.on_conflict_do_nothing()


_INSERT_ON: Mapping[str, sqlite.Insert | postgresql.Insert] = {
    "sqlite": sqlite.insert(FISCAL_YEAR),
    "postgresql": postgresql.insert(FISCAL_YEAR),
}
