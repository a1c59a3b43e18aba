"""The register of conflicts of interest; delegations are listed by who made them."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the register and the index."""
    op.create_table(
        "interest",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("compared", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant),
        sa.Column("declared_by", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("interest_by_person", "interest", ["person", "name"])
    op.create_index("interest_by_subject", "interest", ["compared", "name"])
    op.create_index("delegation_by_delegator", "delegation", ["delegator", "name"])
