"""A program's path on a worker of the test's own, the services' clock in step with its time."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from tests.support.clock import SettableClock
from tests.support.virtual_time import VirtualTime

from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.workflows.v1.path_pb2 import PathInput
from investiture.workflows import contract
from investiture.workflows.doorbell import GateId
from investiture.workflows.launch_path import LaunchPath
from investiture.workflows.worker import build_worker


@asynccontextmanager
async def walking(
    environment: WorkflowEnvironment,
    clock: SettableClock,
    owners: Mapping[GateId, CaseServiceStub],
    launch: LaunchServiceStub,
    program: str,
    queue: str,
) -> AsyncGenerator[WorkflowHandle[Any, Any]]:
    """The path of a submitted program, under way until the test is over."""

    def advance_to(instant: datetime) -> None:
        clock.set(max(instant, clock.now()))

    worker = build_worker(
        environment.client,
        owners,
        launch,
        task_queue=queue,
        interceptors=(VirtualTime(advance_to),),
        strict=True,
    )
    async with worker:
        with environment.with_time_skipping_disabled():
            path = await environment.client.start_workflow(
                LaunchPath.run,
                PathInput(program=program),
                id=contract.launch_path_id(program),
                task_queue=queue,
            )
        yield path
        with suppress(RPCError):  # it may have ended by itself
            await path.terminate("the test is over")
