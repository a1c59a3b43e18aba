"""The path through its gates: each ends where the records say."""

import itertools
from datetime import UTC, timedelta

import pytest
from temporalio.client import Client
from tests.support.case_records import WALKED, WARRANTED, Gate, name_of
from tests.support.paths import Company, activities_of, attributes_of

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_EVENTS_PER_GATE = 45


def released(world: Company, program: str) -> dict[str, str]:
    """States of the gates that hold something outside launch, as launch has recorded them."""
    recorded = world.records.programs[program].recorded
    return {name_of(gate): pb.CaseState.Name(recorded[gate].state) for gate in WARRANTED}


ALL_RELEASED = {name_of(gate): "CASE_STATE_RELEASED" for gate in WARRANTED}


async def test_a_program_with_every_yes_is_launched_once(world: Company) -> None:
    program = world.submit()
    outcome = await world.outcome(program)
    assert (outcome.program, outcome.launched) == (program, True)
    assert world.records.programs[program].launches == 1
    assert [world.state(program, gate) for gate in WALKED] == ["STANDING"] * len(WALKED)


async def test_a_gate_costs_few_events_and_reads_by_local_activities(world: Company) -> None:
    program = world.submit(world.say_nothing)
    handle = await world.path(program)
    for gate in WALKED:
        await world.opened(program, gate)
        await world.caught_up(handle)
        world.records.decide(program, gate)
    await world.outcome(program)
    history = await handle.fetch_history()
    assert len(history.events) <= MOST_EVENTS_PER_GATE * len(WALKED)
    scheduled = [name for name in activities_of(history) if name != "(local)"]
    assert scheduled == [contract.OPEN_GATE] * len(WALKED) + [contract.EXECUTE_LAUNCH]


async def test_it_is_asked_only_when_business_and_money_stand(world: Company) -> None:
    program = world.submit(world.say_nothing)
    await world.opened(program, pb.GATE_PLEDGE)
    for gate, following in itertools.pairwise(WALKED):
        assert world.state(program, following) == ""
        world.records.decide(program, gate)
        await world.opened(program, following)
    world.records.decide(program, pb.GATE_LAUNCH)
    assert (await world.outcome(program)).launched


async def test_a_returned_program_is_revised_and_launched(world: Company) -> None:
    def plan(case: pb.GateCase) -> None:
        if case.gate == pb.GATE_KNIGHT and case.round == 1:
            world.records.request_changes(case.program, case.gate)
            world.records.revise(case.program, changed=[pb.GATE_KNIGHT], tolerated=[pb.GATE_FUND])
        else:
            world.say_yes(case)

    program = world.submit(plan)
    assert (await world.outcome(program)).launched
    states = [world.state(program, gate) for gate in WARRANTED]
    assert states == ["STANDING", "STANDING", "SUPERSEDED"]
    assert world.state(program, pb.GATE_KNIGHT, 2) == "STANDING"
    assert world.records.present(program, pb.GATE_FUND).basis == pb.BASIS_CARRIED
    assert world.records.present(program, pb.GATE_PLEDGE).revision == 2


@pytest.mark.parametrize("gate", WALKED, ids=name_of)
async def test_a_withdrawal_at_any_gate_releases_what_is_held(world: Company, gate: Gate) -> None:
    program = world.submit(world.say_yes_before(gate))
    await world.opened(program, gate)
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    outcome = await world.outcome(program)
    assert (outcome.outcome, outcome.launched) == (statement_pb.OUTCOME_WITHDRAWN, False)
    assert released(world, program) == ALL_RELEASED
    assert world.records.programs[program].message.settled


@pytest.mark.parametrize("gate", WALKED, ids=name_of)
async def test_a_decline_at_any_gate_ends_the_program_and_releases(
    world: Company, gate: Gate
) -> None:
    def plan(case: pb.GateCase) -> None:
        if case.gate == gate:
            world.records.decline(case.program, gate)
        else:
            world.say_yes(case)

    program = world.submit(plan)
    outcome = await world.outcome(program)
    assert outcome.outcome == statement_pb.OUTCOME_DECLINED
    assert released(world, program) == ALL_RELEASED


