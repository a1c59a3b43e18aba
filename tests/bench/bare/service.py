"""A bare grpc.aio service: it commits one row, answers, and rings where a workflow is named.

    python -m tests.bench.bare.service --database DATABASE --port N [--temporal ADDRESS --queue Q]

No identity, no validation, no idempotency, no audit, no outbox, no log, no span.
"""

import argparse
import asyncio
import signal
from datetime import UTC, datetime

import grpc
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from tests.bench.bare import contract
from tests.bench.bare.store import Store, opened

from investiture.api.workflows.v1.path_pb2 import GateInput, GateReading, PathInput, Ring

Context = grpc.aio.ServicerContext[GateInput, GateReading]


class Bare:
    """Its two methods; a row is a gate's case, its version counts the writes."""

    def __init__(self, store: Store, temporal: Client | None, queue: str) -> None:
        self._store = store
        self._queue = queue
        self._temporal = temporal
        self._ringing: set[asyncio.Task[None]] = set()

    async def write(self, request: GateInput, context: Context) -> GateReading:
        """Commit one row and acknowledge it; whoever is to be rung is rung afterwards."""
        at = datetime.now(UTC).isoformat()
        await self._store.write(request.case_name, request.version, at, request.gate_digest)
        if self._temporal is not None and request.step:
            task = asyncio.create_task(self._ring(self._temporal, request))
            self._ringing.add(task)
            task.add_done_callback(self._ringing.discard)
        return GateReading(case_name=request.case_name, version=request.version)

    async def read(self, request: GateInput, context: Context) -> GateReading:
        """Read one row."""
        version, at = await self._store.read(request.case_name)
        reading = GateReading(case_name=request.case_name, version=version)
        if at:
            reading.waiting_since.FromDatetime(datetime.fromisoformat(at))
        return reading

    async def _ring(self, temporal: Client, request: GateInput) -> None:
        ring = Ring(gate=request.gate, case_name=request.case_name, version=request.version)
        if request.step == contract.RINGS:
            handle: WorkflowHandle[object, object] = temporal.get_workflow_handle(
                contract.path_id(request.program)
            )
            await handle.signal(contract.RING, ring)
            return
        proves = request.step == contract.STARTS_PROOF
        await temporal.start_workflow(
            contract.PROOF if proves else contract.PATH,
            PathInput(program=request.program),
            id=(contract.proof_id if proves else contract.path_id)(request.program),
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=contract.RING,
            start_signal_args=[ring],
        )


async def serve(database: str, port: int, temporal: str, queue: str) -> None:
    """Serve until told to stop."""
    client = await Client.connect(temporal) if temporal else None
    bare = Bare(opened(database), client, queue)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method,
            request_deserializer=GateInput.FromString,
            response_serializer=GateReading.SerializeToString,
        )
        for name, method in ((contract.WRITE, bare.write), (contract.READ, bare.read))
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(contract.SERVICE, handlers)]
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await server.start()
    await stopping.wait()
    await server.stop(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--temporal", default="")
    parser.add_argument("--queue", default="")
    given = parser.parse_args()
    asyncio.run(serve(given.database, given.port, given.temporal, given.queue))
