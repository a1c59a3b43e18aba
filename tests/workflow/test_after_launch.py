"""What a launch rests on is read on after it: a decision that is lost comes on record."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from tests.support.case_records import WARRANTED, Gate, name_of, stamp
from tests.support.paths import Company, activities_of, attributes_of
from tests.workflow.test_time import own_events, slow_world

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.workflows.v1.path_pb2 import PathOutcome, Ring
from investiture.chassis.refusal import PreconditionFailed
from investiture.workflows import contract

__all__ = ["slow_world"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

Proof = WorkflowHandle[object, PathOutcome]
VOIDED, EXPIRED = pb.CASE_STATE_VOIDED, pb.CASE_STATE_EXPIRED
A_DAY = timedelta(days=1)


async def launched(world: Company, program: str = "") -> tuple[str, Proof]:
    """A launched program, and its proof once that waits; its path has ended."""
    program = program or world.new_program()
    world.records.slas[program, pb.GATE_PROVE] = timedelta(days=100)
    world.records.submit(program)
    assert (await world.outcome(program)).launched
    await world.proof_shows(program, "PROVE OPEN")
    return program, world.proof(program)


async def recorded(world: Company, program: str, gate: Gate, state: pb.CaseState.ValueType) -> None:
    """Wait until launch knows the gate's case so."""
    known = world.records.programs[program].recorded
    await world.records.until(lambda: known[gate].state == state)


async def pass_time(
    environment: WorkflowEnvironment, world: Company, proof: Proof, time: timedelta
) -> None:
    await environment.fast_forward(proof, time)
    world.clock.advance_to(await environment.get_current_time(proof))


async def closes_as_ever(world: Company, program: str, proof: Proof) -> None:
    """It is not moved by what was lost, and ends by its own decision alone."""
    rounds = world.records.cases
    assert [len(rounds[program, gate]) for gate in WARRANTED] == [1, 1, 1]
    assert activities_of(await proof.fetch_history()).count(contract.OPEN_GATE) == 0
    world.records.close(program, statement_pb.OUTCOME_PROVEN)
    assert (await proof.result()).outcome == statement_pb.OUTCOME_PROVEN


@pytest.mark.parametrize("gate", WARRANTED, ids=name_of)
async def test_what_is_voided_after_the_launch_is_read_on_its_ring_and_shown(
    world: Company, gate: Gate
) -> None:
    program, proof = await launched(world)
    world.records.void(program, gate)
    await recorded(world, program, gate, VOIDED)
    world.records.ask_sponsors(program)
    await world.shows(program, f"PROVE OPEN, {name_of(gate)} was lost (VOIDED)", proof)
    await closes_as_ever(world, program, proof)


async def test_what_was_voided_before_anybody_watched_is_read_at_the_start(world: Company) -> None:
    program, proof = await launched(world)
    await proof.terminate()
    world.records.void(program, pb.GATE_KNIGHT)
    await world.send(program, Ring())
    await recorded(world, program, pb.GATE_KNIGHT, VOIDED)


async def test_what_expires_after_the_launch_is_read_at_its_date_without_a_ring(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    world = slow_world
    program = world.new_program()
    world.records.validity[program, pb.GATE_KNIGHT] = timedelta(days=9, hours=12)
    program, proof = await launched(world, program)
    launch_knows = world.records.programs[program].recorded
    await pass_time(environment, world, proof, timedelta(days=9, hours=11))
    assert launch_knows[pb.GATE_KNIGHT].state == pb.CASE_STATE_STANDING
    stood = launch_knows[pb.GATE_KNIGHT].version
    await pass_time(environment, world, proof, timedelta(hours=1, minutes=1))
    await recorded(world, program, pb.GATE_KNIGHT, EXPIRED)
    assert launch_knows[pb.GATE_KNIGHT].version == stood, "an expiry is no new version"
    world.records.ask_sponsors(program)
    await world.shows(program, "PROVE OPEN, KNIGHT was lost (EXPIRED)", proof)
    await closes_as_ever(world, program, proof)


async def test_a_lost_ring_is_healed_within_a_day(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    world = slow_world
    program, proof = await launched(world)
    world.lost = lambda _program, _gate: True
    world.records.void(program, pb.GATE_FUND)
    await pass_time(environment, world, proof, A_DAY + timedelta(minutes=1))
    await recorded(world, program, pb.GATE_FUND, VOIDED)
    world.lost = lambda _program, _gate: False
    await closes_as_ever(world, program, proof)


async def test_thirty_quiet_days_cost_few_events(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    world = slow_world
    program, proof = await launched(world)
    before = own_events(await proof.fetch_history())
    statements = world.records.programs[program].records
    await pass_time(environment, world, proof, A_DAY * 30)
    assert own_events(await proof.fetch_history()) - before <= 12 * 30
    assert world.records.programs[program].records == statements, "launch is told news only"
    await closes_as_ever(world, program, proof)


async def test_a_provisional_decision_is_watched_and_left_to_the_path(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    """Its timetable is the path's: what is due there must not keep the proof busy."""
    world = slow_world
    program, proof = await launched(world)
    case = world.records.present(program, pb.GATE_KNIGHT)
    case.basis = pb.BASIS_EMERGENCY
    world.records.wait(case, "reviewer")
    case.standing_until.CopyFrom(stamp(world.clock.now("itrisk") + A_DAY * 9))
    world.records.save(case)
    await world.shows(program, "PROVE OPEN, KNIGHT is provisional until", proof)
    await pass_time(environment, world, proof, A_DAY * 8)
    assert not case.escalations
    await pass_time(environment, world, proof, A_DAY * 2)
    await recorded(world, program, pb.GATE_KNIGHT, EXPIRED)


async def test_an_unexpected_answer_about_a_watched_gate_is_an_alarm_and_tried_again(
    world: Company,
) -> None:
    program, proof = await launched(world)
    refusal = PreconditionFailed("AUTHORITY_INSUFFICIENT", "nobody expected this")
    world.servers.trouble("launch", "RecordStanding", refusal=refusal, program=program)
    world.records.void(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT PARKED, FAILED_PRECONDITION AUTHORITY", proof)
    assert attributes_of(await proof.describe())["InvState"] == "PARKED"
    await proof.signal(contract.RETRY)
    await recorded(world, program, pb.GATE_KNIGHT, VOIDED)
    await closes_as_ever(world, program, proof)
