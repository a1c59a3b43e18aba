"""The pilot: entered with three fresh warrants, decided by whom the record names."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.emergencies import voiced
from tests.support.launches import Front
from tests.support.programs import (
    KNIGHT,
    MONEY,
    PILOT_OWNER,
    PROPOSER,
    SPONSOR,
    content,
    plan,
)
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.facts import Condition
from investiture.casework.words import CaseState, Gate

NAME = "programs/community"
GAP = gate_pb2.Gap(risk="moderation", excess="nobody at night", remedy="a rota")
CONDITION = Condition("c1", "moderators are trained", "people/stella", Gate.PILOT)


async def test_a_pilot_begins_when_its_case_opens(desk: Front) -> None:
    pilot = await desk.piloting()
    assert pilot.gate_case.name == f"{NAME}/pilots/1"
    assert pilot.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert [(h.person, h.role) for h in pilot.gate_case.holders] == [(PILOT_OWNER, "pilot-owner")]
    assert pilot.gate_case.timetable.HasField("overdue_at")
    assert pilot.plan == plan()
    assert (await desk.program(NAME)).state == pb.PROGRAM_STATE_PILOTING
    path = await desk.path(NAME)
    assert path.waiting_at == gate_pb2.GATE_PILOT
    assert path.gates[3].gate_case == pilot.gate_case


async def test_opening_again_answers_the_pilot_that_runs(desk: Front) -> None:
    pilot = await desk.piloting()
    again = await desk.open(Gate.PILOT, NAME)
    assert again.gate_case == pilot.gate_case
    assert again.case_statement


@pytest.mark.parametrize("gate", ["pledge", "fund", "knight"])
async def test_no_pilot_without_all_three_warrants(desk: Front, gate: str) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    warrants = desk.warrants(facts, **{gate: ""})
    problem = await desk.refused(desk.open(Gate.PILOT, program.name, warrants=warrants))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "BUSINESS_FIRST")
    assert [leg.type for leg in problem.legs] == [f"WARRANT_{gate.upper()}"]
    assert problem.legs[0].remedy


async def test_a_pilot_waits_for_what_is_in_its_way_each_named(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    knight = desk.realm.warrant(
        Gate.KNIGHT, facts, KNIGHT, conditions=(CONDITION,), exposure_limit_bps=400
    )
    warrants = desk.warrants(facts, knight=knight)
    problem = await desk.refused(desk.open(Gate.PILOT, program.name, warrants=warrants))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "LAUNCH_NOT_READY")
    assert [leg.type for leg in problem.legs] == ["CONDITION", "EXPOSURE"]
    assert (await desk.program(program.name)).state == pb.PROGRAM_STATE_ON_PATH
    closed = (replace(CONDITION, closed_at=desk.clock.now(), evidence="certificates"),)
    knight = desk.realm.warrant(
        Gate.KNIGHT, facts, KNIGHT, conditions=closed, exposure_limit_bps=500
    )
    await desk.open(Gate.PILOT, program.name, warrants=desk.warrants(facts, knight=knight))


async def test_nobody_on_two_sides_gets_a_program_into_its_pilot(desk: Front) -> None:
    program = await desk.submitted()
    facts = await desk.facts(program.name)
    warrants = desk.warrants(facts, knight=desk.realm.warrant(Gate.KNIGHT, facts, MONEY))
    problem = await desk.refused(desk.open(Gate.PILOT, program.name, warrants=warrants))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "SIDES_NOT_SEPARATE")
    assert [leg.subject for leg in problem.legs] == [MONEY]


async def test_a_suspended_program_enters_no_stage(desk: Front) -> None:
    program = await desk.submitted()
    await desk.suspended(program)
    problem = await desk.refused(desk.open(Gate.PILOT, program.name))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "PROGRAM_SUSPENDED")


async def test_a_stage_opens_for_the_newest_revision_of_a_living_program(desk: Front) -> None:
    program = await desk.submitted()
    old = await desk.facts(program.name)
    await desk.revised(program, title="Another title")
    late = {"revision_statement": desk.realm.revision_statement(old)}
    problem = await desk.refused(desk.open(Gate.PILOT, program.name, **late))
    assert problem.reason == "REVISION_SUPERSEDED"
    await desk.withdrawn(program.name)
    problem = await desk.refused(desk.open(Gate.PILOT, program.name))
    assert problem.reason == "PROGRAM_ENDED"


async def test_a_pilot_that_met_its_criteria_stands(desk: Front) -> None:
    pilot = await desk.outcome(await desk.piloting())
    case = pilot.gate_case
    assert (case.state, case.verdict) == (
        gate_pb2.CASE_STATE_STANDING,
        gate_pb2.VERDICT_PILOT_SUCCEEDED,
    )
    assert [(d.person, d.side) for d in case.deciders] == [(PILOT_OWNER, gate_pb2.SIDE_BUSINESS)]
    assert list(pilot.observations) == ["41 % were active"]
    assert (await desk.program(NAME)).state == pb.PROGRAM_STATE_ON_PATH
    path = await desk.path(NAME)
    assert path.gates[3].standing
    assert path.waiting_at == gate_pb2.GATE_LAUNCH


async def test_a_pilot_that_failed_names_the_gap_to_the_proposer(desk: Front) -> None:
    running = await desk.piloting()
    problem = await desk.refused(desk.outcome(running, outcome=pb.PILOT_OUTCOME_FAILED))
    assert [violation.field for violation in problem.violations] == ["gaps"]
    pilot = await desk.outcome(running, outcome=pb.PILOT_OUTCOME_FAILED, gaps=[GAP])
    case = pilot.gate_case
    assert (case.state, case.verdict) == (
        gate_pb2.CASE_STATE_CHANGES_REQUESTED,
        gate_pb2.VERDICT_PILOT_FAILED,
    )
    assert [(holder.person, holder.role) for holder in case.holders] == [(PROPOSER, "proposer")]
    assert list(case.gaps) == [GAP]
    answer = await desk.revised(await desk.program(NAME), pilot_plan=plan(exposure_bps=400))
    assert answer.effects[3].effect == pb.REVISION_EFFECT_REOPENED
    again = await desk.open(Gate.PILOT, NAME)
    assert (again.gate_case.name, again.gate_case.round) == (f"{NAME}/pilots/2", 2)
    first = await desk.worker.GetPilot(pb.GetPilotRequest(name=f"{NAME}/pilots/1"))
    assert first.gate_case.state == gate_pb2.CASE_STATE_SUPERSEDED
    assert first.plan.exposure_bps == 500, "each pilot keeps the plan it ran by"


async def test_an_outcome_is_its_holders_to_record(desk: Front) -> None:
    pilot = await desk.piloting()
    for person, role in ((SPONSOR, "sponsor"), ("people/max", "pilot-owner")):
        request = pb.RecordPilotOutcomeRequest(
            request_id=new_request_id(),
            name=pilot.gate_case.name,
            etag=pilot.gate_case.etag,
            outcome=pb.PILOT_OUTCOME_SUCCEEDED,
            observations=["41 %"],
        )
        problem = await desk.refused(desk.person(person, role).RecordPilotOutcome(request))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER"), person


@pytest.mark.parametrize("said", [{"active": False}, {"guest": True}])
async def test_who_left_and_guests_decide_nothing(desk: Front, said: dict[str, Any]) -> None:
    pilot = await desk.piloting()
    desk.directory.say(PILOT_OWNER, **said)
    problem = await desk.refused(desk.outcome(pilot))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")


async def test_without_the_directory_nothing_is_decided_and_nothing_stored(desk: Front) -> None:
    pilot = await desk.piloting()
    before = desk.everything()
    desk.directory.down = True
    problem = await desk.refused(desk.outcome(pilot))
    assert (problem.code, problem.reason) == ("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")
    assert desk.everything() == before


async def test_an_outcome_of_what_was_revised_meanwhile_does_not_count(desk: Front) -> None:
    pilot = await desk.piloting()
    await desk.revised(await desk.program(NAME), pilot_plan=plan(exposure_bps=400))
    problem = await desk.refused(desk.outcome(pilot))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "REVISION_SUPERSEDED")


async def test_a_stale_etag_decides_nothing(desk: Front) -> None:
    pilot = await desk.piloting()
    stale = await desk.refused(desk.outcome(pilot, etag="seen-before"))
    assert (stale.code, stale.reason) == ("ABORTED", "STALE_ETAG")


async def test_a_pilot_is_taken_back_until_it_was_launched(desk: Front) -> None:
    pilot = await desk.outcome(await desk.piloting())
    governance = desk.case_person("people/grace", "governance")
    voiding = case_pb.VoidCaseRequest(
        request_id=new_request_id(),
        name=pilot.gate_case.name,
        etag=pilot.gate_case.etag,
        reason="counted wrongly",
    )
    reading = await governance.VoidCase(voiding)
    assert reading.gate_case.state == gate_pb2.CASE_STATE_VOIDED
    assert (await desk.path(NAME)).waiting_at == gate_pb2.GATE_PILOT
    again = await desk.open(Gate.PILOT, NAME)
    assert again.gate_case.round == 2


async def test_pending_decisions_of_our_gates_are_listed(desk: Front) -> None:
    await desk.piloting()
    owner = desk.case_person(PILOT_OWNER, "pilot-owner")
    pending = await owner.ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    assert [case.name for case in pending.cases] == [f"{NAME}/pilots/1"]


async def test_stages_are_read_by_their_own_names(desk: Front) -> None:
    await desk.piloting()
    for name in (f"{NAME}/goDecisions/latest", f"{NAME}/pilots/9", "nonsense"):
        problem = await desk.refused(desk.worker.GetPilot(pb.GetPilotRequest(name=name)))
        assert problem.code == "NOT_FOUND", name


async def test_withdrawing_releases_the_stage_that_runs(desk: Front) -> None:
    await desk.piloting()
    await desk.withdrawn(NAME)
    pilot = await desk.pilot(NAME)
    assert pilot.gate_case.state == gate_pb2.CASE_STATE_RELEASED
    problem = await desk.refused(desk.outcome(pilot))
    assert problem.reason == "PROGRAM_ENDED"
    assert content().pilot_plan == pilot.plan


async def test_a_stage_is_frozen_while_what_it_rests_on_was_taken_back(desk: Front) -> None:
    """architecture.md: during pilot and limited stages a void "freezes the stage"."""
    pilot = await desk.piloting()
    facts = await desk.facts(NAME)
    lost = desk.gate_case(
        facts, Gate.PLEDGE, CaseState.VOIDED, version=3, reason="people/sara has left"
    )
    await desk.record(lost)
    problem = await desk.refused(desk.outcome(pilot))
    assert problem.reason == "BUSINESS_FIRST"
    (leg,) = problem.legs
    assert (leg.type, leg.subject) == ("WARRANT_PLEDGE", NAME)
    assert leg.description.endswith("people/sara has left")
    followed = desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING, round_=2)
    await desk.record(followed)
    after = await desk.outcome(pilot)
    assert after.gate_case.verdict == gate_pb2.VERDICT_PILOT_SUCCEEDED


async def test_a_stage_is_frozen_while_a_condition_that_guards_it_is_overdue(desk: Front) -> None:
    """risk.md: a condition has "owner, due date, the gate it blocks"; overdue, it freezes it."""
    pilot = await desk.piloting()
    facts = await desk.facts(NAME)
    due = desk.clock.now() + timedelta(days=2)
    guards = replace(CONDITION, due_at=due)
    later = replace(CONDITION, id="c2", blocks=Gate.LAUNCH, due_at=due)
    knighted = [wire.condition_to(guards), wire.condition_to(later)]
    await desk.record(
        desk.gate_case(facts, Gate.KNIGHT, CaseState.STANDING, version=3, conditions=knighted)
    )
    desk.clock.set(due)
    problem = await desk.refused(desk.outcome(pilot))
    assert problem.reason == "LAUNCH_NOT_READY"
    (leg,) = problem.legs
    assert leg.subject.endswith("/conditions/c1"), "the launch is guarded by the other one"
    assert "overdue since 2027-01-06" in leg.description

    closed = replace(guards, closed_at=due, evidence="https://halden.example/trained")
    await desk.record(
        desk.gate_case(
            facts,
            Gate.KNIGHT,
            CaseState.STANDING,
            version=4,
            conditions=[wire.condition_to(closed), knighted[1]],
        )
    )
    after = await desk.outcome(pilot)
    assert after.gate_case.verdict == gate_pb2.VERDICT_PILOT_SUCCEEDED


async def test_a_stage_is_not_decided_provisionally_whatever_the_emergency(desk: Front) -> None:
    pilot = await desk.piloting()
    stub = desk.case_person(SPONSOR, "sponsor")
    refusal = await desk.refused(voiced(stub, pilot.gate_case))
    assert (refusal.reason, refusal.violations[0].field) == ("INVALID_FIELD", "name")
