"""The doorbell decides nothing: forged, early, doubled, lost and flooding rings move no gate."""

import asyncio

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle
from tests.support.case_records import WALKED
from tests.support.paths import Company

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.workflows.v1.path_pb2 import PathInput, PathOutcome, Ring
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")

PathHandle = WorkflowHandle[object, PathOutcome]


def reads(world: Company, program: str, service: str) -> int:
    return sum(
        1
        for call in world.servers.calls
        if (call.program, call.service, call.method) == (program, service, "ReadCase")
    )


async def test_a_forged_ring_moves_no_gate(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_FUND))
    case = await world.opened(program, pb.GATE_FUND)
    handle = await world.path(program)
    forged = Ring(gate=pb.GATE_FUND, case_name=case.name, version=999)
    await handle.signal(contract.RING, forged)
    await world.caught_up(handle)
    assert world.state(program, pb.GATE_FUND) == "OPEN"
    assert world.state(program, pb.GATE_KNIGHT) == ""
    world.records.decide(program, pb.GATE_FUND)
    await world.opened(program, pb.GATE_KNIGHT)


async def test_a_ring_for_a_later_gate_is_not_even_read(world: Company) -> None:
    program = world.submit(world.say_nothing)
    await world.opened(program, pb.GATE_PLEDGE)
    handle = await world.path(program)
    for gate in (*WALKED[1:], pb.GATE_PROVE):
        await handle.signal(contract.RING, Ring(gate=gate))
    await handle.signal(contract.RING, "no ring at all")
    await world.caught_up(handle)
    assert [reads(world, program, service) for service in ("budget", "itrisk", "launch")] == [0] * 3
    assert reads(world, program, "sponsorship") == 1  # its own opening


async def test_a_ring_for_what_was_read_already_costs_no_read(world: Company) -> None:
    program = world.submit(world.say_nothing)
    case = await world.opened(program, pb.GATE_PLEDGE)
    handle = await world.path(program)
    await world.shows(program, "PLEDGE OPEN")
    for _ in range(3):
        known = Ring(gate=pb.GATE_PLEDGE, case_name=case.name, version=case.version)
        await handle.signal(contract.RING, known)
    await world.caught_up(handle)
    assert reads(world, program, "sponsorship") == 1


async def test_doubled_and_reordered_rings_count_a_decision_once(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_PILOT))
    await world.opened(program, pb.GATE_PILOT)
    handle = await world.path(program)
    for gate in reversed(WALKED):
        for version in (3, 1, 2, 2):
            name = f"{program}/pilots/1"
            await handle.signal(contract.RING, Ring(gate=gate, case_name=name, version=version))
    world.plans[program] = world.say_yes
    world.records.decide(program, pb.GATE_PILOT)
    assert (await world.outcome(program)).launched
    assert {len(world.records.cases[program, gate]) for gate in WALKED} == {1}
    assert world.records.programs[program].launches == 1


async def test_a_genuine_decision_gets_through_a_flood(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_FUND))
    await world.opened(program, pb.GATE_FUND)
    handle = await world.path(program)
    before = reads(world, program, "budget")
    for _ in range(10):
        forged = (handle.signal(contract.RING, Ring(gate=gate)) for gate in WALKED[:2] * 10)
        await asyncio.gather(*forged)
    world.records.decide(program, pb.GATE_FUND)
    await world.opened(program, pb.GATE_KNIGHT)
    assert reads(world, program, "budget") - before < 10  # of a hundred rings


async def test_a_lost_ring_is_healed_by_any_later_one(world: Company) -> None:
    program = world.submit(world.say_nothing)
    await world.opened(program, pb.GATE_PLEDGE)
    await world.shows(program, "PLEDGE OPEN")
    world.lost = lambda _program, _gate: True
    world.records.decide(program, pb.GATE_PLEDGE)
    world.lost = lambda _program, _gate: False
    await (await world.path(program)).signal(contract.RING, Ring(gate=pb.GATE_PLEDGE))
    await world.opened(program, pb.GATE_FUND)


async def test_a_terminated_path_is_revived_where_the_records_say_it_is(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_KNIGHT))
    await world.opened(program, pb.GATE_KNIGHT)
    handle = await world.path(program)
    await handle.terminate()
    world.records.decide(program, pb.GATE_KNIGHT)  # its ring finds nobody
    world.plans[program] = world.say_yes
    await world.send(program, Ring())
    assert (await world.outcome(program)).launched
    assert {len(world.records.cases[program, gate]) for gate in WALKED} == {1}


async def test_a_path_reset_to_before_a_decline_ends_declined(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_KNIGHT))
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    handle = await world.path(program)
    completed = [
        event.event_id
        for event in (await handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    world.records.decline(program, pb.GATE_KNIGHT)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_DECLINED
    described = await handle.describe()
    await world.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=world.client.namespace,
            workflow_execution=WorkflowExecution(
                workflow_id=handle.id, run_id=described.run_id or ""
            ),
            reason="as an operator might",
            workflow_task_finish_event_id=completed[-1],
            request_id=program,
        )
    )
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_DECLINED
    assert world.records.programs[program].message.settled


async def test_a_revived_path_of_an_ended_program_only_finishes(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_FUND))
    await world.opened(program, pb.GATE_FUND)
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    await world.outcome(program)
    asked = len([call for call in world.servers.calls if call.program == program])
    await world.send(program, Ring())
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_WITHDRAWN
    later = [call.method for call in world.servers.calls if call.program == program][asked:]
    assert later == ["GetPath"]


async def test_a_forged_start_for_a_draft_asks_nobody(world: Company) -> None:
    program = world.new_program()
    world.records.draft(program)
    await world.send(program, Ring())
    await world.shows(program, "PLEDGE DRAFT")
    assert world.state(program, pb.GATE_PLEDGE) == ""
    world.records.submit(program)
    assert (await world.outcome(program)).launched


async def test_a_forged_start_for_no_program_is_parked(world: Company) -> None:
    program = world.new_program()
    world.records.draft(program)
    del world.records.programs[program]
    await world.client.start_workflow(
        contract.LAUNCH_PATH,
        PathInput(program=program),
        id=contract.launch_path_id(program),
        task_queue=world.queue,
    )
    handle = world.client.get_workflow_handle(contract.launch_path_id(program))
    await world.shows(program, "PROGRAM PARKED, NOT_FOUND RESOURCE_NOT_FOUND", handle)
    await handle.terminate()
