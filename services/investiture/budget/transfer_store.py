"""Transfers in SQL, inside a transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError

from investiture.budget.tables import ENVELOPE, TRANSFER
from investiture.budget.transfers import Exchange, Owned, State, Transfer, Voice
from investiture.casework.amounts import Amount
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import AlreadyExists, NotFound, Stale
from investiture.chassis.transaction import Transaction

_T = TRANSFER.c
_READ = sa.select(TRANSFER).where(_T.name == sa.bindparam("known_name"))
_LOCK = _READ.with_for_update()
_ADD = TRANSFER.insert()
_CHANGED = ("state", "voices", "ended_at", "ended_by", "remark", "version")
_SET = (
    TRANSFER.update()
    .where(_T.name == sa.bindparam("known_name"))
    .where(_T.version == sa.bindparam("known_version"))
    .values({name: sa.bindparam(name, type_=_T[name].type) for name in _CHANGED})
)
_VOICES = TypeAdapter(tuple[Voice, ...])
_EXCHANGE = TypeAdapter(Exchange | None)
_TIMETABLE = TypeAdapter(Timetable | None)
_G, _K = ENVELOPE.alias("giving"), ENVELOPE.alias("taking")
_WAITING = (
    sa.select(TRANSFER, _G.c.owner.label("giver_owner"), _K.c.owner.label("taker_owner"))
    .join(_G, _G.c.name == _T.giver)
    .join(_K, _K.c.name == _T.taker)
    .where(_T.state == State.PROPOSED.value)
    .order_by(_T.proposed_at, _T.name)
)


class TransferStore:
    """Loads, stores and lists transfers."""

    def add(self, tx: Transaction, made: Transfer) -> None:
        """Stores a new transfer; RESOURCE_EXISTS where the name is taken."""
        row = {
            "name": made.name,
            "giver": made.giver,
            "taker": made.taker,
            "given": made.given.minor,
            "given_currency": made.given.currency,
            "taken": made.taken.minor,
            "taken_currency": made.taken.currency,
            "exchange": _EXCHANGE.dump_python(made.exchange, mode="json"),
            "reason": made.reason,
            "proposer": made.proposer,
            "proposed_at": made.proposed_at,
            "timetable": _TIMETABLE.dump_python(made.timetable, mode="json"),
            **_changed(made),
        }
        if tx.connection.execute(_READ, {"known_name": made.name}).first() is not None:
            raise _taken(made.name)
        try:
            with tx.connection.begin_nested():
                tx.connection.execute(_ADD, row)
        except IntegrityError:  # another transaction was faster (PostgreSQL)
            raise _taken(made.name) from None

    def find(self, tx: Transaction, name: str) -> Transfer:
        """The transfer called `name`, or NOT_FOUND."""
        return _transfer(name, tx.connection.execute(_READ, {"known_name": name}).first())

    def locked(self, tx: Transaction, name: str) -> Transfer:
        """The transfer called `name`, locked until the commit: it comes before its envelopes."""
        return _transfer(name, tx.connection.execute(_LOCK, {"known_name": name}).first())

    def save(self, tx: Transaction, after: Transfer) -> None:
        """Stores the next version; STALE_ETAG where another was faster."""
        known = {"known_name": after.name, "known_version": after.version - 1}
        if tx.connection.execute(_SET, {**known, **_changed(after)}).rowcount != 1:
            raise Stale(after.name, "")

    def list(
        self,
        tx: Transaction,
        envelope: str,
        state: State | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Transfer]:
        """Transfers as they were proposed, of one envelope and in one state unless not given."""
        query = sa.select(TRANSFER).order_by(_T.proposed_at, _T.name).limit(limit)
        if envelope:
            query = query.where(sa.or_(_T.giver == envelope, _T.taker == envelope))
        if state is not None:
            query = query.where(_T.state == state.value)
        return [_transfer(row.name, row) for row in tx.connection.execute(_after(query, after))]

    def waiting(
        self,
        tx: Transaction,
        envelope: str,
        owners: Iterable[str] | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[Owned]:
        """Proposed transfers in which an envelope is one of `owners`'; of anybody where None."""
        query = _WAITING.limit(limit)
        if envelope:
            query = query.where(sa.or_(_T.giver == envelope, _T.taker == envelope))
        if owners is not None:
            names = sorted(owners)
            query = query.where(sa.or_(_G.c.owner.in_(names), _K.c.owner.in_(names)))
        return [
            Owned(_transfer(row.name, row), row.giver_owner, row.taker_owner)
            for row in tx.connection.execute(_after(query, after))
        ]


def _after(query: sa.Select[Any], place: tuple[datetime, str] | None) -> sa.Select[Any]:
    if place is None:
        return query
    at, name = place
    same = sa.and_(_T.proposed_at == at, _T.name > name)
    return query.where(sa.or_(_T.proposed_at > at, same))


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"{name} exists already; take another id", reason="RESOURCE_EXISTS", resource=name
    )


def _changed(transfer: Transfer) -> dict[str, Any]:
    return {
        "state": transfer.state.value,
        "voices": _VOICES.dump_python(transfer.voices, mode="json"),
        "ended_at": transfer.ended_at,
        "ended_by": transfer.ended_by,
        "remark": transfer.remark,
        "version": transfer.version,
    }


def _transfer(name: str, row: sa.Row[Any] | None) -> Transfer:
    if row is None:
        raise NotFound(name)
    return Transfer(
        name=row.name,
        giver=row.giver,
        taker=row.taker,
        given=Amount(row.given, row.given_currency),
        taken=Amount(row.taken, row.taken_currency),
        reason=row.reason,
        proposer=row.proposer,
        proposed_at=row.proposed_at,
        exchange=_EXCHANGE.validate_python(row.exchange),
        state=State(row.state),
        voices=_VOICES.validate_python(row.voices),
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        remark=row.remark,
        version=row.version,
        timetable=_TIMETABLE.validate_python(row.timetable),
    )
