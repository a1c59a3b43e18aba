"""The ballots of committees: a unit's own, and the one above the top of the house."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds them to the positions, each one document."""
    for name in ("ballot", "appeal"):
        op.add_column("position", sa.Column(name, sa.Text))
