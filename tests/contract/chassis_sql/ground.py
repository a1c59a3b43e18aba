"""What the storage tests stand on: a request, a table of cases, a caller, a relay that listens."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from investiture.chassis.call import Call, Principal
from investiture.chassis.outbox import Lease, OutboxRow
from investiture.chassis.refusal import Stale
from investiture.chassis.tables import chassis_tables
from investiture.chassis.transaction import Transaction

NOW = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
ADA = Principal("people/ada", frozenset({"sponsor"}), "Ada")
METHOD = "/test.Cases/Decide"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

METADATA = sa.MetaData()
CASES = sa.Table(
    "cases",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)
TABLES = chassis_tables(METADATA)


def _request_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="test/cases.proto", package="test")
    file.syntax = "proto3"
    text, flag = (
        descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
        descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    )
    message = file.message_type.add(name="Decide")
    fields = {"name": text, "note": text, "etag": text, "request_id": text, "validate_only": flag}
    for number, (name, kind) in enumerate(fields.items(), start=1):
        message.field.add(name=name, number=number, type=kind, label=1)
    descriptor_pool.Default().Add(file)
    found = descriptor_pool.Default().FindMessageTypeByName("test.Decide")
    return message_factory.GetMessageClass(found)


Decide: Any = _request_class()
"""A mutation's request with everything a mutation may carry, and an answer's shape as well."""


def decide(**fields: Any) -> Any:
    """A request under a new id, unless it says which."""
    return Decide(**{"request_id": str(uuid4()), "name": "cases/1", "note": "yes", **fields})


def call(principal: Principal = ADA, method: str = METHOD) -> Call:
    return Call(principal, method, TRACEPARENT)


def make_tables(connection: sa.Connection) -> None:
    METADATA.create_all(connection)
    connection.execute(CASES.insert(), {"name": "cases/1", "version": 1, "note": ""})


def rows(connection: sa.Connection) -> Mapping[str, int]:
    """How many rows each table has."""
    return {
        name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for name, table in METADATA.tables.items()
    }


def version_of(connection: sa.Connection, name: str = "cases/1") -> int:
    chosen = sa.select(CASES.c.version).where(CASES.c.name == name)
    version: int = connection.execute(chosen).scalar_one()
    return version


def advance(tx: Transaction, request: Any, *, seen: int | None = None) -> Message:
    """An operation as services write them: load, decide, save by version, record, answer."""
    version = version_of(tx.connection, request.name)
    if seen is not None and seen != version:
        raise Stale(request.name, str(version))
    saved = tx.connection.execute(
        CASES.update()
        .where(CASES.c.name == request.name, CASES.c.version == version)
        .values(version=version + 1, note=request.note)
    )
    if saved.rowcount != 1:
        raise Stale(request.name, str(version))
    tx.record("case.decided", request.name, version + 1, {"note": request.note}, "programs/p")
    answer: Message = Decide(name=request.name, note=request.note, etag=str(version + 1))
    return answer


class Listener:
    """In place of a relay: hears what is handed over."""

    def __init__(self) -> None:
        self.heard: list[OutboxRow] = []

    @property
    def source(self) -> str:
        return "/investiture/test"

    def lease(self) -> Lease:
        return Lease("listener", NOW, NOW + timedelta(seconds=10))

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        self.heard.extend(rows)


class FixedClock:
    """Business time that stands still."""

    def now(self) -> datetime:
        return NOW
