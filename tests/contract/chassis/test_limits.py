"""How many at once and how long: places, deadlines, watches, draining."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs
from tests.contract.chassis import probe
from tests.contract.chassis.conftest import Probe, Start, refused

from investiture.api.common.v1 import errors_pb2


async def _occupied(running: Probe, handlers: probe.Handlers, rpc: str, times: int) -> list[Any]:
    """Start calls that stay in their handlers until released."""
    handlers.waits = True
    request = running.messages.EchoRequest(text="busy")
    calls: list[Any] = []
    for number in range(times):
        handlers.entered.clear()
        calls.append(asyncio.ensure_future(running.unary(rpc, request)))
        await handlers.entered.wait()
        assert len(handlers.calls) == number + 1
    return calls


async def test_over_the_limit_a_call_is_told_when_to_come_back(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start(max_in_flight=2)
    busy = await _occupied(running, handlers, "Echo", 2)
    problem = await refused(running.unary("Echo", running.messages.EchoRequest(text="a")))
    assert (problem.code, problem.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert problem.retry_after == timedelta(seconds=1)
    handlers.release.set()
    assert [answer.text for answer in await asyncio.gather(*busy)] == ["busy", "busy"]
    again = await running.unary("Echo", running.messages.EchoRequest(text="again"))
    assert again.text == "again"


async def test_the_last_places_are_for_decisions(start: Start, handlers: probe.Handlers) -> None:
    running = await start(max_in_flight=4)  # reports up to 2, reads up to 3, decisions up to 4
    request = running.messages.EchoRequest(text="a")
    busy = await _occupied(running, handlers, "Report", 2)
    assert (await refused(running.unary("Report", request))).reason == "OVERLOADED"
    handlers.entered.clear()
    busy.append(asyncio.ensure_future(running.unary("GetEcho", request)))
    await handlers.entered.wait()
    assert (await refused(running.unary("GetEcho", request))).reason == "OVERLOADED"
    handlers.entered.clear()
    busy.append(asyncio.ensure_future(running.unary("Echo", request)))
    await handlers.entered.wait()
    assert (await refused(running.unary("Echo", request))).reason == "OVERLOADED"
    handlers.release.set()
    await asyncio.gather(*busy)


async def test_a_refused_call_gives_its_place_back(start: Start) -> None:
    running = await start(max_in_flight=1)
    for _ in range(3):
        problem = await refused(running.unary("Echo", b"", metadata=()))
        assert problem.code == "UNAUTHENTICATED"


async def test_watches_have_places_of_their_own(start: Start, handlers: probe.Handlers) -> None:
    running = await start(max_watches=1, max_in_flight=1)
    handlers.waits = True
    request = running.messages.EchoRequest(text="a")
    watch = running.stream("WatchEcho", request)
    await watch.read()
    problem = await refused(running.stream("WatchEcho", request))
    assert problem.reason == "OVERLOADED"
    handlers.release.set()
    assert (await running.unary("Echo", request)).text == "a"
    watch.cancel()


async def test_the_clients_deadline_cancels_the_handler(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start()
    handlers.waits = True
    with capture_logs() as lines:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.unary("Echo", running.messages.EchoRequest(text="a"), timeout=0.1)
        await handlers.cancelled.wait()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [line["code"] for line in lines] == ["DEADLINE_EXCEEDED"]


async def test_a_client_that_goes_away_cancels_the_handler(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start()
    handlers.waits = True
    with capture_logs() as lines:
        call = running.unary("Echo", running.messages.EchoRequest(text="a"), timeout=60)
        waiting = asyncio.ensure_future(_code(call))
        await handlers.entered.wait()
        call.cancel()
        await handlers.cancelled.wait()
    assert await waiting is grpc.StatusCode.CANCELLED
    assert [line["code"] for line in lines] == ["CANCELLED"]


async def _code(call: Any) -> grpc.StatusCode:
    code: grpc.StatusCode = await call.code()
    return code


async def test_a_call_without_a_deadline_gets_one(start: Start, handlers: probe.Handlers) -> None:
    running = await start(unary_deadline_seconds=0.1)
    handlers.waits = True
    problem = await refused(running.unary("Echo", running.messages.EchoRequest(text="a")))
    assert (problem.code, problem.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
    assert "ERROR_REASON_DEADLINE_EXCEEDED" in errors_pb2.ErrorReason.DESCRIPTOR.values_by_name
    assert handlers.cancelled.is_set()
    (call,) = handlers.calls
    assert call.deadline is not None
    assert call.deadline < datetime.now(UTC)


async def test_a_handlers_own_timeout_is_a_fault_not_the_deadline(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start()

    def give_up() -> None:
        raise TimeoutError("some dependency")

    handlers.act = give_up
    problem = await refused(running.unary("Echo", running.messages.EchoRequest(text="a")))
    assert problem.code == "INTERNAL"


async def test_a_watch_ends_well_when_its_time_is_up(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start(watch_limit_seconds=0.2)
    handlers.waits = True
    watch = running.stream("WatchEcho", running.messages.EchoRequest(text="a"))
    assert len([one async for one in watch]) == 3
    assert await watch.code() is grpc.StatusCode.OK
    assert handlers.cancelled.is_set()


async def test_a_watch_does_not_outlive_its_token(start: Start, handlers: probe.Handlers) -> None:
    running = await start()
    handlers.waits = True
    token = running.issuer.mint("people/ada", ["asker"], ttl=timedelta(seconds=1))
    watch = running.stream(
        "WatchEcho",
        running.messages.EchoRequest(text="a"),
        metadata=(("authorization", f"Bearer {token}"),),
    )
    assert len([one async for one in watch]) == 3
    assert await watch.code() is grpc.StatusCode.OK


async def test_stopping_ends_watches_at_once_and_lets_calls_end(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start()
    handlers.waits = True
    request = running.messages.EchoRequest(text="last")
    call = asyncio.ensure_future(running.unary("Echo", request))
    await handlers.entered.wait()
    handlers.entered.clear()
    watch = running.stream("WatchEcho", request)
    received = [await watch.read() for _ in range(3)]
    await handlers.entered.wait()
    stopping = asyncio.ensure_future(running.server.stop(30))
    assert await watch.read() is grpc.aio.EOF
    assert len(received) == 3
    assert await watch.code() is grpc.StatusCode.OK
    assert not stopping.done()
    handlers.release.set()
    assert (await call).text == "last"
    await stopping


async def test_stopping_does_not_wait_longer_than_its_grace(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start()
    handlers.waits = True
    call = running.unary("Echo", running.messages.EchoRequest(text="a"), timeout=60)
    waiting = asyncio.ensure_future(_code(call))
    await handlers.entered.wait()
    await running.server.stop(0.1)
    await handlers.cancelled.wait()
    assert await waiting is grpc.StatusCode.UNAVAILABLE
