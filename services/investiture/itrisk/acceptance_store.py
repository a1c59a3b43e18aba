"""Acceptances in SQL."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from investiture.chassis.tables import Document, Instant
from investiture.chassis.transaction import Transaction
from investiture.itrisk.acceptances import Acceptance, Voice
from investiture.itrisk.store import METADATA

ACCEPTANCE = sa.Table(
    "risk_acceptance",
    METADATA,
    sa.Column("program", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("profile_version", sa.Integer, nullable=False),
    sa.Column("appetite_version", sa.Integer, nullable=False),
    sa.Column("at_stake_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("until", Instant, nullable=False),
    sa.Column("answer", Document, nullable=False),
    sa.Column("voices", Document, nullable=False),
    sa.Column("accepted_at", Instant),
    sa.Column("review_at", Instant, nullable=False),  # when to look next whether to review it
    sa.Column("reviewed", sa.Boolean, nullable=False),  # nothing more to look at
    sa.Index("risk_acceptance_by_review", "reviewed", "review_at"),
)
_A = ACCEPTANCE.c
_VOICES = TypeAdapter(tuple[Voice, ...])
_OF = (
    sa.select(ACCEPTANCE)
    .where(_A.program == sa.bindparam("known"))
    .order_by(_A.number.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_PLACE = (_A.review_at, _A.program, _A.number)
_DUE = (
    sa.select(*_PLACE)
    .where(
        _A.reviewed.is_(False),
        _A.accepted_at.is_not(None),
        _A.review_at <= sa.bindparam("now", type_=Instant),
    )
    .order_by(*_PLACE)
    .limit(1)
)

Place = tuple[datetime, str, int]
"""When to look at an acceptance next, its program and its number."""


class AcceptanceStore:
    """Loads and saves acceptances inside a transaction."""

    def of(self, tx: Transaction, program: str, most: int = 50) -> list[Acceptance]:
        """The acceptances of a program, the newest first."""
        rows = tx.connection.execute(_OF, {"known": program, "most": most}).mappings()
        return [_acceptance(row) for row in rows]

    def newest(self, tx: Transaction, program: str) -> Acceptance | None:
        """The newest one, if there is one."""
        return next(iter(self.of(tx, program, 1)), None)

    def insert(self, tx: Transaction, acceptance: Acceptance) -> None:
        """Stores a new one; its number is taken at most once."""
        key = {"program": acceptance.program, "number": acceptance.number}
        tx.connection.execute(ACCEPTANCE.insert(), {**key, **_columns(acceptance)})

    def save(self, tx: Transaction, acceptance: Acceptance) -> None:
        """Stores one that was there."""
        place = sa.and_(_A.program == acceptance.program, _A.number == acceptance.number)
        tx.connection.execute(ACCEPTANCE.update().where(place).values(_columns(acceptance)))

    def due(self, tx: Transaction, after: Place | None) -> Place | None:
        """The first one after `after` that is to be looked at by now, the longest due first."""
        query = _DUE
        if after is not None:
            at, program, number = after
            known = (sa.literal(at, Instant), sa.literal(program), sa.literal(number))
            query = query.where(sa.tuple_(*_PLACE) > sa.tuple_(*known))
        row = tx.connection.execute(query, {"now": tx.now}).first()
        return None if row is None else (row.review_at, row.program, row.number)

    def find(self, tx: Transaction, program: str, number: int) -> Acceptance:
        """One that was there."""
        query = sa.select(ACCEPTANCE).where(_A.program == program, _A.number == number)
        return _acceptance(tx.connection.execute(query).mappings().one())

    def look(self, tx: Transaction, acceptance: Acceptance, at: datetime | None) -> None:
        """Keeps when to look at it next; None where there is nothing more to look at."""
        place = sa.and_(_A.program == acceptance.program, _A.number == acceptance.number)
        next_: dict[str, Any] = {"reviewed": at is None}
        if at is not None:
            next_["review_at"] = at
        tx.connection.execute(ACCEPTANCE.update().where(place).values(next_))


def _columns(acceptance: Acceptance) -> dict[str, Any]:
    return {
        "digest": acceptance.digest,
        "profile_version": acceptance.profile_version,
        "appetite_version": acceptance.appetite_version,
        "at_stake_minor": acceptance.at_stake_minor,
        "currency": acceptance.currency,
        "until": acceptance.until,
        "answer": dict(acceptance.answer),
        "voices": _VOICES.dump_python(acceptance.voices, mode="json"),
        "accepted_at": acceptance.accepted_at,
        "review_at": acceptance.review_at,
        "reviewed": False,
    }


def _acceptance(row: sa.RowMapping) -> Acceptance:
    values: dict[str, Any] = {key: row[key] for key in row if key not in ("review_at", "reviewed")}
    values["voices"] = _VOICES.validate_python(row["voices"])
    return Acceptance(**values)
