"""Charters in SQL: one row an adoption, never changed."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from investiture.casework.charters import CharterRecord
from investiture.chassis.tables import Instant


def charter_table(metadata: sa.MetaData) -> sa.Table:
    """Adds the table of charters to a service's metadata."""
    return sa.Table(
        "charter_record",
        metadata,
        sa.Column("change", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("since", Instant, nullable=False),
    )


_TABLE = charter_table(sa.MetaData())
_ALL = sa.select(_TABLE.c.digest, _TABLE.c.document, _TABLE.c.since, _TABLE.c.change).order_by(
    _TABLE.c.since, _TABLE.c.change
)


_ADD = {
    "sqlite": sqlite.insert(_TABLE).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_TABLE).on_conflict_do_nothing(),
}


_NEWEST = _ALL.order_by(None).order_by(_TABLE.c.since.desc(), _TABLE.c.change.desc()).limit(1)
_OF = sa.select(_TABLE.c.document).where(_TABLE.c.digest == sa.bindparam("wanted")).limit(1)


class CharterStore:
    """Reads and adds charters."""

    def document(self, connection: sa.Connection, digest: str) -> str | None:
        """The text of the charter of a digest; None where it is not on record."""
        found: str | None = connection.execute(_OF, {"wanted": digest}).scalar_one_or_none()
        return found

    def newest(self, connection: sa.Connection) -> CharterRecord:
        """The charter that will be in force when every date has come."""
        return CharterRecord(*connection.execute(_NEWEST).one())

    def records(self, connection: sa.Connection) -> tuple[CharterRecord, ...]:
        """Every charter on record, the oldest first."""
        return tuple(CharterRecord(*row) for row in connection.execute(_ALL))

    def add(self, connection: sa.Connection, record: CharterRecord) -> None:
        """Puts a charter on record; once is enough."""
        row = {
            "change": record.change,
            "digest": record.digest,
            "document": record.document,
            "since": record.since,
        }
        connection.execute(_ADD[connection.dialect.name], row)
