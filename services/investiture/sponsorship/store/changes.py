"""Changes that two people sign, in SQL."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.chassis.refusal import NotFound, Stale
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.changes import Change, ChangeKind, ChangeState
from investiture.sponsorship.store.tables import CHANGE

_FIELDS = tuple(field.name for field in fields(Change))
_COLUMNS = [CHANGE.c[name] for name in _FIELDS]
_ALL = sa.select(*_COLUMNS)
_ONE = _ALL.where(CHANGE.c.number == sa.bindparam("wanted"))
_INSERT = CHANGE.insert().returning(CHANGE.c.number)
_DECIDED = ("state", "effective_at", "decided_by", "decided_at", "comment", "took_effect_at")
_UPDATE = (
    CHANGE.update()
    .where(CHANGE.c.number == sa.bindparam("known"))
    .where(CHANGE.c.version == sa.bindparam("seen"))
    .values({name: sa.bindparam(name) for name in (*_DECIDED, "failure", "version")})
)
_DUE = (
    _ALL.where(CHANGE.c.state == ChangeState.APPROVED.value)
    .where(CHANGE.c.kind == ChangeKind.DIRECTORY.value)
    .where(CHANGE.c.effective_at <= sa.bindparam("now"))
    .order_by(CHANGE.c.effective_at, CHANGE.c.number)
    .limit(1)
)


class ChangeStore:
    """Loads and saves changes inside a transaction."""

    def load(self, tx: Transaction, name: str) -> Change:
        """The change called `name`, or NOT_FOUND."""
        number = int(name.removeprefix("changes/"))
        row = tx.connection.execute(_ONE, {"wanted": number}).mappings().one_or_none()
        if row is None:
            raise NotFound(name)
        return _change(row)

    def page(
        self,
        tx: Transaction,
        kind: ChangeKind | None,
        state: ChangeState | None,
        before: int | None,
        limit: int,
    ) -> list[Change]:
        """Changes, the newest first, from the one before number `before` on.

        A charter that two people signed reads EFFECTIVE from its date on and APPROVED until then.
        """
        query = _ALL.order_by(CHANGE.c.number.desc()).limit(limit)
        if kind is not None:
            query = query.where(CHANGE.c.kind == kind.value)
        if state is not None:
            query = query.where(_reads(state, tx.now))
        if before is not None:
            query = query.where(CHANGE.c.number < before)
        return [_change(row) for row in tx.connection.execute(query).mappings()]

    def due(self, tx: Transaction) -> Change | None:
        """The directory change whose date came first, of those that wait for nothing else."""
        row = tx.connection.execute(_DUE, {"now": tx.now}).mappings().first()
        return None if row is None else _change(row)

    def insert(self, tx: Transaction, change: Change) -> int:
        """Stores a new change; its number."""
        row = {name: value for name, value in asdict(change).items() if name != "number"}
        number: int = tx.connection.execute(_INSERT, row).scalar_one()
        return number

    def save(self, tx: Transaction, before: Change, after: Change) -> None:
        """Stores a decision by compare-and-set; STALE_ETAG where another was faster."""
        values = {name: getattr(after, name) for name in (*_DECIDED, "failure", "version")}
        done = tx.connection.execute(
            _UPDATE, {**values, "known": before.number, "seen": before.version}
        )
        if done.rowcount != 1:
            raise Stale(before.name, "", f"{before.name} was changed by another call; read again")


def _reads(state: ChangeState, now: datetime) -> sa.ColumnElement[bool]:
    dated = sa.and_(
        CHANGE.c.kind == ChangeKind.CHARTER.value,
        CHANGE.c.state == ChangeState.APPROVED.value,
        CHANGE.c.effective_at <= now,
    )
    if state is ChangeState.EFFECTIVE:
        return sa.or_(CHANGE.c.state == state.value, dated)
    if state is ChangeState.APPROVED:
        return sa.and_(CHANGE.c.state == state.value, sa.not_(dated))
    return CHANGE.c.state == state.value


def _change(row: sa.RowMapping) -> Change:
    values: dict[str, Any] = {**row}
    values["kind"], values["state"] = ChangeKind(values["kind"]), ChangeState(values["state"])
    for name in ("differences", "gaining"):
        values[name] = tuple(values[name])
    return Change(**values)
