"""What leaves the process: one status with one ErrorInfo, short enough to arrive."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2

from investiture.api.common.v1 import errors_pb2
from investiture.chassis import refusal, status
from investiture.chassis.refusal import (
    AlreadyExists,
    Exhausted,
    FieldViolation,
    InvalidArgument,
    Leg,
    NotFound,
    PreconditionFailed,
    Refusal,
    Stale,
    Unavailable,
)
from investiture.chassis.status import (
    MAX_STATUS_BYTES,
    DeadlineExceeded,
    Failure,
    MethodUnknown,
    failure_of,
)

KNOWN: Sequence[type[Message]] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.ResourceInfo,
    error_details_pb2.RetryInfo,
)


def _details(failure: Failure) -> list[Message]:
    def unpacked() -> Iterator[Message]:
        for detail in failure.status.details:
            (message,) = [kind() for kind in KNOWN if detail.TypeName() == _name(kind)]
            detail.Unpack(message)
            yield message

    return list(unpacked())


def _name(kind: type[Message]) -> str:
    return kind.DESCRIPTOR.full_name


def _kinds(failure: Failure) -> list[str]:
    return [type(detail).__name__ for detail in _details(failure)]


ERRORS: Mapping[str, tuple[Exception, list[str]]] = {
    "invalid": (InvalidArgument("bad"), ["ErrorInfo"]),
    "field": (InvalidArgument.of("a", "bad"), ["ErrorInfo", "BadRequest"]),
    "state": (PreconditionFailed("WRONG_STATE", "no"), ["ErrorInfo"]),
    "legs": (
        PreconditionFailed("WRONG_STATE", legs=(Leg("A", "b", "c", "d"),)),
        ["ErrorInfo", "PreconditionFailure"],
    ),
    "not found": (NotFound("programs/p1"), ["ErrorInfo", "ResourceInfo"]),
    "reused": (AlreadyExists("taken"), ["ErrorInfo"]),
    "exists": (AlreadyExists("taken", resource="programs/p1"), ["ErrorInfo", "ResourceInfo"]),
    "stale": (Stale("programs/p1", "3"), ["ErrorInfo", "ResourceInfo"]),
    "exhausted": (
        Exhausted("OVERLOADED", "later", retry_after=timedelta(seconds=1)),
        ["ErrorInfo", "RetryInfo"],
    ),
    "unavailable": (Unavailable("down"), ["ErrorInfo"]),
    "deadline": (DeadlineExceeded(), ["ErrorInfo"]),
    "method": (MethodUnknown("/a.B/C"), ["ErrorInfo"]),
    "fault": (ValueError("secret"), ["ErrorInfo"]),
}


@pytest.mark.parametrize(("error", "kinds"), ERRORS.values(), ids=ERRORS.keys())
def test_each_error_has_one_error_info_and_what_helps(error: Exception, kinds: list[str]) -> None:
    failure = failure_of(error)
    assert _kinds(failure) == kinds
    info = _details(failure)[0]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.domain, info.reason) == ("investiture", failure.reason)
    assert f"ERROR_REASON_{info.reason}" in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name
    assert failure.status.code == code_pb2.Code.Value(failure.code.name)


def test_every_refusal_has_a_status_code_of_grpc() -> None:
    kinds = [
        kind
        for module in (refusal, status)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
    ]
    assert len(kinds) > 9
    codes = {kind.code for kind in kinds}
    assert "UNKNOWN" not in codes
    assert codes <= set(grpc.StatusCode.__members__)


def test_a_leg_carries_its_remedy() -> None:
    leg = Leg("AUTHORITY", "people/ada", "her limit is 10,000 USD", "ask for a delegation")
    failure = failure_of(PreconditionFailed("AUTHORITY_INSUFFICIENT", legs=(leg,)))
    _, precondition = _details(failure)
    assert isinstance(precondition, error_details_pb2.PreconditionFailure)
    (violation,) = precondition.violations
    assert violation.description == "her limit is 10,000 USD Remedy: ask for a delegation"
    assert failure.status.message == "her limit is 10,000 USD"


def test_a_long_refusal_is_cut_to_what_a_trailer_takes() -> None:
    legs = tuple(Leg("T" * 900, "s" * 900, "d" * 900, "r" * 900) for _ in range(50))
    metadata = {f"key{n}": "v" * 900 for n in range(4)}
    many = PreconditionFailed("WRONG_STATE", "m" * 5000, legs=legs, metadata=metadata)
    failure = failure_of(many)
    assert failure.status.ByteSize() <= MAX_STATUS_BYTES
    assert len(failure.status.message) <= 1000
    assert _kinds(failure)[0] == "ErrorInfo"
    fields = tuple(FieldViolation("f" * 900, "d" * 900) for _ in range(50))
    failure = failure_of(InvalidArgument(violations=fields))
    assert failure.status.ByteSize() <= MAX_STATUS_BYTES
    assert _kinds(failure) == ["ErrorInfo", "BadRequest"]


def test_a_fault_says_nothing_but_its_id() -> None:
    fault = KeyError("password=secret")
    failure = failure_of(fault)
    assert failure.fault is fault
    assert failure.correlation_id in failure.status.message
    assert "secret" not in str(failure.status)
    assert "KeyError" not in str(failure.status)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.PERMISSION_DENIED, "INTERNAL"),
    ],
)
def test_a_peers_failure_is_not_passed_on_as_our_own(code: grpc.StatusCode, reason: str) -> None:
    nothing = grpc.aio.Metadata()
    failure = failure_of(grpc.aio.AioRpcError(code, nothing, nothing, details="10.0.0.7"))
    assert failure.reason == reason
    assert "10.0.0.7" not in str(failure.status)


def test_a_refusal_says_its_reason_where_it_is_printed() -> None:
    assert str(NotFound("programs/p1")) == "RESOURCE_NOT_FOUND: programs/p1 does not exist"
    assert InvalidArgument.of("a.b", "must be set").message == "a.b: must be set"
