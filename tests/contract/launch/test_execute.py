"""ExecuteLaunch believes nobody: every way in which three fresh standing warrants can be wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.launches import Front
from tests.support.programs import KNIGHT, MONEY, PROPOSER, SPONSOR, plan
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.api.workflows.v1 import path_pb2
from investiture.casework.facts import Condition, Revision
from investiture.casework.words import CaseState, Gate
from investiture.workflows import contract

NAME = "programs/community"
PEOPLE = {Gate.PLEDGE: SPONSOR, Gate.FUND: MONEY, Gate.KNIGHT: KNIGHT}
GATES = list(PEOPLE)
MICROSECOND = timedelta(microseconds=1)
Wrong = Callable[[Front, Revision, Gate], str]


async def nothing_moved(desk: Front, before: dict[str, list[dict[str, Any]]]) -> None:
    assert desk.everything() == before
    assert not (await desk.program(NAME)).HasField("launch_time")


async def test_a_launch_is_one_transaction_with_its_proof(desk: Front) -> None:
    program = await desk.launched()
    assert program.state == pb.PROGRAM_STATE_LAUNCHED
    assert program.launch_time.ToSeconds() == desk.clock.now().timestamp()
    assert program == await desk.program(NAME)
    path = await desk.path(NAME)
    launch, prove = path.gates[4].gate_case, path.gates[5].gate_case
    assert (launch.verdict, launch.state) == (
        gate_pb2.VERDICT_LAUNCHED,
        gate_pb2.CASE_STATE_STANDING,
    )
    assert not launch.HasField("standing_until")
    assert (prove.name, prove.state) == (f"{NAME}/proofs/1", gate_pb2.CASE_STATE_OPEN)
    assert [(holder.person, holder.role) for holder in prove.holders] == [
        ("people/nora", "benefit-owner")
    ]
    assert path.waiting_at == gate_pb2.GATE_PROVE
    starts = [row for row in desk.rows("outbox") if row["workflow_type"] == contract.PROVE_RETURN]
    (start,) = starts
    assert start["workflow_id"] == contract.prove_return_id(NAME)
    assert path_pb2.PathInput.FromString(start["start_data"]).program == NAME
    event = next(row for row in desk.rows("event") if row["kind"] == "program.launched")
    used = json.loads(event["document"])["payload"]["warrants"]
    assert set(used) == {"PLEDGE", "FUND", "KNIGHT"}


async def test_launching_twice_answers_the_launched_program(desk: Front) -> None:
    facts = await desk.cleared()
    first = await desk.execute(facts)
    before = desk.everything()
    desk.clock.advance(timedelta(days=1))
    stale = desk.warrants(facts)
    desk.clock.advance(timedelta(days=1))
    assert await desk.execute(facts, warrants=stale) == first
    after = desk.everything()
    assert {name: rows for name, rows in after.items() if name != "idempotency"} == {
        name: rows for name, rows in before.items() if name != "idempotency"
    }


async def test_the_same_request_answers_alike(desk: Front) -> None:
    facts = await desk.cleared()
    request = pb.ExecuteLaunchRequest(
        request_id=new_request_id(), program=NAME, warrants=desk.warrants(facts)
    )
    assert await desk.worker.ExecuteLaunch(request) == await desk.worker.ExecuteLaunch(request)
    request.warrants.pop()
    problem = await desk.refused(desk.worker.ExecuteLaunch(request))
    assert problem.reason == "REQUEST_ID_REUSED"


async def test_a_rehearsed_launch_stores_nothing(desk: Front) -> None:
    facts = await desk.cleared()
    before = desk.everything()
    rehearsed = await desk.execute(facts, validate_only=True)
    assert rehearsed.state == pb.PROGRAM_STATE_LAUNCHED
    await nothing_moved(desk, before)


def missing(_desk: Front, _facts: Revision, _gate: Gate) -> str:
    return ""


def too_old(desk: Front, facts: Revision, gate: Gate) -> str:
    issued_at = desk.clock.now() - timedelta(minutes=5) - MICROSECOND
    return desk.realm.warrant(gate, facts, PEOPLE[gate], issued_at=issued_at)


def ended(desk: Front, facts: Revision, gate: Gate) -> str:
    return desk.realm.warrant(gate, facts, PEOPLE[gate], standing_until=desk.clock.now())


def of_another_digest(desk: Front, facts: Revision, gate: Gate) -> str:
    return desk.realm.warrant(gate, facts, PEOPLE[gate], gate_digest="sha256:another")


def of_another_program(desk: Front, facts: Revision, gate: Gate) -> str:
    return desk.realm.warrant(gate, replace(facts, program="programs/other"), PEOPLE[gate])


def signed_by_another(desk: Front, facts: Revision, gate: Gate) -> str:
    signer = {Gate.PLEDGE: "budget", Gate.FUND: "itrisk", Gate.KNIGHT: "sponsorship"}[gate]
    return desk.realm.warrant(gate, facts, PEOPLE[gate], signer=signer)


def signed_by_us(desk: Front, facts: Revision, gate: Gate) -> str:
    return desk.realm.warrant(gate, facts, PEOPLE[gate], signer="launch")


def with_another_body(desk: Front, facts: Revision, gate: Gate) -> str:
    genuine = desk.realm.warrant(gate, facts, PEOPLE[gate])
    other = desk.realm.warrant(gate, facts, "people/mallory")
    header, _, signature = genuine.split(".")
    return ".".join((header, other.split(".")[1], signature))


def a_case_statement(desk: Front, facts: Revision, gate: Gate) -> str:
    return desk.signed(desk.gate_case(facts, gate, CaseState.STANDING))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (missing, "BUSINESS_FIRST"),
        (too_old, "STATEMENT_EXPIRED"),
        (ended, "STATEMENT_EXPIRED"),
        (of_another_digest, "BUSINESS_FIRST"),
        (of_another_program, "BUSINESS_FIRST"),
        (signed_by_another, "STATEMENT_INVALID"),
        (signed_by_us, "STATEMENT_INVALID"),
        (with_another_body, "STATEMENT_INVALID"),
        (a_case_statement, "STATEMENT_INVALID"),
    ],
)
async def test_nothing_launches_without_three_fresh_standing_warrants(
    desk: Front, wrong: Wrong, reason: str
) -> None:
    facts = await desk.cleared()
    before = desk.everything()
    for gate in GATES:
        others = {gate.value.lower(): wrong(desk, facts, gate)}
        problem = await desk.refused(desk.execute(facts, warrants=desk.warrants(facts, **others)))
        assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", reason), gate
        if reason != "STATEMENT_INVALID":
            assert [leg.type for leg in problem.legs] == [f"WARRANT_{gate.value}"]
            assert problem.legs[0].remedy
    await nothing_moved(desk, before)


async def test_the_same_warrant_three_times_is_one(desk: Front) -> None:
    facts = await desk.cleared()
    pledge = desk.realm.warrant(Gate.PLEDGE, facts, SPONSOR)
    problem = await desk.refused(desk.execute(facts, warrants=[pledge] * 3))
    assert problem.reason == "BUSINESS_FIRST"
    assert [leg.type for leg in problem.legs] == ["WARRANT_FUND", "WARRANT_KNIGHT"]


async def test_warrants_exactly_five_minutes_old_launch(desk: Front) -> None:
    facts = await desk.cleared()
    warrants = desk.warrants(facts)
    desk.clock.advance(timedelta(minutes=5))
    assert (await desk.execute(facts, warrants=warrants)).HasField("launch_time")


async def test_nobody_stands_on_two_sides_of_a_launch(desk: Front) -> None:
    facts = await desk.cleared()
    before = desk.everything()
    for gate, person in (
        (Gate.KNIGHT, MONEY),
        (Gate.KNIGHT, SPONSOR),
        (Gate.KNIGHT, PROPOSER),
        (Gate.FUND, SPONSOR),
        (Gate.FUND, PROPOSER),
    ):
        others = {gate.value.lower(): desk.realm.warrant(gate, facts, person)}
        problem = await desk.refused(desk.execute(facts, warrants=desk.warrants(facts, **others)))
        assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "SIDES_NOT_SEPARATE")
        assert [leg.subject for leg in problem.legs] == [person], gate
    await nothing_moved(desk, before)


async def test_warrants_of_the_revision_before_are_not_enough(desk: Front) -> None:
    facts = await desk.cleared()
    warrants = desk.warrants(facts)
    await desk.revised(await desk.program(NAME), vendors=["Another"])
    problem = await desk.refused(desk.execute(facts, warrants=warrants))
    assert problem.reason == "BUSINESS_FIRST"
    assert [leg.type for leg in problem.legs] == ["WARRANT_FUND", "WARRANT_KNIGHT"]


async def test_no_launch_without_a_go_that_stands(desk: Front) -> None:
    await desk.asked_for_go()
    facts = await desk.facts(NAME)
    problem = await desk.refused(desk.execute(facts))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "LAUNCH_NOT_READY")
    assert [leg.type for leg in problem.legs] == ["GO"]
    held = await desk.decide(
        await desk.go_decision(NAME), answer=pb.GO_ANSWER_HOLD, reason="after the fair"
    )
    assert (await desk.refused(desk.execute(facts))).reason == "LAUNCH_NOT_READY"
    await desk.decide(held)
    assert (await desk.execute(facts)).HasField("launch_time")


async def test_a_go_expires(desk: Front) -> None:
    facts = await desk.cleared()
    desk.clock.advance(timedelta(days=30))
    problem = await desk.refused(desk.execute(facts, warrants=desk.warrants(facts)))
    assert problem.reason == "LAUNCH_NOT_READY"
    assert [leg.type for leg in problem.legs] == ["GO"]


async def test_a_go_for_another_state_of_the_program_does_not_count(desk: Front) -> None:
    await desk.cleared()
    await desk.revised(await desk.program(NAME), response_rota=["people/sam"])
    facts = await desk.facts(NAME)
    problem = await desk.refused(desk.execute(facts))
    assert [leg.type for leg in problem.legs] == ["GO"]


async def test_a_pilot_of_something_else_does_not_count(desk: Front) -> None:
    await desk.cleared()
    await desk.revised(await desk.program(NAME), pilot_plan=plan(exposure_bps=400))
    facts = await desk.facts(NAME)
    problem = await desk.refused(desk.execute(facts))
    assert problem.reason == "BUSINESS_FIRST"
    assert [leg.type for leg in problem.legs] == ["WARRANT_PILOT"]


@pytest.mark.parametrize(
    ("changes", "leg"),
    [
        ({"exposure_limit_bps": 4_999}, "EXPOSURE"),
        (
            {"conditions": (Condition("c1", "trained", "people/stella", Gate.LAUNCH),)},
            "CONDITION",
        ),
    ],
)
async def test_what_the_knighting_says_now_is_what_counts(
    desk: Front, changes: dict[str, Any], leg: str
) -> None:
    facts = await desk.cleared()
    knight = desk.realm.warrant(Gate.KNIGHT, facts, KNIGHT, **changes)
    problem = await desk.refused(desk.execute(facts, warrants=desk.warrants(facts, knight=knight)))
    assert (problem.reason, [one.type for one in problem.legs]) == ("LAUNCH_NOT_READY", [leg])


async def test_no_launch_without_a_steward_whoever_said_go(desk: Front) -> None:
    await desk.cleared()
    await desk.revised(await desk.program(NAME), steward="")
    facts = await desk.facts(NAME)
    problem = await desk.refused(desk.execute(facts))
    assert [leg.type for leg in problem.legs] == ["GO", "STEWARD"], "both at once"


async def test_a_suspended_program_does_not_launch(desk: Front) -> None:
    facts = await desk.cleared()
    await desk.suspended(await desk.program(NAME))
    problem = await desk.refused(desk.execute(facts))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "PROGRAM_SUSPENDED")


async def test_nothing_launches_in_a_freeze(desk: Front) -> None:
    desk.clock.set(datetime(2026, 12, 20, 12, 0, tzinfo=UTC))
    facts = await desk.cleared()
    desk.clock.set(datetime(2026, 12, 24, 12, 0, tzinfo=UTC))
    problem = await desk.refused(desk.execute(facts, warrants=desk.warrants(facts)))
    assert [leg.type for leg in problem.legs] == ["FREEZE"]


async def test_what_has_ended_does_not_launch(desk: Front) -> None:
    facts = await desk.cleared()
    await desk.withdrawn(NAME)
    problem = await desk.refused(desk.execute(facts))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "PROGRAM_ENDED")


async def test_people_do_not_execute_launches(desk: Front) -> None:
    facts = await desk.cleared()
    request = pb.ExecuteLaunchRequest(
        request_id=new_request_id(), program=NAME, warrants=desk.warrants(facts)
    )
    problem = await desk.refused(desk.sponsor.ExecuteLaunch(request))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "ROLE_MISSING")
