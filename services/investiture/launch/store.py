"""Programs, revisions, the path, pilots and go decisions in SQL.

A program's row is locked when a transaction that may change it loads it: what happens to one
program happens one after the other, whatever gate it comes from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql, sqlite

from investiture.casework.charter_store import charter_table
from investiture.casework.store import case_tables
from investiture.casework.words import Gate
from investiture.chassis.refusal import AlreadyExists, NotFound, Stale
from investiture.chassis.tables import Instant, chassis_tables
from investiture.chassis.transaction import Transaction
from investiture.launch.domain.path import GateRecord
from investiture.launch.domain.programs import Program, ProgramState, Submission
from investiture.launch.domain.stages import GoDecision

METADATA = sa.MetaData()
chassis_tables(METADATA)
CASES = case_tables(METADATA)
charter_table(METADATA)

PROGRAM = sa.Table(
    "program",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("edition", sa.BigInteger, nullable=False),
    # When its workflow is rung for the sake of ringing; unset where it has none to ring.
    sa.Column("beat_at", Instant),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("program_by_state", "state", "name"),
    sa.Index("program_by_beat", "beat_at"),
)
REVISION = sa.Table(
    "program_revision",
    METADATA,
    sa.Column("program", sa.Text, sa.ForeignKey("program.name"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.Text, nullable=False),
)
PATH_GATE = sa.Table(
    "path_gate",
    METADATA,
    sa.Column("program", sa.Text, sa.ForeignKey("program.name"), primary_key=True),
    sa.Column("gate", sa.Text, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    # The case as its service signed it, a serialized GateCase; empty for our own cases.
    sa.Column("signed", sa.LargeBinary, nullable=False),
    sa.Column("waited_ms", sa.BigInteger, nullable=False),
    sa.Column("passed_at", Instant),
    sa.Index("path_gate_by_passed", "gate", "passed_at"),
)
PILOT = sa.Table(
    "pilot",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("observations", sa.Text, nullable=False),
)
GO_DECISION = sa.Table(
    "go_decision",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)

# Standing decisions that an incident has ended, by the text that was signed. `told` once
# sponsorship has it on record too.
STANDING_INCIDENT = sa.Table(
    "standing_incident",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
)

_PROGRAMS = TypeAdapter(Program)
_SUBMISSIONS = TypeAdapter(Submission)
_RECORDS = TypeAdapter(GateRecord)
_LINES = TypeAdapter(tuple[str, ...])
_DECISIONS = TypeAdapter(GoDecision)

_ROW = sa.select(PROGRAM.c.document, PROGRAM.c.version)
_LOAD = _ROW.where(PROGRAM.c.name == sa.bindparam("of"))
_LOCK = _LOAD.with_for_update()
_VERSION = sa.select(PROGRAM.c.version).where(PROGRAM.c.name == sa.bindparam("of"))
_CREATE: Mapping[str, Any] = {
    "sqlite": sqlite.insert(PROGRAM).on_conflict_do_nothing().returning(PROGRAM.c.name),
    "postgresql": postgresql.insert(PROGRAM).on_conflict_do_nothing().returning(PROGRAM.c.name),
}
_SAVE = (
    PROGRAM.update()
    .where(PROGRAM.c.name == sa.bindparam("of"), PROGRAM.c.edition == sa.bindparam("known"))
    .values(
        state=sa.bindparam("state"),
        version=PROGRAM.c.version + 1,
        edition=sa.bindparam("edition"),
        beat_at=sa.bindparam("beat_at"),
        document=sa.bindparam("document"),
    )
    .returning(PROGRAM.c.version)
)
_TOUCH = (
    PROGRAM.update()
    .where(PROGRAM.c.name == sa.bindparam("of"))
    .values(version=PROGRAM.c.version + 1)
    .returning(PROGRAM.c.version)
)
_DUE = PROGRAM.c.beat_at <= sa.bindparam("now")
_ANY_DUE = sa.select(PROGRAM.c.name).where(_DUE).limit(1)
_TAKE_DUE = (
    _ROW.where(_DUE)
    .order_by(PROGRAM.c.beat_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_BEAT = (
    PROGRAM.update().where(PROGRAM.c.name == sa.bindparam("of")).values(beat_at=sa.bindparam("at"))
)
_REVISION = sa.select(REVISION.c.document).where(
    REVISION.c.program == sa.bindparam("program"), REVISION.c.number == sa.bindparam("number")
)
_GATES = sa.select(PATH_GATE.c.gate, PATH_GATE.c.document, PATH_GATE.c.signed).where(
    PATH_GATE.c.program == sa.bindparam("of")
)
_GATE_COLUMNS = ("document", "signed", "waited_ms", "passed_at")
_SAVE_GATE = (
    PATH_GATE.update()
    .where(PATH_GATE.c.program == sa.bindparam("of"), PATH_GATE.c.gate == sa.bindparam("at"))
    .values({column: sa.bindparam(column) for column in _GATE_COLUMNS})
)


def _waits(gate: Gate) -> sa.Select[Any]:
    """Who passed this gate last: read by the index, however many passed it."""
    newest = (
        sa.select(PATH_GATE.c.gate, PATH_GATE.c.waited_ms)
        .where(PATH_GATE.c.gate == gate.value, PATH_GATE.c.passed_at.is_not(None))
        .order_by(PATH_GATE.c.passed_at.desc())
        .limit(sa.bindparam("most", type_=sa.Integer))
        .subquery()
    )
    return sa.select(newest)


_WAITS = {gate: _waits(gate) for gate in Gate}
_ALL_WAITS = sa.union_all(*_WAITS.values())


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A gate of a path, and the case as its service signed it; empty for a case of our own."""

    record: GateRecord
    signed: bytes


