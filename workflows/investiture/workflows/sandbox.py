"""The sandbox that workflow code runs in: what passes through it, and what it does not do."""

from typing import TYPE_CHECKING

from temporalio.converter import SerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

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
    """The SDK's, whose instances are not asked in which context a payload is read.

    The worker asks three times a payload, on its event loop, and each answer compiles and runs code
    in the sandbox: 0.24 ms a signal. A path that has been flooded has to replay up to 10,000 of
    them within one workflow task. No converter of ours looks at a context.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Instance(super().create_instance(det))


class _Instance(WorkflowInstance):
    """An instance in the sandbox; it answers outside it that payloads have no context."""

    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    def activate(self, act: "WorkflowActivation") -> "WorkflowActivationCompletion":
        return self._sandboxed.activate(act)

    def get_serialization_context(self, command_info: object) -> SerializationContext | None:
        return None

    def get_external_store_context(self, command_info: object) -> "StorageDriverStoreContext":
        return self._sandboxed.get_external_store_context(command_info)  # type: ignore[arg-type] # its type is the SDK's own

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()
