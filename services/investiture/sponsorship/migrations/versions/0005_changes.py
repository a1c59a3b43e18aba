"""Changes that two people sign, and the charters that were ever in force."""

import sqlalchemy as sa
from alembic import op

from investiture.casework import migration_steps
from investiture.chassis.tables import Document, Instant, Serial

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Creates their tables."""
    migration_steps.charters_1()
    op.create_table(
        "governance_change",
        sa.Column("number", Serial, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("proposer", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposed_at", Instant, nullable=False),
        sa.Column("effective_at", Instant),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("base_digest", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("differences", Document, nullable=False),
        sa.Column("gaining", Document, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", Instant),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("took_effect_at", Instant),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("governance_change_by_state", "governance_change", ["state", "effective_at"])
