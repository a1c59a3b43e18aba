"""Both clocks in step: the services' clock follows the virtual time of the workflow that asks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from temporalio import activity, workflow
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

ADVANCE = "advance_clock"


class VirtualTime(Interceptor):
    """Tells a clock the virtual time of each activity before it runs.

    A normal activity knows it; a local one runs on the worker's time, so its workflow says it.
    """

    def __init__(self, advance_to: Callable[[datetime], None]) -> None:
        self._advance_to = advance_to

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002 - the SDK's name
    ) -> ActivityInboundInterceptor:
        return _Activities(next, self._advance_to)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        # The SDK types what these functions take, not what they return.
        cast("Any", input).unsafe_extern_functions[ADVANCE] = self._advance_to
        return _Workflows


class _Activities(ActivityInboundInterceptor):
    def __init__(
        self, inner: ActivityInboundInterceptor, advance_to: Callable[[datetime], None]
    ) -> None:
        super().__init__(inner)
        self._advance_to = advance_to

    async def execute_activity(
        self,
        input: ExecuteActivityInput,  # noqa: A002 - the SDK's name
    ) -> Any:
        if not activity.info().is_local:
            self._advance_to(activity.info().current_attempt_scheduled_time)
        return await super().execute_activity(input)


class _Workflows(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Commands(outbound))


class _Commands(WorkflowOutboundInterceptor):
    def start_local_activity(
        self,
        input: StartLocalActivityInput,  # noqa: A002 - the SDK's name
    ) -> workflow.ActivityHandle[Any]:
        cast("Any", workflow).extern_functions()[ADVANCE](workflow.now())
        return super().start_local_activity(input)
