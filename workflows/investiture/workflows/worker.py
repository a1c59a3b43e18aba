"""The worker: workflows and activities on one task queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.workflows import contract
from investiture.workflows.activities import Activities
from investiture.workflows.doorbell import GateId
from investiture.workflows.launch_path import LaunchPath
from investiture.workflows.prove_return import ProveReturn

WORKFLOWS: Sequence[type] = (LaunchPath, ProveReturn)

PASSED_THROUGH = (
    "investiture.api",  # protobuf's descriptor pool takes each file once
    "investiture.chassis",
    "cryptography",  # native modules that cannot be loaded a second time, or cost as much
    "google",
    "grpc",
    "grpc_status",
    "iso4217",
    "jwt",
    "opentelemetry",
    "structlog",
)


@dataclass(frozen=True, slots=True)
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


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the sandbox that workflow code runs in, here and in replays."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions)


def build_worker(
    client: Client,
    cases: Mapping[GateId, CaseServiceStub],
    launch: LaunchServiceStub,
    *,
    task_queue: str = contract.TASK_QUEUE,
    limits: WorkerLimits | None = None,
    interceptors: Sequence[Interceptor] = (),
) -> Worker:
    """Return a worker; it polls once it is run.

    Args:
        client: a connected Temporal client.
        cases: the stub of the service that owns each gate.
        launch: the stub of the launch service.
        task_queue: where it polls.
        limits: how much it takes on at once.
        interceptors: of tests; those of telemetry come with the client.
    """
    limits = limits or WorkerLimits()
    activities = Activities(cases, launch)
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
        workflow_runner=workflow_runner(),
        interceptors=interceptors,
        max_cached_workflows=limits.cached_workflows,
        max_concurrent_workflow_tasks=limits.workflow_tasks,
        max_concurrent_activities=limits.activities,
        max_concurrent_local_activities=limits.local_activities,
        graceful_shutdown_timeout=limits.graceful_shutdown,
        sticky_queue_schedule_to_start_timeout=limits.sticky_queue,
    )
