"""What every call passes on its way to a handler, and what a refused one is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs
from tests.contract.chassis import probe
from tests.contract.chassis.conftest import Probe, Start, refused

from investiture.api.common.v1 import errors_pb2
from investiture.chassis.access import AccessMissing
from investiture.chassis.authentication import Authenticator, KeySetFile, LocalIssuer
from investiture.chassis.refusal import (
    AlreadyExists,
    Denied,
    Exhausted,
    FieldViolation,
    InvalidArgument,
    Leg,
    NotFound,
    PreconditionFailed,
    Refusal,
    Stale,
    Unauthenticated,
    Unavailable,
)
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import IdentitySettings, ServerSettings
from investiture.chassis.validation import RuleBroken

LEG = Leg("AUTHORITY", "people/ada", "her limit is 10,000 USD", "ask for a delegation")

REFUSALS: tuple[tuple[Refusal, str], ...] = (
    (InvalidArgument.of("text", "must rhyme"), "INVALID_ARGUMENT"),
    (PreconditionFailed("WRONG_STATE", legs=(LEG,)), "FAILED_PRECONDITION"),
    (NotFound("programs/p1"), "NOT_FOUND"),
    (AlreadyExists("the request_id was used for another body"), "ALREADY_EXISTS"),
    (Stale("programs/p1", "7"), "ABORTED"),
    (Denied("NOT_A_HOLDER", "people/ada does not hold this case"), "PERMISSION_DENIED"),
    (Unauthenticated("UNAUTHENTICATED", "who is this"), "UNAUTHENTICATED"),
    (Exhausted("OVERLOADED", "later", retry_after=timedelta(seconds=3)), "RESOURCE_EXHAUSTED"),
    (Unavailable("the directory does not answer"), "UNAVAILABLE"),
)


@pytest.fixture
async def running(start: Start) -> Probe:
    return await start()


async def test_a_call_reaches_its_handler_with_who_calls(
    running: Probe, handlers: probe.Handlers
) -> None:
    answer = await running.unary("Echo", running.messages.EchoRequest(text="hi"), timeout=5)
    (call,) = handlers.calls
    assert (answer.text, answer.principal) == ("hi", "people/ada")
    assert call.principal.roles == {"asker"}
    assert call.principal.name == "Ada"
    assert call.method == "/probe.v1.Probe/Echo"
    assert call.deadline is not None


async def _texts(running: Probe, *texts: str) -> AsyncIterator[Any]:
    for text in texts:
        yield running.messages.EchoRequest(text=text)


async def test_all_four_kinds_answer(running: Probe) -> None:
    request = running.messages.EchoRequest(text="a")
    assert (await running.unary("Echo", request)).text == "a"
    assert [one.text async for one in running.stream("WatchEcho", request)] == ["a"] * 4
    assert (await running.gather(_texts(running, "a", "b"))).text == "ab"
    assert [one.text async for one in running.chat(_texts(running, "a", "b"))] == ["a", "b"]


def _each_kind(running: Probe, body: Any, **options: Any) -> list[Any]:
    async def bodies() -> AsyncIterator[Any]:
        yield body

    return [
        running.unary("Echo", body, **options),
        running.stream("WatchEcho", body, **options),
        running.gather(bodies(), **options),
        running.chat(bodies(), **options),
    ]


async def test_no_kind_is_open_to_a_caller_without_a_token(
    running: Probe, handlers: probe.Handlers
) -> None:
    for call in _each_kind(running, running.messages.EchoRequest(text="a"), metadata=()):
        problem = await refused(call)
        assert (problem.code, problem.reason) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
    assert not handlers.calls


async def test_no_kind_is_open_to_a_caller_without_a_role(
    running: Probe, handlers: probe.Handlers
) -> None:
    metadata = running.metadata("stranger")
    for call in _each_kind(running, running.messages.EchoRequest(text="a"), metadata=metadata):
        problem = await refused(call)
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "ROLE_MISSING")
        assert "asker" in problem.metadata["roles"]
    assert not handlers.calls


async def test_undecodable_bytes_are_an_invalid_argument_of_every_kind(running: Probe) -> None:
    for call in _each_kind(running, b"\xff\xff\xff"):
        problem = await refused(call)
        assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "UNDECODABLE_REQUEST")
        assert "Error" not in problem.message
        assert "EchoRequest" not in problem.message


async def test_a_caller_without_permission_learns_nothing_about_the_request(
    running: Probe,
) -> None:
    problem = await refused(
        running.unary("Echo", b"\xff\xff\xff", metadata=running.metadata("stranger"))
    )
    assert problem.code == "PERMISSION_DENIED"


async def test_any_authenticated_means_any_role(running: Probe) -> None:
    request = running.messages.EchoRequest(text="a")
    answer = await running.unary("GetEcho", request, metadata=running.metadata("nobody"))
    assert answer.text == "a"


async def test_each_broken_rule_is_told_by_the_path_of_its_field(running: Probe) -> None:
    detail = running.messages.Detail
    request = running.messages.EchoRequest(
        tone=7,
        audit_details=[detail(owner_name="ok"), detail(owner_name="much too long")],
        by_unit={"hr": detail(owner_name="much too long")},
    )
    problem = await refused(running.unary("Echo", request))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert [violation.field for violation in problem.violations] == [
        "tone",
        "audit_details[1].owner_name",
        'by_unit["hr"].owner_name',
    ]


async def test_a_rule_about_the_whole_message_has_no_path(running: Probe) -> None:
    problem = await refused(
        running.unary("Echo", running.messages.EchoRequest(text="a", alias="a"))
    )
    assert problem.violations == (FieldViolation("", "text and alias must differ"),)


@pytest.mark.parametrize(("refusal", "code"), REFUSALS, ids=lambda value: str(value)[:24])
async def test_a_refusal_is_told_with_its_code_and_reason(
    running: Probe, handlers: probe.Handlers, refusal: Refusal, code: str
) -> None:
    handlers.act = _raising(refusal)
    problem = await refused(running.unary("Echo", running.messages.EchoRequest(text="a")))
    assert (problem.code, problem.reason) == (code, refusal.reason)
    assert problem.message == refusal.message
    assert dict(problem.metadata) == dict(refusal.metadata)
    assert f"ERROR_REASON_{problem.reason}" in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name
    assert problem.legs == ((LEG,) if isinstance(refusal, PreconditionFailed) else ())
    waits = refusal.retry_after if isinstance(refusal, Exhausted) else None
    assert problem.retry_after == waits


async def test_a_fault_tells_an_id_and_the_log_the_rest(
    running: Probe, handlers: probe.Handlers
) -> None:
    handlers.act = _raising(ZeroDivisionError("SELECT secret FROM users"))
    with capture_logs() as lines:
        problem = await refused(running.unary("Echo", running.messages.EchoRequest(text="a")))
    assert (problem.code, problem.reason) == ("INTERNAL", "INTERNAL")
    assert problem.metadata["correlation_id"] in problem.message
    assert "ZeroDivision" not in repr(problem)
    assert "secret" not in repr(problem)
    (line,) = lines
    assert line["correlation_id"] == problem.metadata["correlation_id"]
    assert isinstance(line["exc_info"], ZeroDivisionError)


async def test_a_fault_in_a_stream_is_told_like_any_other(
    running: Probe, handlers: probe.Handlers
) -> None:
    handlers.act = _raising(ZeroDivisionError("secret"))
    problem = await refused(running.stream("WatchEcho", running.messages.EchoRequest(text="a")))
    assert (problem.code, problem.reason) == ("INTERNAL", "INTERNAL")


async def test_a_peer_that_is_down_makes_the_call_unavailable(
    running: Probe, handlers: probe.Handlers
) -> None:
    down = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, details="10.0.0.7: connection refused")
    handlers.act = _raising(down)
    problem = await refused(running.unary("Echo", running.messages.EchoRequest(text="a")))
    assert (problem.code, problem.reason) == ("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")
    assert "10.0.0.7" not in problem.message


async def test_many_broken_fields_still_arrive_as_a_status(
    running: Probe, handlers: probe.Handlers
) -> None:
    many = [FieldViolation(f"field_{n}", "is wrong " * 60) for n in range(500)]
    handlers.act = _raising(InvalidArgument(violations=many))
    problem = await refused(running.unary("Echo", running.messages.EchoRequest(text="a")))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert problem.violations


async def test_an_unknown_method_is_refused_in_our_words(running: Probe) -> None:
    problem = await refused(running.unary("Nothing", b""))
    assert (problem.code, problem.reason) == ("UNIMPLEMENTED", "METHOD_UNKNOWN")
    assert "ERROR_REASON_METHOD_UNKNOWN" in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name


async def test_an_answer_over_a_mebibyte_says_to_ask_for_less(running: Probe) -> None:
    just = running.messages.EchoRequest(text="x" * (1024 * 1024 - 100))
    assert len((await running.unary("Echo", just)).text) == 1024 * 1024 - 100
    request = running.messages.EchoRequest(text="x" * (1024 * 1024 - 10))
    problem = await refused(running.unary("Echo", request))
    assert (problem.code, problem.reason) == ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE")
    assert "ERROR_REASON_MESSAGE_TOO_LARGE" in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name


async def test_a_request_over_a_mebibyte_is_stopped_by_grpc_itself(running: Probe) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.unary("Echo", b"x" * (1024 * 1024 + 1))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_call_leaves_one_line_in_the_log(running: Probe, handlers: probe.Handlers) -> None:
    request = running.messages.EchoRequest(text="a", program="programs/p1")
    with capture_logs() as lines:
        await running.unary("Echo", request)
        handlers.act = _raising(NotFound("programs/p1"))
        await refused(running.unary("Echo", request))
    told = [{name: line[name] for name in ("method", "principal", "code")} for line in lines]
    who = {"method": "/probe.v1.Probe/Echo", "principal": "people/ada"}
    assert told == [{**who, "code": "OK"}, {**who, "code": "NOT_FOUND"}]
    assert [line.get("reason") for line in lines] == [None, "RESOURCE_NOT_FOUND"]
    assert all(line["program"] == "programs/p1" for line in lines)
    assert all(line["duration_ms"] > 0 for line in lines)


def _server(issuer: LocalIssuer, identity: IdentitySettings, binding: Binding) -> Server:
    authenticator = Authenticator(KeySetFile(issuer.jwks), identity)
    return Server(bindings=[binding], authenticator=authenticator, settings=ServerSettings())


class Willing:
    async def Remembered(self, request: Any, call: Any) -> Any: ...

    async def Forgotten(self, request: Any, call: Any) -> Any: ...

    async def Locked(self, request: Any, call: Any) -> Any: ...

    async def Take(self, request: Any, call: Any) -> Any: ...


@pytest.mark.parametrize(("service", "method"), [("Forgetful", "Forgotten"), ("Nobody", "Locked")])
async def test_a_method_nobody_may_call_stops_the_server(
    messages: probe.Messages,
    issuer: LocalIssuer,
    identity: IdentitySettings,
    service: str,
    method: str,
) -> None:
    with pytest.raises(AccessMissing, match=rf"probe\.v1\.{service}\.{method}"):
        _server(issuer, identity, Binding(f"probe.v1.{service}", Willing()))


async def test_a_missing_handler_stops_the_server(
    messages: probe.Messages, issuer: LocalIssuer, identity: IdentitySettings
) -> None:
    with pytest.raises(TypeError, match=r"probe\.v1\.Probe\.Echo needs object\.Echo"):
        _server(issuer, identity, Binding(probe.SERVICE, object()))


async def test_a_rule_that_does_not_work_stops_the_server(
    messages: probe.Messages, issuer: LocalIssuer, identity: IdentitySettings
) -> None:
    with pytest.raises(RuleBroken, match=r"probe\.v1\.BrokenRequest"):
        _server(issuer, identity, Binding("probe.v1.Broken", Willing()))


async def test_a_service_nobody_declared_stops_the_server(
    issuer: LocalIssuer, identity: IdentitySettings
) -> None:
    with pytest.raises(LookupError, match=r"probe\.v1\.Imagined"):
        _server(issuer, identity, Binding("probe.v1.Imagined", object()))


def _raising(error: Exception) -> Any:
    def act() -> None:
        raise error

    return act
