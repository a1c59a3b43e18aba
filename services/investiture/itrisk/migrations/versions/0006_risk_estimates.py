"""What people said of the scenarios of a risk profile."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document, Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Creates its table."""
    op.create_table(
        "risk_estimate",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("scenario", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("times", sa.Integer, primary_key=True),
        sa.Column("estimate", Document, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("said_at", Instant, nullable=False),
    )
