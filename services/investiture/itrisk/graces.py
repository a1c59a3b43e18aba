"""Grace: a knighting that a new appetite does not hold stands for 30 days more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction
from investiture.itrisk.store import METADATA

GRACE = timedelta(days=30)

TABLE = sa.Table(
    "risk_grace",
    METADATA,
    sa.Column("case_name", sa.Text, primary_key=True),
    sa.Column("appetite_version", sa.Integer, nullable=False),
    sa.Column("began_at", Instant, nullable=False),
    sa.Column("ends_at", Instant, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)
_T = TABLE.c


@dataclass(frozen=True, slots=True)
class Grace:
    """Until when a case stands although an appetite does not hold it, and why that is."""

    case_name: str
    appetite_version: int
    began_at: datetime
    ends_at: datetime
    why: str


class GraceStore:
    """Loads and saves graces inside a transaction; a case has one at most."""

    def of(self, tx: Transaction, case_name: str) -> Grace | None:
        """The grace of a case that has one."""
        query = sa.select(TABLE).where(_T.case_name == case_name)
        row = tx.connection.execute(query).mappings().first()
        return None if row is None else Grace(**row)

    def begin(self, tx: Transaction, case_name: str, appetite_version: int, why: str) -> Grace:
        """Begins a grace. One that runs goes on: a further appetite gives no further days."""
        running = self.of(tx, case_name)
        if running is not None:
            return running
        grace = Grace(case_name, appetite_version, tx.now, tx.now + GRACE, why)
        row = {column.name: getattr(grace, column.name) for column in _T}
        tx.connection.execute(TABLE.insert(), row)
        return grace

    def end(self, tx: Transaction, case_name: str) -> None:
        """The case is inside again, or accepted; harmless where no grace runs."""
        tx.connection.execute(TABLE.delete().where(_T.case_name == case_name))
