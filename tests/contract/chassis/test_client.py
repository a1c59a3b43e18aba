"""Calls to peers: who calls, until when, again or not, and what a failure says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from tests.contract.chassis import probe
from tests.contract.chassis.certificates import Authority
from tests.contract.chassis.conftest import Probe, Start, refused

from investiture.chassis.authentication import LocalIssuer
from investiture.chassis.client import (
    Channels,
    MintedToken,
    Problem,
    TokenFile,
    dial,
    explain,
)
from investiture.chassis.refusal import NotFound, Unavailable
from investiture.chassis.settings import IdentitySettings, TlsSettings


@pytest.fixture
async def running(start: Start) -> Probe:
    return await start()


def _echo(running: Probe, channel: grpc.aio.Channel) -> Any:
    return channel.unary_unary(
        "/probe.v1.Probe/Echo",
        running.messages.EchoRequest.SerializeToString,
        running.messages.EchoResponse.FromString,
    )


def _watch(running: Probe, channel: grpc.aio.Channel) -> Any:
    return channel.unary_stream(
        "/probe.v1.Probe/WatchEcho",
        running.messages.EchoRequest.SerializeToString,
        running.messages.EchoResponse.FromString,
    )


@pytest.fixture
async def channels(running: Probe) -> AsyncIterator[Channels]:
    tokens = MintedToken(running.issuer, "workloads/worker", ["asker"])
    channels = Channels(tokens=tokens)
    yield channels
    await channels.close()


async def test_an_address_has_one_channel(channels: Channels, running: Probe) -> None:
    assert channels.to(running.address) is channels.to(running.address)


async def test_a_call_bears_the_token_of_its_process(channels: Channels, running: Probe) -> None:
    request = running.messages.EchoRequest(text="a")
    channel = channels.to(running.address)
    assert (await _echo(running, channel)(request)).principal == "workloads/worker"
    *_, last = [one async for one in _watch(running, channel)(request)]
    assert last.principal == "workloads/worker"


async def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path, running: Probe) -> None:
    file = tmp_path / "token"
    file.write_text(running.issuer.mint("people/ada", ["asker"]) + "\n")
    async with dial(running.address, tokens=TokenFile(file)) as channel:
        echo = _echo(running, channel)
        assert (await echo(running.messages.EchoRequest())).principal == "people/ada"
        other = tmp_path / "other"
        other.write_text(running.issuer.mint("people/bob", ["asker"]))
        other.rename(file)
        assert (await echo(running.messages.EchoRequest())).principal == "people/bob"


class CountingIssuer(LocalIssuer):
    minted = 0

    def mint(self, *arguments: Any, **options: Any) -> str:
        self.minted += 1
        return super().mint(*arguments, **options)


def test_a_minted_token_is_kept_and_renewed_before_it_expires(
    tmp_path: Path, identity: IdentitySettings
) -> None:
    issuer = CountingIssuer(tmp_path / "issuer-1.jwk", identity)
    lasting = MintedToken(issuer, "people/ada", [], ttl=timedelta(hours=1))
    assert lasting.token() == lasting.token()
    assert issuer.minted == 1
    at_its_end = MintedToken(issuer, "people/ada", [], ttl=timedelta())
    at_its_end.token()
    at_its_end.token()
    assert issuer.minted == 3


async def test_a_unary_call_has_a_deadline_and_a_stream_has_none_of_its_own(
    running: Probe, handlers: probe.Handlers
) -> None:
    tokens = MintedToken(running.issuer, "people/ada", ["asker"])
    request = running.messages.EchoRequest(text="a")
    async with dial(running.address, tokens=tokens, deadline_seconds=3) as channel:
        await _echo(running, channel)(request)
        await _echo(running, channel)(request, timeout=100)
        async for _ in _watch(running, channel)(request):
            pass
    now = datetime.now(UTC)
    default, given, watch = [call.deadline - now for call in handlers.calls if call.deadline]
    assert default < timedelta(seconds=5)  # gRPC rounds up what it sends
    assert timedelta(seconds=50) < given < timedelta(seconds=110)
    assert watch > timedelta(seconds=110)


async def test_what_is_unavailable_is_tried_again(
    channels: Channels, running: Probe, handlers: probe.Handlers
) -> None:
    def twice_down() -> None:
        if len(handlers.calls) < 3:
            raise Unavailable("the directory does not answer")

    handlers.act = twice_down
    answer = await _echo(running, channels.to(running.address))(
        running.messages.EchoRequest(text="a")
    )
    assert answer.text == "a"
    assert len(handlers.calls) == 3


async def test_an_answer_is_not_tried_again(
    channels: Channels, running: Probe, handlers: probe.Handlers
) -> None:
    def gone() -> None:
        raise NotFound("programs/p1")

    handlers.act = gone
    problem = await refused(
        _echo(running, channels.to(running.address))(running.messages.EchoRequest())
    )
    assert problem == Problem(
        "NOT_FOUND",
        "RESOURCE_NOT_FOUND",
        "programs/p1 does not exist",
        {"resource": "programs/p1"},
    )
    assert len(handlers.calls) == 1


async def test_a_failure_that_no_server_of_ours_answered_has_no_reason() -> None:
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(),
        details="failed to connect",
    )
    assert explain(error) == Problem("UNAVAILABLE", "", "failed to connect")


async def test_a_call_is_one_trace_from_client_to_server(
    channels: Channels, running: Probe, handlers: probe.Handlers, spans: InMemorySpanExporter
) -> None:
    await _echo(running, channels.to(running.address))(running.messages.EchoRequest(text="a"))
    server, client = await _ended(spans, 2)
    assert (client.kind, server.kind) == (SpanKind.CLIENT, SpanKind.SERVER)
    assert client.name == server.name == "probe.v1.Probe/Echo"
    assert server.parent is not None
    assert server.parent.span_id == client.context.span_id
    assert server.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": "probe.v1.Probe/Echo",
        "rpc.response.status_code": "OK",
    }
    (call,) = handlers.calls
    context = server.context
    flags = f"{context.trace_flags:02x}"
    assert call.traceparent == f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags}"


async def test_a_refusal_is_no_error_of_the_server_but_one_of_the_client(
    channels: Channels, running: Probe, handlers: probe.Handlers, spans: InMemorySpanExporter
) -> None:
    def gone() -> None:
        raise NotFound("programs/p1")

    handlers.act = gone
    await refused(_echo(running, channels.to(running.address))(running.messages.EchoRequest()))
    server, client = await _ended(spans, 2)
    assert server.attributes["rpc.response.status_code"] == "NOT_FOUND"
    assert server.attributes["investiture.reason"] == "RESOURCE_NOT_FOUND"
    assert server.status.status_code is StatusCode.UNSET
    assert client.status.status_code is StatusCode.ERROR
    assert not server.events


async def test_a_watch_has_a_span_on_both_sides(
    channels: Channels, running: Probe, spans: InMemorySpanExporter
) -> None:
    request = running.messages.EchoRequest(text="a")
    async for _ in _watch(running, channels.to(running.address))(request):
        pass
    both = await _ended(spans, 2)
    assert {span.kind for span in both} == {SpanKind.CLIENT, SpanKind.SERVER}
    assert len({span.context.trace_id for span in both}) == 1


async def _ended(spans: InMemorySpanExporter, count: int) -> list[Any]:
    async with asyncio.timeout(5):
        while len(spans.get_finished_spans()) < count:  # noqa: ASYNC110 - a span's end is no event
            await asyncio.sleep(0)
    return list(spans.get_finished_spans())


async def test_tls_takes_only_clients_that_the_authority_knows(
    tmp_path: Path, start: Start
) -> None:
    ours, foreign = Authority(tmp_path, "ours"), Authority(tmp_path, "foreign")
    server, client, stranger = ours.certify("server"), ours.certify("c"), foreign.certify("s")
    running = await start(
        tls_cert_file=server.cert_file,
        tls_key_file=server.key_file,
        tls_ca_file=ours.cert_file,
        tls_require_client_cert=True,
    )
    tokens = MintedToken(running.issuer, "people/ada", ["asker"])
    request = running.messages.EchoRequest(text="a")
    known = TlsSettings(
        tls_cert_file=client.cert_file, tls_key_file=client.key_file, tls_ca_file=ours.cert_file
    )
    async with dial(running.address, tokens=tokens, tls_settings=known) as channel:
        assert (await _echo(running, channel)(request)).text == "a"
    unknown = TlsSettings(
        tls_cert_file=stranger.cert_file, tls_key_file=stranger.key_file, tls_ca_file=ours.cert_file
    )
    for settings in (unknown, TlsSettings(tls_ca_file=ours.cert_file), TlsSettings()):
        async with dial(running.address, tokens=tokens, tls_settings=settings) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await _echo(running, channel)(request, timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
