"""The sandbox that workflow code runs in: what passes through it, and what it does not do."""

from typing import TYPE_CHECKING

from temporalio.converter import SerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

from investiture.workflows.asking import LONG_EVENTS

if TYPE_CHECKING:
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
    from temporalio.converter import StorageDriverStoreContext

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
    # Values and texts of ours, without a clock or I/O: loaded anew they would double what it costs
    # to start a path. What waits and decides the order stays in the sandbox.
    "investiture.workflows.contract",
    "investiture.workflows.doorbell",
    "investiture.workflows.records",
    "investiture.workflows.visibility",
)


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner of workflow code, here and in replays."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return _Runner(restrictions=restrictions)


class _Runner(SandboxedWorkflowRunner):
    """The SDK's, with instances that replay a flood of signals within one workflow task."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Instance(super().create_instance(det))


class _Instance(WorkflowInstance):
    """An instance in the sandbox, spared what a flood of up to 10,000 signals would cost there."""

    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    def activate(self, act: "WorkflowActivation") -> "WorkflowActivationCompletion":
        """Of a full run's signals hand on the first only: it wakes the run, which then ends.

        The next run reads every record, whatever was rung for. Handled one by one, 10,000 take
        longer than the two seconds after which the SDK sees a deadlock, and it then never evicts
        the run: the path would stay deaf until the worker ends. The length of the history at an
        activation is the same in every replay.
        """
        if act.history_length >= LONG_EVENTS:
            signals = [n for n, job in enumerate(act.jobs) if job.HasField("signal_workflow")]
            dropped = set(signals[1:])
            if dropped:
                kept = [job for n, job in enumerate(act.jobs) if n not in dropped]
                del act.jobs[:]
                act.jobs.extend(kept)
        return self._sandboxed.activate(act)

    def get_serialization_context(self, command_info: object) -> SerializationContext | None:
        """Answer that a payload has no context: no converter of ours looks at one.

        The worker asks three times a payload, on its event loop; the SDK's instance compiles and
        runs code in the sandbox for each answer, 0.24 ms a signal.
        """
        return None

    def get_external_store_context(self, command_info: object) -> "StorageDriverStoreContext":
        return self._sandboxed.get_external_store_context(command_info)  # type: ignore[arg-type] # its type is the SDK's own

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()
