"""What the directory says of who is there to decide."""

from investiture.casework.migration_steps import standing_1

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Creates its tables."""
    standing_1()
