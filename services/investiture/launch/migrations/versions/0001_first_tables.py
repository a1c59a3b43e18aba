"""The first tables."""

import sqlalchemy as sa
from alembic import op

from investiture.casework.migration_steps import cases_1
from investiture.chassis.migration_steps import chassis_1
from investiture.chassis.tables import Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table."""
    chassis_1()
    cases_1()
    _programs()
    _stages()


def _programs() -> None:
    op.create_table(
        "program",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("edition", sa.BigInteger, nullable=False),
        sa.Column("beat_at", Instant),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("program_by_state", "program", ["state", "name"])
    op.create_index("program_by_beat", "program", ["beat_at"])
    op.create_table(
        "program_revision",
        sa.Column("program", sa.Text, sa.ForeignKey("program.name"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "path_gate",
        sa.Column("program", sa.Text, sa.ForeignKey("program.name"), primary_key=True),
        sa.Column("gate", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("signed", sa.LargeBinary, nullable=False),
        sa.Column("waited_ms", sa.BigInteger, nullable=False),
        sa.Column("passed_at", Instant),
    )
    op.create_index("path_gate_by_passed", "path_gate", ["gate", "passed_at"])


def _stages() -> None:
    op.create_table(
        "pilot",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("observations", sa.Text, nullable=False),
    )
    op.create_table(
        "go_decision",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
    )
