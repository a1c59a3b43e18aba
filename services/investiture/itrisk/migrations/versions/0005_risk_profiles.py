"""Risk profiles, version by version, and what reviews were decided on."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document, Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Creates its tables."""
    op.create_table(
        "risk_profile",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("content", Document, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("saved_at", Instant, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("effect", sa.Text, nullable=False),
    )
    op.create_table(
        "risk_judgement",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("profile_version", sa.Integer, nullable=False),
        sa.Column("asked", Document, nullable=False),
        sa.Column("answer", Document, nullable=False),
    )