class ProgramStore:
    """Loads and saves programs and their revisions inside a transaction.

    Args:
        heartbeat: how long after its last change a program's workflow is rung anyway.
        announce: told the name of each program that changed, once that is durable.
    """

    def __init__(self, heartbeat: timedelta, announce: Callable[[str], None]) -> None:
        self._heartbeat = heartbeat
        self._announce = announce

    def load(self, tx: Transaction, name: str) -> Program:
        """The program called `name`, locked where the transaction may write; else NOT_FOUND."""
        row = tx.connection.execute(_LOCK if tx.writable else _LOAD, {"of": name}).one_or_none()
        if row is None:
            raise NotFound(name)
        return _program(row.document, row.version)

    def create(self, tx: Transaction, program: Program) -> Program:
        """Stores a new program; RESOURCE_EXISTS where its name is taken."""
        row = {"name": program.name, "version": 1, **self._columns(program, tx.now)}
        created = tx.connection.execute(_CREATE[tx.connection.dialect.name], row)
        if created.one_or_none() is None:
            raise AlreadyExists(
                f"{program.name} exists already; choose another id, or leave it out to get one",
                reason="RESOURCE_EXISTS",
                resource=program.name,
            )
        tx.after_commit(partial(self._announce, program.name))
        return program

    def save(self, tx: Transaction, before: Program, after: Program) -> Program:
        """Stores the next edition of a program, by compare-and-set."""
        program = replace(after, edition=before.edition + 1)
        row = {
            "of": before.name,
            "known": before.edition,
            **self._columns(program, tx.now),
        }
        version = tx.connection.execute(_SAVE, row).scalar_one_or_none()
        if version is None:
            raise Stale(before.name, "")
        tx.after_commit(partial(self._announce, program.name))
        return replace(program, version=version)

    def touch(self, tx: Transaction, name: str) -> int:
        """Counts a change of the program's path; answers the program's version after it."""
        tx.after_commit(partial(self._announce, name))
        version: int = tx.connection.execute(_TOUCH, {"of": name}).scalar_one()
        return version

    def version(self, tx: Transaction, name: str) -> int:
        """The program's present version; NOT_FOUND where there is none of that name."""
        found: int | None = tx.connection.execute(_VERSION, {"of": name}).scalar_one_or_none()
        if found is None:
            raise NotFound(name)
        return found

    def page(
        self, tx: Transaction, state: ProgramState | None, after: str, limit: int
    ) -> list[Program]:
        """Programs by name, after the one called `after`."""
        query = _ROW.where(PROGRAM.c.name > after).order_by(PROGRAM.c.name).limit(limit)
        if state is not None:
            query = query.where(PROGRAM.c.state == state.value)
        rows = tx.connection.execute(query)
        return [_program(row.document, row.version) for row in rows]

    def add_revision(self, tx: Transaction, submission: Submission) -> None:
        """Stores an immutable revision."""
        tx.connection.execute(
            REVISION.insert(),
            {
                "program": submission.facts.program,
                "number": submission.facts.number,
                "document": _text(_SUBMISSIONS, submission),
            },
        )

    def revision(self, tx: Transaction, program: str, number: int) -> Submission:
        """A revision of a program; NOT_FOUND where there is none of that number."""
        key = {"program": program, "number": number}
        found = tx.connection.execute(_REVISION, key).scalar_one_or_none()
        if found is None:
            raise NotFound(f"{program}/revisions/{number}")
        return _SUBMISSIONS.validate_json(found)

    def any_due(self, tx: Transaction) -> bool:
        """Whether a program's workflow is to be rung for the sake of ringing."""
        return tx.connection.execute(_ANY_DUE, {"now": tx.now}).first() is not None

    def take_due(self, tx: Transaction, limit: int) -> list[Program]:
        """Programs whose beat is due, the longest due first; their next beat is set.

        On PostgreSQL those that another replica, or a decision, holds are left for the next beat.
        """
        rows = tx.connection.execute(_TAKE_DUE, {"now": tx.now, "most": limit})
        programs = [_program(row.document, row.version) for row in rows]
        if programs:
            at = tx.now + self._heartbeat
            tx.connection.execute(_BEAT, [{"of": program.name, "at": at} for program in programs])
        return programs

    def _columns(self, program: Program, now: datetime) -> dict[str, Any]:
        return {
            "state": program.state.value,
            "edition": program.edition,
            "beat_at": now + self._heartbeat if program.beats else None,
            "document": _text(_PROGRAMS, program),
        }


