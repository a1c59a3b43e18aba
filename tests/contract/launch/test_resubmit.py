"""A program is withdrawn at every stage before its launch, and taken up again as a new one."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.launches import Front
from tests.support.programs import PROPOSER, SPONSOR, content
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.words import CaseState, Gate

NAME = "programs/community"
Stage = Callable[[Front], Awaitable[Any]]
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])


async def waiting_at(desk: Front, gate: Gate) -> None:
    """On its path, the gates before this one stand and this one waits."""
    await desk.submitted()
    facts = await desk.facts(NAME)
    for passed in (Gate.PLEDGE, Gate.FUND, Gate.KNIGHT):
        if passed is gate:
            await desk.record(desk.gate_case(facts, gate, CaseState.OPEN))
            return
        await desk.stand(facts, passed)


async def suspended(desk: Front) -> None:
    await desk.suspended(await desk.submitted())


STAGES: dict[str, Stage] = {
    "draft": lambda desk: desk.draft(),
    "pledge": lambda desk: waiting_at(desk, Gate.PLEDGE),
    "fund": lambda desk: waiting_at(desk, Gate.FUND),
    "knight": lambda desk: waiting_at(desk, Gate.KNIGHT),
    "pilot": lambda desk: desk.piloting(),
    "asked for go": lambda desk: desk.asked_for_go(),
    "go given": lambda desk: desk.cleared(),
    "suspended": suspended,
}


def withdrawing(program: pb.Program) -> pb.WithdrawProgramRequest:
    return pb.WithdrawProgramRequest(
        request_id=new_request_id(), name=program.name, etag=program.etag, reason="not this year"
    )


def resubmitting(old: str = NAME, **request: Any) -> pb.CreateProgramRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "program_id": "community-2",
        "resubmits": old,
    }
    return pb.CreateProgramRequest(**{**values, **request})


@ON_SQLITE
@pytest.mark.parametrize("who", [PROPOSER, SPONSOR])
@pytest.mark.parametrize("stage", STAGES)
async def test_proposer_and_sponsor_withdraw_at_every_stage_before_the_launch(
    desk: Front, stage: str, who: str
) -> None:
    await STAGES[stage](desk)
    stub = desk.person(who, "proposer" if who == PROPOSER else "sponsor")
    ended = await stub.WithdrawProgram(withdrawing(await desk.program(NAME)))
    assert (ended.state, ended.outcome) == (
        pb.PROGRAM_STATE_ENDED,
        statements_pb2.OUTCOME_WITHDRAWN,
    )
    assert (ended.ended_by, ended.settled) == (who, stage == "draft")
    for gate in (await desk.path(NAME)).gates:
        if gate.gate in (gate_pb2.GATE_PILOT, gate_pb2.GATE_LAUNCH) and gate.gate_case.name:
            assert gate.gate_case.state == gate_pb2.CASE_STATE_RELEASED


async def test_who_pledged_in_the_sponsors_place_withdraws_while_the_pledge_stands(
    desk: Front,
) -> None:
    await desk.submitted()
    facts = await desk.facts(NAME)
    case = desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING)
    case.deciders[0].person, case.deciders[0].role = "people/viktor", "sponsor"
    case.deciders.add().CopyFrom(case.deciders[0])
    case.deciders[1].person, case.deciders[1].role = "people/vera", "endorser"
    viktor = desk.person("people/viktor", "sponsor")
    vera = desk.person("people/vera", "sponsor")
    problem = await desk.refused(viktor.WithdrawProgram(withdrawing(await desk.program(NAME))))
    assert problem.reason == "NOT_A_HOLDER"
    await desk.record(case)
    problem = await desk.refused(vera.WithdrawProgram(withdrawing(await desk.program(NAME))))
    assert problem.reason == "NOT_A_HOLDER"
    assert "people/viktor" in problem.message
    case.state, case.version = gate_pb2.CASE_STATE_VOIDED, 2
    await desk.record(case)
    problem = await desk.refused(viktor.WithdrawProgram(withdrawing(await desk.program(NAME))))
    assert problem.reason == "NOT_A_HOLDER"
    case.state, case.version = gate_pb2.CASE_STATE_STANDING, 3
    await desk.record(case)
    ended = await viktor.WithdrawProgram(withdrawing(await desk.program(NAME)))
    assert ended.ended_by == "people/viktor"


async def test_a_withdrawn_program_is_taken_up_again_with_what_it_said_last(desk: Front) -> None:
    program = await desk.submitted()
    await desk.revised(program, title="Self-support of all customers")
    old = await desk.withdrawn(NAME)
    draft = await desk.proposer.CreateProgram(resubmitting())
    assert (draft.name, draft.state) == ("programs/community-2", pb.PROGRAM_STATE_DRAFT)
    assert (draft.resubmits, draft.revision, draft.proposer) == (NAME, 0, PROPOSER)
    assert draft.content == old.content
    submitted = await desk.proposer.SubmitProgram(
        pb.SubmitProgramRequest(request_id=new_request_id(), name=draft.name, etag=draft.etag)
    )
    assert (submitted.revision, submitted.resubmits) == (1, NAME)
    assert not any(gate.gate_case.name for gate in (await desk.path(draft.name)).gates)
    assert (await desk.program(NAME)) == old  # what has ended stays as it was


async def test_it_may_say_something_else(desk: Front) -> None:
    await desk.submitted()
    await desk.withdrawn(NAME)
    other = content(title="Smaller this time")
    draft = await desk.proposer.CreateProgram(resubmitting(content=other))
    assert (draft.content, draft.resubmits) == (other, NAME)


async def test_what_has_ended_says_how_it_goes_on(desk: Front) -> None:
    program = await desk.submitted()
    old = await desk.withdrawn(NAME)
    problem = await desk.refused(
        desk.proposer.SubmitProgram(
            pb.SubmitProgramRequest(request_id=new_request_id(), name=program.name, etag=old.etag)
        )
    )
    assert problem.reason == "PROGRAM_ENDED"
    assert [leg.description for leg in problem.legs] == ["the program was withdrawn"]
    assert "resubmits" in problem.legs[0].remedy


async def test_the_sponsor_takes_it_up_and_a_stranger_does_not(desk: Front) -> None:
    await desk.submitted()
    await desk.withdrawn(NAME)
    stranger = desk.person("people/max", "proposer")
    problem = await desk.refused(stranger.CreateProgram(resubmitting()))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    taken = await desk.person(SPONSOR, "proposer").CreateProgram(resubmitting())
    assert taken.proposer == SPONSOR


async def test_only_what_was_withdrawn_or_declined_is_taken_up_again(desk: Front) -> None:
    before = await desk.draft()
    problem = await desk.refused(desk.proposer.CreateProgram(resubmitting()))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    assert before.state == pb.PROGRAM_STATE_DRAFT
    missing = await desk.refused(desk.proposer.CreateProgram(resubmitting("programs/none")))
    assert missing.code == "NOT_FOUND"
    declined = await desk.submitted("declined")
    facts = await desk.facts(declined.name)
    await desk.record(desk.gate_case(facts, Gate.PLEDGE, CaseState.DECLINED, reason="too early"))
    draft = await desk.proposer.CreateProgram(resubmitting("programs/declined"))
    assert draft.resubmits == "programs/declined"


async def test_a_program_says_something_or_what_it_resubmits(desk: Front) -> None:
    before = desk.everything()
    problem = await desk.refused(desk.proposer.CreateProgram(resubmitting("")))
    assert [v.field for v in problem.violations] == ["content"]
    assert desk.everything() == before
