"""What a pledge keeps beside its case: seats, positions and the authority test."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from investiture.casework.words import CaseState
from investiture.chassis.prepared import Prepared, Query
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.authority_legs import AuthorityLeg
from investiture.sponsorship.domain.ballots import Ballot
from investiture.sponsorship.domain.pledges import Place, Pledge, Seat
from investiture.sponsorship.domain.positions import (
    Position,
    PositionKind,
    PositionRole,
    Resolution,
)
from investiture.sponsorship.store.tables import CASES, PLEDGE, POSITION, SEAT

_SEAT_FIELDS = tuple(field.name for field in fields(Seat))
_POSITION_FIELDS = tuple(field.name for field in fields(Position))
_LEG_FIELDS = tuple(field.name for field in fields(AuthorityLeg))
_TUPLES = frozenset({"relationships", "recused"})
_BALLOTS = ("ballot", "appeal")
_BALLOT = TypeAdapter(Ballot)

_PLEDGE = Query(
    sa.select(PLEDGE.c.unowned, PLEDGE.c.contested, PLEDGE.c.legs, PLEDGE.c.liveness_at).where(
        PLEDGE.c.case_name == sa.bindparam("of_case")
    )
)
_SEATS = Query(
    sa.select(*(SEAT.c[name] for name in _SEAT_FIELDS))
    .where(SEAT.c.case_name == sa.bindparam("of_case"))
    .order_by(SEAT.c.place.desc())  # SPONSOR, then COUNTER_SPONSOR
)
_POSITIONS = Query(
    sa.select(*(POSITION.c[name] for name in _POSITION_FIELDS))
    .where(POSITION.c.case_name == sa.bindparam("of_case"))
    .order_by(POSITION.c.place)
)
_TEST = Prepared(
    PLEDGE.update()
    .where(PLEDGE.c.case_name == sa.bindparam("of_case"))
    .values(legs=sa.bindparam("legs"))
)
_LOOK = Prepared(
    PLEDGE.update()
    .where(PLEDGE.c.case_name == sa.bindparam("of_case"))
    .values(liveness_at=sa.bindparam("liveness_at", type_=Instant))
)
_TAKE = Prepared(
    SEAT.update()
    .where(SEAT.c.case_name == sa.bindparam("of_case"), SEAT.c.place == sa.bindparam("at_place"))
    .values({name: sa.bindparam(name) for name in _SEAT_FIELDS if name != "place"})
)
_KEPT = ("unit", "role", "relationships")
_RECORD = Prepared(
    POSITION.update()
    .where(POSITION.c.case_name == sa.bindparam("of_case"))
    .where(POSITION.c.unit == sa.bindparam("of_unit"))
    .values({name: sa.bindparam(name) for name in _POSITION_FIELDS if name not in _KEPT})
)
_ALIVE = (CaseState.OPEN, CaseState.CHANGES_REQUESTED, CaseState.STANDING)
_LIVING = (
    sa.select(CASES.cases.c.program)
    .distinct()
    .join(SEAT, SEAT.c.case_name == CASES.cases.c.name)
    .where(SEAT.c.person == sa.bindparam("by"))
    .where(CASES.cases.c.program != sa.bindparam("beside"))
    .where(sa.or_(*(CASES.cases.c.state == state.value for state in _ALIVE)))
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_DUE = (
    sa.select(PLEDGE.c.case_name)
    .where(PLEDGE.c.liveness_at <= sa.bindparam("now", type_=Instant))
    .order_by(PLEDGE.c.liveness_at, PLEDGE.c.case_name)
)
_UNDECIDED_OR_STANDING = (CaseState.OPEN.value, CaseState.STANDING.value)
_CARRIED = (
    sa.select(CASES.cases.c.name)
    .distinct()
    .join(SEAT, SEAT.c.case_name == CASES.cases.c.name)
    .where(CASES.cases.c.state.in_(_UNDECIDED_OR_STANDING))
)
_LIVE = Query(sa.select(sa.func.count()).select_from(_LIVING.subquery()))


class PledgeStore:
    """Loads and saves pledges inside a transaction."""

    def insert(self, tx: Transaction, case_name: str, pledge: Pledge) -> None:
        """Stores a new pledge."""
        tx.connection.execute(
            PLEDGE.insert(),
            {
                "case_name": case_name,
                "unowned": list(pledge.unowned),
                "contested": list(pledge.contested),
                "legs": [],
                "liveness_at": pledge.liveness_at,
            },
        )
        seats = [{**_seat_row(seat), "case_name": case_name} for seat in pledge.seats]
        tx.connection.execute(SEAT.insert(), seats)
        positions = [
            {**_position_row(one), "case_name": case_name, "place": place}
            for place, one in enumerate(pledge.positions)
        ]
        if positions:
            tx.connection.execute(POSITION.insert(), positions)

    def load(self, tx: Transaction, case_name: str) -> Pledge:
        """The pledge of a case that exists."""
        key = {"of_case": case_name}
        ((unowned, contested, legs, liveness_at),) = _PLEDGE.rows(tx.connection, key)
        return Pledge(
            seats=tuple(_seat(row) for row in _SEATS.rows(tx.connection, key)),
            positions=tuple(_position(row) for row in _POSITIONS.rows(tx.connection, key)),
            unowned=tuple(unowned),
            contested=tuple(contested),
            legs=tuple(AuthorityLeg(**leg) for leg in legs),
            liveness_at=liveness_at,
        )

    def save(self, tx: Transaction, case_name: str, before: Pledge, after: Pledge) -> None:
        """Stores what changed; the case's own compare-and-set guards it all."""
        if after.legs != before.legs:
            legs = [_leg_row(leg) for leg in after.legs]
            _TEST.execute(tx.connection, ({"of_case": case_name, "legs": legs},))
        if after.liveness_at != before.liveness_at:
            look = {"of_case": case_name, "liveness_at": after.liveness_at}
            _LOOK.execute(tx.connection, (look,))
        for seat in after.seats:
            if seat not in before.seats:
                row = _seat_row(seat)
                place = row.pop("place")
                key = {"of_case": case_name, "at_place": place}
                _TAKE.execute(tx.connection, ({**row, **key},))
        for one in after.positions:
            if one not in before.positions:
                row = {k: v for k, v in _position_row(one).items() if k not in _KEPT}
                key = {"of_case": case_name, "of_unit": one.unit}
                _RECORD.execute(tx.connection, ({**row, **key},))

    def due(self, tx: Transaction, limit: int) -> list[str]:
        """Pledges to look at for their sponsors' word, the longest due first."""
        rows = tx.connection.execute(_DUE.limit(limit), {"now": tx.now})
        return [row.case_name for row in rows]

    def carried_by(self, tx: Transaction, people: Sequence[str]) -> list[str]:
        """Open and standing pledges in which any of `people` pledged, or lent the authority."""
        by_either = sa.or_(SEAT.c.person.in_(people), SEAT.c.on_behalf_of.in_(people))
        query = _CARRIED.where(by_either).order_by(CASES.cases.c.name)
        return [row.name for row in tx.connection.execute(query)]

    def live_sponsorships(self, tx: Transaction, person: str, beside: str, most: int) -> int:
        """Programs other than `beside` for which a person has a living pledge, `most` at most."""
        key = {"by": person, "beside": beside, "most": most}
        count: int = _LIVE.value(tx.connection, key)
        return count


