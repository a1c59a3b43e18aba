"""A server of the probe on a free port of the loopback, and clients of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.contract.chassis import probe

from investiture.chassis import tracing
from investiture.chassis.authentication import Authenticator, KeySetFile, LocalIssuer
from investiture.chassis.client import Problem, explain
from investiture.chassis.server import Binding, Server
from investiture.chassis.settings import IdentitySettings, ServerSettings


@pytest.fixture(scope="session")
def messages(tmp_path_factory: pytest.TempPathFactory) -> probe.Messages:
    return probe.load(tmp_path_factory.mktemp("probe"))


@pytest.fixture
def handlers(messages: probe.Messages) -> probe.Handlers:
    return probe.Handlers(messages)


@pytest.fixture
def identity(tmp_path: Path) -> IdentitySettings:
    return IdentitySettings(issuer_key_file=tmp_path / "issuer-1.jwk")


@pytest.fixture
def issuer(identity: IdentitySettings) -> LocalIssuer:
    assert identity.issuer_key_file is not None
    return LocalIssuer(identity.issuer_key_file, identity)


@dataclass
class Probe:
    """A running server of the probe and a plain channel to it."""

    messages: probe.Messages
    issuer: LocalIssuer
    server: Server
    port: int
    channel: grpc.aio.Channel
    roles: tuple[str, ...] = ("asker",)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def metadata(self, *roles: str) -> tuple[tuple[str, str], ...]:
        token = self.issuer.mint("people/ada", roles or self.roles, "Ada")
        return (("authorization", f"Bearer {token}"),)

    def unary(self, rpc: str, request: Any, **options: Any) -> Any:
        """Call with a message or raw bytes, as an asker unless metadata says otherwise."""
        options.setdefault("metadata", self.metadata())
        return self.channel.unary_unary(
            f"/{probe.SERVICE}/{rpc}", _to_bytes, self.messages.EchoResponse.FromString
        )(request, **options)

    def stream(self, rpc: str, request: Any, **options: Any) -> Any:
        options.setdefault("metadata", self.metadata())
        return self.channel.unary_stream(
            f"/{probe.SERVICE}/{rpc}", _to_bytes, self.messages.EchoResponse.FromString
        )(request, **options)

    def gather(self, requests: Any, **options: Any) -> Any:
        options.setdefault("metadata", self.metadata())
        return self.channel.stream_unary(
            f"/{probe.SERVICE}/Gather", _to_bytes, self.messages.EchoResponse.FromString
        )(requests, **options)

    def chat(self, requests: Any, **options: Any) -> Any:
        options.setdefault("metadata", self.metadata())
        return self.channel.stream_stream(
            f"/{probe.SERVICE}/Chat", _to_bytes, self.messages.EchoResponse.FromString
        )(requests, **options)


def _to_bytes(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()


@dataclass
class Start:
    """Starts servers; the fixture stops them."""

    messages: probe.Messages
    handlers: probe.Handlers
    identity: IdentitySettings
    issuer: LocalIssuer
    stack: AsyncExitStack
    started: list[Probe] = field(default_factory=list[Probe])

    async def __call__(self, **settings: Any) -> Probe:
        server = Server(
            bindings=[Binding(probe.SERVICE, self.handlers)],
            authenticator=Authenticator(KeySetFile(self.issuer.jwks), self.identity),
            settings=ServerSettings(**settings),
        )
        port = await server.start()
        self.stack.push_async_callback(server.stop, 0)
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.stack.push_async_callback(channel.close)
        return Probe(self.messages, self.issuer, server, port, channel)


@pytest.fixture
async def start(
    messages: probe.Messages,
    handlers: probe.Handlers,
    identity: IdentitySettings,
    issuer: LocalIssuer,
) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:
        yield Start(messages, handlers, identity, issuer, stack)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans of the chassis; the process's own provider is left as it is."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


async def refused(call: Any) -> Problem:
    """Await a call that has to fail, and return what it says, of which one ErrorInfo is a part."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _finished(call)
    assert error_infos(caught.value) == 1
    return explain(caught.value)


async def _finished(call: Any) -> None:
    if hasattr(call, "__aiter__"):
        async for _ in call:
            pass
    else:
        await call


def error_infos(error: grpc.aio.AioRpcError) -> int:
    """Count the ErrorInfo details that came with an error."""
    trailers = dict(error.trailing_metadata() or ())
    raw = trailers.get("grpc-status-details-bin", b"")
    assert isinstance(raw, bytes)
    details = status_pb2.Status.FromString(raw).details
    return sum(detail.type_url.endswith("/google.rpc.ErrorInfo") for detail in details)
