"""Statements in SQL: what an entry left is kept beside it, so a balance is one row at any instant.

Instants never go back from one entry to the next (`ledger_head`), so "until" an instant is a place
in the sequence; what is left there is the last entry at or before it, found by an index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.budget.ledger import Balances, Entry
from investiture.budget.ledger_store import LedgerStore, entry_of
from investiture.budget.running import Holding, Left
from investiture.budget.tables import AFTER, ENTRY, ENVELOPE, OF_PROGRAM
from investiture.chassis.refusal import NotFound
from investiture.chassis.transaction import Transaction

_N = ENTRY.c

_PLACE = (
    sa.select(_N.sequence)
    .where(_N.posted_at <= sa.bindparam("at"))
    .order_by(_N.posted_at.desc(), _N.sequence.desc())
    .limit(1)
)
_LEFT = (
    sa.select(*(_N[name] for name in AFTER))
    .where(_N.envelope == sa.bindparam("envelope"), _N.sequence <= sa.bindparam("until"))
    .order_by(_N.sequence.desc())
    .limit(1)
)
# One step of a loose scan: the next envelope of a program, straight from the index.
_NEXT_ENVELOPE = (
    sa.select(_N.envelope)
    .where(_N.program == sa.bindparam("program"), _N.envelope > sa.bindparam("after"))
    .order_by(_N.envelope)
    .limit(1)
)
_CURRENCY = sa.select(ENVELOPE.c.currency).where(ENVELOPE.c.name == sa.bindparam("envelope"))


@dataclass(frozen=True, slots=True)
class Held:
    """What was where at an instant: of an envelope, or of a program in it."""

    envelope: str
    currency: str
    held: Balances | Holding


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement's balances, and the places in the ledger between which its lines stand."""

    name: str
    at: datetime
    since_sequence: int
    until_sequence: int
    opening: tuple[Held, ...]
    closing: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, and what it left."""

    entry: Entry
    left: Left


class StatementStore:
    """Reads statements of envelopes and programs."""

    def __init__(self, ledger: LedgerStore) -> None:
        self._ledger = ledger

    def place(self, tx: Transaction, at: datetime) -> int:
        """The last entry of the ledger posted at or before an instant; 0 before the first."""
        found: int | None = tx.connection.execute(_PLACE, {"at": at}).scalar()
        return found or 0

    def read(self, tx: Transaction, name: str, since: int, until: int, at: datetime) -> Reading:
        """The balances after two entries of the ledger; NOT_FOUND for what has no entry."""
        read = self._of_program if name.startswith("programs/") else self._of_envelope
        return Reading(name, at, since, until, read(tx, name, since), read(tx, name, until))

    def lines(self, tx: Transaction, reading: Reading, after: int, limit: int) -> Sequence[Line]:
        """The entries after one, up to the end of the statement, with what each left."""
        of = _N.program if reading.name.startswith("programs/") else _N.envelope
        query = (
            sa.select(ENTRY, ENVELOPE.c.currency)
            .join(ENVELOPE, ENVELOPE.c.name == _N.envelope)
            .where(of == reading.name)
            .where(_N.sequence > max(after, reading.since_sequence))
            .where(_N.sequence <= reading.until_sequence)
            .order_by(_N.sequence)
            .limit(limit)
        )
        return [
            Line(
                entry_of(row),
                Left(_balances_of(row), Holding(*(getattr(row, name) for name in OF_PROGRAM))),
            )
            for row in tx.connection.execute(query)
        ]

    def _of_envelope(self, tx: Transaction, name: str, until: int) -> tuple[Held, ...]:
        currency = self._ledger.envelope(tx, name).currency
        row = tx.connection.execute(_LEFT, {"envelope": name, "until": until}).first()
        return (Held(name, currency, _balances_of(row) if row else Balances()),)

    def _of_program(self, tx: Transaction, name: str, until: int) -> tuple[Held, ...]:
        held: list[Held] = []
        after = ""
        while envelope := tx.connection.execute(
            _NEXT_ENVELOPE, {"program": name, "after": after}
        ).scalar():
            currency = tx.connection.execute(_CURRENCY, {"envelope": envelope}).scalar_one()
            holding = self._ledger.holding(tx, name, envelope, until)
            held.append(Held(envelope, currency, holding))
            after = envelope
        if not held:
            raise NotFound(name, f"no money was ever held for {name}")
        return tuple(held)


def _balances_of(row: sa.Row[Any]) -> Balances:
    """What an entry left in its envelope."""
    held = {name.removeprefix("after_"): getattr(row, name) for name in AFTER}
    return Balances(appropriated=sum(held.values()), **held)
