"""A real Temporal for the relay's tests: one a session, and some that come and go."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

PATIENCE_S = 30
MOST_SIGNALS = 20
"""How many signals a run takes here; ten thousand on a server as it comes."""

GATE = SearchAttributeKey.for_keyword("InvGate")

_CONFIG = (
    f"history.maximumSignalsPerExecution={MOST_SIGNALS}",
    "history.transferProcessorMaxPollRPS=10000",
)


async def start(binary: Path, port: int | None = None) -> WorkflowEnvironment:
    """Start a dev server on a free port, or on one that was in use before."""
    return await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType] - a default of it is untyped
        dev_server_existing_path=str(binary),
        dev_server_log_level="error",
        dev_server_extra_args=[
            argument for setting in _CONFIG for argument in ("--dynamic-config-value", setting)
        ],
        port=port,
        search_attributes=[GATE],
    )


def address_of(environment: WorkflowEnvironment) -> str:
    return environment.client.service_client.config.target_host


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def connector(address: str, namespace: str = "default") -> Callable[[], Awaitable[Client]]:
    """What a relay connects with."""

    async def connect() -> Client:
        return await Client.connect(address, namespace=namespace)

    return connect


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what no event tells of, such as a row that another task changes."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)


async def signals_of(client: Client, workflow_id: str) -> list[str]:
    """The signals of a workflow's newest run; empty when there never was one."""
    handle: WorkflowHandle[object, object] = client.get_workflow_handle(workflow_id)
    try:
        history = await handle.fetch_history()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise
    return [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]
