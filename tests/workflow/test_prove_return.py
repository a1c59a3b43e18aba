"""A launched program until its promise is settled."""

from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from tests.support.case_records import WARRANTED
from tests.support.paths import Company

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.workflows.v1.path_pb2 import PathOutcome, Ring
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def launched(world: Company) -> tuple[str, WorkflowHandle[object, PathOutcome]]:
    """A launched program, and its proof once that waits."""
    program = world.submit()
    assert (await world.outcome(program)).launched
    await world.proof_shows(program, "PROVE OPEN")
    return program, world.proof(program)


@pytest.mark.parametrize(
    "outcome",
    [
        statement_pb.OUTCOME_PROVEN,
        statement_pb.OUTCOME_MISSED,
        statement_pb.OUTCOME_PROMISE_WAIVED,
    ],
    ids=statement_pb.Outcome.Name,
)
async def test_it_ends_as_recorded_and_releases_what_is_held(
    world: Company, outcome: statement_pb.Outcome.ValueType
) -> None:
    program, proof = await launched(world)
    world.records.close(program, outcome)
    ended = await proof.result()
    assert (ended.outcome, ended.launched) == (outcome, True)
    assert world.records.programs[program].message.settled
    states = {world.records.programs[program].recorded[gate].state for gate in WARRANTED}
    assert states == {pb.CASE_STATE_RELEASED}


async def test_each_review_is_a_run_of_its_own(world: Company) -> None:
    program, proof = await launched(world)
    first = (await proof.describe()).run_id
    case = world.records.present(program, pb.GATE_PROVE)
    world.records.slas[program, pb.GATE_PROVE] = timedelta(days=90)
    world.records.wait(case, "benefit-owner")  # the review is held; the next has dates of its own
    world.records.save(case)
    await world.proof_shows(program, "PROVE OPEN", after=first)
    assert (await proof.describe()).run_id != first
    world.records.close(program, statement_pb.OUTCOME_PROVEN)
    assert (await proof.result()).outcome == statement_pb.OUTCOME_PROVEN


async def test_forged_rings_settle_nothing(world: Company) -> None:
    program, proof = await launched(world)
    for gate in (pb.GATE_PROVE, pb.GATE_UNSPECIFIED):
        await proof.signal(contract.RING, Ring(gate=gate))
    await world.caught_up(proof)
    assert world.state(program, pb.GATE_PROVE) == "OPEN"
    world.records.close(program, statement_pb.OUTCOME_MISSED)
    assert (await proof.result()).outcome == statement_pb.OUTCOME_MISSED


async def test_a_terminated_proof_is_revived(world: Company) -> None:
    program, proof = await launched(world)
    await proof.terminate()
    world.records.close(program, statement_pb.OUTCOME_PROVEN)
    await world.send(program, Ring())
    assert (await proof.result()).outcome == statement_pb.OUTCOME_PROVEN


async def test_a_path_revived_after_the_launch_only_finishes(world: Company) -> None:
    program, _ = await launched(world)
    handle = world.client.get_workflow_handle(contract.launch_path_id(program))
    before = (await handle.describe()).run_id
    await world.start_path(program)
    history = await handle.fetch_history()
    assert (await handle.describe()).run_id != before
    assert (await world.outcome(program)).launched
    scheduled = [
        event
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    assert scheduled == []
