"""A path outlives its history: it continues as new and carries its program's name only."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from tests.support.case_records import WALKED
from tests.support.paths import Company, company
from tests.support.temporal_server import temporal_server

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")

SUGGESTED_AT = 150


@pytest_asyncio.fixture(loop_scope="session")
async def brief_world(temporal_binary: Path) -> AsyncGenerator[Company]:
    """A company on a server that suggests to continue as new, and refuses signals, early."""
    limits = (
        f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AT}",
        "history.maximumSignalsPerExecution=200",
    )
    async with temporal_server(temporal_binary, *limits) as environment:
        with environment.with_time_skipping_disabled():
            async with company(environment.client) as founded:
                yield founded


async def test_a_flood_is_outlived_and_the_genuine_decision_gets_through(
    brief_world: Company,
) -> None:
    world = brief_world
    program = world.submit(world.say_yes_before(pb.GATE_KNIGHT))
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    handle = await world.path(program)
    first = (await handle.describe()).run_id
    for _ in range(80):
        await asyncio.gather(
            *(handle.signal(contract.RING, Ring(gate=gate)) for gate in WALKED[:3])
        )
    later = (await handle.describe()).run_id
    assert later != first
    world.plans[program] = world.say_yes
    world.records.decide(program, pb.GATE_KNIGHT)
    assert (await world.outcome(program)).launched
    assert {len(world.records.cases[program, gate]) for gate in WALKED} == {1}
    history = await world.client.get_workflow_handle(handle.id, run_id=later).fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    assert len(started.input.payloads[0].data) < 100


async def test_a_flood_during_an_outage_does_not_make_the_path_deaf(brief_world: Company) -> None:
    world = brief_world
    outage = world.servers.trouble(
        "budget", "OpenCase", code=grpc.StatusCode.UNAVAILABLE, times=1_000_000
    )
    program = world.submit()
    await world.records.until(lambda: outage.times < 1_000_000)
    handle = await world.path(program)
    first = (await handle.describe()).run_id
    while (await handle.describe()).run_id == first:
        await asyncio.gather(
            *(handle.signal(contract.RING, Ring(gate=pb.GATE_PLEDGE)) for _ in range(20))
        )
    outage.times = 0
    assert (await world.outcome(program)).launched
    history = await world.client.get_workflow_handle(handle.id, run_id=first).fetch_history()
    last = history.events[-1].event_type
    assert last == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW
