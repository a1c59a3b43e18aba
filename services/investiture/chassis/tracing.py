"""Spans and durations of RPCs, by the OpenTelemetry semantic conventions for gRPC.

Our own, because the instrumentation package wraps handlers that abort by ``abort_with_status``
without seeing their status, and costs more than the whole of the rest of the chain.
"""

import time
from collections.abc import Mapping, MutableMapping
from typing import Final

import grpc
from opentelemetry import metrics, trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from investiture.chassis.exchange import Exchange, Step

_SYSTEM: Final = "rpc.system.name"
_METHOD: Final = "rpc.method"
_CODE: Final = "rpc.response.status_code"
_ERROR: Final = "error.type"
_REASON: Final = "investiture.reason"

_SERVER_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
"""What the conventions call an error of a server span; a refusal is a correct answer."""

_DURATION_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# No baggage: what a caller puts there would travel on into every peer and Temporal's histories.
_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("investiture.chassis")
_meter = metrics.get_meter("investiture.chassis")
_server_duration = _meter.create_histogram(
    "rpc.server.call.duration",
    unit="s",
    description="How long inbound calls took.",
    explicit_bucket_boundaries_advisory=_DURATION_BOUNDS_S,
)
_client_duration = _meter.create_histogram(
    "rpc.client.call.duration",
    unit="s",
    description="How long outbound calls took.",
    explicit_bucket_boundaries_advisory=_DURATION_BOUNDS_S,
)


async def trace_call(exchange: Exchange, rest: Step) -> None:
    """Open the call's span under the caller's, and take its duration: first, to see all others."""
    path = exchange.method.path[1:]
    parent = _propagator.extract(exchange.headers)
    span = _tracer.start_span(
        path,
        context=parent,
        kind=SpanKind.SERVER,
        attributes={_SYSTEM: "grpc", _METHOD: path},
    )
    token = attach(set_span_in_context(span, parent))
    exchange.traceparent = traceparent(span)
    try:
        await rest(exchange)
    finally:
        detach(token)
        code = exchange.code
        if exchange.failure is not None:
            span.set_attribute(_REASON, exchange.failure.reason)
        _end(span, code, code in _SERVER_FAULTS)
        if not exchange.streaming:
            seconds = time.perf_counter() - exchange.started
            _server_duration.record(seconds, _labels(path, code))


def start_outbound(path: str, metadata: MutableMapping[str, str]) -> Span:
    """Open the span of a call to a peer, and write its context into the call's metadata."""
    span = _tracer.start_span(
        path.lstrip("/"),
        kind=SpanKind.CLIENT,
        attributes={_SYSTEM: "grpc", _METHOD: path.lstrip("/")},
    )
    _propagator.inject(metadata, context=set_span_in_context(span))
    return span


def end_outbound(span: Span, path: str, code: grpc.StatusCode, seconds: float | None) -> None:
    """Close the span of a call to a peer; ``seconds`` is ``None`` for a stream."""
    _end(span, code, code is not grpc.StatusCode.OK)
    if seconds is not None:
        _client_duration.record(seconds, _labels(path.lstrip("/"), code))


def link_to(parent: str) -> None:
    """Link the current span to another trace, by a stored ``traceparent``; empty links nothing."""
    context = trace.get_current_span(
        _propagator.extract({"traceparent": parent})
    ).get_span_context()
    if context.is_valid:
        trace.get_current_span().add_link(context)


def traceparent(span: Span) -> str:
    """Return a span's W3C ``traceparent``, empty where tracing is off and nobody sent one."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _end(span: Span, code: grpc.StatusCode, error: bool) -> None:
    span.set_attribute(_CODE, code.name)
    if error:
        span.set_attribute(_ERROR, code.name)
        span.set_status(StatusCode.ERROR)
    span.end()


def _labels(path: str, code: grpc.StatusCode) -> Mapping[str, str]:
    labels = {_SYSTEM: "grpc", _METHOD: path, _CODE: code.name}
    return labels if code is grpc.StatusCode.OK else {**labels, _ERROR: code.name}
