"""Logs, traces and metrics of a process: configured once, before any channel or thread.

Logs are JSON lines with the ids of the span they were written in, our own and the libraries'
alike. Traces go to an OTLP collector, to a file, or nowhere; trace ids exist in any case.
"""

import json
import logging
import os
from collections.abc import MutableMapping, Sequence
from importlib.metadata import version
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import structlog
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import SpanContext
from structlog.typing import EventDict, Processor, WrappedLogger

from investiture.chassis.settings import TelemetrySettings

_FLUSH_MS = 2_000


class _Provider(Protocol):
    """What we use of a tracer provider, the SDK's or Temporal's replay-safe one."""

    def add_span_processor(self, span_processor: SpanProcessor) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool: ...

    def shutdown(self) -> None: ...


class MakeProvider(Protocol):
    """Makes a tracer provider: the SDK's class does, and Temporal's ``create_tracer_provider``."""

    def __call__(self, *, sampler: Sampler, resource: Resource, shutdown_on_exit: bool) -> Any:
        """Return a tracer provider."""
        ...


class Telemetry:
    """The configured telemetry of a process, to be shut down last."""

    def __init__(self, traces: _Provider, meters: MeterProvider | None) -> None:
        self._traces = traces
        self._meters = meters

    def shutdown(self) -> None:
        """Send what is still waiting to be sent, for a few seconds at most."""
        self._traces.force_flush(_FLUSH_MS)
        self._traces.shutdown()
        if self._meters is not None:
            self._meters.shutdown(_FLUSH_MS)


def configure(
    service: str, settings: TelemetrySettings, *, make_provider: MakeProvider = TracerProvider
) -> Telemetry:
    """Configure logs, traces and metrics of this process.

    Args:
        service: the process's name in every line and span.
        settings: where they go.
        make_provider: a worker passes ``temporal.replay_safe_provider``, everyone else nothing.
    """
    # gRPC's C core writes plain lines to standard error; only its errors are worth that.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    configure_logs(service, settings)
    resource = Resource.create(
        {
            "service.namespace": "investiture",
            "service.name": service,
            "service.version": version("investiture"),
        }
    )
    sampler = ParentBased(TraceIdRatioBased(settings.trace_ratio))
    provider = make_provider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    for exporter in _span_exporters(settings):
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return Telemetry(provider, _meters(settings, resource))


def configure_logs(service: str, settings: TelemetrySettings) -> None:
    """Write JSON lines, ours and the standard library's, to the log file or standard error."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    sink = _sink(settings.log_file)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _Named(service),
        _add_trace_ids,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    rendered: list[Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(_dumps),
    ]
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sink),
        cache_logger_on_first_use=False,
    )
    handler = _SinkHandler(sink)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_text),
        ],
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.INFO))
    logging.captureWarnings(capture=True)


class SpanFile(SpanExporter):
    """Writes spans as JSON lines; several processes may append to one file.

    A line has service, name, kind, trace_id, span_id, parent_span_id (empty for a root), start_ns,
    end_ns (since the epoch), status, attributes, and links as trace_id and span_id. The SDK's own
    ``to_json`` takes ten times as long and holds up the event loop for it.
    """

    def __init__(self, path: Path) -> None:
        self._file = _appending(path)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans in one write, so that lines of several processes never mix."""
        self._file.write("".join(f"{json.dumps(_span(span))}\n" for span in spans).encode())
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.context
    return {
        "service": span.resource.attributes.get("service.name", ""),
        "name": span.name,
        "kind": span.kind.name,
        **(_ids(context) if context else {}),
        "parent_span_id": f"{span.parent.span_id:016x}" if span.parent else "",
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes or {}),
        "links": [_ids(link.context) for link in span.links],
    }


def _ids(context: SpanContext) -> dict[str, str]:
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def _span_exporters(settings: TelemetrySettings) -> list[SpanExporter]:
    exporters: list[SpanExporter] = []
    if settings.otlp_endpoint:
        # Imported here: without a collector nobody pays its memory.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporters.append(OTLPSpanExporter(endpoint=settings.otlp_endpoint))
    if settings.traces_file is not None:
        exporters.append(SpanFile(settings.traces_file))
    return exporters


def _meters(settings: TelemetrySettings, resource: Resource) -> MeterProvider | None:
    if not settings.otlp_endpoint:
        return None
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=settings.otlp_endpoint))
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider


class _Named:
    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["service"] = self._service
        return event


def _add_trace_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


class _SinkHandler(logging.Handler):
    """Sends the lines of libraries where ours go."""

    def __init__(self, sink: FileIO) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sink.write(self.format(record).encode() + b"\n")
        except Exception:  # noqa: BLE001 - the logging module's contract: a log line never raises
            self.handleError(record)


def _sink(path: Path | None) -> FileIO:
    # Unbuffered: a line is one write, whole in the file also when the process is killed after it.
    return FileIO(2, "ab", closefd=False) if path is None else _appending(path)


def _appending(path: Path) -> FileIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileIO(path, "ab")


def _dumps(event: MutableMapping[str, Any], **options: Any) -> bytes:
    return json.dumps(event, ensure_ascii=False, **options).encode()


def _text(event: MutableMapping[str, Any], **options: Any) -> str:
    return _dumps(event, **options).decode()
