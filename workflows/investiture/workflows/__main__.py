"""The worker process: `python -m investiture.workflows`."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

import structlog
from pydantic import Field
from temporalio.client import Client
from temporalio.worker import Worker

from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.chassis import temporal
from investiture.chassis.client import Channels, token_source
from investiture.chassis.process import run
from investiture.chassis.settings import Settings
from investiture.workflows import contract
from investiture.workflows.doorbell import GateId
from investiture.workflows.worker import WorkerLimits, build_worker

OWNERS: Mapping[GateId, str] = {
    gate_pb2.GATE_PLEDGE: "sponsorship",
    gate_pb2.GATE_FUND: "budget",
    gate_pb2.GATE_KNIGHT: "itrisk",
    gate_pb2.GATE_PILOT: "launch",
    gate_pb2.GATE_LAUNCH: "launch",
    gate_pb2.GATE_PROVE: "launch",
}
"""The service that owns each gate; its address is `INVESTITURE_<SERVICE>_ADDRESS`."""

RECONNECT_SECONDS = 1.0


class WorkerSettings(Settings):
    """What the worker may be told beside the rest."""

    worker_cached_workflows: int = Field(default=WorkerLimits.cached_workflows, ge=1)
    """Open paths kept in memory; each takes about 100 KB."""
    worker_activities: int = Field(default=WorkerLimits.activities, ge=1)
    """Activities at a time."""


class WorkerProcess:
    """The worker as the chassis runs processes."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Poll; nothing is listened on."""
        self._running = asyncio.create_task(self._worker.run())
        # Raises at once where the namespace does not exist; afterwards it polls.
        await self._worker.validate()
        structlog.get_logger().info("polling", task_queue=self._worker.task_queue)
        return 0

    async def stop(self, grace: float) -> None:
        """Stop polling; activities under way may end."""
        await self._worker.shutdown()

    async def wait(self) -> None:
        """Return when it has stopped; raise what stopped it unasked."""
        assert self._running is not None, "started before it is waited for"
        await asyncio.shield(self._running)


async def build(settings: WorkerSettings, closing: AsyncExitStack) -> WorkerProcess:
    """Dial the services and connect to Temporal, for as long as that takes."""
    channels = Channels(tokens=token_source(settings), tls_settings=settings)
    closing.push_async_callback(channels.close)
    cases = {
        gate: CaseServiceStub(channels.to(settings.peer(owner))) for gate, owner in OWNERS.items()
    }
    launch = LaunchServiceStub(channels.to(settings.peer("launch")))
    limits = WorkerLimits(
        cached_workflows=settings.worker_cached_workflows, activities=settings.worker_activities
    )
    return WorkerProcess(build_worker(await _connect(settings), cases, launch, limits=limits))


async def _connect(settings: Settings) -> Client:
    """Wait for Temporal: a path waits too, and a worker that ends would only be started again."""
    while True:
        try:
            return await temporal.connect(settings)
        except RuntimeError as error:
            structlog.get_logger().warning(
                "temporal is away", address=settings.temporal_address, error=str(error)
            )
            await asyncio.sleep(RECONNECT_SECONDS)


if __name__ == "__main__":
    sys.exit(run("worker", WorkerSettings, build, make_provider=temporal.replay_safe_provider))