class PathStore:
    """Loads and saves how the gates of a program stand, inside a transaction."""

    def load(self, tx: Transaction, program: str) -> dict[Gate, SignedRecord]:
        """The gates that have a record."""
        return {
            Gate(row.gate): SignedRecord(_RECORDS.validate_json(row.document), row.signed)
            for row in tx.connection.execute(_GATES, {"of": program})
        }

    def save(
        self, tx: Transaction, program: str, gate: Gate, signed: SignedRecord, *, new: bool
    ) -> None:
        """Stores a gate's record; `new` says whether the gate had none."""
        record = signed.record
        row = {
            "document": _text(_RECORDS, record),
            "signed": signed.signed,
            "waited_ms": record.waited_ms(tx.now),
            "passed_at": record.passed_at,
        }
        if new:
            tx.connection.execute(
                PATH_GATE.insert(), {"program": program, "gate": gate.value, **row}
            )
        else:
            tx.connection.execute(_SAVE_GATE, {"of": program, "at": gate.value, **row})

    def waits_ms(
        self, tx: Transaction, most: int, gate: Gate | None = None
    ) -> dict[Gate, list[int]]:
        """How long each gate, or one, was waited in by the programs that passed it last."""
        found: dict[Gate, list[int]] = {}
        query = _ALL_WAITS if gate is None else _WAITS[gate]
        for row in tx.connection.execute(query, {"most": most}):
            found.setdefault(Gate(row.gate), []).append(row.waited_ms)
        return found


class StageStore:
    """What a pilot and a go decision keep beside their cases."""

    def add_pilot(self, tx: Transaction, case_name: str) -> None:
        """Stores a new pilot without observations."""
        tx.connection.execute(PILOT.insert(), {"case_name": case_name, "observations": "[]"})

    def observe(self, tx: Transaction, case_name: str, observations: Sequence[str]) -> None:
        """Stores what was observed."""
        tx.connection.execute(
            PILOT.update().where(PILOT.c.case_name == case_name),
            {"observations": _text(_LINES, tuple(observations))},
        )

    def observations(self, tx: Transaction, case_name: str) -> tuple[str, ...]:
        """What was observed in a pilot, one line a criterion."""
        query = sa.select(PILOT.c.observations).where(PILOT.c.case_name == case_name)
        return _LINES.validate_json(tx.connection.execute(query).scalar_one())

    def add_decision(self, tx: Transaction, case_name: str) -> None:
        """Stores a go decision that waits for its answer."""
        row = {"case_name": case_name, "document": _text(_DECISIONS, GoDecision())}
        tx.connection.execute(GO_DECISION.insert(), row)

    def decide(self, tx: Transaction, case_name: str, decision: GoDecision) -> None:
        """Stores an answer."""
        tx.connection.execute(
            GO_DECISION.update().where(GO_DECISION.c.case_name == case_name),
            {"document": _text(_DECISIONS, decision)},
        )

    def decision(self, tx: Transaction, case_name: str) -> GoDecision:
        """The newest answer."""
        query = sa.select(GO_DECISION.c.document).where(GO_DECISION.c.case_name == case_name)
        return _DECISIONS.validate_json(tx.connection.execute(query).scalar_one())


def _program(document: str, version: int) -> Program:
    return replace(_PROGRAMS.validate_json(document), version=version)


def _text(adapter: TypeAdapter[Any], value: object) -> str:
    return adapter.dump_json(value).decode()
