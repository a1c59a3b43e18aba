"""Cases in SQL: one row a case, one row a holder, one row a program that has ended here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from pydantic import TypeAdapter
from structlog.typing import FilteringBoundLogger

from investiture.casework.case import Case
from investiture.casework.facts import Ending
from investiture.casework.note_store import NoteStore, note_table
from investiture.casework.standing_store import StandingStore, StandingTables, standing_tables
from investiture.casework.words import CaseState, Gate
from investiture.chassis.outbox import OutboxMessage
from investiture.chassis.prepared import Prepared, Query
from investiture.chassis.refusal import NotFound, Stale
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction

_CASES = TypeAdapter(Case)
_log: FilteringBoundLogger = structlog.get_logger()

_HOLDERS_AT_ONCE = 100
"""People whose cases one statement looks for; SQLite puts at most 500 SELECTs together."""

Doorbell = Callable[[Case], OutboxMessage | None]
"""Makes the ring that tells the path to look again at a case; None where nobody needs it."""

Witness = Callable[[Transaction, Case], None]
"""Is told of each case that was stored, inside its transaction."""


@dataclass(frozen=True, slots=True)
class CaseTables:
    """The tables of a service's cases."""

    cases: sa.Table
    holders: sa.Table
    endings: sa.Table
    standing: StandingTables
    notes: sa.Table


