"""Duties in SQL: every word on them, the newest counts."""

from typing import Any

import sqlalchemy as sa

from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.itrisk.duties import Duty, DutyKind, DutyState
from investiture.itrisk.store import METADATA

DUTY = sa.Table(
    "risk_duty",
    METADATA,
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", Instant),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)
_D = DUTY.c
_OF = sa.select(DUTY).where(_D.program == sa.bindparam("known")).order_by(_D.number)


class DutyStore:
    """Loads and saves duties inside a transaction."""

    def newest(self, tx: Transaction, program: str) -> list[Duty]:
        """Of each kind and unit the newest word, in the order in which they were said."""
        found: dict[tuple[str, str], Duty] = {}
        for row in tx.connection.execute(_OF, {"known": program}).mappings():
            values: dict[str, Any] = dict(row)
            values |= {"kind": DutyKind(row["kind"]), "state": DutyState(row["state"])}
            found[row["kind"], row["unit"]] = Duty(**values)
        return sorted(found.values(), key=lambda one: one.number)

    def insert(self, tx: Transaction, duty: Duty) -> None:
        """Stores a word; its number is taken at most once."""
        tx.connection.execute(DUTY.insert(), {c.name: getattr(duty, c.name) for c in _D})
