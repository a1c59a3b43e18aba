"""The first tables."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document, Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table."""
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("event_by_program", "event", ["program", "resource", "version"], unique=False)
    op.create_table(
        "gate_case",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("program", "gate", "round"),
    )
    op.create_table(
        "idempotency",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("answer_type", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("principal", "method", "request_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("datacontenttype", sa.Text(), nullable=False),
        sa.Column("dataschema", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("workflow_type", sa.Text(), nullable=False),
        sa.Column("task_queue", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("start_schema", sa.Text(), nullable=False),
        sa.Column("start_data", sa.LargeBinary(), nullable=False),
        sa.Column("start_options", sa.Text(), nullable=False),
        sa.Column("posted_at", Instant, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant, nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("done_at", Instant, nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("outbox_by_next_attempt", "outbox", ["next_attempt_at"], unique=False)
    op.create_table(
        "program_end",
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("ended_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("program", "gate"),
    )
    op.create_table(
        "review",
        sa.Column("case_name", sa.Text(), nullable=False),
        sa.Column("program", sa.Text(), nullable=False),
        sa.Column("depth", sa.Text(), nullable=False),
        sa.Column("money_people", Document, nullable=False),
        sa.Column("changes_requested", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_name"),
    )
    op.create_index("review_by_program", "review", ["program"], unique=False)
    op.create_table(
        "gate_case_holder",
        sa.Column("case_name", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("overdue_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_name"],
            ["gate_case.name"],
        ),
        sa.PrimaryKeyConstraint("case_name", "person", "unit"),
    )
    op.create_index(
        "gate_case_holder_by_person",
        "gate_case_holder",
        ["person", "overdue_at", "case_name"],
        unique=False,
    )
