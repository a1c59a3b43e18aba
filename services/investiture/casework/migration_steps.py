"""The tables of cases as steps of the services' migrations, by the rules of the chassis's steps."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant


def cases_1() -> None:
    """Create the tables of cases, their holders and the programs that have ended."""
    op.create_table(
        "gate_case",
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
    op.create_table(
        "gate_case_holder",
        sa.Column("case_name", sa.Text, sa.ForeignKey("gate_case.name"), primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("overdue_at", Instant, nullable=False),
    )
    op.create_index(
        "gate_case_holder_by_person", "gate_case_holder", ["person", "overdue_at", "case_name"]
    )
    op.create_table(
        "program_end",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("gate", sa.Text, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("ended_at", Instant, nullable=False),
    )


def charters_1() -> None:
    """Create the table of charters, each kept for ever."""
    op.create_table(
        "charter_record",
        sa.Column("change", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("since", Instant, nullable=False),
    )


def notes_1() -> None:
    """Create the table of notes on cases."""
    op.create_table(
        "gate_case_note",
        sa.Column("case_name", sa.Text, sa.ForeignKey("gate_case.name"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("gate", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("gate_digest", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("link", sa.Text),
        sa.Column("digest", sa.Text),
        sa.Column("asked", sa.Text),
        sa.Column("guest", sa.Boolean, nullable=False),
        sa.Column("answers", sa.Integer),
        sa.UniqueConstraint("case_name", "answers"),
    )
    op.create_index(
        "gate_case_note_by_asked", "gate_case_note", ["asked", "at", "case_name", "number"]
    )


def standing_1() -> None:
    """Create the tables of standings, of who lends to whom, and of who has to be attended to."""
    op.create_table(
        "person_standing",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("turns_at", Instant),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("person_standing_by_position", "person_standing", ["position"])
    op.create_index("person_standing_by_turn", "person_standing", ["turns_at"])
    op.create_table(
        "person_loan",
        sa.Column("delegate", sa.Text, primary_key=True),
        sa.Column("delegator", sa.Text, primary_key=True),
    )
    op.create_table(
        "person_to_attend",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("times", sa.BigInteger, nullable=False),
    )
