"""Health and reflection: open to everybody, drained with the server."""

from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.contract.chassis import probe
from tests.contract.chassis.conftest import Probe, Start, refused

from investiture.chassis import health


def _health(running: Probe) -> Any:
    return health_pb2_grpc.HealthStub(running.channel)


def _raw(running: Probe, method: str, body: bytes) -> Any:
    channel: Any = running.channel
    return channel.unary_unary(method)(body)


def _asking(service: str = "") -> Any:
    return health_pb2.HealthCheckRequest(service=service)


async def test_every_service_and_the_server_say_serving_without_a_token(start: Start) -> None:
    stub = _health(await start())
    for service in ("", probe.SERVICE):
        assert (await stub.Check(_asking(service))).status == health.SERVING


async def test_health_is_told_of_a_service_that_stops_serving(start: Start) -> None:
    running = await start()
    stub = _health(running)
    watch = stub.Watch(_asking(probe.SERVICE))
    assert (await watch.read()).status == health.SERVING
    running.server.health.set(probe.SERVICE, serving=False)
    assert (await watch.read()).status == health.NOT_SERVING
    assert (await stub.Check(_asking())).status == health.SERVING
    watch.cancel()


async def test_an_unknown_service_is_not_found(start: Start) -> None:
    problem = await refused(_health(await start()).Check(_asking("probe.v1.Nothing")))
    assert (problem.code, problem.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")


async def test_health_refuses_undecodable_bytes_like_everything_else(start: Start) -> None:
    running = await start()
    problem = await refused(_raw(running, "/grpc.health.v1.Health/Check", b"\xff"))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "UNDECODABLE_REQUEST")


async def test_a_stopping_server_says_not_serving_before_anything_else(
    start: Start, handlers: probe.Handlers
) -> None:
    running = await start()
    watch = _health(running).Watch(_asking())
    assert (await watch.read()).status == health.SERVING
    running.server.health.drain()
    assert (await watch.read()).status == health.NOT_SERVING
    running.server.health.set("", serving=True)
    assert (await _health(running).Check(_asking())).status == health.NOT_SERVING
    watch.cancel()


async def test_reflection_is_off_unless_asked_for(start: Start) -> None:
    running = await start()
    method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    assert (await refused(_raw(running, method, b""))).reason == "METHOD_UNKNOWN"


async def test_reflection_describes_every_service(start: Start) -> None:
    running = await start(reflection=True)
    stub: Any = cast("Any", reflection_pb2_grpc).ServerReflectionStub(running.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    listing = stub.ServerReflectionInfo(iter([request]))
    answer = await listing.read()
    assert [service.name for service in answer.list_services_response.service] == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "probe.v1.Probe",
    ]
    assert await listing.read() is grpc.aio.EOF
