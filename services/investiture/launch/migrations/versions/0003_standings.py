"""What the directory says of who is there to decide."""

from investiture.casework.standing_steps import standing_1

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates its tables."""
    standing_1()
