"""The first tables."""

import sqlalchemy as sa
from alembic import op

from investiture.casework.migration_steps import cases_1
from investiture.chassis.migration_steps import chassis_1
from investiture.chassis.tables import Document, Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table."""
    chassis_1()
    cases_1()
    _directory()
    _pledges()


def _directory() -> None:
    op.create_table(
        "person",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("grade", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("manager", sa.Text, nullable=False),
        sa.Column("guest_of", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("person_by_unit", "person", ["unit", "name"])
    directory = op.create_table(
        "directory",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
    op.bulk_insert(directory, [{"id": 1, "version": 0, "digest": ""}])
    op.create_table(
        "delegation",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("delegator", sa.Text, nullable=False),
        sa.Column("delegate", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("limit_minor", sa.BigInteger),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("delegation_by_delegate", "delegation", ["delegate", "delegator", "purpose"])


def _pledges() -> None:
    op.create_table(
        "pledge",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("unowned", Document, nullable=False),
        sa.Column("contested", Document, nullable=False),
        sa.Column("legs", Document, nullable=False),
    )
    op.create_table(
        "pledge_seat",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("named", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("pledged_at", Instant),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("gate_digest", sa.Text, nullable=False),
    )
    op.create_index("pledge_seat_by_person", "pledge_seat", ["person"])
    op.create_table(
        "position",
        sa.Column("case_name", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("relationships", Document, nullable=False),
        sa.Column("kind", sa.Text),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text, nullable=False),
        sa.Column("grounds", sa.Text, nullable=False),
        sa.Column("harm", sa.Text, nullable=False),
        sa.Column("proposal", sa.Text, nullable=False),
        sa.Column("recorded_at", Instant),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("gate_digest", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("counts_with", sa.Text, nullable=False),
        sa.Column("recused", Document, nullable=False),
    )
