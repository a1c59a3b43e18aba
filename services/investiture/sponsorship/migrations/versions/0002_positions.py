"""How an objection ended and who may end it; until when a unit is heard."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds them to the positions."""
    for name in ("arbiter", "resolved_by", "resolved_for", "resolution_reason"):
        op.add_column(
            "position", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        )
    op.add_column("position", sa.Column("resolution", sa.Text))
    op.add_column("position", sa.Column("resolved_at", Instant))
    op.add_column("position", sa.Column("heard_until", Instant))
