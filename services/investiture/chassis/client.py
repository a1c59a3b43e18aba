"""Calls to peers: one long-lived channel an address, with token, deadline, retries and spans."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, cast

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from investiture.chassis import tls, tracing
from investiture.chassis.authentication import LocalIssuer, local_issuer
from investiture.chassis.exchange import MAX_MESSAGE_BYTES
from investiture.chassis.refusal import FieldViolation, Leg
from investiture.chassis.settings import Settings, SettingsError, TlsSettings
from investiture.chassis.status import REMEDY

DEADLINE_SECONDS = 10.0
"""For a unary call that brings none; streams are bounded by the server."""

_RETRIES: Mapping[str, Any] = {
    # Every mutation carries a request_id, so repeating what may have arrived is harmless.
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

CHANNEL_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),  # finds a dead peer behind a silent network
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a restarted peer is found at once
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_retries", 1),
    ("grpc.service_config", json.dumps(_RETRIES)),
)
"""Options of every channel between our processes."""

_rich_status: Callable[[grpc.aio.AioRpcError], status_pb2.Status | None] = cast(
    "Any", rpc_status
).from_call  # typed for the synchronous call, of which it uses what this error has too


class TokenSource(Protocol):
    """Gives the bearer token of each call."""

    def token(self) -> str:
        """Return the token to send now; empty sends none."""
        ...


class TokenFile:
    """A token in a file, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = -1
        self._token = ""

    def token(self) -> str:
        """Return the file's content, without blanks around it."""
        changed = self._path.stat().st_mtime_ns
        if changed != self._seen:
            self._token = self._path.read_text().strip()
            self._seen = changed
        return self._token


class MintedToken:
    """Short-lived tokens of the local issuer, renewed at half of their life."""

    def __init__(
        self,
        issuer: LocalIssuer,
        subject: str,
        roles: Sequence[str],
        ttl: timedelta = timedelta(minutes=10),
    ) -> None:
        self._issuer = issuer
        self._subject = subject
        self._roles = roles
        self._ttl = ttl
        self._renew_after = ttl.total_seconds() / 2
        self._renew_at = 0.0
        self._token = ""

    def token(self) -> str:
        """Return a token with at least half of its life ahead."""
        now = time.monotonic()
        if now >= self._renew_at:
            self._token = self._issuer.mint(self._subject, self._roles, ttl=self._ttl)
            self._renew_at = now + self._renew_after
        return self._token


def token_source(settings: Settings) -> TokenSource | None:
    """Return where this process gets its tokens, or ``None`` if it has no identity of its own."""
    if settings.token_file is not None:
        if not settings.token_file.is_file():
            raise SettingsError(f"INVESTITURE_TOKEN_FILE={settings.token_file} is no file")
        return TokenFile(settings.token_file)
    if settings.token_subject:
        return MintedToken(local_issuer(settings), settings.token_subject, settings.token_roles)
    return None


