"""The tables of who is there as a step of the services' migrations, by the chassis's rules."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant


def standing_1() -> None:
    """Create the tables of standings, of who lends to whom, and of who has to be attended to."""
    op.create_table(
        "person_standing",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("turns_at", Instant),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("person_standing_by_position", "person_standing", ["position"])
    op.create_index("person_standing_by_turn", "person_standing", ["turns_at"])
    op.create_table(
        "person_loan",
        sa.Column("delegate", sa.Text, primary_key=True),
        sa.Column("delegator", sa.Text, primary_key=True),
    )
    op.create_table(
        "person_to_attend",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("times", sa.BigInteger, nullable=False),
    )
