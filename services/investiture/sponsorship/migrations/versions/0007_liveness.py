"""The sponsors' word since their pledge, who was lost and who follows, when to look next."""

import sqlalchemy as sa
from alembic import op

from investiture.chassis.tables import Instant

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds them; pledges that stand already are asked from the next look on."""
    for name in ("attestation", "lost", "former", "successor"):
        op.add_column(
            "pledge_seat", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
        )
    op.add_column("pledge_seat", sa.Column("attested_at", Instant))
    op.add_column(
        "pledge_seat",
        sa.Column("attested_revision", sa.Integer, nullable=False, server_default=sa.text("0")),
    )
    op.create_index("pledge_seat_by_principal", "pledge_seat", ["on_behalf_of"])
    op.add_column("pledge", sa.Column("liveness_at", Instant))
    op.create_index("pledge_by_liveness", "pledge", ["liveness_at"])
    pledged_at = sa.text(
        "UPDATE pledge SET liveness_at = (SELECT min(pledged_at) FROM pledge_seat "
        "WHERE pledge_seat.case_name = pledge.case_name) WHERE case_name IN "
        "(SELECT name FROM gate_case WHERE state = 'STANDING')"
    )
    op.execute(pledged_at)
