"""The four services as gRPC servers over one set of records, with faults on demand.

Real sockets and the real stubs; each service has a port of its own, so that one can be away while
the others answer. Request ids are kept as the real services keep them: the same body gets the same
answer, another one is refused, and only successes are kept.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from tests.support.case_records import OWNERS, Gate, opened
from tests.support.program_records import Records

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.chassis.idempotency import fingerprint
from investiture.chassis.refusal import AlreadyExists, Refusal
from investiture.chassis.status import failure_of

SERVICES = tuple(dict.fromkeys(OWNERS.values()))
CASES = case_pb.DESCRIPTOR.services_by_name["CaseService"]
LAUNCH = launch_pb.DESCRIPTOR.services_by_name["LaunchService"]
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the worker."""

    service: str
    method: str
    program: str


@dataclass(slots=True)
class Trouble:
    """What happens to calls of a method: a status, a refusal, or both never having happened."""

    service: str
    method: str
    code: grpc.StatusCode | None = None
    refusal: Refusal | None = None
    after: bool = False
    """After the service has committed: the answer is lost."""
    times: int = 1
    program: str = ""
    """Of this program only; empty for any."""

    def meets(self, asked: Asked) -> bool:
        wanted = ((self.service, asked.service), (self.method, asked.method))
        same = all(mine in ("", theirs) for mine, theirs in wanted)
        return same and self.program in ("", asked.program) and self.times > 0


class GateServers:
    """Sponsorship, budget, itrisk and launch, answering from the records."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.calls: list[Asked] = []
        self.troubles: list[Trouble] = []
        self.before: Callable[[Asked], None] = lambda _: None
        """Called when a call has come, before it is answered."""
        self._answers: dict[tuple[str, str, str], tuple[bytes, Message]] = {}
        self._closing = AsyncExitStack()
        self._cases: dict[str, CaseServiceStub] = {}
        self._launch: LaunchServiceStub | None = None

    async def start(self) -> None:
        for service in SERVICES:
            server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            server.add_generic_rpc_handlers((self._handlers(service, CASES, self._case_methods()),))
            if service == "launch":
                launch = self._handlers(service, LAUNCH, self._launch_methods())
                server.add_generic_rpc_handlers((launch,))
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            self._closing.push_async_callback(server.stop, None)
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
            self._closing.push_async_callback(channel.close)
            self._cases[service] = CaseServiceStub(channel)
            if service == "launch":
                self._launch = LaunchServiceStub(channel)

    async def stop(self) -> None:
        await self._closing.aclose()

    @property
    def cases(self) -> Mapping[Gate, CaseServiceStub]:
        return {gate: self._cases[owner] for gate, owner in OWNERS.items()}

    @property
    def launch(self) -> LaunchServiceStub:
        assert self._launch is not None, "start() comes first"
        return self._launch

    def trouble(self, service: str, method: str, **kind: Any) -> Trouble:
        trouble = Trouble(service, method, **kind)
        self.troubles.append(trouble)
        return trouble

    def _case_methods(self) -> Mapping[str, Callable[[Any], Message]]:
        records = self.records
        return {
            "OpenCase": lambda r: records.open(r.gate, r.revision_statement, r.warrants),
            "ReadCase": lambda r: self._read(r.program, r.gate),
            "EscalateCase": lambda r: records.escalate(r.name),
            "ReleaseCase": lambda r: records.release(r.program, r.gate, r.end_statement),
            "GetWarrant": lambda r: records.warrant(r.program, r.gate),
        }

    def _launch_methods(self) -> Mapping[str, Callable[[Any], Message]]:
        records = self.records
        return {
            "GetPath": lambda r: records.path(r.program),
            "GetProgram": lambda r: records.program(r.name).message,
            "GetRevision": lambda r: records.revision(r.name),
            "GetRevisionStatement": lambda r: records.revision_statement(r.program),
            "GetEndStatement": lambda r: records.end_statement(r.program),
            "RecordStanding": lambda r: records.record_standing(r.case_statement),
            "ExecuteLaunch": lambda r: records.execute_launch(r.program, r.warrants),
        }

    def _read(self, program: str, gate: Gate) -> case_pb.CaseReading:
        case = self.records.newest(program, gate)
        if case is None:
            return case_pb.CaseReading(next_in_ms=-1, standing_for_ms=-1)
        return self.records.reading(case)

    def _handlers(
        self,
        service: str,
        descriptor: ServiceDescriptor,
        methods: Mapping[str, Callable[[Any], Message]],
    ) -> grpc.GenericRpcHandler:
        handlers: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(
                self._handler(service, name, perform),
                request_deserializer=_request_type(descriptor.methods_by_name[name]).FromString,
                response_serializer=_bytes_of,
            )
            for name, perform in methods.items()
        }
        return grpc.method_handlers_generic_handler(descriptor.full_name, handlers)

    def _handler(
        self, service: str, method: str, perform: Callable[[Any], Message]
    ) -> Callable[[Any, Context], Awaitable[Message]]:
        async def handle(request: Any, context: Context) -> Message:
            asked = Asked(service, method, _program_of(request))
            self.calls.append(asked)
            self.before(asked)
            await self._suffer(asked, context, after=False)
            try:
                answer = self._once(service, method, request, perform)
            except Refusal as refusal:
                await context.abort_with_status(failure_of(refusal).for_grpc())
                raise
            await self._suffer(asked, context, after=True)
            return answer

        return handle

    def _once(
        self, service: str, method: str, request: Any, perform: Callable[[Any], Message]
    ) -> Message:
        if "request_id" not in request.DESCRIPTOR.fields_by_name:
            return perform(request)
        key, body = (service, method, request.request_id), fingerprint(request)
        if key in self._answers:
            known, answer = self._answers[key]
            if known != body:
                raise AlreadyExists("the request id was used for another request")
            return answer
        kept = perform(request)
        copy = type(kept)()
        copy.CopyFrom(kept)  # what is kept must not change with the record
        self._answers[key] = (body, copy)
        return copy

    async def _suffer(self, asked: Asked, context: Context, *, after: bool) -> None:
        for trouble in self.troubles:
            if trouble.after is after and trouble.meets(asked):
                trouble.times -= 1
                self.records.changed()
                if trouble.refusal is not None:
                    await context.abort_with_status(failure_of(trouble.refusal).for_grpc())
                if trouble.code is not None:
                    await context.abort(trouble.code, "out of order")


def _request_type(method: MethodDescriptor) -> Any:
    return message_factory.GetMessageClass(method.input_type)


def _bytes_of(message: Message) -> bytes:
    return message.SerializeToString()


def _program_of(request: Any) -> str:
    fields = request.DESCRIPTOR.fields_by_name
    if "revision_statement" in fields:
        return opened(request.revision_statement, statement_pb.RevisionStatement()).program
    if "case_statement" in fields:
        return opened(request.case_statement, statement_pb.CaseStatement()).gate_case.program
    name = str(request.program if "program" in fields else request.name)
    return "/".join(name.split("/")[:2])
