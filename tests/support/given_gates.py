"""Gates whose decision is given at once: pledge and money, signed as their services would."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from tests.support.launches import Front

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.casework.facts import Revision
from investiture.casework.statements import OWNER
from investiture.casework.vocabulary import GATES
from investiture.casework.words import CaseState, Gate

NEVER_MS = -1
Context = grpc.aio.ServicerContext[Any, Any]


class GivenGates:
    """Answers for the gates before IT's; each was decided by its person of `deciders`."""

    def __init__(self, front: Front, deciders: dict[Gate, str]) -> None:
        self._front = front
        self._deciders = deciders
        self._revisions: dict[tuple[Gate, str], Revision] = {}

    async def open(self, request: pb.OpenCaseRequest, context: Context) -> pb.CaseReading:
        gate = GATES.of(request.gate)
        reader = self._front.realm.statements(OWNER[gate])
        facts = reader.read_revision(request.revision_statement).revision
        self._revisions[gate, facts.program] = facts
        return self._reading(gate, facts)

    async def read(self, request: pb.ReadCaseRequest, context: Context) -> pb.CaseReading:
        gate = GATES.of(request.gate)
        facts = self._revisions.get((gate, request.program))
        if facts is None:
            return pb.CaseReading(next_in_ms=NEVER_MS, standing_for_ms=NEVER_MS)
        return self._reading(gate, facts)

    async def warrant(self, request: pb.GetWarrantRequest, context: Context) -> pb.SignedWarrant:
        gate = GATES.of(request.gate)
        facts = self._revisions[gate, request.program]
        warrant = self._front.realm.warrant(gate, facts, self._deciders[gate])
        return pb.SignedWarrant(warrant=warrant)

    async def release(self, request: pb.ReleaseCaseRequest, context: Context) -> pb.CaseReading:
        gate = GATES.of(request.gate)
        facts = self._revisions[gate, request.program]
        self._front.realm.statements(OWNER[gate]).read_end(request.end_statement, request.program)
        case = self._front.gate_case(facts, gate, CaseState.RELEASED, version=2)
        case.ClearField("waiting_since")
        return self._answer(case)

    def _reading(self, gate: Gate, facts: Revision) -> pb.CaseReading:
        case = self._front.gate_case(facts, gate, CaseState.STANDING)
        case.deciders[0].person = self._deciders[gate]
        case.ClearField("standing_until")
        return self._answer(case)

    def _answer(self, case: gate_pb2.GateCase) -> pb.CaseReading:
        return pb.CaseReading(
            gate_case=case,
            case_statement=self._front.signed(case),
            next_in_ms=NEVER_MS,
            standing_for_ms=NEVER_MS,
        )


@asynccontextmanager
async def given_gates(front: Front, deciders: dict[Gate, str]) -> AsyncGenerator[CaseServiceStub]:
    """Serves them; answers the stub."""
    server = grpc.aio.server()
    given = GivenGates(front, deciders)
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "OpenCase": _handler(given.open, pb.OpenCaseRequest),
        "ReadCase": _handler(given.read, pb.ReadCaseRequest),
        "GetWarrant": _handler(given.warrant, pb.GetWarrantRequest),
        "ReleaseCase": _handler(given.release, pb.ReleaseCaseRequest),
    }
    service = pb.DESCRIPTOR.services_by_name["CaseService"].full_name
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    try:
        yield CaseServiceStub(channel)
    finally:
        await channel.close()
        await server.stop(0)


def _handler(behaviour: Any, request: Any) -> "grpc.RpcMethodHandler[Any, Any]":
    return grpc.unary_unary_rpc_method_handler(
        behaviour,
        request_deserializer=request.FromString,
        response_serializer=lambda answer: answer.SerializeToString(),
    )
