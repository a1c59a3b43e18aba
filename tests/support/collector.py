"""A real OTLP/gRPC receiver that keeps the spans it gets."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.common.v1.common_pb2 import KeyValue


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """One span as it came over the wire."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    linked_traces: frozenset[str]
    attributes: dict[str, str]


class Collector:
    """The spans received so far."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.spans: dict[str, ReceivedSpan] = {}
        self._more = asyncio.Condition()

    async def receive(
        self, request: pb.ExportTraceServiceRequest, _context: object
    ) -> pb.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            service = _text(list(resource.resource.attributes)).get("service.name", "")
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans[span.span_id.hex()] = ReceivedSpan(
                        service=service,
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        linked_traces=frozenset(link.trace_id.hex() for link in span.links),
                        attributes=_text(list(span.attributes)),
                    )
        async with self._more:
            self._more.notify_all()
        return pb.ExportTraceServiceResponse()

    async def until(self, enough: Callable[[], bool], seconds: float = 60) -> None:
        """Waits until what was received is enough; TimeoutError where it never is."""
        async with asyncio.timeout(seconds), self._more:
            await self._more.wait_for(enough)

    def edges(self, trace_id: str) -> set[tuple[str, str]]:
        """Who called whom in one trace: pairs of service, or service and database system."""
        found: set[tuple[str, str]] = set()
        for span in self.spans.values():
            if span.trace_id != trace_id:
                continue
            parent = self.spans.get(span.parent_id)
            if parent is not None and parent.service != span.service:
                found.add((parent.service, span.service))
            if "db.system.name" in span.attributes:
                found.add((span.service, span.attributes["db.system.name"]))
        return found


def _text(attributes: list[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in attributes}


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    """A collector on a free port of the loopback."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    collector = Collector(f"http://127.0.0.1:{port}")
    handler = grpc.unary_unary_rpc_method_handler(
        collector.receive,
        request_deserializer=pb.ExportTraceServiceRequest.FromString,
        response_serializer=pb.ExportTraceServiceResponse.SerializeToString,
    )
    service = pb.DESCRIPTOR.services_by_name["TraceService"].full_name
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {"Export": handler})]
    )
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(0)
