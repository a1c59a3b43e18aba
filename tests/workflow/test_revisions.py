"""A revision, a void and an expiry reopen exactly the gates they touch."""

import asyncio
from datetime import timedelta

import pytest
from tests.support.case_records import WALKED, WARRANTED, Gate, name_of
from tests.support.paths import Company

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("gate", WALKED, ids=name_of)
async def test_a_revision_that_touches_nothing_keeps_every_decision(
    world: Company, gate: Gate
) -> None:
    program = world.submit(world.say_yes_before(gate))
    await world.opened(program, gate)
    world.records.revise(program)
    await world.records.until(lambda: world.records.present(program, gate).revision == 2)
    world.plans[program] = world.say_yes
    world.records.decide(program, gate)
    assert (await world.outcome(program)).launched
    assert {len(world.records.cases[program, walked]) for walked in WALKED} == {1}
    assert {world.records.present(program, walked).revision for walked in WALKED} == {2}


@pytest.mark.parametrize("gate", WALKED, ids=name_of)
async def test_a_change_within_the_tolerance_is_carried(world: Company, gate: Gate) -> None:
    program = world.submit(world.say_yes_before(gate))
    await world.opened(program, gate)
    world.plans[program] = world.say_yes
    world.records.revise(program, tolerated=WARRANTED)
    if gate > pb.GATE_KNIGHT:
        world.records.decide(program, gate)
    assert (await world.outcome(program)).launched
    carried = [earlier for earlier in WARRANTED if earlier < gate]
    assert {world.records.present(program, kept).basis for kept in carried} <= {pb.BASIS_CARRIED}
    assert {len(world.records.cases[program, kept]) for kept in carried} <= {1}


@pytest.mark.parametrize("touched", WARRANTED, ids=name_of)
async def test_a_material_change_reopens_the_touched_gate_only(
    world: Company, touched: Gate
) -> None:
    async def revised_while_waiting_at(gate: Gate) -> None:
        program = world.submit(world.say_yes_before(gate))
        await world.opened(program, gate)
        world.plans[program] = world.say_yes
        world.records.revise(program, changed=[touched])
        if gate != touched:
            world.records.decide(program, gate)
        assert (await world.outcome(program)).launched
        rounds = {name_of(walked): len(world.records.cases[program, walked]) for walked in WALKED}
        reopened = name_of(touched) if touched <= gate else ""
        assert rounds == {name: 2 if name == reopened else 1 for name in rounds}
        assert world.records.present(program, touched).revision == 2

    async with asyncio.TaskGroup() as together:
        for gate in WALKED:
            together.create_task(revised_while_waiting_at(gate))


@pytest.mark.parametrize("voided", WARRANTED, ids=name_of)
async def test_a_voided_warrant_reopens_its_gate_wherever_the_path_waits(
    world: Company, voided: Gate
) -> None:
    async def voided_while_waiting_at(gate: Gate) -> None:
        program = world.submit(world.say_yes_before(gate))
        await world.opened(program, gate)
        world.plans[program] = world.say_yes
        world.records.void(program, voided)
        await world.opened(program, voided, 2)
        world.records.decide(program, gate)
        assert (await world.outcome(program)).launched
        assert world.state(program, voided, 1) == "VOIDED"
        assert world.state(program, voided, 2) == "STANDING"

    async with asyncio.TaskGroup() as together:
        for gate in (gate for gate in WALKED if gate > voided):
            together.create_task(voided_while_waiting_at(gate))


async def test_a_void_whose_ring_is_lost_is_found_before_the_next_gate_opens(
    world: Company,
) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_KNIGHT))
    await world.opened(program, pb.GATE_KNIGHT)
    world.plans[program] = world.say_yes
    world.lost = lambda _program, gate: gate == pb.GATE_PLEDGE
    world.records.void(program, pb.GATE_PLEDGE)
    world.records.decide(program, pb.GATE_KNIGHT)
    await world.opened(program, pb.GATE_PLEDGE, 2)
    world.lost = lambda _program, _gate: False
    world.records.save(world.records.present(program, pb.GATE_PLEDGE))
    assert (await world.outcome(program)).launched


async def test_an_expired_decision_reopens_its_gate_by_its_date_alone(world: Company) -> None:
    program = world.new_program(world.say_yes_before(pb.GATE_FUND))
    world.records.validity[program, pb.GATE_PLEDGE] = timedelta(seconds=1.2)
    world.records.submit(program)
    await world.opened(program, pb.GATE_FUND)
    del world.records.validity[program, pb.GATE_PLEDGE]
    await world.opened(program, pb.GATE_PLEDGE, 2)
    assert world.state(program, pb.GATE_PLEDGE, 1) == "EXPIRED"
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    await world.outcome(program)


async def test_a_withdrawal_while_changes_are_requested_ends_the_path(world: Company) -> None:
    def plan(case: pb.GateCase) -> None:
        if case.gate == pb.GATE_KNIGHT:
            world.records.request_changes(case.program, case.gate)
            world.records.end(case.program, statement_pb.OUTCOME_WITHDRAWN)
        else:
            world.say_yes(case)

    program = world.submit(plan)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_WITHDRAWN