def case_tables(metadata: sa.MetaData) -> CaseTables:
    """Adds the tables of cases to a service's metadata."""
    cases = sa.Table(
        "gate_case",
        metadata,
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("gate", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("program", "gate", "round"),
    )
    holders = sa.Table(
        "gate_case_holder",
        metadata,
        sa.Column(
            "case_name", sa.Text, sa.ForeignKey("gate_case.name"), primary_key=True, nullable=False
        ),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("overdue_at", Instant, nullable=False),
        sa.Index("gate_case_holder_by_person", "person", "overdue_at", "case_name"),
    )
    endings = sa.Table(
        "program_end",
        metadata,
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("gate", sa.Text, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("ended_at", Instant, nullable=False),
    )
    return CaseTables(cases, holders, endings, standing_tables(metadata), note_table(metadata))


class CaseStore:
    """Loads and saves cases in a transaction; every save records an event and rings the path."""

    def __init__(
        self, tables: CaseTables, doorbell: Doorbell, witness: Witness | None = None
    ) -> None:
        self.notes = NoteStore(tables.notes)
        self._doorbell = doorbell
        self._witness = witness
        self.standings = StandingStore(tables.standing)
        cases, holders, endings = tables.cases, tables.holders, tables.endings
        self._load = Query(sa.select(cases.c.document).where(cases.c.name == sa.bindparam("name")))
        self._newest = Query(
            sa.select(cases.c.document)
            .where(cases.c.program == sa.bindparam("program"), cases.c.gate == sa.bindparam("gate"))
            .order_by(cases.c.round.desc())
            .limit(1)
        )
        self._insert = Prepared(cases.insert(), cases.c.keys())
        self._update = Prepared(
            cases.update()
            .where(cases.c.name == sa.bindparam("known_name"))
            .where(cases.c.version == sa.bindparam("known_version"))
            .values(
                {name: sa.bindparam(name) for name in ("state", "revision", "version", "document")}
            )
        )
        self._drop_holders = Prepared(
            holders.delete().where(holders.c.case_name == sa.bindparam("known"))
        )
        self._add_holders = Prepared(holders.insert(), holders.c.keys())
        self._ended = Query(
            sa.select(endings.c.outcome).where(
                endings.c.program == sa.bindparam("program"),
                endings.c.gate == sa.bindparam("gate"),
            )
        )
        self._end = endings.insert()
        self._cases, self._holders = cases, holders
        self._held: dict[tuple[int, bool, bool], Query] = {}
        self._open = (
            sa.select(cases.c.document)
            .where(cases.c.state == CaseState.OPEN.value, cases.c.name > sa.bindparam("after"))
            .order_by(cases.c.name)
            .limit(sa.bindparam("most", type_=sa.Integer))
        )

    def find(self, tx: Transaction, name: str, gate: Gate) -> Case:
        """The case called `name`; `programs/{program}/{collection}/latest` is the newest round."""
        program, _, last = name.rpartition("/")
        if last != "latest":
            return self.load(tx, name)
        case = self.newest(tx, program.rpartition("/")[0], gate)
        if case is None:
            raise NotFound(name)
        return case

    def load(self, tx: Transaction, name: str) -> Case:
        """The case called `name`; NOT_FOUND where there is none."""
        document = self._load.value(tx.connection, {"name": name})
        if document is None:
            raise NotFound(name)
        return _CASES.validate_json(document)

    def newest(self, tx: Transaction, program: str, gate: Gate) -> Case | None:
        """The newest round of a program's gate."""
        key = {"program": program, "gate": gate.value}
        document = self._newest.value(tx.connection, key)
        return None if document is None else _CASES.validate_json(document)

    def insert(self, tx: Transaction, case: Case, kind: str, payload: Mapping[str, Any]) -> Case:
        """Stores a new case."""
        row = {
            "name": case.name,
            "program": case.program,
            "gate": case.gate.value,
            "round": case.round,
            **_columns(case),
        }
        self._insert.execute(tx.connection, (row,))
        self._after(tx, None, case, kind, payload)
        return case

    def save(
        self, tx: Transaction, before: Case, after: Case, kind: str, payload: Mapping[str, Any]
    ) -> Case:
        """Stores the next version by compare-and-set; STALE_ETAG where another was faster."""
        case = replace(after, version=before.version + 1)
        known = {"known_name": before.name, "known_version": before.version}
        if self._update.execute(tx.connection, ({**known, **_columns(case)},)) != 1:
            raise Stale(case.name, "", f"{case.name} was changed by another call; read it again")
        self._after(tx, before, case, kind, payload)
        return case

    def ended(self, tx: Transaction, program: str, gate: Gate) -> bool:
        """Whether the program has ended as far as this gate knows."""
        key = {"program": program, "gate": gate.value}
        return self._ended.first(tx.connection, key) is not None

    def end(self, tx: Transaction, ending: Ending, gate: Gate) -> None:
        """Records that the program has ended, so that a late opening is refused."""
        tx.connection.execute(
            self._end,
            {
                "program": ending.program,
                "gate": gate.value,
                "outcome": ending.outcome.value,
                "revision": ending.revision,
                "ended_at": ending.ended_at,
            },
        )

    def open_page(self, tx: Transaction, after: str, limit: int) -> list[Case]:
        """Open cases by name, from the one after `after` on."""
        rows = tx.connection.execute(self._open, {"after": after, "most": limit})
        return [_CASES.validate_json(document) for (document,) in rows]

    def held(
        self,
        tx: Transaction,
        people: Sequence[str],
        unit: str,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[tuple[Case, datetime]]:
        """Waiting cases that any of `people` holds, the earliest overdue date first."""
        found: dict[tuple[datetime, str], str] = {}
        for first in range(0, len(people), _HOLDERS_AT_ONCE):
            some = people[first : first + _HOLDERS_AT_ONCE]
            for due, name, document in self.held_rows(tx, some, unit, after, limit):
                found[due, name] = document
        page = sorted(found)[:limit]
        return [(_CASES.validate_json(found[place]), place[0]) for place in page]

    def held_rows(
        self,
        tx: Transaction,
        people: Sequence[str],
        unit: str,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[tuple[datetime, str, str]]:
        """Overdue date, name and document of what `held` shows, of a hundred people at most."""
        shape = (len(people), bool(unit), after is not None)
        query = self._held.get(shape)
        if query is None:
            query = self._held[shape] = Query(self._held_by(*shape))
        due, name = after or (None, None)
        given = {"unit": unit, "most": limit, "due": due, "after": name}
        given |= {f"person_{number}": person for number, person in enumerate(people)}
        return query.rows(tx.connection, given)

    def _held_by(self, people: int, in_unit: bool, further: bool) -> sa.Select[datetime, str, str]:
        """The page of each person, from the index in its order, and of these together the first.

        So that a page costs what it shows, and not what everybody holds (`person IN (...)` sorts).
        """
        h = self._holders.c
        place = (h.overdue_at, h.case_name)
        most = sa.bindparam("most", type_=sa.Integer)
        one = sa.select(*place).distinct().order_by(*place).limit(most)
        if in_unit:
            one = one.where(h.unit == sa.bindparam("unit"))
        if further:
            known = (
                sa.bindparam("due", type_=h.overdue_at.type),
                sa.bindparam("after", type_=h.case_name.type),
            )
            one = one.where(sa.tuple_(*place) > sa.tuple_(*known))
        each = [
            sa.select(one.where(h.person == sa.bindparam(f"person_{number}")).subquery())
            for number in range(people)
        ]
        every = sa.union(*each).subquery()
        page = sa.select(every).order_by(every.c.overdue_at, every.c.case_name).limit(most)
        chosen = page.subquery()
        return sa.select(chosen.c.overdue_at, chosen.c.case_name, self._cases.c.document).join(
            self._cases, self._cases.c.name == chosen.c.case_name
        )

    def _after(
        self,
        tx: Transaction,
        before: Case | None,
        case: Case,
        kind: str,
        payload: Mapping[str, Any],
    ) -> None:
        rows = _holder_rows(case)
        known = [] if before is None else _holder_rows(before)
        # One that expired reads as in nobody's hands; its holders were stored while it stood.
        if before is not None and before.holders and (rows != known or not rows):
            self._drop_holders.execute(tx.connection, ({"known": case.name},))
        if rows and rows != known:
            self._add_holders.execute(tx.connection, rows)
        alarmed = case.no_eligible_holder and not (before and before.no_eligible_holder)
        if alarmed:
            tx.after_commit(lambda: _alarm(case))
        tx.record(
            kind,
            case.name,
            case.version,
            {
                "gate": case.gate.value,
                "state": case.state.value,
                "verdict": case.verdict.value if case.verdict else "",
                "revision": case.facts.number,
                "gate_digest": case.gate_digest,
                "round": case.round,
                **({"no_eligible_holder": True} if alarmed else {}),
                **payload,
            },
            program=case.program,
        )
        ring = self._doorbell(case)
        if ring is not None:
            tx.post(ring)
        if self._witness is not None:
            self._witness(tx, case)


def _alarm(case: Case) -> None:
    """Tells the operators; the case, its path and the event say it too."""
    _log.warning(
        "case.no_eligible_holder",
        case=case.name,
        program=case.program,
        gate=case.gate.value,
        holders=[one.person for one in case.holders],
    )


def _columns(case: Case) -> dict[str, Any]:
    return {
        "state": case.state.value,
        "revision": case.facts.number,
        "version": case.version,
        "document": _CASES.dump_json(case).decode(),
    }


def _holder_rows(case: Case) -> list[dict[str, Any]]:
    if not case.in_hands:
        return []
    pairs = dict.fromkeys((h.person, h.unit) for h in case.holders)
    return [
        {
            "case_name": case.name,
            "person": person,
            "unit": unit,
            "overdue_at": case.timetable.overdue_at,
        }
        for person, unit in pairs
    ]
