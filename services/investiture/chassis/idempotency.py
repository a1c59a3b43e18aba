"""Request ids: a repeated request gets its first answer, an altered one is refused.

The key is (principal, method, request_id), so nobody can read or block another's answers. The
fingerprint covers the request without ``request_id``, ``etag`` and ``validate_only``: a caller who
reads again and repeats with a newer etag repeats the same decision.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message
from sqlalchemy.dialects import postgresql, sqlite

from investiture.chassis.call import Call
from investiture.chassis.prepared import Prepared
from investiture.chassis.refusal import AlreadyExists, InvalidArgument
from investiture.chassis.tables import CHASSIS

M = TypeVar("M", bound=Message)

_LEFT_OUT = ("request_id", "etag", "validate_only")

_IDEMPOTENCY = CHASSIS.idempotency
_C = _IDEMPOTENCY.c


@dataclass(frozen=True, slots=True)
class Key:
    """Who asked what under which id, and what the request said (SHA-256)."""

    principal: str
    method: str
    request_id: str
    fingerprint: bytes


def key_of(call: Call, request: Message) -> Key:
    """Return the key of a mutation's request.

    Raises:
        InvalidArgument: ``request_id`` is missing or no UUID.
        TypeError: the request's type has no ``request_id``; a mutation's must.
    """
    if "request_id" not in request.DESCRIPTOR.fields_by_name:
        raise TypeError(f"{request.DESCRIPTOR.full_name} has no request_id")
    given: str = getattr(request, "request_id")  # noqa: B009 - the type is any with that field
    if not given:
        raise InvalidArgument.of("request_id", "a mutation carries a UUID, new for each intent")
    try:
        request_id = str(UUID(given))
    except ValueError:
        raise InvalidArgument.of("request_id", "is not a UUID") from None
    return Key(call.principal.subject, call.method, request_id, fingerprint(request))


def fingerprint(request: Message) -> bytes:
    """Return the SHA-256 of what a request asks for, whichever id and etag it came with."""
    asked = type(request)()
    asked.CopyFrom(request)
    fields = request.DESCRIPTOR.fields_by_name
    for name in _LEFT_OUT:
        if name in fields:
            asked.ClearField(name)
    return hashlib.sha256(asked.SerializeToString(deterministic=True)).digest()


def claim(connection: sa.Connection, key: Key, now: datetime) -> bool:
    """Claim a key for this transaction; False when it has been answered before.

    On PostgreSQL it waits while another transaction holds the claim, and gets it should that one
    roll back.
    """
    row = {
        "principal": key.principal,
        "method": key.method,
        "request_id": key.request_id,
        "fingerprint": key.fingerprint,
        "at": now,
    }
    return _CLAIM[connection.dialect.name].execute(connection, (row,)) == 1


def keep(connection: sa.Connection, key: Key, answer: Message) -> None:
    """Store the answer under a key claimed in this transaction."""
    row = {
        "of_principal": key.principal,
        "of_method": key.method,
        "of_request_id": key.request_id,
        "answer_type": answer.DESCRIPTOR.full_name,
        "answer": answer.SerializeToString(deterministic=True),
    }
    _KEEP.execute(connection, (row,))


def answer_to(connection: sa.Connection, key: Key) -> Any:
    """Return the stored answer of a key; None of one that nobody has claimed.

    Raises:
        AlreadyExists: the id was used for another request (REQUEST_ID_REUSED).
    """
    stored = connection.execute(
        _ANSWER,
        {
            "of_principal": key.principal,
            "of_method": key.method,
            "of_request_id": key.request_id,
        },
    ).one_or_none()
    if stored is None:
        return None
    if stored.fingerprint != key.fingerprint:
        raise AlreadyExists(
            f"request id {key.request_id} was used for a different request; take a new one",
            metadata={"request_id": key.request_id},
        )
    answer = message_class(stored.answer_type)()
    answer.ParseFromString(stored.answer)
    return answer


def message_class(full_name: str) -> type[Message]:
    """Return the class of a message type; ``KeyError`` unless its module is imported."""
    descriptor = descriptor_pool.Default().FindMessageTypeByName(full_name)
    return message_factory.GetMessageClass(descriptor)


_CLAIMED = ("principal", "method", "request_id", "fingerprint", "at")
_CLAIM = {
    "sqlite": Prepared(sqlite.insert(_IDEMPOTENCY).on_conflict_do_nothing(), _CLAIMED),
    "postgresql": Prepared(postgresql.insert(_IDEMPOTENCY).on_conflict_do_nothing(), _CLAIMED),
}

_MATCHES = (
    _C.principal == sa.bindparam("of_principal"),
    _C.method == sa.bindparam("of_method"),
    _C.request_id == sa.bindparam("of_request_id"),
)
_KEEP = Prepared(
    _IDEMPOTENCY.update()
    .where(*_MATCHES)
    .values(answer_type=sa.bindparam("answer_type"), answer=sa.bindparam("answer"))
)
_ANSWER = sa.select(_C.fingerprint, _C.answer_type, _C.answer).where(*_MATCHES)
