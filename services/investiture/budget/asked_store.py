"""What programs ask of the money side, in SQL: one row a program, for finding split requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.budget.splits import Asked
from investiture.budget.tables import ASKED
from investiture.chassis.transaction import Transaction

_A = ASKED.c

_ONE = sa.select(ASKED).where(_A.program == sa.bindparam("known_program"))
_SINCE = (
    sa.select(ASKED)
    .where(_A.cost_centre == sa.bindparam("known_centre"))
    .where(_A.asked_at > sa.bindparam("since"))
    .order_by(_A.asked_at, _A.program)
)
_DROP = ASKED.delete().where(_A.program == sa.bindparam("known_program"))
_ADD = ASKED.insert()
_SET_AMOUNT = (
    ASKED.update()
    .where(_A.program == sa.bindparam("known_program"))
    .values(amount=sa.bindparam("amount"))
)
# Of two requests that are split, opened at one moment, the second has to see the first.
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:centre, 0))")


class AskedStore:
    """Keeps each program's newest request, and finds those of a cost centre."""

    def lock(self, tx: Transaction, cost_centre: str) -> None:
        """Until the commit nobody else reads or adds requests of a cost centre to decide on.

        Taken after the case and before reservations and envelopes.
        """
        if tx.connection.dialect.name == "postgresql":  # SQLite has one writer
            tx.connection.execute(_LOCK, {"centre": f"cost centre {cost_centre}"})

    def since(self, tx: Transaction, cost_centre: str, since: datetime) -> Sequence[Asked]:
        """Requests of a cost centre asked after an instant, the oldest first."""
        rows = tx.connection.execute(_SINCE, {"known_centre": cost_centre, "since": since})
        return [_asked(row) for row in rows]

    def keep(self, tx: Transaction, asked: Asked) -> None:
        """Keeps a program's newest request in place of the one before."""
        tx.connection.execute(_DROP, {"known_program": asked.program})
        tx.connection.execute(
            _ADD,
            {
                "program": asked.program,
                "category": asked.category,
                "currency": asked.currency,
                "amount": asked.amount_minor,
                "cost_centre": asked.cost_centre,
                "vendors": list(asked.vendors),
                "asked_at": asked.asked_at,
            },
        )

    def ended(self, tx: Transaction, program: str, spent_minor: int) -> None:
        """Of a program that has ended only what it spent still counts."""
        if spent_minor:
            row = {"known_program": program, "amount": spent_minor}
            tx.connection.execute(_SET_AMOUNT, row)
        else:
            tx.connection.execute(_DROP, {"known_program": program})

    def find(self, tx: Transaction, program: str) -> Asked | None:
        """A program's newest request."""
        row = tx.connection.execute(_ONE, {"known_program": program}).first()
        return None if row is None else _asked(row)


def _asked(row: sa.Row[Any]) -> Asked:
    return Asked(
        program=row.program,
        category=row.category,
        currency=row.currency,
        amount_minor=row.amount,
        cost_centre=row.cost_centre,
        vendors=tuple(row.vendors),
        asked_at=row.asked_at,
    )
