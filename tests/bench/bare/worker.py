"""The bare path's worker: `python -m tests.bench.bare.worker TEMPORAL SERVICE QUEUE [--one-call]`.

It has our worker's sandbox, cache and tap, and none of its chassis.
"""

import argparse
import asyncio
import os
import signal

import grpc
from temporalio.client import Client
from temporalio.worker import Worker
from tests.bench.bare.activities import Activities
from tests.bench.bare.workflow import BarePath, BareProof
from tests.bench.tap import VARIABLE, Tap

from investiture.workflows.sandbox import workflow_runner
from investiture.workflows.worker import WorkerLimits


async def work(temporal: str, service: str, queue: str, *, one_call: bool) -> None:
    """Work until told to stop."""
    limits = WorkerLimits()
    async with grpc.aio.insecure_channel(service) as channel:
        activities = Activities(channel, one_call=one_call)
        worker = Worker(
            await Client.connect(temporal),
            task_queue=queue,
            workflows=[BarePath, BareProof],
            activities=[
                activities.read_program,
                activities.open_gate,
                activities.read_gate,
                activities.execute_launch,
            ],
            workflow_runner=workflow_runner(),
            interceptors=[Tap(int(os.environ[VARIABLE]))],
            max_cached_workflows=limits.cached_workflows,
            max_concurrent_workflow_tasks=limits.workflow_tasks,
            max_concurrent_activities=limits.activities,
            max_concurrent_local_activities=limits.local_activities,
        )
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        async with worker:
            await stopping.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("temporal")
    parser.add_argument("service")
    parser.add_argument("queue")
    parser.add_argument("--one-call", action="store_true")
    given = parser.parse_args()
    asyncio.run(work(given.temporal, given.service, given.queue, one_call=given.one_call))
