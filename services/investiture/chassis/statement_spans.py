"""A span for every SQL statement, below the span of the call that it serves.

Ours, because opentelemetry-instrumentation-sqlalchemy ends before SQLAlchemy 2.1. Names and
attributes are those of OpenTelemetry's semantic conventions for database client spans. The text
of a statement has placeholders only; its values are never recorded.
"""

from typing import Any

import sqlalchemy as sa
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import ExecutionContext

_SPAN = "investiture_span"
_tracer = trace.get_tracer(__name__)


def trace_statements(engine: sa.Engine) -> None:
    """Give every statement that this engine executes within a trace a span of its own."""
    system = engine.dialect.name

    def begin(
        _connection: sa.Connection,
        _cursor: Any,
        statement: str,
        _parameters: Any,
        context: ExecutionContext | None,
        _executemany: bool,
    ) -> None:
        if context is None or not trace.get_current_span().is_recording():
            return
        operation = statement.split(None, 1)[0].upper()
        span = _tracer.start_span(
            operation,
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": system,
                "db.operation.name": operation,
                "db.query.text": statement,
            },
        )
        setattr(context, _SPAN, span)

    def end(
        _connection: sa.Connection,
        _cursor: Any,
        _statement: str,
        _parameters: Any,
        context: ExecutionContext | None,
        _executemany: bool,
    ) -> None:
        span: Span | None = getattr(context, _SPAN, None)
        if span is not None:
            span.end()

    def fail(failed: ExceptionContext) -> None:
        span: Span | None = getattr(failed.execution_context, _SPAN, None)
        if span is not None:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", type(failed.original_exception).__name__)
            span.end()

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)