def dial(
    address: str,
    *,
    tokens: TokenSource | None = None,
    tls_settings: TlsSettings | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> grpc.aio.Channel:
    """Return a channel to ``host:port``; generated stubs take it. It connects when first used."""
    outgoing = _Outgoing(tokens, deadline_seconds)
    interceptors: list[grpc.aio.ClientInterceptor] = [
        _UnaryCalls(outgoing),
        _Streams(outgoing),
        _Uploads(outgoing),
    ]
    credentials = tls.client_credentials(tls_settings) if tls_settings else None
    if credentials is None:
        return grpc.aio.insecure_channel(
            address, options=CHANNEL_OPTIONS, interceptors=interceptors
        )
    return grpc.aio.secure_channel(
        address, credentials, options=CHANNEL_OPTIONS, interceptors=interceptors
    )


class Channels:
    """The channels of a process, one an address, open until :meth:`close`."""

    def __init__(
        self,
        *,
        tokens: TokenSource | None = None,
        tls_settings: TlsSettings | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._tokens = tokens
        self._tls = tls_settings
        self._deadline_seconds = deadline_seconds
        self._channels: dict[str, grpc.aio.Channel] = {}

    def to(self, address: str) -> grpc.aio.Channel:
        """Return the channel to an address."""
        if address not in self._channels:
            self._channels[address] = dial(
                address,
                tokens=self._tokens,
                tls_settings=self._tls,
                deadline_seconds=self._deadline_seconds,
            )
        return self._channels[address]

    async def close(self) -> None:
        """Close all channels; calls under way are cancelled."""
        channels, self._channels = self._channels, {}
        await asyncio.gather(*(channel.close() for channel in channels.values()))


class _Outgoing:
    """What is added to a call on its way out."""

    def __init__(self, tokens: TokenSource | None, deadline_seconds: float) -> None:
        self._tokens = tokens
        self._deadline_seconds = deadline_seconds

    def prepared(
        self, details: grpc.aio.ClientCallDetails, *, bounded: bool
    ) -> tuple[grpc.aio.ClientCallDetails, "_Span"]:
        metadata: dict[str, str] = {}
        span = _Span(_text(details.method), metadata)
        token = self._tokens.token() if self._tokens else ""
        if token:
            metadata["authorization"] = f"Bearer {token}"
        given = details.metadata
        timeout = details.timeout
        if timeout is None and bounded:
            timeout = self._deadline_seconds
        merged = grpc.aio.Metadata(*metadata.items(), *(given or ()))
        sent = grpc.aio.ClientCallDetails(
            details.method, timeout, merged, details.credentials, details.wait_for_ready
        )
        return sent, span


class _Span:
    def __init__(self, path: str, metadata: dict[str, str]) -> None:
        self._path = path
        self._span = tracing.start_outbound(path, metadata)
        self._started = time.perf_counter()

    def end(self, code: grpc.StatusCode, *, timed: bool) -> None:
        seconds = time.perf_counter() - self._started if timed else None
        tracing.end_outbound(self._span, self._path, code, seconds)


class _UnaryCalls(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, outgoing: _Outgoing) -> None:
        self._outgoing = outgoing

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: object
    ) -> Any:
        details, span = self._outgoing.prepared(client_call_details, bounded=True)
        try:
            call: grpc.aio.UnaryUnaryCall[Any, Any] = await continuation(details, request)
            code = await call.code()
        except BaseException:
            span.end(grpc.StatusCode.CANCELLED, timed=True)
            raise
        span.end(code, timed=True)
        return call


class _Streams(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, outgoing: _Outgoing) -> None:
        self._outgoing = outgoing
        self._ending: set[asyncio.Task[None]] = set()

    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: object
    ) -> Any:
        details, span = self._outgoing.prepared(client_call_details, bounded=False)
        try:
            call: grpc.aio.UnaryStreamCall[Any, Any] = await continuation(details, request)
        except BaseException:
            span.end(grpc.StatusCode.CANCELLED, timed=False)
            raise

        async def end() -> None:
            span.end(await call.code(), timed=False)

        ending = asyncio.create_task(end())
        self._ending.add(ending)  # the loop itself keeps no strong reference to a task
        ending.add_done_callback(self._ending.discard)
        return call


class _Uploads(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, outgoing: _Outgoing) -> None:
        self._outgoing = outgoing

    async def intercept_stream_unary(
        self,
        continuation: Any,
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: Any,
    ) -> Any:
        details, span = self._outgoing.prepared(client_call_details, bounded=True)
        try:
            call: grpc.aio.StreamUnaryCall[Any, Any] = await continuation(details, request_iterator)
            code = await call.code()
        except BaseException:
            span.end(grpc.StatusCode.CANCELLED, timed=True)
            raise
        span.end(code, timed=True)
        return call


@dataclass(frozen=True, slots=True)
class Problem:
    """A failed call as a caller can use it: in plain words, and by its reason."""

    code: str
    """The gRPC status name: ``FAILED_PRECONDITION``."""
    reason: str
    """The ErrorReason without its prefix; empty where the answer came from no server of ours."""
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    violations: tuple[FieldViolation, ...] = ()
    legs: tuple[Leg, ...] = ()
    retry_after: timedelta | None = None


def explain(error: grpc.aio.AioRpcError) -> Problem:
    """Return what a failed call says."""
    code = error.code().name
    message = error.details() or code
    status = _status(error)
    if status is None:
        return Problem(code, "", message)
    details = _Details(status)
    return Problem(
        code=code,
        reason=details.info.reason,
        message=status.message,
        metadata=dict(details.info.metadata),
        violations=tuple(
            FieldViolation(found.field, found.description)
            for found in details.bad_request.field_violations
        ),
        legs=tuple(_leg(found) for found in details.precondition.violations),
        retry_after=details.retry_after,
    )


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    try:
        status: status_pb2.Status | None = _rich_status(error)
    except ValueError:  # a proxy changed the code or the message on the way
        return None
    return status


class _Details:
    """The known details of a status, each empty where it was not sent."""

    def __init__(self, status: status_pb2.Status) -> None:
        self.info = error_details_pb2.ErrorInfo()
        self.bad_request = error_details_pb2.BadRequest()
        self.precondition = error_details_pb2.PreconditionFailure()
        retry = error_details_pb2.RetryInfo()
        for detail in status.details:
            for known in (self.info, self.bad_request, self.precondition, retry):
                detail.Unpack(known)
        sent = retry.HasField("retry_delay")
        self.retry_after = retry.retry_delay.ToTimedelta() if sent else None


def _leg(found: error_details_pb2.PreconditionFailure.Violation) -> Leg:
    description, _, remedy = found.description.rpartition(REMEDY)
    if not description:
        description, remedy = remedy, ""
    return Leg(found.type, found.subject, description, remedy)


def _text(method: str | bytes) -> str:
    # grpc.aio hands interceptors bytes although it says str (grpc/grpc#31092).
    return method.decode() if isinstance(method, bytes) else method
