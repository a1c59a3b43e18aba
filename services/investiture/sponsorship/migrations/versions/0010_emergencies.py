"""Emergencies, and the reviews that they are owed."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

revision = "0010"
down_revision = "0009"

_UNDER_REVIEW = sa.text("state = 'UNDER_REVIEW'")


def upgrade() -> None:
    """Creates their table; a team has one review that is not closed."""
    op.create_table(
        "emergency",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("declared_at", Instant, nullable=False),
        sa.Column("next_at", Instant),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("emergency_by_program", "emergency", ["program", "declared_at"])
    op.create_index("emergency_by_time", "emergency", ["declared_at", "name"])
    op.create_index(
        "emergency_one_review",
        "emergency",
        ["team"],
        unique=True,
        sqlite_where=_UNDER_REVIEW,
        postgresql_where=_UNDER_REVIEW,
    )
    op.create_index(
        "emergency_by_step",
        "emergency",
        ["next_at", "name"],
        sqlite_where=_UNDER_REVIEW,
        postgresql_where=_UNDER_REVIEW,
    )
