"""The tables every service has, and the column types they share.

``chassis_tables(metadata)`` adds them to a service's metadata, so that one migration history and
one ``--check`` cover them. The chassis itself works on ``CHASSIS``, the same tables in a metadata
of its own: its statements need no service.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine


class Instant(sa.TypeDecorator[datetime]):
    """An instant: timezone-aware in Python, always UTC, to the microsecond.

    PostgreSQL has a type for it. SQLite has none, so it is text of a fixed width, which sorts and
    compares as the instants do. A naive datetime is refused with ``ValueError``.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        """Return timestamptz for PostgreSQL and text for SQLite."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Return the value as the database stores it."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a time zone: {value!r}")
        if dialect.name == "postgresql":
            return value.astimezone(UTC)
        return _text(value)

    def process_result_value(
        self, value: datetime | str | None, dialect: Dialect
    ) -> datetime | None:
        """Return the stored value as an aware UTC datetime."""
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


@lru_cache(maxsize=64)
def _text(instant: datetime) -> str:
    # A transaction writes its one instant into every row.
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A generated key: SQLite only generates a column that is exactly INTEGER."""

Document = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document. Not for anything a query filters by, a digest covers or money is in."""


@dataclass(frozen=True, slots=True)
class ChassisTables:
    """The chassis's tables within one metadata."""

    idempotency: sa.Table
    """One row per stored answer, by (principal, method, request_id)."""
    event: sa.Table
    """The audit trail: what happened, in a canonical document with its leaf hash."""
    outbox: sa.Table
    """Messages to Temporal that are not delivered yet, as CloudEvents."""


def chassis_tables(metadata: sa.MetaData) -> ChassisTables:
    """Add the idempotency, event and outbox tables to ``metadata`` and return them."""
    return ChassisTables(
        idempotency=_idempotency(metadata), event=_event(metadata), outbox=_outbox(metadata)
    )


def _idempotency(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "idempotency",
        metadata,
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("method", sa.Text, primary_key=True),
        sa.Column("request_id", sa.String(36), primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        # The key is claimed before the unit runs and answered after it, in one transaction:
        # a committed row always has its answer.
        sa.Column("answer_type", sa.Text),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("at", Instant, nullable=False),
        sqlite_with_rowid=False,  # one B-tree to write instead of two
    )


def _event(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "event",
        metadata,
        # Ids do not commit in order on PostgreSQL: nothing may resume by "id > last".
        sa.Column("id", Serial, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        # One index for a program's history and for a watch of one of its resources.
        sa.Index("event_by_program", "program", "resource", "version"),
    )


def _outbox(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "outbox",
        metadata,
        # CloudEvents attributes.
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("time", Instant, nullable=False),
        sa.Column("datacontenttype", sa.Text, nullable=False),
        sa.Column("dataschema", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("traceparent", sa.Text, nullable=False),
        # Where it goes; an empty workflow_type is a plain signal, an empty signal a plain start.
        sa.Column("workflow_id", sa.Text, nullable=False),
        sa.Column("workflow_type", sa.Text, nullable=False),
        sa.Column("task_queue", sa.Text, nullable=False),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("start_schema", sa.Text, nullable=False),
        sa.Column("start_data", sa.LargeBinary, nullable=False),
        sa.Column("start_options", sa.Text, nullable=False),
        # Delivery, by the machine's clock, not by business time.
        sa.Column("posted_at", Instant, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", Instant, nullable=False),
        sa.Column("lease_owner", sa.Text, nullable=False),
        sa.Column("done_at", Instant),
        sa.Column("note", sa.Text, nullable=False),
        sa.Index("outbox_by_next_attempt", "next_attempt_at"),
        sqlite_with_rowid=False,
    )


CHASSIS = chassis_tables(sa.MetaData())
"""The chassis tables outside any service's metadata, to build statements on."""
