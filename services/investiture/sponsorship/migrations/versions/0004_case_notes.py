"""Notes on cases: comments, evidence, questions and answers."""

from investiture.casework.migration_steps import notes_1

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Creates the table."""
    notes_1()
