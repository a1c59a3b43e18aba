"""After the launch: stopped at once, resumed by two, measured, and closed as the figures say."""

import json
from typing import Any

import pytest
from tests.support.launches import ASKED, Front
from tests.support.programs import BENEFIT_OWNER, MONEY, SPONSOR, benefit, eur
from tests.support.services import new_request_id

from investiture.api.common.v1 import gate_pb2, statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.casework.words import CaseState, Gate

NAME = "programs/community"
PROVEN, MISSED = statements_pb2.OUTCOME_PROVEN, statements_pb2.OUTCOME_MISSED
WAIVED = statements_pb2.OUTCOME_PROMISE_WAIVED


async def resume(desk: Front, person: str, *roles: str, **changes: Any) -> pb.Program:
    present = await desk.program(NAME)
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": NAME,
        "etag": present.etag,
        "reason": "the leak is closed",
    }
    return await desk.person(person, *roles).Resume(pb.ResumeRequest(**{**values, **changes}))


async def test_on_call_stops_a_program_at_once_and_two_people_resume_it(desk: Front) -> None:
    program = await desk.launched()
    stopped = await desk.suspended(program)
    assert stopped.suspended
    assert list(stopped.suspension_people) == ["people/omar"]
    once = await resume(desk, "people/lena", "legal")
    assert once.suspended
    again = await desk.refused(resume(desk, "people/lena", "legal"))
    assert (again.code, again.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    running = await resume(desk, SPONSOR, "sponsor")
    assert not running.suspended
    assert running.state == pb.PROGRAM_STATE_LAUNCHED
    assert list(running.suspension_people) == ["people/omar", "people/lena", SPONSOR]
    kinds = [json.loads(row["document"])["kind"] for row in desk.rows("event")]
    assert kinds[-3:] == ["program.suspended", "program.resume_agreed", "program.resumed"]


async def test_a_stop_does_not_wait_for_the_directory_and_a_resumption_does(desk: Front) -> None:
    program = await desk.submitted()
    desk.directory.down = True
    assert (await desk.suspended(program)).suspended
    problem = await desk.refused(resume(desk, "people/lena", "legal"))
    assert problem.code == "UNAVAILABLE"
    desk.directory.down = False
    desk.directory.say("people/lena", active=False)
    problem = await desk.refused(resume(desk, "people/lena", "legal"))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")


async def test_a_sponsor_stops_her_own_programs_only(desk: Front) -> None:
    program = await desk.submitted()
    request = pb.SuspendRequest(
        request_id=new_request_id(), name=NAME, etag=program.etag, reason="a leak"
    )
    problem = await desk.refused(desk.person("people/mira", "sponsor").Suspend(request))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    assert (await desk.sponsor.Suspend(request)).suspended


async def test_what_is_not_suspended_is_not_resumed_and_not_suspended_twice(desk: Front) -> None:
    program = await desk.submitted()
    problem = await desk.refused(resume(desk, "people/lena", "legal"))
    assert problem.reason == "WRONG_STATE"
    await desk.suspended(program)
    problem = await desk.refused(desk.suspended(program))
    assert problem.reason == "WRONG_STATE"
    stale = await desk.refused(resume(desk, "people/lena", "legal", etag=program.etag))
    assert (stale.code, stale.reason) == ("ABORTED", "STALE_ETAG")


async def test_a_benefit_is_measured_by_its_owner_and_by_the_sponsor(desk: Front) -> None:
    await desk.launched()
    first = await desk.measured(NAME, 12_000)
    (said,) = first.content.benefits
    assert (said.measured, said.evidence) == (eur(12_000), "https://halden.example/figures")
    assert said.HasField("measured_at")
    request = pb.RecordBenefitRequest(
        request_id=new_request_id(),
        name=NAME,
        etag=first.etag,
        benefit_id="deflection",
        measured=eur(13_000),
        evidence="a later count",
    )
    second = await desk.sponsor.RecordBenefit(request)
    assert second.content.benefits[0].measured == eur(13_000)
    revision = await desk.worker.GetRevision(pb.GetRevisionRequest(name=f"{NAME}/revisions/1"))
    assert not revision.content.benefits[0].HasField("measured"), "a revision never changes"
    request.request_id, request.etag = new_request_id(), second.etag
    other = desk.person("people/max", "benefit-owner")
    problem = await desk.refused(other.RecordBenefit(request))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")


async def test_only_what_was_promised_is_measured_and_only_after_the_launch(desk: Front) -> None:
    program = await desk.submitted()
    problem = await desk.refused(desk.measured(NAME, 1))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    request = pb.RecordBenefitRequest(
        request_id=new_request_id(),
        name=NAME,
        etag=program.etag,
        benefit_id="glory",
        measured=eur(1),
        evidence="everybody says so",
    )
    await desk.launched("other")
    other = await desk.program("programs/other")
    request.name, request.etag = other.name, other.etag
    problem = await desk.refused(desk.sponsor.RecordBenefit(request))
    assert (problem.code, problem.violations[0].field) == ("INVALID_ARGUMENT", "benefit_id")
    request.benefit_id, request.measured.currency_code = "deflection", "USD"
    problem = await desk.refused(desk.sponsor.RecordBenefit(request))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_AMOUNT")


async def test_a_promise_that_was_met_is_proven(desk: Front) -> None:
    await desk.launched()
    await desk.measured(NAME, 31_500)
    missed = await desk.refused(desk.close(NAME, MISSED))
    assert (missed.code, missed.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    closed = await desk.close(NAME, PROVEN)
    assert (closed.state, closed.outcome) == (pb.PROGRAM_STATE_ENDED, PROVEN)
    assert (closed.ended_by, closed.end_reason) == (SPONSOR, "the year is over")
    prove = (await desk.path(NAME)).gates[5].gate_case
    assert (prove.state, prove.verdict) == (
        gate_pb2.CASE_STATE_STANDING,
        gate_pb2.VERDICT_PROVEN,
    )
    signed = await desk.worker.GetEndStatement(pb.GetEndStatementRequest(program=NAME))
    assert signed.outcome == PROVEN


async def test_a_promise_that_was_not_met_is_missed_once_everything_was_measured(
    desk: Front,
) -> None:
    two = [benefit(), benefit(id="loyalty", low=eur(1), likely=eur(5_000), high=eur(9_000))]
    await desk.launched(benefits=two)
    await desk.measured(NAME, 20_000)
    problem = await desk.refused(desk.close(NAME, MISSED))
    assert [leg.subject for leg in problem.legs] == ["MISSED", "loyalty"]
    problem = await desk.refused(desk.close(NAME, PROVEN))
    assert problem.legs[0].description == "measured 20,000.00 EUR, promised 36,500.00 EUR (likely)"
    await desk.measured(NAME, 4_000, "loyalty")
    assert (await desk.close(NAME, MISSED)).outcome == MISSED


async def test_governance_alone_waives_a_promise(desk: Front) -> None:
    await desk.launched()
    problem = await desk.refused(desk.close(NAME, WAIVED))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    present = await desk.program(NAME)
    governance = desk.person("people/grace", "governance")
    request = pb.CloseProgramRequest(
        request_id=new_request_id(),
        name=NAME,
        etag=present.etag,
        outcome=PROVEN,
        reason="the product was sold",
    )
    problem = await desk.refused(governance.CloseProgram(request))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    request.outcome = WAIVED
    waived = await governance.CloseProgram(request)
    assert (waived.outcome, waived.ended_by) == (WAIVED, "people/grace")
    prove = (await desk.path(NAME)).gates[5].gate_case
    assert prove.verdict == gate_pb2.VERDICT_PROMISE_WAIVED


async def test_who_funded_does_not_say_that_it_paid_off(desk: Front) -> None:
    await desk.launched()
    facts = await desk.facts(NAME)
    funded = desk.gate_case(facts, Gate.FUND, CaseState.STANDING, version=7)
    funded.deciders[0].person = SPONSOR
    await desk.record(funded)
    await desk.measured(NAME, 40_000)
    problem = await desk.refused(desk.close(NAME, PROVEN))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "SIDES_NOT_SEPARATE")


@pytest.mark.parametrize("person", [MONEY, "people/mira"])
async def test_a_stranger_closes_nothing(desk: Front, person: str) -> None:
    program = await desk.launched()
    request = pb.CloseProgramRequest(
        request_id=new_request_id(),
        name=NAME,
        etag=program.etag,
        outcome=PROVEN,
        reason="it went well",
    )
    problem = await desk.refused(desk.person(person, "sponsor").CloseProgram(request))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")


async def test_what_is_not_launched_is_not_closed_and_what_is_closed_stays(desk: Front) -> None:
    await desk.submitted()
    problem = await desk.refused(desk.close(NAME, PROVEN))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    await desk.launched("other")
    await desk.measured("programs/other", 40_000)
    before = desk.everything()
    await desk.close("programs/other", PROVEN, validate_only=True)
    assert desk.everything() == before
    closed = await desk.close("programs/other", PROVEN)
    problem = await desk.refused(desk.close("programs/other", PROVEN, etag=closed.etag))
    assert problem.reason == "PROGRAM_ENDED"


async def test_a_closed_program_is_settled_by_the_releases(desk: Front) -> None:
    await desk.launched()
    await desk.measured(NAME, 40_000)
    await desk.close(NAME, PROVEN)
    facts = await desk.facts(NAME)
    for gate in ASKED:
        assert not (await desk.program(NAME)).settled
        await desk.record(desk.gate_case(facts, gate, CaseState.RELEASED, version=9))
    assert (await desk.program(NAME)).settled


async def test_a_launched_program_is_neither_revised_nor_withdrawn(desk: Front) -> None:
    program = await desk.launched()
    revising = await desk.refused(desk.revised(program, title="Another title"))
    assert revising.reason == "WRONG_STATE"
    withdrawing = await desk.refused(desk.withdrawn(NAME))
    assert withdrawing.reason == "WRONG_STATE"


async def test_a_benefit_owner_who_is_no_sponsor_of_it_closes_only_what_she_holds(
    desk: Front,
) -> None:
    await desk.launched()
    await desk.measured(NAME, 40_000)
    present = await desk.program(NAME)
    request = pb.CloseProgramRequest(
        request_id=new_request_id(),
        name=NAME,
        etag=present.etag,
        outcome=PROVEN,
        reason="the figures say so",
    )
    closed = await desk.person(BENEFIT_OWNER, "sponsor").CloseProgram(request)
    assert closed.ended_by == BENEFIT_OWNER
