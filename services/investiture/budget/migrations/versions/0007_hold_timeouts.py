"""Until when money is held: what was held before is held as long as its funding stands."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

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
    """Adds the timeout, and gives each hold that of its funding's decision."""
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
