"""Fundings, reservations and commitments in SQL, inside a transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError

from investiture.budget.ceilings import Opened
from investiture.budget.domain import Funding
from investiture.budget.holdings import Commitment, Hold, Reservation, Tranche
from investiture.budget.splits import Other
from investiture.budget.tables import CASES, COMMITMENT, FUNDING, FUNDING_OTHER, RESERVATION
from investiture.casework.approvals import Level
from investiture.chassis.prepared import Prepared
from investiture.chassis.refusal import NotFound, Stale
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction

_LEVELS = TypeAdapter(tuple[Level, ...])
_F, _R, _C = FUNDING.c, RESERVATION.c, COMMITMENT.c

_ADD_FUNDING = FUNDING.insert()
_FUNDING = sa.select(FUNDING).where(_F.case_name == sa.bindparam("known_name"))
_SET_FUNDING = Prepared(
    FUNDING.update()
    .where(_F.case_name == sa.bindparam("known_name"))
    .values(business_people=sa.bindparam("business_people"), ceiling=sa.bindparam("ceiling"))
)

_O = FUNDING_OTHER.c
_ADD_OTHERS = FUNDING_OTHER.insert()
_OTHERS = (
    sa.select(FUNDING_OTHER)
    .where(_O.case_name == sa.bindparam("known_name"))
    .order_by(_O.asked_at, _O.program)
)

_LOCK_CASE = (
    sa.select(CASES.cases.c.version)
    .where(CASES.cases.c.name == sa.bindparam("known_name"))
    .with_for_update()
)

_ADD_RESERVATION = RESERVATION.insert()
_RESERVATION = sa.select(RESERVATION).where(_R.case_name == sa.bindparam("known_name"))
_MAY_OWE = tuple(state.value for state in Hold if state.may_owe)
_HELD = (
    sa.select(RESERVATION)
    .where(_R.program == sa.bindparam("known_program"), _R.state.in_(_MAY_OWE))
    .with_for_update()
)
_STANDING = (
    sa.select(RESERVATION)
    .where(_R.program == sa.bindparam("known_program"), _R.state != Hold.REPLACED.value)
    .with_for_update()
)
_HELD_IN = (
    sa.select(RESERVATION)
    .where(_R.envelope.in_(sa.bindparam("known", expanding=True)))
    .where(
        sa.or_(
            _R.state == Hold.HELD.value,
            sa.and_(_R.state == Hold.EXPIRED.value, _R.committed > 0),
        )
    )
    .order_by(_R.program)
)
_DUE = (
    sa.select(_R.expires_at, _R.program)
    .where(_R.state == Hold.HELD.value, _R.expires_at <= sa.bindparam("now", type_=Instant))
    .order_by(_R.expires_at, _R.program)
)
_PARTS = ("reserved", "remaining", "committed", "actual", "released", "carried")
_SET_RESERVATION = (
    RESERVATION.update()
    .where(_R.case_name == sa.bindparam("known_name"))
    .where(_R.version == sa.bindparam("known_version"))
    .values({name: sa.bindparam(name) for name in (*_PARTS, "envelope", "state", "version")})
)

_ADD_COMMITMENT = COMMITMENT.insert()
_COMMITMENT = sa.select(COMMITMENT).where(_C.name == sa.bindparam("known_name"))
_COMMITMENTS = (
    sa.select(COMMITMENT).where(_C.program == sa.bindparam("known_program")).order_by(_C.number)
)
_SET_COMMITMENT = (
    COMMITMENT.update()
    .where(_C.name == sa.bindparam("known_name"))
    .where(_C.version == sa.bindparam("known_version"))
    .values(
        {
            name: sa.bindparam(name)
            for name in ("actual", "closed", "lapsed", "lapsed_in", "version")
        }
    )
)


class FundingStore:
    """What the budget keeps beside its cases: levels and ceiling, reservations, commitments."""

    def insert(self, tx: Transaction, funding: Funding) -> None:
        """Stores a new case's funding; STALE_ETAG where another opened it at the same moment."""
        row = {
            "case_name": funding.case_name,
            "program": funding.program,
            "category": funding.category,
            "levels": _LEVELS.dump_python(funding.levels, mode="json"),
            "contingency_bps": funding.contingency_bps,
            "business_people": list(funding.business_people),
            "ceiling": funding.ceiling_minor,
            "tier_from": funding.opened.tier_from_minor,
            "tier_to": funding.opened.tier_to_minor,
            "cost_centre": funding.opened.cost_centre,
            "approved_in": funding.opened.approved_in,
            "kept_ceiling": funding.opened.kept_ceiling_minor,
            "reason": funding.opened.reason,
            "counted": len(funding.opened.others),
        }
        others = [
            {
                "case_name": funding.case_name,
                "program": one.program,
                "amount": one.amount_minor,
                "asked_at": one.asked_at,
            }
            for one in funding.opened.others
        ]
        try:
            tx.connection.execute(_ADD_FUNDING, row)
            if others:
                tx.connection.execute(_ADD_OTHERS, others)
        except IntegrityError:  # PostgreSQL: neither of two saw the other's case
            raise Stale(
                funding.case_name,
                "",
                f"{funding.case_name} was opened by another call at this moment; repeat yours",
            ) from None

    def lock_case(self, tx: Transaction, case_name: str) -> None:
        """Locks a case until the commit: cases come before reservations, envelopes and the head."""
        tx.connection.execute(_LOCK_CASE, {"known_name": case_name})

    def load(self, tx: Transaction, case_name: str) -> Funding:
        """The funding of a case that exists."""
        row = tx.connection.execute(_FUNDING, {"known_name": case_name}).one()
        return Funding(
            case_name=row.case_name,
            program=row.program,
            category=row.category,
            levels=_LEVELS.validate_python(row.levels),
            contingency_bps=row.contingency_bps,
            business_people=tuple(row.business_people),
            ceiling_minor=row.ceiling,
            opened=Opened(
                tier_from_minor=row.tier_from,
                tier_to_minor=row.tier_to,
                cost_centre=row.cost_centre,
                others=self._others(tx, case_name) if row.counted else (),
                approved_in=row.approved_in,
                kept_ceiling_minor=row.kept_ceiling,
                reason=row.reason,
            ),
        )

    def _others(self, tx: Transaction, case_name: str) -> tuple[Other, ...]:
        rows = tx.connection.execute(_OTHERS, {"known_name": case_name})
        return tuple(Other(row.program, row.amount, row.asked_at) for row in rows)

    def save(self, tx: Transaction, funding: Funding) -> None:
        """Stores what may change of a funding; its case's version guards it."""
        row = {
            "known_name": funding.case_name,
            "business_people": list(funding.business_people),
            "ceiling": funding.ceiling_minor,
        }
        _SET_FUNDING.execute(tx.connection, (row,))

    def reservation(self, tx: Transaction, case_name: str) -> Reservation | None:
        """What a round's confirmation reserved, if it did."""
        row = tx.connection.execute(_RESERVATION, {"known_name": case_name}).mappings().first()
        return None if row is None else _reservation(row)

    def held(self, tx: Transaction, program: str) -> Reservation | None:
        """What is held for a program, or was until its timeout; locked until the commit."""
        row = tx.connection.execute(_HELD, {"known_program": program}).mappings().first()
        return None if row is None else _reservation(row)

    def standing(self, tx: Transaction, program: str) -> Reservation | None:
        """The one reservation that answers for a program's money, whatever became of it; locked.

        That is the newest round's: held, expired, released with the program or lapsed with its
        year.
        """
        row = tx.connection.execute(_STANDING, {"known_program": program}).mappings().first()
        return None if row is None else _reservation(row)

    def taken_over(self, tx: Transaction, program: str) -> Reservation | None:
        """What a new round's reservation replaces, locked: held, expired or lapsed."""
        found = self.standing(tx, program)
        return None if found is None or found.state is Hold.RELEASED else found

    def held_in(self, tx: Transaction, envelopes: Iterable[str]) -> list[Reservation]:
        """What is held or still promised in envelopes, by program; not locked."""
        rows = tx.connection.execute(_HELD_IN, {"known": list(envelopes)}).mappings()
        return [_reservation(row) for row in rows]

    def due(
        self, tx: Transaction, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[tuple[datetime, str]]:
        """Programs whose hold timed out and is not settled, the oldest first; not locked."""
        query = _DUE.limit(limit)
        if after is not None:
            later = sa.and_(_R.expires_at == after[0], _R.program > after[1])
            query = query.where(sa.or_(_R.expires_at > after[0], later))
        return [(at, program) for at, program in tx.connection.execute(query, {"now": tx.now})]

    def hold(self, tx: Transaction, made: Reservation, replaced: Reservation | None) -> None:
        """Stores a new reservation after the one that it replaces, if any."""
        if replaced is not None:
            self.save_reservation(tx, replaced)
        tx.connection.execute(
            _ADD_RESERVATION,
            {
                "case_name": made.case_name,
                "program": made.program,
                "envelope": made.envelope,
                "currency": made.currency,
                "state": made.state.value,
                "version": made.version,
                "expires_at": made.expires_at,
                **_parts(made),
            },
        )

    def save_reservation(self, tx: Transaction, after: Reservation) -> None:
        """Stores the next version of a reservation; STALE_ETAG where another was faster."""
        done = tx.connection.execute(
            _SET_RESERVATION,
            {
                "known_name": after.case_name,
                "known_version": after.version - 1,
                "envelope": after.envelope,
                "state": after.state.value,
                "version": after.version,
                **_parts(after),
            },
        )
        if done.rowcount != 1:
            raise Stale(after.name, "", f"{after.name} was changed by another call; read it again")

    def commitments(self, tx: Transaction, program: str) -> tuple[Commitment, ...]:
        """Every commitment of a program, in the order in which they were made."""
        rows = tx.connection.execute(_COMMITMENTS, {"known_program": program})
        return tuple(_commitment(row) for row in rows)

    def commitment(self, tx: Transaction, name: str) -> Commitment:
        """The commitment called `name`, or NOT_FOUND."""
        row = tx.connection.execute(_COMMITMENT, {"known_name": name}).first()
        if row is None:
            raise NotFound(name)
        return _commitment(row)

    def add_commitment(self, tx: Transaction, made: Commitment) -> None:
        """Stores a new commitment; its reservation is locked, so its number is free."""
        tx.connection.execute(
            _ADD_COMMITMENT,
            {
                "name": made.name,
                "program": made.program,
                "number": made.number,
                "vendor": made.vendor,
                "tranche": made.tranche.value,
                "amount": made.amount_minor,
                "actual": made.actual_minor,
                "closed": made.closed,
                "version": made.version,
                "lapsed": made.lapsed_minor,
                "lapsed_in": made.lapsed_in,
                "rolls_forward": made.rolls_forward,
                "spent_on": made.spent_on,
            },
        )

    def save_commitments(self, tx: Transaction, changed: Iterable[Commitment]) -> None:
        """Stores the next version of commitments; STALE_ETAG where another was faster."""
        for after in changed:
            done = tx.connection.execute(
                _SET_COMMITMENT,
                {
                    "known_name": after.name,
                    "known_version": after.version - 1,
                    "actual": after.actual_minor,
                    "closed": after.closed,
                    "lapsed": after.lapsed_minor,
                    "lapsed_in": after.lapsed_in,
                    "version": after.version,
                },
            )
            if done.rowcount != 1:
                raise Stale(
                    after.name, "", f"{after.name} was changed by another call; read it again"
                )


def _parts(reservation: Reservation) -> dict[str, int]:
    return {name: getattr(reservation, f"{name}_minor") for name in _PARTS}


def _reservation(row: Mapping[Any, Any]) -> Reservation:
    return Reservation(
        case_name=row["case_name"],
        program=row["program"],
        envelope=row["envelope"],
        currency=row["currency"],
        state=Hold(row["state"]),
        version=row["version"],
        expires_at=row["expires_at"],
        **{f"{name}_minor": row[name] for name in _PARTS},
    )


def _commitment(row: sa.Row[Any]) -> Commitment:
    return Commitment(
        name=row.name,
        program=row.program,
        number=row.number,
        vendor=row.vendor,
        tranche=Tranche(row.tranche),
        amount_minor=row.amount,
        actual_minor=row.actual,
        closed=row.closed,
        version=row.version,
        lapsed_minor=row.lapsed,
        lapsed_in=row.lapsed_in,
        rolls_forward=row.rolls_forward,
        spent_on=row.spent_on,
    )
