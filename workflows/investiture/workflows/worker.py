"""The worker: workflows and activities on one task queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Interceptor, Worker, WorkerDeploymentConfig

from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.workflows import contract
from investiture.workflows.activities import Activities
from investiture.workflows.doorbell import GateId
from investiture.workflows.launch_path import LaunchPath
from investiture.workflows.liveness import Liveness
from investiture.workflows.prove_return import ProveReturn
from investiture.workflows.sandbox import workflow_runner

WORKFLOWS: Sequence[type] = (LaunchPath, ProveReturn)


@dataclass(frozen=True)
class WorkerLimits:
    """How much one worker takes on."""

    cached_workflows: int = 4000
    """More than paths are open: a path that left the cache is replayed at its next ring."""
    workflow_tasks: int = 100
    activities: int = 100
    local_activities: int = 100
    graceful_shutdown: timedelta = timedelta(seconds=10)
    """How long activities under way may take to end after a SIGTERM."""
    sticky_queue: timedelta = timedelta(seconds=1)
    """How long a killed worker's paths wait for it before another takes them over."""


async def unregistered_attributes(client: Client) -> list[str]:
    """Return the search attributes, as `name=type`, that the namespace does not have.

    A path that upserts an unregistered one would fail its workflow tasks for ever, so a worker
    asks before it polls. Where the cluster does not let it ask, nothing is known to be missing.
    """
    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        registered = await client.operator_service.list_search_attributes(request)
    except RPCError:
        return []
    kinds = {
        name: IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_")
        for name, kind in registered.custom_attributes.items()
    }
    return [
        f"{name}={kind}"
        for name, kind in contract.SEARCH_ATTRIBUTES.items()
        if kinds.get(name, "").replace("_", "") != kind.upper()
    ]


def build_worker(  # noqa: PLR0913 - what a worker is wired with, by name
    client: Client,
    cases: Mapping[GateId, CaseServiceStub],
    launch: LaunchServiceStub,
    sponsorship: SponsorshipServiceStub | None = None,
    *,
    task_queue: str = contract.TASK_QUEUE,
    limits: WorkerLimits | None = None,
    version: WorkerDeploymentVersion | None = None,
    interceptors: Sequence[Interceptor] = (),
    strict: bool = False,
) -> Worker:
    """Return a worker; it polls once it is run.

    Args:
        client: a connected Temporal client.
        cases: the stub of the service that owns each gate.
        launch: the stub of the launch service.
        sponsorship: the stub of the service that asks sponsors when a gate opens; None asks nobody.
        task_queue: where it polls.
        limits: how much it takes on at once.
        version: deployment and build, where the cluster routes by them. Paths live for months, so
            an open one goes on with the newer build; incompatible changes are `workflow.patched`.
        interceptors: of tests; those of telemetry come with the client.
        strict: of tests, see `workflow_runner`.
    """
    limits = limits or WorkerLimits()
    activities = Activities(cases, launch, sponsorship)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=[
            activities.read_program,
            activities.open_gate,
            activities.read_gate,
            activities.escalate_gate,
            activities.execute_launch,
            activities.release_gate,
        ],
        workflow_runner=workflow_runner(strict=strict),
        interceptors=(Liveness(), *interceptors),
        max_cached_workflows=limits.cached_workflows,
        max_concurrent_workflow_tasks=limits.workflow_tasks,
        max_concurrent_activities=limits.activities,
        max_concurrent_local_activities=limits.local_activities,
        graceful_shutdown_timeout=limits.graceful_shutdown,
        sticky_queue_schedule_to_start_timeout=limits.sticky_queue,
        deployment_config=_deployment(version) if version is not None else None,
    )


def _deployment(version: WorkerDeploymentVersion) -> WorkerDeploymentConfig:
    return WorkerDeploymentConfig(
        version=version,
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
