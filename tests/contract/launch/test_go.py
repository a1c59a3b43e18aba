"""Go: asked after the pilot, answered by the sponsor; it only stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.launches import Front
from tests.support.programs import KNIGHT, SPONSOR
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.facts import Condition
from investiture.casework.words import CaseState, Gate

NAME = "programs/community"
CONDITION = Condition("c1", "moderators are trained", "people/stella", Gate.PILOT)


async def test_go_is_asked_of_the_sponsor_after_the_pilot(desk: Front) -> None:
    await desk.piloting()
    problem = await desk.refused(desk.open(Gate.LAUNCH, NAME))
    assert problem.reason == "BUSINESS_FIRST"
    assert [leg.type for leg in problem.legs] == ["WARRANT_PILOT"]
    await desk.outcome(await desk.pilot(NAME))
    await desk.open(Gate.LAUNCH, NAME)
    go = await desk.go_decision(NAME)
    assert go.gate_case.name == f"{NAME}/goDecisions/1"
    assert [(h.person, h.role) for h in go.gate_case.holders] == [(SPONSOR, "sponsor")]
    assert go.answer == pb.GO_ANSWER_UNSPECIFIED


@pytest.mark.parametrize(
    ("changes", "condition", "legs"),
    [
        ({"steward": ""}, None, ["STEWARD"]),
        ({}, CONDITION, ["CONDITION"]),
        ({}, replace(CONDITION, blocks=Gate.LAUNCH), ["CONDITION"]),
    ],
)
async def test_go_is_not_asked_while_something_blocks_the_launch(
    desk: Front, changes: dict[str, Any], condition: Condition | None, legs: list[str]
) -> None:
    await desk.outcome(await desk.piloting(**changes))
    facts = await desk.facts(NAME)
    conditions = (condition,) if condition else ()
    knight = desk.realm.warrant(Gate.KNIGHT, facts, KNIGHT, conditions=conditions)
    warrants = desk.warrants(facts, knight=knight)
    problem = await desk.refused(desk.open(Gate.LAUNCH, NAME, warrants=warrants))
    assert problem.reason == "LAUNCH_NOT_READY"
    assert [leg.type for leg in problem.legs] == legs


async def test_a_freeze_holds_the_launch_until_its_end(desk: Front) -> None:
    desk.clock.set(datetime(2026, 12, 20, 12, 0, tzinfo=UTC))
    await desk.outcome(await desk.piloting())
    desk.clock.set(datetime(2026, 12, 23, 0, 0, tzinfo=UTC))
    problem = await desk.refused(desk.open(Gate.LAUNCH, NAME))
    assert problem.reason == "LAUNCH_NOT_READY"
    assert "frozen until 2027-01-03 00:00" in problem.legs[0].description
    desk.clock.set(datetime(2027, 1, 3, 0, 0, tzinfo=UTC))
    await desk.open(Gate.LAUNCH, NAME)


async def test_a_go_only_stands(desk: Front) -> None:
    go = await desk.decide(await desk.asked_for_go())
    case = go.gate_case
    assert (go.answer, case.state, case.verdict) == (
        pb.GO_ANSWER_GO,
        gate_pb2.CASE_STATE_STANDING,
        gate_pb2.VERDICT_GO,
    )
    assert go.snapshot_digest.startswith("sha256:")
    program = await desk.program(NAME)
    assert program.state == pb.PROGRAM_STATE_ON_PATH
    assert not program.HasField("launch_time")
    assert (await desk.path(NAME)).waiting_at == gate_pb2.GATE_LAUNCH


async def test_the_snapshot_is_of_what_the_decider_saw(desk: Front) -> None:
    digests: set[str] = set()
    for program_id, state in (("one", 0), ("two", 1)):
        go = await desk.asked_for_go(program_id)
        if state:
            facts = await desk.facts(go.gate_case.program)
            carried = desk.gate_case(facts, Gate.KNIGHT, CaseState.STANDING, version=7)
            await desk.record(carried)
        digests.add((await desk.decide(go)).snapshot_digest)
    assert len(digests) == 2


async def test_a_hold_keeps_the_question_open_with_its_reason(desk: Front) -> None:
    go = await desk.asked_for_go()
    problem = await desk.refused(desk.decide(go, answer=pb.GO_ANSWER_HOLD))
    assert [violation.field for violation in problem.violations] == ["reason"]
    held = await desk.decide(go, answer=pb.GO_ANSWER_HOLD, reason="after the fair")
    assert (held.answer, held.reason) == (pb.GO_ANSWER_HOLD, "after the fair")
    assert held.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert held.gate_case.version == go.gate_case.version + 1
    assert (await desk.decide(held)).answer == pb.GO_ANSWER_GO


async def test_a_no_go_ends_the_program_at_once(desk: Front) -> None:
    go = await desk.asked_for_go()
    never = await desk.decide(go, answer=pb.GO_ANSWER_NO_GO, reason="the market is gone")
    assert never.gate_case.state == gate_pb2.CASE_STATE_DECLINED
    ended = await desk.program(NAME)
    assert (ended.outcome, ended.ended_by) == (statements_pb2.OUTCOME_DECLINED, SPONSOR)
    assert ended.end_reason == "the market is gone"
    problem = await desk.refused(desk.open(Gate.LAUNCH, NAME))
    assert problem.reason == "PROGRAM_ENDED"


async def test_only_who_holds_it_and_may_decides_go(desk: Front) -> None:
    go = await desk.asked_for_go()
    request = pb.DecideGoRequest(
        request_id=new_request_id(),
        name=go.gate_case.name,
        etag=go.gate_case.etag,
        answer=pb.GO_ANSWER_GO,
    )
    other = await desk.refused(desk.person("people/mira", "sponsor").DecideGo(request))
    assert (other.code, other.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    desk.directory.say(SPONSOR, limit_units=89_999)
    short = await desk.refused(desk.decide(go))
    assert (short.code, short.reason) == ("FAILED_PRECONDITION", "AUTHORITY_INSUFFICIENT")
    desk.directory.say(SPONSOR, limit_units=90_000)
    assert (await desk.decide(go)).answer == pb.GO_ANSWER_GO


async def test_who_funded_does_not_decide_go(desk: Front) -> None:
    go = await desk.asked_for_go()
    facts = await desk.facts(NAME)
    funded = desk.gate_case(facts, Gate.FUND, CaseState.STANDING, version=7)
    funded.deciders[0].person = SPONSOR
    await desk.record(funded)
    problem = await desk.refused(desk.decide(go))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "SIDES_NOT_SEPARATE")


async def test_a_suspended_program_gets_a_hold_and_no_go(desk: Front) -> None:
    go = await desk.asked_for_go()
    await desk.suspended(await desk.program(NAME))
    problem = await desk.refused(desk.decide(go))
    assert problem.reason == "PROGRAM_SUSPENDED"
    held = await desk.decide(go, answer=pb.GO_ANSWER_HOLD, reason="a leak")
    assert held.answer == pb.GO_ANSWER_HOLD


async def test_rehearsing_an_answer_stores_nothing(desk: Front) -> None:
    go = await desk.asked_for_go()
    before = desk.everything()
    never = await desk.decide(go, answer=pb.GO_ANSWER_NO_GO, reason="what if", validate_only=True)
    assert never.gate_case.state == gate_pb2.CASE_STATE_DECLINED
    assert desk.everything() == before


async def test_an_overdue_go_adds_the_line_of_the_business_and_nobody_of_another_side(
    desk: Front,
) -> None:
    go = await desk.asked_for_go(owning_unit="units/it")
    desk.clock.advance(timedelta(days=60))
    answer = await desk.cases.EscalateCase(
        case_pb.EscalateCaseRequest(request_id=new_request_id(), name=go.gate_case.name)
    )
    steps = [(step.step, list(step.added)) for step in answer.taken]
    assert steps[:4] == [
        (gate_pb2.STEP_NUDGE, []),
        (gate_pb2.STEP_WARN, []),
        (gate_pb2.STEP_OVERDUE, ["people/ada"]),
        (gate_pb2.STEP_SECOND, ["people/grace"]),
    ]
    roles = {holder.person: holder.role for holder in answer.reading.gate_case.holders}
    assert roles == {
        SPONSOR: "sponsor",
        "people/ada": "sponsor",
        "people/grace": "governance",
        "people/gus": "governance",
    }
    assert (await desk.path(NAME)).gates[4].gate_case == answer.reading.gate_case


async def test_what_was_launched_is_suspended_and_not_voided(desk: Front) -> None:
    await desk.launched()
    go = await desk.go_decision(NAME)
    governance = desk.case_person("people/grace", "governance")
    voiding = case_pb.VoidCaseRequest(
        request_id=new_request_id(),
        name=go.gate_case.name,
        etag=go.gate_case.etag,
        reason="second thoughts",
    )
    problem = await desk.refused(governance.VoidCase(voiding))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    assert "suspend" in problem.legs[0].remedy


async def test_a_counter_sponsor_decides_go_as_well(desk: Front) -> None:
    go = await desk.asked_for_go(counter_sponsor="people/hana")
    counter = desk.person("people/hana", "sponsor")
    decided = await counter.DecideGo(
        pb.DecideGoRequest(
            request_id=new_request_id(),
            name=go.gate_case.name,
            etag=go.gate_case.etag,
            answer=pb.GO_ANSWER_GO,
        )
    )
    assert [decider.person for decider in decided.gate_case.deciders] == ["people/hana"]
