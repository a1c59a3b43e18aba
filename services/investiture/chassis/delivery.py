"""One outbox row on its way to Temporal: the call it becomes, and what an error says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from json import loads
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.api.errordetails.v1 import NotFoundFailure
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from investiture.chassis.idempotency import message_class
from investiture.chassis.outbox import OutboxRow

_TRACER = trace.get_tracer(__name__)
_PROPAGATOR = TraceContextTextMapPropagator()
TASK_TIMEOUT = timedelta(seconds=3)
"""How long a worker may take over one workflow task before another gets it: what a worker that is
killed in the middle of one delays its path by. Ten seconds by default."""

Forward = Callable[[str], str | None]
"""Of the id of a workflow that does not run: which one to signal instead; None for nobody."""

_AWAY = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED)


class OutOfReach(Exception):
    """Temporal cannot be reached: it says nothing about the row, and others will fare no better."""


class NobodyHome(Exception):
    """A plain signal to a workflow that does not run: there is nothing to deliver it to."""


def to_nobody(_workflow_id: str) -> None:
    """Forward nothing: what finds nobody home is dropped."""


async def deliver(client: Client, row: OutboxRow, forward: Forward = to_nobody) -> None:
    """Deliver a row; returns when Temporal has it.

    A plain signal whose workflow does not run goes to the one that `forward` names.

    Raises:
        OutOfReach: Temporal is away.
        NobodyHome: a plain signal, and neither workflow runs; final for this row.
        Exception: anything else says the row could not be delivered now; it is tried again. The
            server's "limit for signal events" is INVALID_ARGUMENT, and ends with the workflow's
            next continue-as-new.
    """
    context = _PROPAGATOR.extract({"traceparent": row.traceparent})
    attributes = {"outbox.id": row.id, "temporalWorkflowID": row.workflow_id}
    nobody: RPCError | None = None
    with _TRACER.start_as_current_span(
        f"outbox {row.signal or row.workflow_type}",
        context,
        kind=SpanKind.PRODUCER,
        attributes=attributes,
    ):
        try:
            if row.workflow_type:
                await _start(client, row)
            else:
                await _signal(client, row, forward)
        except WorkflowAlreadyStartedError:
            return  # a plain start that had been delivered before
        except RPCError as error:
            if error.status in _AWAY:
                raise OutOfReach(str(error)) from error
            if row.workflow_type or not _no_such_workflow(error):
                raise
            nobody = error  # an answer: raised outside, so that the span does not read as failed
    if nobody is not None:
        raise NobodyHome(nobody.message) from nobody


async def _signal(client: Client, row: OutboxRow, forward: Forward) -> None:
    arguments = _arguments(row.dataschema, row.data)
    try:
        await client.get_workflow_handle(row.workflow_id).signal(row.signal, args=arguments)
    except RPCError as error:
        other = forward(row.workflow_id) if _no_such_workflow(error) else None
        if other is None:
            raise
        trace.get_current_span().set_attribute("temporalWorkflowID", other)
        await client.get_workflow_handle(other).signal(row.signal, args=arguments)


async def _start(client: Client, row: OutboxRow) -> None:
    options = _StartOptions.of(row)
    if row.signal:
        await client.start_workflow(
            row.workflow_type,
            args=_arguments(row.start_schema, row.start_data),
            id=row.workflow_id,
            task_queue=row.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=row.signal,
            start_signal_args=_arguments(row.dataschema, row.data),
            task_timeout=TASK_TIMEOUT,
            static_summary=options.summary,
            search_attributes=options.search_attributes,
        )
        return
    await client.start_workflow(
        row.workflow_type,
        args=_arguments(row.start_schema, row.start_data),
        id=row.workflow_id,
        task_queue=row.task_queue,
        # A row that comes twice must not start what has completed since; what was stopped, it may.
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        task_timeout=TASK_TIMEOUT,
        static_summary=options.summary,
        search_attributes=options.search_attributes,
    )


def _arguments(schema: str, data: bytes) -> list[Any]:
    """Return the one message of a type as arguments, or none for no type.

    It is sent as a message, so that the client's converter decides how history shows it.
    """
    if not schema:
        return []
    message = message_class(schema)()
    message.ParseFromString(data)
    return [message]


def _no_such_workflow(error: RPCError) -> bool:
    """Whether NOT_FOUND means the workflow: a missing namespace is a fault, not an answer."""
    return error.status is RPCStatusCode.NOT_FOUND and any(
        detail.Is(NotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details
    )


@dataclass(frozen=True, slots=True)
class _StartOptions:
    """What a started workflow carries for operators."""

    summary: str | None = None
    search_attributes: TypedSearchAttributes | None = None

    @classmethod
    def of(cls, row: OutboxRow) -> "_StartOptions":
        if not row.start_options:
            return cls()
        stored: dict[str, Any] = loads(row.start_options)
        attributes: dict[str, str] = stored["search_attributes"]
        pairs = [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in attributes.items()
        ]
        return cls(stored["summary"] or None, TypedSearchAttributes(pairs) if pairs else None)
