"""How one sees that a part is ready: by asking it, over gRPC like everybody else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import (
    ListSearchAttributesRequest,
    ListSearchAttributesResponse,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse

from investiture.workflows.contract import SEARCH_ATTRIBUTES, TASK_QUEUE

NAMESPACE = "default"
_PAUSE_SECONDS = 0.05
_CALL_SECONDS = 2.0
_HEALTH = "/grpc.health.v1.Health/Check"
_ATTRIBUTES = "/temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes"
_QUEUE = "/temporal.api.workflowservice.v1.WorkflowService/DescribeTaskQueue"

Ask = Callable[[grpc.aio.Channel], Awaitable[bool]]
R = TypeVar("R", bound=Message)


async def service_serves(address: str) -> None:
    """Return once a service says that it serves (grpc.health.v1)."""

    async def ask(channel: grpc.aio.Channel) -> bool:
        answer = await _call(channel, _HEALTH, HealthCheckRequest(), HealthCheckResponse)
        return bool(answer.status == HealthCheckResponse.SERVING)

    await _until(address, ask)


async def temporal_serves(address: str) -> None:
    """Return once Temporal answers for the namespace and knows every search attribute."""
    request = ListSearchAttributesRequest(namespace=NAMESPACE)

    async def ask(channel: grpc.aio.Channel) -> bool:
        answer = await _call(channel, _ATTRIBUTES, request, ListSearchAttributesResponse)
        return set(SEARCH_ATTRIBUTES) <= set(answer.custom_attributes)

    await _until(address, ask)


async def worker_polls(address: str, pid: int, task_queue: str = TASK_QUEUE) -> None:
    """Return once the worker with this process id asks Temporal for work."""
    request = DescribeTaskQueueRequest(
        namespace=NAMESPACE,
        task_queue=TaskQueue(name=task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )

    async def ask(channel: grpc.aio.Channel) -> bool:
        answer = await _call(channel, _QUEUE, request, DescribeTaskQueueResponse)
        # The SDK names a worker <process id>@<host>; the dead are listed for minutes.
        return any(poller.identity.startswith(f"{pid}@") for poller in answer.pollers)

    await _until(address, ask)


async def _call(channel: grpc.aio.Channel, path: str, request: Message, kind: type[R]) -> R:
    ask: grpc.aio.UnaryUnaryMultiCallable[Message, R] = channel.unary_unary(
        path, request_serializer=_bytes, response_deserializer=kind.FromString
    )
    return await ask(request, timeout=_CALL_SECONDS)


def _bytes(message: Message) -> bytes:
    return message.SerializeToString()


async def _until(address: str, ask: Ask) -> None:
    """Ask again and again until the answer is yes; not answering is a no."""
    options = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200))
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        while True:
            if await _yes(channel, ask):
                return
            await asyncio.sleep(_PAUSE_SECONDS)


async def _yes(channel: grpc.aio.Channel, ask: Ask) -> bool:
    try:
        return await ask(channel)
    except grpc.aio.AioRpcError:
        return False  # it does not listen, or does not know its namespace, yet