async def test_the_undo_runs_against_the_path_one_activity_a_gate(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_PILOT))
    await world.opened(program, pb.GATE_PILOT)
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    await world.outcome(program)
    history = await (await world.path(program)).fetch_history()
    gates = [
        event.activity_task_scheduled_event_attributes
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    undone = [a.input.payloads[0].data for a in gates if a.activity_type.name == "release_gate"]
    assert [b'"GATE_KNIGHT"' in data for data in undone] == [True, False, False]
    assert [b'"GATE_PLEDGE"' in data for data in undone] == [False, False, True]


async def test_a_late_opening_of_an_ended_program_is_refused_and_ends_the_path(
    world: Company,
) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_FUND))
    await world.opened(program, pb.GATE_FUND)
    world.records.ended.add((program, pb.GATE_KNIGHT))
    world.records.decide(program, pb.GATE_FUND)
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_WITHDRAWN
    assert world.state(program, pb.GATE_KNIGHT) == ""


async def test_a_condition_blocks_the_gate_it_names_until_it_is_closed(world: Company) -> None:
    program = world.new_program()

    def plan(case: pb.GateCase) -> None:
        blocks = pb.GATE_LAUNCH if case.gate == pb.GATE_KNIGHT else pb.GATE_UNSPECIFIED
        if case.gate != pb.GATE_PROVE:
            world.records.decide(program, case.gate, blocks=blocks)

    world.plans[program] = plan
    world.records.submit(program)
    await world.opened(program, pb.GATE_PILOT)
    await world.shows(program, "LAUNCH BLOCKED, LAUNCH_NOT_READY")
    assert world.state(program, pb.GATE_LAUNCH) == ""
    world.records.close_condition(program, pb.GATE_KNIGHT)
    assert (await world.outcome(program)).launched


async def test_a_suspended_program_makes_no_forward_move(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_PILOT))
    await world.opened(program, pb.GATE_PILOT)
    world.records.suspend(program, True)
    await world.shows(program, "PILOT SUSPENDED")
    world.records.decide(program, pb.GATE_PILOT)
    await world.shows(program, "LAUNCH SUSPENDED")
    assert world.state(program, pb.GATE_LAUNCH) == ""
    world.plans[program] = world.say_yes
    world.records.suspend(program, False)
    assert (await world.outcome(program)).launched


async def test_operators_find_a_path_by_gate_unit_and_date_and_read_whom_it_waits_for(
    world: Company, client: Client
) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_KNIGHT))
    case = await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    handle = await world.path(program)
    shown = attributes_of(await handle.describe())
    assert shown["InvGate"] == "KNIGHT"
    assert shown["InvState"] == "OPEN"
    assert shown["InvHolderRole"] == "reviewer"
    assert {"itrisk", "pr"} <= set(shown["InvUnits"])
    assert shown["InvEscalated"] is False
    overdue_at = case.timetable.overdue_at.ToDatetime(tzinfo=UTC)
    assert shown["InvDueAt"] == overdue_at
    details = await handle.query("__temporal_workflow_metadata")
    assert "waits for reviewer (itrisk)" in str(details)
    query = (
        "InvGate = 'KNIGHT' AND InvUnits = 'itrisk' "
        f"AND InvDueAt < '{(overdue_at + timedelta(seconds=1)).isoformat()}' "
        f"AND TaskQueue = '{world.queue}'"
    )
    found: list[str] = []
    while not found:  # visibility follows a moment later, and has nothing to wait on
        found = [execution.id async for execution in client.list_workflows(query)]
    assert found == [contract.launch_path_id(program)]
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    await world.outcome(program)
    assert attributes_of(await handle.describe())["InvState"] == "WITHDRAWN"
