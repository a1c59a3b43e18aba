"""The first tables."""

import sqlalchemy as sa
from alembic import op

from investiture.casework.migration_steps import cases_1
from investiture.chassis.migration_steps import chassis_1
from investiture.chassis.tables import Document

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table."""
    chassis_1()
    cases_1()
    op.create_table(
        "review",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("depth", sa.Text, nullable=False),
        sa.Column("business_people", Document, nullable=False),
        sa.Column("money_people", Document, nullable=False),
        sa.Column("changes_requested", sa.Boolean, nullable=False),
    )
    op.create_index("review_by_program", "review", ["program"])
