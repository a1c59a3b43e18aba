"""What a trial by a standing decision showed goes with the program, and with what follows it."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.launches import Front
from tests.support.programs import KNIGHT, MONEY, SPONSOR, plan
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.facts import StandingRef, TrialRun
from investiture.casework.words import Basis, CaseState, Gate, Verdict
from investiture.chassis.statements import MAX_CHARACTERS

NAME = "programs/trial"
REF = StandingRef("small-trials", "sha256:text")
SMALL = plan(exposure_bps=100, people=50, days=14)
PEOPLE = {Gate.PLEDGE: SPONSOR, Gate.FUND: MONEY, Gate.KNIGHT: KNIGHT}


async def running(desk: Front, *, foot: Gate | None = None) -> pb.Pilot:
    """The pilot of a trial that passed its gates by the decision, but for `foot`."""
    await desk.submitted("trial", pilot_plan=SMALL)
    return await piloted(desk, foot)


async def again(desk: Front, people: int = 40) -> pb.Pilot:
    """Another pilot of the trial, of fewer people."""
    await desk.revised(await desk.program(NAME), pilot_plan=plan(people=people, days=14))
    return await piloted(desk)


async def piloted(desk: Front, foot: Gate | None = None) -> pb.Pilot:
    facts = await desk.facts(NAME)
    await desk.stand(facts)
    by: dict[str, Any] = {"basis": Basis.STANDING_DECISION, "standing_decision": REF}
    warrants = [
        desk.realm.warrant(gate, facts, who, **({} if gate is foot else by))
        for gate, who in PEOPLE.items()
    ]
    await desk.open(Gate.PILOT, NAME, warrants=warrants)
    return await desk.pilot(NAME)


async def signed(desk: Front, name: str) -> tuple[TrialRun, ...]:
    """The trials of the program's next statement."""
    return desk.realm.statements("launch").read_revision(await desk.statement(name)).trial_runs


async def resubmitted(desk: Front, old: str, program_id: str = "all") -> pb.Program:
    draft = await desk.proposer.CreateProgram(
        pb.CreateProgramRequest(request_id=new_request_id(), program_id=program_id, resubmits=old)
    )
    return await desk.proposer.SubmitProgram(
        pb.SubmitProgramRequest(request_id=new_request_id(), name=draft.name, etag=draft.etag)
    )


async def test_what_a_trial_showed_is_signed_for_the_gates_that_a_revision_reopens(
    desk: Front,
) -> None:
    pilot = await running(desk)
    name, began = pilot.gate_case.program, desk.clock.now()
    (run,) = await signed(desk, name)
    assert (run.pilot, run.standing, run.began_at) == (pilot.gate_case.name, REF, began)
    assert (run.people, run.days, run.exposure_bps) == (50, 14, 100)
    assert (run.ended_at, run.verdict, run.observations) == (None, None, ())

    desk.clock.advance(timedelta(hours=9))
    await desk.outcome(pilot, observations=["41 % were active", "no complaint"])
    program = await desk.program(name)
    assert not await foreign(desk)
    await desk.revised(program, exposure_bps=10_000)
    (run,) = await signed(desk, name)
    assert (run.ended_at, run.verdict) == (desk.clock.now(), Verdict.PILOT_SUCCEEDED)
    assert run.observations == ("41 % were active", "no complaint")
    (shown,) = (await desk.path(name)).trial_runs
    assert (shown.digest, shown.verdict) == (run.digest, gate_pb2.VERDICT_PILOT_SUCCEEDED)


async def foreign(desk: Front) -> tuple[TrialRun, ...]:
    """The trials of a program that has nothing to do with it."""
    return await signed(desk, (await desk.submitted("other")).name)


async def test_a_pilot_that_people_decided_on_at_one_gate_is_no_trial(desk: Front) -> None:
    pilot = await running(desk, foot=Gate.KNIGHT)
    await desk.outcome(pilot)
    assert await signed(desk, pilot.gate_case.program) == ()


async def test_a_failed_trial_says_so_and_a_second_one_comes_before_it(desk: Front) -> None:
    pilot = await running(desk)
    name = pilot.gate_case.program
    gap = gate_pb2.Gap(risk="use", tolerance="30 %", excess="12 %", remedy="explain it")
    await desk.outcome(
        pilot, outcome=pb.PILOT_OUTCOME_FAILED, observations=["12 % were active"], gaps=[gap]
    )
    await again(desk)
    second, first = await signed(desk, name)
    assert (first.pilot, first.verdict) == (pilot.gate_case.name, Verdict.PILOT_FAILED)
    assert (second.people, second.ended_at) == (40, None)


async def test_a_trial_that_went_wrong_is_not_pushed_out_by_repeating_it(desk: Front) -> None:
    failed = await running(desk)
    gap = gate_pb2.Gap(risk="use", tolerance="30 %", excess="12 %", remedy="explain it")
    lines = ["12 % were active"]
    await desk.outcome(failed, outcome=pb.PILOT_OUTCOME_FAILED, observations=lines, gaps=[gap])
    await again(desk, 40)
    for people in (39, 38):
        await desk.outcome(await again(desk, people))
    newest, worst = await signed(desk, NAME)
    assert (newest.people, newest.verdict) == (38, Verdict.PILOT_SUCCEEDED)
    assert (worst.pilot, worst.verdict) == (failed.gate_case.name, Verdict.PILOT_FAILED)


