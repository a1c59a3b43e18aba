"""How an objection ended, and who may end it."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the ends of objections to the positions."""
    for name in ("arbiter", "resolved_by", "resolved_for", "resolution_reason"):
        op.add_column(
            "position", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        )
    op.add_column("position", sa.Column("resolution", sa.Text))
    op.add_column("position", sa.Column("resolved_at", Instant))
