"""The outbox: messages to Temporal, written in the transaction that is their cause.

A row is a CloudEvent with the address it goes to. It is inserted already leased by this process,
which delivers it right after the commit (``relay.py``); a row whose lease has ended belongs to
whoever claims it. ``next_attempt_at`` is the end of the lease while ``lease_owner`` is set, and
the end of the back-off while it is empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from google.protobuf.message import Message

from investiture.chassis.audit import canonical_json
from investiture.chassis.prepared import Prepared
from investiture.chassis.tables import CHASSIS

CONTENT_TYPE = "application/protobuf"

_OUTBOX = CHASSIS.outbox
_C = _OUTBOX.c
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_WAITING = _C.done_at.is_(None)


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message to a workflow, as the operation that causes it posts it.

    A workflow type with a signal is signal-with-start: a running workflow gets the signal, none
    running starts one first. A signal without a type only rings a running workflow, or the one that
    the relay forwards it to. A type without a signal starts one unless it runs already.
    ``argument`` goes with the signal, ``start_argument`` is the input of a started workflow.
    """

    workflow_id: str
    kind: str
    """The CloudEvents type, what happened: ``pledge.submitted``."""
    subject: str
    """The CloudEvents subject, the resource it happened to."""
    workflow_type: str = ""
    task_queue: str = ""
    signal: str = ""
    argument: Message | None = None
    start_argument: Message | None = None
    summary: str = ""
    """One line on the started workflow for operators; ids only, history is readable."""
    search_attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Keyword search attributes of the started workflow, registered on the namespace."""

    def __post_init__(self) -> None:
        """Refuse an address that says neither whom to signal nor what to start."""
        if not self.workflow_type and not self.signal:
            raise ValueError("a message signals a workflow, starts one, or both")
        if bool(self.workflow_type) != bool(self.task_queue):
            raise ValueError("a workflow type and a task queue come together")
        if self.argument is not None and not self.signal:
            raise ValueError("an argument goes with a signal; a start has its start_argument")
        starts = self.start_argument is not None or self.summary or self.search_attributes
        if starts and not self.workflow_type:
            raise ValueError("only a message that may start a workflow has what starting takes")


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One row of the outbox, as delivery needs it."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    data: bytes
    traceparent: str
    workflow_id: str
    workflow_type: str
    task_queue: str
    signal: str
    start_schema: str
    start_data: bytes
    start_options: str
    posted_at: datetime
    attempts: int
    next_attempt_at: datetime


_ROW = tuple(f.name for f in fields(OutboxRow))


@dataclass(frozen=True, slots=True)
class Lease:
    """Who delivers the rows a transaction inserts, and until when nobody else does."""

    owner: str
    now: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that did not deliver: when the next may be made."""

    id: str
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class Terminal:
    """A row that is done without having been delivered, and why."""

    id: str
    note: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the outbox: how many, and how long the oldest has (zero when none)."""

    count: int
    oldest: timedelta


def row_of(
    message: OutboxMessage, *, source: str, time: datetime, traceparent: str, lease: Lease
) -> OutboxRow:
    """Return the row of a message posted at a business time under a lease."""
    argument, start = message.argument, message.start_argument
    return OutboxRow(
        id=str(uuid4()),
        source=source,
        type=message.kind,
        subject=message.subject,
        time=time,
        dataschema=_schema(argument),
        data=_data(argument),
        traceparent=traceparent,
        workflow_id=message.workflow_id,
        workflow_type=message.workflow_type,
        task_queue=message.task_queue,
        signal=message.signal,
        start_schema=_schema(start),
        start_data=_data(start),
        start_options=_start_options(message),
        posted_at=lease.now,
        attempts=0,
        next_attempt_at=lease.until,
    )


def insert(connection: sa.Connection, rows: Sequence[OutboxRow], owner: str) -> None:
    """Insert rows leased by ``owner`` until their ``next_attempt_at``; empty: free from then on."""
    _INSERT.execute(connection, [_parameters(row, owner) for row in rows])


def any_due(connection: sa.Connection, now: datetime) -> bool:
    """Return whether a row waits to be claimed."""
    return connection.execute(_ANY_DUE, {"now": now}).first() is not None


def claim(connection: sa.Connection, lease: Lease, limit: int) -> list[OutboxRow]:
    """Lease up to ``limit`` due rows, the longest due first, and return them.

    On PostgreSQL rows that another replica is claiming are passed over, not waited for.
    """
    rows = connection.execute(
        _CLAIM, {"now": lease.now, "owner": lease.owner, "until": lease.until, "most": limit}
    )
    return [OutboxRow(*row) for row in rows]


def finish(
    connection: sa.Connection,
    *,
    owner: str,
    now: datetime,
    delivered: Sequence[str] = (),
    failed: Sequence[Failure] = (),
    terminal: Sequence[Terminal] = (),
) -> None:
    """Record what became of rows: delivered ones go, failed ones wait, terminal ones say why."""
    if delivered:
        connection.execute(_DELETE, [{"row": row} for row in delivered])
    if failed:
        connection.execute(
            _FAIL, [{"row": f.id, "owner": owner, "until": f.next_attempt_at} for f in failed]
        )
    if terminal:
        connection.execute(_END, [{"row": t.id, "now": now, "text": t.note} for t in terminal])


def release(connection: sa.Connection, owner: str, now: datetime) -> None:
    """Give up every lease of ``owner``: the rows are due now, for whoever comes first."""
    connection.execute(_RELEASE, {"owner": owner, "now": now})


def forget(connection: sa.Connection, before: datetime) -> int:
    """Delete rows that were ended undelivered before an instant; return how many."""
    return connection.execute(_FORGET, {"before": before}).rowcount


def backlog(connection: sa.Connection, now: datetime) -> Backlog:
    """Return what waits to be delivered."""
    count, oldest = connection.execute(_BACKLOG).one()
    return Backlog(count, timedelta() if oldest is None else max(now - oldest, timedelta()))


def _schema(message: Message | None) -> str:
    return "" if message is None else message.DESCRIPTOR.full_name


def _data(message: Message | None) -> bytes:
    return b"" if message is None else message.SerializeToString(deterministic=True)


def _start_options(message: OutboxMessage) -> str:
    if not message.summary and not message.search_attributes:
        return ""
    return canonical_json(
        {"summary": message.summary, "search_attributes": message.search_attributes}
    )


def _parameters(row: OutboxRow, owner: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _ROW}
    values["datacontenttype"] = CONTENT_TYPE
    values["lease_owner"] = owner
    values["note"] = ""
    return values


_INSERT = Prepared(
    _OUTBOX.insert().inline(),
    (*_ROW, "datacontenttype", "lease_owner", "note"),
)

_ANY_DUE = (
    sa.select(sa.literal(1)).where(_WAITING, _C.next_attempt_at <= sa.bindparam("now")).limit(1)
)

# A common table expression, because PostgreSQL may run a subquery in a WHERE more than once, and
# would lock other rows each time.
_DUE = (
    sa.select(_C.id)
    .where(_WAITING, _C.next_attempt_at <= sa.bindparam("now"))
    .order_by(_C.next_attempt_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)

_CLAIM = (
    _OUTBOX.update()
    .where(_C.id.in_(sa.select(_DUE.c.id)))
    .values(lease_owner=sa.bindparam("owner"), next_attempt_at=sa.bindparam("until"))
    .returning(*(_C[name] for name in _ROW))
)

_DELETE = _OUTBOX.delete().where(_C.id == sa.bindparam("row"))

# Only while the lease is still ours: another process may have claimed the row since.
_FAIL = (
    _OUTBOX.update()
    .where(_C.id == sa.bindparam("row"), _C.lease_owner == sa.bindparam("owner"))
    .values(attempts=_C.attempts + 1, lease_owner="", next_attempt_at=sa.bindparam("until"))
)

_END = (
    _OUTBOX.update()
    .where(_C.id == sa.bindparam("row"))
    .values(
        done_at=sa.bindparam("now"),
        next_attempt_at=_NEVER,  # out of the way of every look for what is due
        lease_owner="",
        note=sa.bindparam("text"),
    )
)

_RELEASE = (
    _OUTBOX.update()
    .where(_C.lease_owner == sa.bindparam("owner"))
    .values(lease_owner="", next_attempt_at=sa.bindparam("now"))
)

_FORGET = _OUTBOX.delete().where(_C.done_at < sa.bindparam("before"))

_BACKLOG = (
    sa.select(sa.func.count(), sa.func.min(_C.posted_at)).select_from(_OUTBOX).where(_WAITING)
)