@pytest.mark.parametrize("how", ["withdrawn", "revised"])
async def test_a_trial_that_is_cut_short_has_ended_with_nothing_recorded(
    desk: Front, how: str
) -> None:
    pilot = await running(desk)
    name = pilot.gate_case.program
    desk.clock.advance(timedelta(hours=3))
    if how == "withdrawn":
        await desk.withdrawn(name)
        name = (await resubmitted(desk, name)).name
    else:
        await desk.revised(await desk.program(name), pilot_plan=plan(people=5_000))
    (run,) = await signed(desk, name)
    assert (run.program, run.ended_at, run.verdict) == (NAME, desk.clock.now(), None)


async def launched(desk: Front) -> pb.Program:
    await desk.outcome(await running(desk))
    await desk.open(Gate.LAUNCH, NAME)
    await desk.decide(await desk.go_decision(NAME))
    return await desk.execute(await desk.facts(NAME))


async def test_a_launched_trial_is_taken_up_with_what_happens_in_it_meanwhile(desk: Front) -> None:
    trial = await launched(desk)
    whole = await resubmitted(desk, NAME)
    assert (whole.resubmits, whole.content) == (NAME, trial.content)
    (before,) = await signed(desk, whole.name)
    assert (before.program, before.incidents) == (NAME, ())

    await desk.suspended(trial, "a leak")
    (after,) = await signed(desk, whole.name)
    (line,) = after.incidents
    assert line.endswith("suspended by people/omar: a leak")
    assert after.digest != before.digest
    third = await resubmitted(desk, (await desk.withdrawn(whole.name)).name, program_id="third")
    assert await signed(desk, third.name) == (after,)


@pytest.mark.parametrize(("state", "harms"), [(CaseState.VOIDED, True), (CaseState.EXPIRED, False)])
async def test_a_decision_taken_back_is_on_the_record_of_the_trial_and_the_end_of_its_days_is_not(
    desk: Front, state: CaseState, harms: bool
) -> None:
    await launched(desk)
    facts = await desk.facts(NAME)
    ref = gate_pb2.StandingDecisionRef(id=REF.id, digest=REF.digest)
    by_it: dict[str, Any] = {"version": 9, "reason": "a leak", "standing_decision": ref}
    await desk.record(desk.gate_case(facts, Gate.KNIGHT, state, **by_it))
    whole = await resubmitted(desk, NAME)
    (run,) = await signed(desk, whole.name)
    assert [line.endswith("was taken back: a leak") for line in run.incidents] == [True] * harms


async def test_what_is_taken_back_before_the_launch_is_on_its_record_once(desk: Front) -> None:
    await desk.outcome(await running(desk))
    facts = await desk.facts(NAME)
    ref = gate_pb2.StandingDecisionRef(id=REF.id, digest=REF.digest)
    for version in (8, 9):
        by_it: dict[str, Any] = {"version": version, "reason": "a leak", "standing_decision": ref}
        await desk.record(desk.gate_case(facts, Gate.KNIGHT, CaseState.VOIDED, **by_it))
    await desk.record(desk.gate_case(facts, Gate.FUND, CaseState.VOIDED, version=9))
    await desk.withdrawn(NAME)
    (run,) = await signed(desk, (await resubmitted(desk, NAME)).name)
    (line,) = run.incidents
    assert line.endswith("the decision of knight was taken back: a leak")


async def test_of_many_incidents_the_newest_are_shown_and_how_many_came_before(
    desk: Front,
) -> None:
    await running(desk)
    for number in range(5):
        await desk.suspended(await desk.program(NAME), f"leak {number}")
        for person in ("people/omar", "people/lena"):
            await desk.person(person, "on-call").Resume(
                pb.ResumeRequest(
                    request_id=new_request_id(),
                    name=NAME,
                    etag=(await desk.program(NAME)).etag,
                    reason="mended",
                )
            )
    (run,) = await signed(desk, NAME)
    assert [line[-6:] for line in run.incidents[:2]] == ["leak 4", "leak 3"]
    assert run.incidents[2] == "and 3 before"


async def test_a_launched_program_that_was_no_trial_is_not_taken_up(desk: Front) -> None:
    launched = await desk.launched()
    problem = await desk.refused(resubmitted(desk, launched.name))
    assert problem.reason == "WRONG_STATE"
    assert "trial by a standing decision" in problem.message


async def test_the_longest_that_may_be_observed_keeps_the_statement_short_enough(
    desk: Front,
) -> None:
    long = ["🜂" * 2_000] * 20
    await desk.outcome(await running(desk), observations=long)
    pilot = await again(desk)
    await desk.outcome(pilot, observations=long)
    name = NAME
    program = await desk.program(name)
    await desk.suspended(program, "🜂" * 2_000)
    statement = await desk.statement(name)
    assert len(statement) < MAX_CHARACTERS
    runs = await signed(desk, name)
    assert [len(run.observations) for run in runs] == [20, 20]
    assert {len(line) for run in runs for line in run.observations} == {200}
    assert list((await desk.pilot(name)).observations) == long
    too_long = await desk.refused(desk.outcome(pilot, observations=["x" * 2_001]))
    assert [one.field for one in too_long.violations] == ["observations[0]"]
