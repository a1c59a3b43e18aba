"""While a decline may be appealed, and until the answer, nobody is asked at an earlier gate."""

from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment
from tests.support.case_records import WALKED, Gate
from tests.support.paths import Company, activities_of
from tests.workflow.test_time import own_events, pass_time, slow_world

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.workflows import contract

__all__ = ["slow_world"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

WINDOW = timedelta(days=5)


async def declined(world: Company, window: timedelta = WINDOW) -> str:
    program = world.submit(world.say_yes_before(pb.GATE_KNIGHT))
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    world.records.decline(program, pb.GATE_KNIGHT, window)
    await world.shows(program, "KNIGHT DECLINED, waits for proposer")
    return program


def rounds(world: Company, program: str) -> dict[Gate, int]:
    return {gate: len(world.records.cases.get((program, gate), [])) for gate in WALKED}


ASKED_ONCE = {
    pb.GATE_PLEDGE: 1,
    pb.GATE_FUND: 1,
    pb.GATE_KNIGHT: 1,
    pb.GATE_PILOT: 0,
    pb.GATE_LAUNCH: 0,
}


async def test_a_pledge_that_expires_meanwhile_is_not_asked_for_until_the_appeal_is_granted(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    world = slow_world
    program = world.new_program(world.say_yes_before(pb.GATE_KNIGHT))
    world.records.validity[program, pb.GATE_PLEDGE] = timedelta(days=4)
    world.records.submit(program)
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    world.records.decline(program, pb.GATE_KNIGHT, timedelta(days=20))
    await world.shows(program, "KNIGHT DECLINED, waits for proposer")
    del world.records.validity[program, pb.GATE_PLEDGE]
    await pass_time(environment, world, program, timedelta(days=10))
    assert world.state(program, pb.GATE_PLEDGE) == "EXPIRED"
    assert rounds(world, program) == ASKED_ONCE
    handle = await world.path(program)
    assert own_events(await handle.fetch_history()) < 45 * 3 + 8 * 10 + 45, "no wait is busy"
    world.records.appeal(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT DECLINED, waits for arbiter")
    world.plans[program] = world.say_yes
    world.records.decide_appeal(program, pb.GATE_KNIGHT, granted=True)
    assert (await world.outcome(program)).launched
    asked = rounds(world, program)
    assert (asked[pb.GATE_PLEDGE], asked[pb.GATE_KNIGHT]) == (2, 2)


@pytest.mark.parametrize("granted", [True, False])
async def test_a_revision_that_crossed_the_decline_waits_for_the_appeal_with_it(
    world: Company, granted: bool
) -> None:
    program = await declined(world)
    world.records.revise(program, changed=[pb.GATE_PLEDGE])
    world.records.appeal(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT DECLINED, waits for arbiter")
    assert rounds(world, program) == ASKED_ONCE
    world.plans[program] = world.say_yes
    world.records.decide_appeal(program, pb.GATE_KNIGHT, granted=granted)
    outcome = await world.outcome(program)
    assert outcome.launched is granted
    if granted:
        assert world.records.present(program, pb.GATE_KNIGHT).revision == 2
    else:
        assert outcome.outcome == statement_pb.OUTCOME_DECLINED


async def test_a_path_that_starts_anew_keeps_waiting_although_the_pledge_has_gone(
    world: Company,
) -> None:
    program = await declined(world)
    await (await world.path(program)).terminate()
    world.records.void(program, pb.GATE_PLEDGE)
    await world.send(program, Ring())
    handle = await world.path(program)
    world.records.appeal(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT DECLINED, waits for arbiter", handle)
    assert rounds(world, program) == ASKED_ONCE
    world.records.decide_appeal(program, pb.GATE_KNIGHT, granted=False)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_DECLINED
    assert contract.OPEN_GATE not in activities_of(await handle.fetch_history())


async def test_rings_in_vain_make_no_decline_final(world: Company) -> None:
    program = await declined(world)
    handle = await world.path(program)
    for gate in (pb.GATE_UNSPECIFIED, *WALKED):
        await handle.signal(contract.RING, Ring(gate=gate))
    await world.caught_up(handle)
    assert world.state(program, pb.GATE_KNIGHT) == "DECLINED"
    assert not world.records.programs[program].message.outcome
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_WITHDRAWN
