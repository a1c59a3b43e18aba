"""The charters that were ever in force."""

from investiture.casework import migration_steps

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates their table."""
    migration_steps.charters_1()
