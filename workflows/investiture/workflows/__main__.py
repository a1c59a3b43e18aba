"""The worker process: `python -m investiture.workflows`."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import structlog
from pydantic import Field
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.chassis import temporal
from investiture.chassis.client import Channels, token_source
from investiture.chassis.process import StartRefused, run
from investiture.chassis.settings import Settings
from investiture.workflows.doorbell import GateId
from investiture.workflows.worker import WorkerLimits, build_worker, unregistered_attributes

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
POLLING_CHECK_SECONDS = 0.01


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
        while not (  # noqa: ASYNC110 - the worker has no event that says so
            self._worker.is_running or self._running.done()
        ):
            await asyncio.sleep(POLLING_CHECK_SECONDS)
        if self._running.done():
            await self._running  # raises why, for instance that the namespace does not exist
        structlog.get_logger().info("polling", task_queue=self._worker.task_queue)
        return 0

    async def stop(self, grace: float) -> None:
        """Stop polling; activities under way may end."""
        await self._worker.shutdown()

    async def wait(self) -> None:
        """Return when it has stopped; raise what stopped it unasked."""
        assert self._running is not None, "started before it is waited for"
        await asyncio.shield(self._running)


async def build(
    settings: WorkerSettings, closing: AsyncExitStack, *, interceptors: Sequence[Interceptor] = ()
) -> WorkerProcess:
    """Dial the services and connect to Temporal, for as long as that takes.

    `interceptors` are of those who watch a worker from outside; in production there are none.
    """
    channels = Channels(tokens=token_source(settings), tls_settings=settings)
    closing.push_async_callback(channels.close)
    cases = {
        gate: CaseServiceStub(channels.to(settings.peer(owner))) for gate, owner in OWNERS.items()
    }
    launch = LaunchServiceStub(channels.to(settings.peer("launch")))
    sponsorship = SponsorshipServiceStub(channels.to(settings.peer("sponsorship")))
    limits = WorkerLimits(
        cached_workflows=settings.worker_cached_workflows, activities=settings.worker_activities
    )
    client = await _connect(settings)
    missing = await unregistered_attributes(client)
    if missing:
        flags = " ".join(
            f"--name {name} --type {kind}" for name, kind in (m.split("=") for m in missing)
        )
        raise StartRefused(
            f"namespace {client.namespace} lacks search attributes; register them with "
            f"`temporal operator search-attribute create {flags}`"
        )
    worker = build_worker(
        client, cases, launch, sponsorship, limits=limits, interceptors=interceptors
    )
    return WorkerProcess(worker)


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
