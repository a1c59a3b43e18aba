"""Acceptances, duties, graces, forecasts; what a profile rests on, and a judgement's appetite."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document, Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Creates its tables and columns."""
    op.add_column(
        "risk_profile",
        sa.Column("evidence", Document, nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column(
        "risk_judgement",
        sa.Column("appetite", sa.Text, nullable=False, server_default=sa.text("''")),
    )
    op.create_table(
        "risk_acceptance",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("profile_version", sa.Integer, nullable=False),
        sa.Column("appetite_version", sa.Integer, nullable=False),
        sa.Column("at_stake_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("until", Instant, nullable=False),
        sa.Column("answer", Document, nullable=False),
        sa.Column("voices", Document, nullable=False),
        sa.Column("accepted_at", Instant),
        sa.Column("review_at", Instant, nullable=False),
        sa.Column("reviewed", sa.Boolean, nullable=False),
    )
    op.create_index("risk_acceptance_by_review", "risk_acceptance", ["reviewed", "review_at"])
    op.create_table(
        "risk_duty",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", Instant),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
    )
    op.create_table(
        "risk_grace",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("appetite_version", sa.Integer, nullable=False),
        sa.Column("began_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table(
        "risk_forecast",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("loss_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("stated", sa.Float, nullable=False),
        sa.Column("stated_at", Instant, nullable=False),
        sa.Column("happened", sa.Boolean),
        sa.Column("settled_at", Instant),
    )
    op.create_index("risk_forecast_by_program", "risk_forecast", ["program"])
    op.create_index("risk_forecast_by_person", "risk_forecast", ["person"])
