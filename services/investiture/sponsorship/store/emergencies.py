"""Emergencies and their reviews in SQL: loaded and saved whole, by version."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from investiture.chassis.refusal import NotFound, Stale
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.emergencies import EmergencyState, Review
from investiture.sponsorship.store.tables import EMERGENCY

_REVIEWS = TypeAdapter(Review)
_E = EMERGENCY.c
_DOCUMENT = sa.select(_E.document)
_INSERT = EMERGENCY.insert()
_UPDATE = (
    EMERGENCY.update()
    .where(_E.name == sa.bindparam("known_name"), _E.version == sa.bindparam("known_version"))
    .values({name: sa.bindparam(name) for name in ("state", "version", "document")})
    .values(next_at=sa.bindparam("next_at", type_=Instant))
)
_OPEN = _DOCUMENT.where(
    _E.team == sa.bindparam("of"), _E.state == EmergencyState.UNDER_REVIEW.value
)
_NEWEST = (
    _DOCUMENT.where(_E.program == sa.bindparam("of"))
    .order_by(_E.declared_at.desc(), _E.name.desc())
    .limit(1)
)
_DUE = (
    sa.select(_E.name)
    .where(
        _E.state == EmergencyState.UNDER_REVIEW.value,
        _E.next_at <= sa.bindparam("now", type_=Instant),
    )
    .order_by(_E.next_at, _E.name)
)


class EmergencyStore:
    """Loads and saves emergencies inside a transaction."""

    def find(self, tx: Transaction, name: str) -> Review | None:
        """The emergency called `name`, if there is one."""
        return _one(tx.connection.execute(_DOCUMENT.where(_E.name == name)).scalar())

    def load(self, tx: Transaction, name: str) -> Review:
        """The emergency called `name`, or of `…/latest/…` the program's newest; NOT_FOUND."""
        program, _, rest = name.partition("/pledges/")
        if rest == "latest/emergency":
            found = _one(tx.connection.execute(_NEWEST, {"of": program}).scalar())
        else:
            found = self.find(tx, name)
        if found is None:
            raise NotFound(name)
        return found

    def open_of(self, tx: Transaction, team: str) -> Review | None:
        """The review of a team that is not closed."""
        return _one(tx.connection.execute(_OPEN, {"of": team}).scalar())

    def insert(self, tx: Transaction, review: Review) -> None:
        """Stores what was declared."""
        row = {
            "name": review.name,
            "program": review.program,
            "team": review.team,
            "declared_at": review.emergency.declared_at,
            **_columns(review),
        }
        tx.connection.execute(_INSERT, row)

    def save(self, tx: Transaction, after: Review) -> Review:
        """Stores the next version; STALE_ETAG where another was faster."""
        moved = replace(after, version=after.version + 1)
        known = {"known_name": after.name, "known_version": after.version}
        if tx.connection.execute(_UPDATE, {**known, **_columns(moved)}).rowcount != 1:
            raise Stale(after.name, "", f"{after.name} was changed by another call; read it again")
        return moved

    def due(self, tx: Transaction, limit: int) -> list[str]:
        """Reviews whose next step has come, the oldest first."""
        return list(tx.connection.execute(_DUE.limit(limit), {"now": tx.now}).scalars())

    def page(
        self,
        tx: Transaction,
        team: str,
        state: EmergencyState | None,
        after: tuple[datetime, str] | None,
        limit: int | None,
    ) -> Sequence[Review]:
        """Emergencies, the newest first; without a limit all, of which a team has one in review."""
        query = _DOCUMENT.order_by(_E.declared_at.desc(), _E.name.desc()).limit(limit)
        if team:
            query = query.where(_E.team == team)
        if state is not None:
            query = query.where(_E.state == state.value)
        if after is not None:
            earlier = sa.and_(_E.declared_at == after[0], _E.name < after[1])
            query = query.where(sa.or_(_E.declared_at < after[0], earlier))
        return [_REVIEWS.validate_json(text) for text in tx.connection.execute(query).scalars()]


def _one(document: str | None) -> Review | None:
    return None if document is None else _REVIEWS.validate_json(document)


def _columns(review: Review) -> dict[str, Any]:
    return {
        "state": review.state.value,
        "version": review.version,
        "next_at": review.next_at,
        "document": _REVIEWS.dump_json(review).decode(),
    }
