"""Signatures, revocations and places of standing decisions in SQL."""

from datetime import datetime

import sqlalchemy as sa

from investiture.casework.facts import StandingRef
from investiture.casework.words import Side
from investiture.chassis.prepared import Query
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.standing_decisions import Place, Revocation, Signature
from investiture.sponsorship.store.tables import (
    STANDING_PLACE,
    STANDING_REVOCATION,
    STANDING_SIGNATURE,
)

_SIGNED = Query(
    sa.select(
        STANDING_SIGNATURE.c.side, STANDING_SIGNATURE.c.person, STANDING_SIGNATURE.c.signed_at
    ).where(STANDING_SIGNATURE.c.digest == sa.bindparam("of"))
)
# SQLite has one writer at a time and leaves the lock out.
_LOCK = Query(
    sa.select(STANDING_SIGNATURE.c.digest)
    .where(STANDING_SIGNATURE.c.decision == sa.bindparam("of"))
    .order_by(STANDING_SIGNATURE.c.digest, STANDING_SIGNATURE.c.side)
    .with_for_update()
)
_SIGN = STANDING_SIGNATURE.insert()
_REVOKED = Query(
    sa.select(
        STANDING_REVOCATION.c.person, STANDING_REVOCATION.c.reason, STANDING_REVOCATION.c.at
    ).where(STANDING_REVOCATION.c.digest == sa.bindparam("of"))
)
_REVOKE = STANDING_REVOCATION.insert()
_ALIVE = Query(
    sa.select(STANDING_PLACE.c.program)
    .where(STANDING_PLACE.c.decision == sa.bindparam("of"), STANDING_PLACE.c.ended_at.is_(None))
    .order_by(STANDING_PLACE.c.program)
)
_PLACE = Query(
    sa.select(
        STANDING_PLACE.c.decision,
        STANDING_PLACE.c.digest,
        STANDING_PLACE.c.since,
        STANDING_PLACE.c.ended_at,
    ).where(STANDING_PLACE.c.program == sa.bindparam("of"))
)
_TAKE = STANDING_PLACE.insert()
_MOVE = (
    STANDING_PLACE.update()
    .where(STANDING_PLACE.c.program == sa.bindparam("of"))
    .values(
        decision=sa.bindparam("to"),
        digest=sa.bindparam("text"),
        since=sa.bindparam("from_", type_=Instant),
        ended_at=None,
    )
)
_FREE = (
    STANDING_PLACE.update()
    .where(STANDING_PLACE.c.program == sa.bindparam("of"), STANDING_PLACE.c.ended_at.is_(None))
    .values(ended_at=sa.bindparam("at", type_=Instant))
)


class StandingDecisionStore:
    """Loads and saves what belongs to standing decisions, inside a transaction."""

    def lock(self, tx: Transaction, decision: str) -> None:
        """Of two who count its places, revoke or sign it, one is first."""
        _LOCK.rows(tx.connection, {"of": decision})

    def signatures(self, tx: Transaction, digest: str) -> dict[Side, Signature]:
        """The signatures under a text, by side."""
        rows = _SIGNED.rows(tx.connection, {"of": digest})
        return {Side(side): Signature(Side(side), who, at) for side, who, at in rows}

    def sign(self, tx: Transaction, ref: StandingRef, made: Signature) -> None:
        """Stores a signature; a side signs a text once."""
        values = {
            "digest": ref.digest,
            "decision": ref.id,
            "side": made.side.value,
            "person": made.person,
            "signed_at": made.signed_at,
        }
        tx.connection.execute(_SIGN, values)

    def revocation(self, tx: Transaction, digest: str) -> Revocation | None:
        """What ended a text."""
        row = _REVOKED.first(tx.connection, {"of": digest})
        return None if row is None else Revocation(*row)

    def revoke(self, tx: Transaction, ref: StandingRef, made: Revocation) -> None:
        """Ends a text for good."""
        values = {
            "digest": ref.digest,
            "decision": ref.id,
            "person": made.person,
            "reason": made.reason,
            "at": made.at,
        }
        tx.connection.execute(_REVOKE, values)

    def programs(self, tx: Transaction, decision: str) -> list[str]:
        """Programs that are alive under a decision, whatever its text was."""
        return [program for (program,) in _ALIVE.rows(tx.connection, {"of": decision})]

    def place(self, tx: Transaction, program: str) -> Place | None:
        """The place that a program has, or had."""
        row = _PLACE.first(tx.connection, {"of": program})
        if row is None:
            return None
        decision, digest, since, ended_at = row
        return Place(program, StandingRef(decision, digest), since, ended_at)

    def take(self, tx: Transaction, program: str, ref: StandingRef, since: datetime) -> None:
        """Gives a program a place."""
        if self.place(tx, program) is None:
            values = {
                "program": program,
                "decision": ref.id,
                "digest": ref.digest,
                "since": since,
                "ended_at": None,
            }
            tx.connection.execute(_TAKE, values)
            return
        values = {"of": program, "to": ref.id, "text": ref.digest, "from_": since}
        tx.connection.execute(_MOVE, values)

    def free(self, tx: Transaction, program: str, at: datetime) -> None:
        """Frees a program's place, where it has one."""
        tx.connection.execute(_FREE, {"of": program, "at": at})
