"""What leaves the process when a call fails: one ``google.rpc.Status``, nothing else.

Each has exactly one ErrorInfo (domain ``investiture``, reason from ErrorReason) and, where it
helps, BadRequest, PreconditionFailure, ResourceInfo or RetryInfo. What is no refusal becomes
INTERNAL with an id to look for in the log; its text and stack stay there.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from investiture.chassis.refusal import (
    AlreadyExists,
    Exhausted,
    InvalidArgument,
    NotFound,
    PreconditionFailed,
    Refusal,
    Stale,
    Unavailable,
)

DOMAIN = "investiture"
MAX_STATUS_BYTES = 6_000
"""Trailers over 8 KiB are dropped by clients, and the error with them: details are cut first."""
MAX_MESSAGE_CHARACTERS = 1_000
_MAX_DETAIL_CHARACTERS = 500

REMEDY = " Remedy: "
"""Parts what failed from its remedy in a PreconditionFailure, which has no field for remedies."""

_to_grpc: Callable[[status_pb2.Status], grpc.Status] = cast("Any", rpc_status).to_status

_PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


class DeadlineExceeded(Refusal):
    """The call's time is up: DEADLINE_EXCEEDED."""

    code = "DEADLINE_EXCEEDED"

    def __init__(self) -> None:
        super().__init__(
            "DEADLINE_EXCEEDED",
            "the deadline passed before the answer was ready; repeat with the same request_id",
        )


class MethodUnknown(Refusal):
    """No service of this server has such a method: UNIMPLEMENTED."""

    code = "UNIMPLEMENTED"

    def __init__(self, method: str) -> None:
        super().__init__("METHOD_UNKNOWN", f"this server has no method {method}")


class MessageTooLarge(Refusal):
    """A message is over the limit: RESOURCE_EXHAUSTED, and trying again does not help."""

    code = "RESOURCE_EXHAUSTED"


@dataclass(frozen=True, slots=True)
class Failure:
    """How a call failed, as its client, its span and its log line say."""

    status: status_pb2.Status
    code: grpc.StatusCode
    reason: str
    correlation_id: str = ""
    """Set for a fault of ours: the log has the stack under this id."""
    fault: Exception | None = None
    """The fault of ours, for the log only."""

    def for_grpc(self) -> grpc.Status:
        """Return what ``context.abort_with_status`` takes."""
        return _to_grpc(self.status)


def failure_of(error: Exception) -> Failure:
    """Return what may leave the process about an error.

    A refusal says itself; a peer that is down makes this call UNAVAILABLE; everything else is
    INTERNAL.
    """
    if isinstance(error, Refusal):
        return _failure(error)
    if isinstance(error, grpc.aio.AioRpcError) and error.code() in _PASSING:
        return _failure(
            Unavailable("a service that had to be asked did not answer; nothing was stored")
        )
    correlation_id = secrets.token_hex(8)
    message = f"a fault of ours, not of the request; its id in the logs is {correlation_id}"
    told = _failure(_Internal("INTERNAL", message, metadata={"correlation_id": correlation_id}))
    return replace(told, correlation_id=correlation_id, fault=error)


class _Internal(Refusal):
    code = "INTERNAL"


def _failure(refusal: Refusal) -> Failure:
    code = grpc.StatusCode[refusal.code]
    status = status_pb2.Status(
        code=code_pb2.Code.Value(code.name),
        message=_cut(refusal.message, MAX_MESSAGE_CHARACTERS),
    )
    for detail in (_error_info(refusal.reason, refusal.metadata), *_details(refusal)):
        status.details.add().Pack(detail)
        if status.ByteSize() > MAX_STATUS_BYTES and len(status.details) > 1:
            del status.details[-1]
    return Failure(status, code, refusal.reason)


def _error_info(reason: str, metadata: Mapping[str, str]) -> error_details_pb2.ErrorInfo:
    short = {name: _cut(value) for name, value in metadata.items()}
    return error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=short)


def _details(refusal: Refusal) -> Iterator[Message]:
    match refusal:
        case InvalidArgument() if refusal.violations:
            yield _bad_request(refusal)
        case PreconditionFailed() if refusal.legs:
            yield _precondition_failure(refusal)
        case Exhausted():
            yield _retry_info(refusal.retry_after)
        case NotFound() | Stale():
            yield error_details_pb2.ResourceInfo(resource_name=refusal.resource)
        case AlreadyExists() if refusal.resource:
            yield error_details_pb2.ResourceInfo(resource_name=refusal.resource)
        case _:
            return


def _bad_request(refusal: InvalidArgument) -> error_details_pb2.BadRequest:
    detail = error_details_pb2.BadRequest()
    for violation in refusal.violations:
        added = detail.field_violations.add()
        added.field = _cut(violation.field)
        added.description = _cut(violation.description)
        if detail.ByteSize() > MAX_STATUS_BYTES // 2:
            del detail.field_violations[-1]
            break
    return detail


def _precondition_failure(refusal: PreconditionFailed) -> error_details_pb2.PreconditionFailure:
    detail = error_details_pb2.PreconditionFailure()
    for leg in refusal.legs:
        added = detail.violations.add()
        added.type = _cut(leg.type)
        added.subject = _cut(leg.subject)
        remedy = f"{REMEDY}{_cut(leg.remedy)}" if leg.remedy else ""
        added.description = f"{_cut(leg.description)}{remedy}"
        if detail.ByteSize() > MAX_STATUS_BYTES // 2:
            del detail.violations[-1]
            break
    return detail


def _retry_info(retry_after: timedelta) -> error_details_pb2.RetryInfo:
    detail = error_details_pb2.RetryInfo()
    detail.retry_delay.FromTimedelta(retry_after)
    return detail


def _cut(text: str, limit: int = _MAX_DETAIL_CHARACTERS) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
