"""Notes in SQL: one row a note, only ever inserted. Loading a case loads none of them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from investiture.casework.notes import Attachment, Consultation, Note, NoteKind
from investiture.casework.words import Gate
from investiture.chassis.refusal import NotFound
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction

Position = tuple[datetime, str, int]
"""Where a list of questions goes on: when the last one was asked, on which case, its number."""

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:notes, 0))")


def note_table(metadata: sa.MetaData) -> sa.Table:
    """Adds the table of notes to a service's metadata."""
    return sa.Table(
        "gate_case_note",
        metadata,
        sa.Column(
            "case_name", sa.Text, sa.ForeignKey("gate_case.name"), primary_key=True, nullable=False
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("gate", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("gate_digest", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        # Of a document.
        sa.Column("title", sa.Text),
        sa.Column("link", sa.Text),
        sa.Column("digest", sa.Text),
        # Of a question, and of an answer: the number of its question, which has one at most.
        sa.Column("asked", sa.Text),
        sa.Column("guest", sa.Boolean, nullable=False),
        sa.Column("answers", sa.Integer),
        sa.UniqueConstraint("case_name", "answers"),
        sa.Index("gate_case_note_by_asked", "asked", "at", "case_name", "number"),
    )


class NoteStore:
    """Adds and finds notes."""

    def __init__(self, notes: sa.Table) -> None:
        self._notes = notes
        answers = notes.alias("answer")
        self._answers = answers
        self._pairs = sa.select(
            *notes.columns, *(one.label(f"answer_{one.name}") for one in answers.columns)
        ).select_from(
            notes.outerjoin(
                answers,
                sa.and_(
                    answers.c.case_name == notes.c.case_name, answers.c.answers == notes.c.number
                ),
            )
        )

    def next_number(self, tx: Transaction, case_name: str) -> int:
        """The number of a case's next note; nobody else takes one of this case until the commit.

        On PostgreSQL by a lock of its own: a comment makes no decision on the case wait.
        """
        notes = self._notes.c
        if tx.connection.dialect.name == "postgresql":
            tx.connection.execute(_LOCK, {"notes": f"notes of {case_name}"})
        query = sa.select(sa.func.max(notes.number)).where(notes.case_name == case_name)
        return (tx.connection.execute(query).scalar() or 0) + 1

    def add(self, tx: Transaction, note: Note) -> None:
        """Stores a note."""
        document = note.attachment
        tx.connection.execute(
            self._notes.insert(),
            {
                "case_name": note.case_name,
                "number": note.number,
                "program": note.program,
                "gate": note.gate.value,
                "kind": note.kind.value,
                "author": note.author,
                "at": note.at,
                "revision": note.revision,
                "gate_digest": note.gate_digest,
                "text": note.text,
                "title": document.title if document else None,
                "link": document.link if document else None,
                "digest": document.digest if document else None,
                "asked": note.asked or None,
                "guest": note.guest,
                "answers": note.answers or None,
            },
        )

    def page(
        self, tx: Transaction, case_name: str, kind: NoteKind | None, after: int, limit: int
    ) -> list[Note]:
        """Notes of a case by number, of one kind or of all."""
        notes = self._notes.c
        query = self._notes.select().where(notes.case_name == case_name, notes.number > after)
        if kind is not None:
            query = query.where(notes.kind == kind.value)
        rows = tx.connection.execute(query.order_by(notes.number).limit(limit))
        return [_note(row) for row in rows.mappings()]

    def consultation(self, tx: Transaction, case_name: str, number: int) -> Consultation:
        """A question with its answer; NOT_FOUND where the note is none or is no question."""
        notes = self._notes.c
        query = self._pairs.where(
            notes.case_name == case_name,
            notes.number == number,
            notes.kind == NoteKind.QUESTION.value,
        )
        row = tx.connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"{case_name}/notes/{number}", "there is no such question")
        return _consultation(row)

    def asked(
        self,
        tx: Transaction,
        person: str,
        after: Position | None,
        limit: int,
        *,
        answered: bool,
    ) -> list[Consultation]:
        """Questions to a person, the oldest first; with `answered` those that were answered too."""
        notes = self._notes.c
        query = self._pairs.where(notes.asked == person)
        if not answered:
            query = query.where(self._answers.c.number.is_(None))
        if after is not None:
            at, case_name, number = after
            same_case = sa.and_(notes.case_name == case_name, notes.number > number)
            later = sa.or_(notes.case_name > case_name, same_case)
            query = query.where(sa.or_(notes.at > at, sa.and_(notes.at == at, later)))
        order = (notes.at, notes.case_name, notes.number)
        rows = tx.connection.execute(query.order_by(*order).limit(limit))
        return [_consultation(row) for row in rows.mappings()]

    def is_consulted(self, tx: Transaction, case_name: str, person: str) -> bool:
        """Whether a person was asked about the case, and not as a guest."""
        notes = self._notes.c
        query = sa.select(notes.number).where(
            notes.asked == person, notes.case_name == case_name, notes.guest.is_(False)
        )
        return tx.connection.execute(query.limit(1)).first() is not None


def _note(row: sa.RowMapping, prefix: str = "") -> Note:
    def of(name: str) -> Any:
        return row[prefix + name]

    document = None
    if of("link") is not None:
        document = Attachment(of("title"), of("link"), of("digest"))
    return Note(
        case_name=of("case_name"),
        program=of("program"),
        gate=Gate(of("gate")),
        number=of("number"),
        kind=NoteKind(of("kind")),
        author=of("author"),
        at=of("at"),
        revision=of("revision"),
        gate_digest=of("gate_digest"),
        text=of("text"),
        attachment=document,
        asked=of("asked") or "",
        guest=of("guest"),
        answers=of("answers") or 0,
    )


def _consultation(row: sa.RowMapping) -> Consultation:
    answered = row["answer_number"] is not None
    return Consultation(_note(row), _note(row, "answer_") if answered else None)
