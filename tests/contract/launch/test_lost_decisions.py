"""A decision that is lost after the launch: an incident, and its sponsors are asked for theirs."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.support.launches import ASKED, Front
from tests.support.programs import BENEFIT_OWNER, SPONSOR, benefit

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.facts import Revision
from investiture.casework.words import CaseState, Gate

NAME = "programs/community"
NINETY_DAYS = timedelta(days=90)
"""How long a decision stands by the default charter."""
WHAT_TO_DO = "suspend the program, or answer for it on and close it in the end"


async def lose(
    desk: Front, gate: Gate, state: CaseState = CaseState.VOIDED, **changes: Any
) -> Revision:
    facts = await desk.facts(NAME)
    values: dict[str, Any] = {"version": 3, "reason": "a leak"}
    await desk.record(desk.gate_case(facts, gate, state, **{**values, **changes}))
    return facts


async def proof(desk: Front) -> gate_pb2.GateCase:
    asked = case_pb.ReadCaseRequest(program=NAME, gate=gate_pb2.GATE_PROVE)
    return (await desk.cases.ReadCase(asked)).gate_case


def hands(case: gate_pb2.GateCase) -> list[tuple[str, str]]:
    return [(held.person, held.role) for held in case.holders]


async def pending(desk: Front, person: str, role: str) -> list[gate_pb2.GateCase]:
    stub = desk.case_person(person, role)
    found = await stub.ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    return list(found.cases)


@pytest.mark.parametrize("state", [CaseState.VOIDED, CaseState.EXPIRED])
@pytest.mark.parametrize("gate", ASKED)
async def test_the_sponsor_has_the_proof_in_hand_too_and_its_reason_says_what_was_lost(
    desk: Front, gate: Gate, state: CaseState
) -> None:
    await desk.launched()
    before = await proof(desk)
    assert hands(before) == [(BENEFIT_OWNER, "benefit-owner")]
    assert await pending(desk, SPONSOR, "sponsor") == []
    await lose(desk, gate, state)
    (incident,) = (await desk.program(NAME)).incidents
    assert gate.value.lower() in incident
    asked = await proof(desk)
    assert hands(asked) == [(BENEFIT_OWNER, "benefit-owner"), (SPONSOR, "sponsor")]
    assert asked.state == gate_pb2.CASE_STATE_OPEN
    assert asked.amber == gate_pb2.AMBER_DECISION_LOST
    assert asked.reason == f"{incident}; {WHAT_TO_DO}"
    assert asked.timetable.overdue_at == before.timetable.overdue_at, "the review goes on"
    for person, role in hands(asked):
        assert await pending(desk, person, role) == [asked]
    (event,) = (row for row in desk.rows("event") if '"prove.asked"' in row["document"])
    assert json.loads(event["document"])["payload"]["incident"] == incident


@pytest.mark.parametrize(("early", "lost"), [(timedelta(), False), (timedelta(days=1), True)])
async def test_a_decision_that_only_outlived_its_validity_is_not_lost(
    desk: Front, early: timedelta, lost: bool
) -> None:
    """After 90 days every knighting has, while the return is measured for a year."""
    await desk.launched()
    facts = await desk.facts(NAME)
    stood = desk.gate_case(facts, Gate.KNIGHT, CaseState.STANDING, version=3)
    stood.standing_until.FromDatetime(desk.clock.now() + NINETY_DAYS - early)
    await desk.record(stood)
    desk.clock.advance(NINETY_DAYS)
    stood.state = gate_pb2.CASE_STATE_EXPIRED
    await desk.record(stood)
    assert bool((await desk.program(NAME)).incidents) is lost
    assert (await proof(desk)).amber == (gate_pb2.AMBER_DECISION_LOST if lost else 0)
    path = await desk.path(NAME)
    (knight,) = (one.gate_case for one in path.gates if one.gate == gate_pb2.GATE_KNIGHT)
    assert knight.state == gate_pb2.CASE_STATE_EXPIRED, "the path says so all the same"


async def test_by_a_charter_that_launch_never_knew_it_is_asked_all_the_same(desk: Front) -> None:
    await desk.launched()
    facts = await desk.facts(NAME)
    unknown = "sha256:" + "0" * 64
    stood = desk.gate_case(
        facts, Gate.KNIGHT, CaseState.STANDING, version=3, charter_digest=unknown
    )
    await desk.record(stood)
    desk.clock.advance(NINETY_DAYS)
    stood.state = gate_pb2.CASE_STATE_EXPIRED
    await desk.record(stood)
    assert (await proof(desk)).amber == gate_pb2.AMBER_DECISION_LOST


async def test_the_same_statement_again_asks_nobody_again(desk: Front) -> None:
    await desk.launched()
    await lose(desk, Gate.KNIGHT)
    before = await proof(desk)
    await lose(desk, Gate.KNIGHT)
    assert await proof(desk) == before
    assert len((await desk.program(NAME)).incidents) == 1


async def test_a_second_loss_is_named_beside_the_first(desk: Front) -> None:
    await desk.launched()
    await lose(desk, Gate.KNIGHT)
    await lose(desk, Gate.FUND, CaseState.EXPIRED, reason="")
    first, second = (await desk.program(NAME)).incidents
    asked = await proof(desk)
    assert asked.reason == f"{first}; {second}; {WHAT_TO_DO}"
    assert len(asked.holders) == 2


async def test_a_sponsor_who_owns_the_benefit_holds_it_once(desk: Front) -> None:
    await desk.launched(benefits=[benefit(owner=SPONSOR)])
    await lose(desk, Gate.KNIGHT)
    asked = await proof(desk)
    assert hands(asked) == [(SPONSOR, "benefit-owner")]
    assert asked.amber == gate_pb2.AMBER_DECISION_LOST


async def test_who_followed_a_lost_sponsor_is_asked_in_their_place(desk: Front) -> None:
    await desk.launched()
    facts = await desk.facts(NAME)
    followed = desk.gate_case(facts, Gate.PLEDGE, CaseState.STANDING, round_=2)
    followed.deciders[0].person, followed.deciders[0].role = "people/ada", "sponsor"
    await desk.record(followed)
    await lose(desk, Gate.KNIGHT)
    assert hands(await proof(desk))[1:] == [("people/ada", "sponsor")]


async def test_of_a_suspended_program_it_is_asked_too(desk: Front) -> None:
    await desk.suspended(await desk.launched())
    await lose(desk, Gate.KNIGHT)
    assert hands(await proof(desk))[1:] == [(SPONSOR, "sponsor")]


async def test_the_program_is_closed_as_ever_and_asks_nothing_afterwards(desk: Front) -> None:
    await desk.launched()
    seen = await desk.program(NAME)
    await lose(desk, Gate.KNIGHT)
    await desk.measured(NAME, 40_000)
    stale = await desk.refused(desk.close(NAME, statements_pb2.OUTCOME_PROVEN, etag=seen.etag))
    assert stale.reason == "STALE_ETAG", "who closes it has seen the incident"
    closed = await desk.close(NAME, statements_pb2.OUTCOME_PROVEN)
    assert closed.state == pb.PROGRAM_STATE_ENDED
    case = await proof(desk)
    assert (case.verdict, case.amber) == (gate_pb2.VERDICT_PROVEN, 0)
    assert (case.reason, list(case.holders)) == ("the year is over", [])
    await lose(desk, Gate.FUND)
    assert await proof(desk) == case
    assert len((await desk.program(NAME)).incidents) == 1


async def test_what_ran_out_provisionally_and_is_decided_in_full_is_asked_no_more(
    desk: Front,
) -> None:
    await desk.launched()
    facts = await desk.facts(NAME)
    emergency = {"basis": gate_pb2.BASIS_EMERGENCY, "version": 3}
    await desk.record(desk.gate_case(facts, Gate.KNIGHT, CaseState.STANDING, **emergency))
    await lose(desk, Gate.KNIGHT, CaseState.OPEN, reason="")
    assert (await proof(desk)).amber == gate_pb2.AMBER_DECISION_LOST
    await desk.record(desk.gate_case(facts, Gate.KNIGHT, CaseState.STANDING, version=4))
    after = await proof(desk)
    assert (after.amber, after.reason) == (0, "")
    assert len((await desk.program(NAME)).incidents) == 1, "what happened stays on record"


async def test_a_decline_after_a_provisional_decision_is_an_incident(desk: Front) -> None:
    await desk.launched()
    facts = await desk.facts(NAME)
    emergency = {"basis": gate_pb2.BASIS_EMERGENCY, "version": 3}
    await desk.record(desk.gate_case(facts, Gate.KNIGHT, CaseState.STANDING, **emergency))
    await lose(desk, Gate.KNIGHT, CaseState.DECLINED, version=4)
    (incident,) = (await desk.program(NAME)).incidents
    assert "gave way to a decline: a leak" in incident
    await lose(desk, Gate.KNIGHT, CaseState.VOIDED, version=5)  # its appeal was granted
    assert len((await desk.program(NAME)).incidents) == 1
