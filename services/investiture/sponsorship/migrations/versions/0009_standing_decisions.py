"""Standing decisions: who signed, what was revoked, and which programs have a place."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Creates their tables."""
    op.create_table(
        "standing_signature",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("side", sa.Text, primary_key=True),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("signed_at", Instant, nullable=False),
    )
    op.create_index("standing_signature_by_decision", "standing_signature", ["decision"])
    op.create_table(
        "standing_revocation",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_table(
        "standing_place",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("ended_at", Instant),
    )
    op.create_index("standing_place_by_decision", "standing_place", ["decision", "ended_at"])
