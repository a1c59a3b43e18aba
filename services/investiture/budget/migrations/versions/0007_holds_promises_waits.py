"""Until when money is held, who was promised money unasked, and until when a transfer waits."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Document, Instant

revision = "0007"
down_revision = "0006"

_RESERVATION = sa.table(
    "reservation",
    sa.column("case_name", sa.Text),
    sa.column("state", sa.Text),
    sa.column("expires_at", Instant),
)
_CASE = sa.table("gate_case", sa.column("name", sa.Text), sa.column("document", sa.Text))


def upgrade() -> None:
    _timeouts()
    _promises()
    op.add_column("transfer", sa.Column("timetable", Document))


def _timeouts() -> None:
    """What was held before is held as long as its funding's decision stands."""
    op.add_column("reservation", sa.Column("expires_at", Instant))
    connection = op.get_bind()
    held = connection.execute(
        sa.select(_CASE.c.name, _CASE.c.document)
        .join(_RESERVATION, _RESERVATION.c.case_name == _CASE.c.name)
        .where(_RESERVATION.c.state == "HELD")
    ).all()
    for name, document in held:
        until = json.loads(document).get("standing_until")
        if until:
            connection.execute(
                sa.update(_RESERVATION)
                .where(_RESERVATION.c.case_name == name)
                .values(expires_at=datetime.fromisoformat(until))
            )
    op.create_index(
        "reservation_by_expiry",
        "reservation",
        ["expires_at", "program"],
        sqlite_where=sa.text("state = 'HELD'"),
        postgresql_where=sa.text("state = 'HELD'"),
    )


def _promises() -> None:
    op.create_table(
        "promised",
        sa.Column("program", sa.Text, primary_key=True),
        sa.Column("vendor_key", sa.Text, primary_key=True),
        sa.Column("vendor", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("cost_centre", sa.Text, nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
    )
    op.create_index("promised_by_cost_centre", "promised", ["cost_centre", "asked_at"])
