"""What an appeal has to know of a review: who sponsors the program, and who spoke for IT."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Creates its columns."""
    for name in ("sponsors", "spoke"):
        column = sa.Column(name, Document, nullable=False, server_default=sa.text("'[]'"))
        op.add_column("review", column)
