"""Standing decisions that an incident has ended."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Creates their table."""
    op.create_table(
        "standing_incident",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )
