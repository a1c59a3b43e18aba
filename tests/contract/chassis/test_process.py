"""A process from its start to its end: settings, signals, logs, spans."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from investiture.api.common.v1 import keys_pb2, keys_pb2_grpc
from investiture.chassis import keys
from investiture.chassis.authentication import LocalIssuer
from investiture.chassis.client import MintedToken, dial
from investiture.chassis.settings import EX_CONFIG, IdentitySettings

PROGRAM = """
import sys
from contextlib import AsyncExitStack

import structlog

from investiture.chassis.authentication import authenticator
from investiture.chassis.keys import KeyHandlers
from investiture.chassis.process import StartRefused, run
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import ServiceSettings


async def build(settings: ServiceSettings, closing: AsyncExitStack) -> Server:
    if not settings.charter.exists():
        raise StartRefused(f"{settings.charter}:1: there is no charter")

    async def close(name):
        structlog.get_logger().info("closed", what=name)

    closing.push_async_callback(close, "database")
    closing.push_async_callback(close, "relay")
    handlers = KeyHandlers(settings.key_folder, "budget")
    return Server(
        bindings=[Binding("investiture.api.common.v1.KeyService", handlers)],
        authenticator=authenticator(settings),
        settings=settings,
    )


sys.exit(run("budget", ServiceSettings, build))
"""


class Started:
    """A process of ``PROGRAM`` and what it says, line by line."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def line(self, event: str) -> dict[str, Any]:
        """Return the next log line about an event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            while raw := await self.process.stderr.readline():
                line: dict[str, Any] = json.loads(raw)
                if line["event"] == event:
                    return line
        raise AssertionError(f"the process ended without a line about {event}")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    keys.write_missing(tmp_path / "keys", ["budget"])
    charter = tmp_path / "charter.yaml"
    charter.write_text("")
    return {
        "INVESTITURE_DATABASE_URL": f"sqlite:///{tmp_path / 'budget.db'}",
        "INVESTITURE_KEY_FOLDER": str(tmp_path / "keys"),
        "INVESTITURE_CHARTER": str(charter),
        "INVESTITURE_ISSUER_KEY_FILE": str(tmp_path / "issuer-1.jwk"),
        "INVESTITURE_TRACES_FILE": str(tmp_path / "traces.jsonl"),
    }


async def _spawn(tmp_path: Path, environment: Mapping[str, str], source: str = PROGRAM) -> Process:
    program = tmp_path / "program.py"
    program.write_text(source)
    return await asyncio.create_subprocess_exec(
        sys.executable, str(program), env=dict(environment), stderr=PIPE
    )


@pytest.fixture
async def started(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[Started]:
    process = await _spawn(tmp_path, environment)
    yield Started(process)
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def _key_set(tmp_path: Path, address: str) -> dict[str, Any]:
    identity = IdentitySettings()
    tokens = MintedToken(LocalIssuer(tmp_path / "issuer-1.jwk", identity), "people/ada", [])
    async with dial(address, tokens=tokens) as channel:
        stub = keys_pb2_grpc.KeyServiceStub(channel)
        answer = await stub.GetKeySet(keys_pb2.GetKeySetRequest())
    content: dict[str, Any] = json.loads(answer.jwks_json)
    return content


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_serves_until_it_is_told_to_stop_and_closes_in_order(
    tmp_path: Path, started: Started, number: signal.Signals
) -> None:
    address = (await started.line("serving"))["address"]
    (key,) = (await _key_set(tmp_path, address))["keys"]
    assert key["kid"] == "budget-1"
    assert "d" not in key
    started.process.send_signal(number)
    await started.line("stopping")
    assert (await started.line("closed"))["what"] == "relay"
    assert (await started.line("closed"))["what"] == "database"
    await started.line("stopped")
    assert await started.process.wait() == 0


async def test_logs_are_json_with_the_trace_that_the_file_has(
    tmp_path: Path, started: Started
) -> None:
    address = (await started.line("serving"))["address"]
    await _key_set(tmp_path, address)
    line = await started.line("call")
    assert line["service"] == "budget"
    assert line["level"] == "info"
    assert line["method"] == "/investiture.api.common.v1.KeyService/GetKeySet"
    started.process.send_signal(signal.SIGTERM)
    assert await started.process.wait() == 0
    (span,) = [json.loads(one) for one in (tmp_path / "traces.jsonl").read_text().splitlines()]
    assert (span["trace_id"], span["span_id"]) == (line["trace_id"], line["span_id"])
    assert span["name"] == "investiture.api.common.v1.KeyService/GetKeySet"
    assert (span["service"], span["kind"]) == ("budget", "SERVER")
    assert span["start_ns"] < span["end_ns"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"INVESTITURE_CHARTER": ""}, "INVESTITURE_CHARTER is not set"),
        ({"INVESTITURE_PORT": "many"}, "INVESTITURE_PORT=many cannot be used"),
        ({"INVESTITURE_CHARTER": "/nowhere"}, "/nowhere:1: there is no charter"),
        ({"INVESTITURE_ISSUER_KEY_FILE": ""}, "INVESTITURE_JWKS is not set, nor"),
    ],
)
async def test_a_start_that_cannot_be_says_why_and_no_more(
    tmp_path: Path, environment: dict[str, str], change: dict[str, str], told: str
) -> None:
    process = await _spawn(tmp_path, environment | change)
    _, said = await process.communicate()
    assert process.returncode == EX_CONFIG
    assert told in said.decode()
    assert "Traceback" not in said.decode()


async def test_a_taken_port_is_named(
    tmp_path: Path, environment: dict[str, str], started: Started
) -> None:
    address = (await started.line("serving"))["address"]
    port = address.rpartition(":")[2]
    second = await _spawn(tmp_path, environment | {"INVESTITURE_PORT": port})
    _, said = await second.communicate()
    assert second.returncode == EX_CONFIG
    assert f"nobody can listen on 127.0.0.1:{port}" in said.decode()


async def test_a_collector_gets_the_spans_and_the_durations(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    collector = Collector()
    endpoint = await collector.start()
    process = await _spawn(tmp_path, environment | {"INVESTITURE_OTLP_ENDPOINT": endpoint})
    started = Started(process)
    await _key_set(tmp_path, (await started.line("serving"))["address"])
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0  # the last thing it does is to send what is waiting
    await collector.stop()
    assert collector.spans == ["investiture.api.common.v1.KeyService/GetKeySet"]
    assert "rpc.server.call.duration" in collector.metrics


class Collector:
    """Takes what an OTLP exporter sends over gRPC."""

    def __init__(self) -> None:
        self.spans: list[str] = []
        self.metrics: set[str] = set()
        self._server = grpc.aio.server()
        for service, export in (
            ("opentelemetry.proto.collector.trace.v1.TraceService", self._traces),
            ("opentelemetry.proto.collector.metrics.v1.MetricsService", self._metrics),
        ):
            handlers: Any = {"Export": cast("Any", grpc).unary_unary_rpc_method_handler(export)}
            routes = grpc.method_handlers_generic_handler(service, handlers)
            self._server.add_generic_rpc_handlers((routes,))

    async def start(self) -> str:
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        await self._server.stop(0)

    async def _traces(self, raw: bytes, _context: object) -> bytes:
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            for scope in resource.scope_spans:
                self.spans += [span.name for span in scope.spans]
        return b""

    async def _metrics(self, raw: bytes, _context: object) -> bytes:
        for resource in ExportMetricsServiceRequest.FromString(raw).resource_metrics:
            for scope in resource.scope_metrics:
                self.metrics |= {metric.name for metric in scope.metrics}
        return b""


STUBBORN = """
import asyncio
import sys

