"""Signals that no decision stands behind, sent with the Temporal client like anybody could."""

import asyncio

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from investiture.api.common.v1 import gate_pb2
from investiture.api.workflows.v1 import path_pb2
from investiture.chassis import temporal
from investiture.chassis.settings import TemporalSettings
from investiture.cli.demo.story import PATIENCE_SECONDS, Story
from investiture.workflows.contract import RING, launch_path_id

_LOOK_SECONDS = 0.1
_FORGED_VERSION = 1_000_000


async def ring_falsely(story: Story) -> int:
    """Ring for gates that nobody has decided; return how many signals the path has looked at."""
    address = story.stage.stack.addresses["temporal"]
    client = await temporal.connect(TemporalSettings(temporal_address=address))
    handle = client.get_workflow_handle(launch_path_id(story.program))
    forged = [
        path_pb2.Ring(gate=gate, case_name=f"{story.program}/forged/1", version=_FORGED_VERSION)
        for gate in (gate_pb2.GATE_KNIGHT, gate_pb2.GATE_LAUNCH, gate_pb2.GATE_FUND)
    ]
    for ring in forged:
        await handle.signal(RING, ring)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if await _looked(handle):
                return len(forged)
            await asyncio.sleep(_LOOK_SECONDS)


async def _looked(handle: "WorkflowHandle[object, object]") -> bool:
    """Return whether the path has taken in the last signal: a workflow task ended after it."""
    signalled = completed = 0
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            signalled = event.event_id
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            completed = event.event_id
    return completed > signalled
