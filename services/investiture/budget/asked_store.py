"""What programs ask of the money side, in SQL: one row a program, for finding split requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.budget.splits import Asked, vendor_key
from investiture.budget.tables import ASKED, PROMISED
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
_P = PROMISED.c
_PROMISED_SINCE = (
    sa.select(PROMISED)
    .where(_P.cost_centre == sa.bindparam("known_centre"))
    .where(_P.asked_at > sa.bindparam("since"))
    .order_by(_P.asked_at, _P.program)
)
_DROP_PROMISE = PROMISED.delete().where(
    _P.program == sa.bindparam("known_program"), _P.vendor_key == sa.bindparam("known_vendor")
)
_ADD_PROMISE = PROMISED.insert()
_DROP_PROMISES = PROMISED.delete().where(_P.program == sa.bindparam("known_program"))
_BOUND_PROMISES = (
    PROMISED.update()
    .where(_P.program == sa.bindparam("known_program"))
    .where(_P.amount > sa.bindparam("spent"))
    .values(amount=sa.bindparam("spent"))
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
        """What was asked, or promised to a vendor not asked for, in a cost centre since then."""
        known = {"known_centre": cost_centre, "since": since}
        asked = [_asked(row) for row in tx.connection.execute(_SINCE, known)]
        return [*asked, *(_promised(row) for row in tx.connection.execute(_PROMISED_SINCE, known))]

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

    def promise(self, tx: Transaction, asked: Asked) -> None:
        """Keeps what a program promised in all to one vendor that its request did not name."""
        (vendor,) = asked.vendors
        key = vendor_key(vendor)
        known = {"known_program": asked.program, "known_vendor": key}
        tx.connection.execute(_DROP_PROMISE, known)
        tx.connection.execute(
            _ADD_PROMISE,
            {
                "program": asked.program,
                "vendor_key": key,
                "vendor": vendor,
                "category": asked.category,
                "currency": asked.currency,
                "amount": asked.amount_minor,
                "cost_centre": asked.cost_centre,
                "asked_at": asked.asked_at,
            },
        )

    def ended(self, tx: Transaction, program: str, spent_minor: int) -> None:
        """Of a program that has ended only what it spent still counts."""
        if spent_minor:
            row = {"known_program": program, "amount": spent_minor}
            tx.connection.execute(_SET_AMOUNT, row)
            bound = {"known_program": program, "spent": spent_minor}
            tx.connection.execute(_BOUND_PROMISES, bound)
        else:
            tx.connection.execute(_DROP, {"known_program": program})
            tx.connection.execute(_DROP_PROMISES, {"known_program": program})

    def find(self, tx: Transaction, program: str) -> Asked | None:
        """A program's newest request."""
        row = tx.connection.execute(_ONE, {"known_program": program}).first()
        return None if row is None else _asked(row)


def _promised(row: sa.Row[Any]) -> Asked:
    return Asked(
        program=row.program,
        category=row.category,
        currency=row.currency,
        amount_minor=row.amount,
        cost_centre=row.cost_centre,
        vendors=(row.vendor,),
        asked_at=row.asked_at,
        whole=False,
    )


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
