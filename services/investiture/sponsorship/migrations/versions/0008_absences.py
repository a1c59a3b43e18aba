"""Absences, and what is published of people for the other services."""

import json
from collections import defaultdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from investiture.casework.migration_steps import standing_1
from investiture.chassis.tables import Instant

revision = "0008"
down_revision = "0007"

_PEOPLE = sa.text("SELECT name, active, guest_of FROM person ORDER BY name")
_DELEGATION = sa.table(
    "delegation",
    sa.column("delegator", sa.Text),
    sa.column("delegate", sa.Text),
    sa.column("purpose", sa.Text),
    sa.column("starts_at", Instant),
    sa.column("ends_at", Instant),
    sa.column("revoked_at", Instant),
)
_STANDING = sa.table(
    "person_standing",
    sa.column("person", sa.Text),
    sa.column("position", sa.BigInteger),
    sa.column("turns_at", Instant),
    sa.column("document", sa.Text),
)
_LOAN = sa.table("person_loan", sa.column("delegate", sa.Text), sa.column("delegator", sa.Text))


def upgrade() -> None:
    """Creates their tables and publishes everybody who is known."""
    standing_1()
    op.create_table(
        "absence",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("starts_at", Instant, nullable=False),
        sa.Column("ends_at", Instant),
        sa.Column("deputy", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("cleared_at", Instant),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("absence_by_person", "absence", ["person", "starts_at"])
    _publish(op.get_bind())


def _publish(connection: sa.Connection) -> None:
    """Everybody as they are; past loans too, which turn into nothing when they are looked at."""
    loans: dict[str, list[Any]] = defaultdict(list)
    lent = sa.select(_DELEGATION).where(_DELEGATION.c.revoked_at.is_(None))
    for one in connection.execute(lent).all():
        loans[one.delegator].append(one)
    rows = [
        {
            "person": name,
            "position": position,
            "turns_at": min((at for one in loans[name] for at in _dates(one)), default=None),
            "document": json.dumps(
                {
                    "person": name,
                    "able": bool(active) and not guest_of,
                    "guest": bool(active) and bool(guest_of),
                    "absences": [],
                    "loans": [
                        {
                            "delegate": one.delegate,
                            "purpose": one.purpose,
                            "starts_at": one.starts_at.isoformat(),
                            "ends_at": one.ends_at.isoformat(),
                        }
                        for one in loans[name]
                    ],
                }
            ),
        }
        for position, (name, active, guest_of) in enumerate(connection.execute(_PEOPLE).all(), 1)
    ]
    if rows:
        op.bulk_insert(_STANDING, rows)
    pairs = {(one.delegate, one.delegator) for lends in loans.values() for one in lends}
    if pairs:
        op.bulk_insert(_LOAN, [{"delegate": to, "delegator": by} for to, by in sorted(pairs)])


def _dates(loan: Any) -> tuple[datetime, datetime]:
    return loan.starts_at, loan.ends_at