from investiture.chassis.process import run
from investiture.chassis.settings import Settings


class Stubborn:
    async def start(self):
        return 0

    async def wait(self):
        await asyncio.Event().wait()

    async def stop(self, grace):
        await asyncio.sleep(3600 if grace else 0)


async def build(settings, closing):
    if settings.token_subject:
        raise ZeroDivisionError("a fault")
    return Stubborn()


sys.exit(run("stubborn", Settings, build))
"""


async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    process = await _spawn(tmp_path, {"INVESTITURE_DRAIN_SECONDS": "3600"}, STUBBORN)
    started = Started(process)
    await started.line("serving")
    process.send_signal(signal.SIGTERM)
    await started.line("stopping")
    assert process.returncode is None
    process.send_signal(signal.SIGTERM)
    await started.line("stopped")
    assert await process.wait() == 0


async def test_a_fault_ends_a_process_with_a_line_in_its_log(tmp_path: Path) -> None:
    process = await _spawn(tmp_path, {"INVESTITURE_TOKEN_SUBJECT": "people/ada"}, STUBBORN)
    line = await Started(process).line("failed")
    assert line["level"] == "critical"
    assert "ZeroDivisionError: a fault" in line["exception"]
    assert await process.wait() == 1


async def test_the_keys_command_writes_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    async def command() -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "investiture.chassis.keys"),
            *(str(tmp_path), "budget", "launch"),
            stdout=PIPE,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said.decode()

    assert (await command()).count("wrote") == 4
    assert await command() == "every key was there already\n"
