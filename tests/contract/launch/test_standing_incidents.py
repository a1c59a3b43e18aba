"""One incident of a program ends the standing decision it ran under, in launch's next signature."""

import pytest
from tests.support.launches import Front

from investiture.api.common.v1 import gate_pb2
from investiture.casework.facts import StandingIncident, StandingRef
from investiture.casework.words import CaseState, Gate

REF = gate_pb2.StandingDecisionRef(id="small-trials", digest="sha256:text")


async def incidents(desk: Front, name: str) -> tuple[StandingIncident, ...]:
    signed = desk.realm.statements("launch").read_revision(await desk.statement(name))
    return signed.incidents


async def by_standing_decision(desk: Front, program_id: str) -> str:
    """A program whose pledge stands by the decision."""
    program = await desk.submitted(program_id)
    facts = await desk.facts(program.name)
    case = desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING, standing_decision=REF)
    await desk.record(case)
    return program.name


async def test_a_suspension_ends_it_for_every_program_in_the_next_statement(desk: Front) -> None:
    name = await by_standing_decision(desk, "trial")
    other = (await desk.submitted("other")).name
    assert await incidents(desk, other) == ()
    await desk.suspended(await desk.program(name), "a leak")
    (one,) = await incidents(desk, other)
    assert one.standing == StandingRef(REF.id, REF.digest)
    assert (one.program, one.incident) == (name, "suspended: a leak")
    assert [row["told"] for row in desk.rows("standing_incident")] == [False]


async def test_a_suspension_that_came_before_launch_heard_of_the_gate_ends_it_too(
    desk: Front,
) -> None:
    program = await desk.submitted("trial")
    await desk.suspended(program, "a leak")
    assert await incidents(desk, program.name) == ()
    facts = await desk.facts(program.name)
    await desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING, standing_decision=REF))
    assert len(await incidents(desk, program.name)) == 1


@pytest.mark.parametrize(("state", "ends"), [(CaseState.VOIDED, True), (CaseState.EXPIRED, False)])
async def test_after_the_launch_a_decision_taken_back_is_an_incident_and_the_end_of_its_days_none(
    desk: Front, state: CaseState, ends: bool
) -> None:
    program = await desk.launched()
    facts = await desk.facts(program.name)
    for number, one in enumerate((CaseState.STANDING, state), start=3):
        case = desk.gate_case(facts, Gate.KNIGHT, one, version=number, standing_decision=REF)
        await desk.record(case)
    assert (await desk.program(program.name)).incidents
    assert bool(await incidents(desk, program.name)) is ends


async def test_a_suspended_program_that_people_decided_on_ends_nothing(desk: Front) -> None:
    program = await desk.submitted()
    await desk.stand(await desk.facts(program.name), Gate.PLEDGE)
    await desk.suspended(program)
    assert await incidents(desk, program.name) == ()