def _seat_row(seat: Seat) -> dict[str, Any]:
    row = {name: getattr(seat, name) for name in _SEAT_FIELDS}
    row["place"] = seat.place.value
    return row


def _position_row(position: Position) -> dict[str, Any]:
    row = {name: getattr(position, name) for name in _POSITION_FIELDS}
    row.update({name: list(row[name]) for name in _TUPLES})
    row["role"] = position.role.value
    row["kind"] = None if position.kind is None else position.kind.value
    row["resolution"] = None if position.resolution is None else position.resolution.value
    for name in _BALLOTS:
        held: Ballot | None = row[name]
        row[name] = None if held is None else _BALLOT.dump_json(held).decode()
    return row


def _leg_row(leg: AuthorityLeg) -> dict[str, Any]:
    return {name: getattr(leg, name) for name in _LEG_FIELDS}


def _seat(row: tuple[Any, ...]) -> Seat:
    values: dict[str, Any] = dict(zip(_SEAT_FIELDS, row, strict=True))
    values["place"] = Place(values["place"])
    return Seat(**values)


def _position(row: tuple[Any, ...]) -> Position:
    values: dict[str, Any] = dict(zip(_POSITION_FIELDS, row, strict=True))
    kind: str | None = values["kind"]
    values.update({name: tuple(values[name]) for name in _TUPLES})
    values["role"] = PositionRole(values["role"])
    values["kind"] = None if kind is None else PositionKind(kind)
    resolution: str | None = values["resolution"]
    values["resolution"] = None if resolution is None else Resolution(resolution)
    for name in _BALLOTS:
        held: str | None = values[name]
        values[name] = None if held is None else _BALLOT.validate_json(held)
    return Position(**values)
