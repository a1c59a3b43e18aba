"""The sandbox that workflow code runs in: what passes through it, and what it does not do."""

from typing import TYPE_CHECKING

from temporalio.converter import (
    SerializationContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

from investiture.workflows.asking import LONG_EVENTS

if TYPE_CHECKING:
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

LIBRARIES = (
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
"""What no path loads anew."""

OURS = (
    "investiture.workflows.asking",
    "investiture.workflows.compensation",
    "investiture.workflows.contract",
    "investiture.workflows.doorbell",
    "investiture.workflows.gates",
    "investiture.workflows.records",
    "investiture.workflows.visibility",
)
"""What every path would load anew, 80 KB and more for each; the tests do, to find what is not
deterministic in it. None of it keeps anything in a global."""


def workflow_runner(*, strict: bool = False) -> SandboxedWorkflowRunner:
    """Return the runner of workflow code.

    Args:
        strict: run all our workflow code inside the restrictions, as tests and replays do, and not
            only the workflows themselves.
    """
    passed = LIBRARIES if strict else (*LIBRARIES, *OURS)
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*passed)
    return _Runner(restrictions=restrictions)


class _Runner(SandboxedWorkflowRunner):
    """The SDK's, with instances that replay a flood of signals within one workflow task."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Instance(super().create_instance(det))


class _Instance(WorkflowInstance):
    """An instance in the sandbox, spared what a flood of up to 10,000 signals would cost there."""

    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed
        info = sandboxed.get_info()
        workflow = StorageDriverWorkflowInfo(
            id=info.workflow_id,
            run_id=info.run_id,
            type=info.workflow_type,
            namespace=info.namespace,
        )
        self._store = StorageDriverStoreContext(target=workflow)

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

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        """Answer that a payload belongs to this workflow: it starts none and signals none.

        Outside the sandbox, too: asked for every payload of a command, a ninth of a path's replay.
        """
        return self._store

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()
