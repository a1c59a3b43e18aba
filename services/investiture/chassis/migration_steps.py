"""The chassis tables as steps of the services' migrations.

A step never changes once released: what it made is in databases. A later change to the chassis
tables is a new step, which each service calls in a migration of its own::

    def upgrade() -> None:
        migration_steps.chassis_1()
"""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant, Serial


def chassis_1() -> None:
    """Create the idempotency, event and outbox tables."""
    op.create_table(
        "idempotency",
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, primary_key=True),
        sa.Column("request_id", sa.String(36), primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("answer_type", sa.Text),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("at", Instant, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("event_by_program", "event", ["program", "resource", "version"])
    _outbox()


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("datacontenttype", sa.Text, nullable=False),
        sa.Column("dataschema", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("traceparent", sa.Text, nullable=False),
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("workflow_type", sa.Text, nullable=False),
        sa.Column("task_queue", sa.Text, nullable=False),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("start_schema", sa.Text, nullable=False),
        sa.Column("start_data", sa.LargeBinary, nullable=False),
        sa.Column("start_options", sa.Text, nullable=False),
        sa.Column("posted_at", Instant, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", Instant, nullable=False),
        sa.Column("lease_owner", sa.Text, nullable=False),
        sa.Column("done_at", Instant),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("outbox_by_next_attempt", "outbox", ["next_attempt_at"])
