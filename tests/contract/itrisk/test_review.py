"""IT's review over a real socket: asked only when business and money stand, and never a bare no."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.reviews import GAP, REVIEWER, Desk, it_side
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.casework import wire
from investiture.casework.facts import Ending
from investiture.casework.words import Gate, Outcome


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Desk]:
    async with it_side(realm, clock, database_url) as opened:
        yield opened


async def test_it_is_asked_only_when_business_and_money_stand(desk: Desk) -> None:
    problem = await desk.refused(desk.cases.OpenCase(desk.opening(revision(), warrants=[])))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "BUSINESS_FIRST")
    assert [leg.type for leg in problem.legs] == ["WARRANT_PLEDGE", "WARRANT_FUND"]
    assert all(leg.remedy for leg in problem.legs)


async def test_a_review_waits_for_the_funding_of_the_same_revision(desk: Desk) -> None:
    now, before = revision(2, amount_minor=300_000_00), revision(1)
    warrants = [
        desk.realm.warrant(Gate.PLEDGE, now, now.sponsor),
        desk.realm.warrant(Gate.FUND, before, "people/fiona"),
    ]
    problem = await desk.refused(desk.cases.OpenCase(desk.opening(now, warrants=warrants)))
    assert [leg.type for leg in problem.legs] == ["WARRANT_FUND"]
    assert "another state of the program" in problem.legs[0].description


@pytest.mark.parametrize("aged", [timedelta(minutes=5, seconds=1), timedelta(days=91)])
async def test_an_old_warrant_is_no_warrant(desk: Desk, aged: timedelta) -> None:
    request = desk.opening(revision())
    desk.clock.advance(aged)
    problem = await desk.refused(desk.cases.OpenCase(request))
    assert problem.reason == "BUSINESS_FIRST"


async def test_a_warrant_that_another_service_signed_is_refused(desk: Desk) -> None:
    facts = revision()
    forged = desk.realm.warrant(Gate.FUND, facts, "people/fiona", signer="launch")
    request = desk.opening(
        facts, warrants=[desk.realm.warrant(Gate.PLEDGE, facts, facts.sponsor), forged]
    )
    problem = await desk.refused(desk.cases.OpenCase(request))
    assert problem.reason == "STATEMENT_INVALID"


async def test_knighting_needs_a_reviewer_who_holds_the_case(desk: Desk) -> None:
    case = await desk.opened()
    assert {h.person for h in case.holders} == {"people/ines", "people/ralf"}
    stranger = ItRiskServiceStub(desk.service.channel("people/omar", "reviewer"))
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await desk.refused(stranger.Knight(request))
    assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
    review: pb.RiskReview = await desk.review.Knight(request)
    assert review.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert review.gate_case.verdict == gate_pb2.VERDICT_KNIGHTED
    assert [d.person for d in review.gate_case.deciders] == [REVIEWER]
    assert review.gate_case.deciders[0].gate_digest == case.gate_digest


@pytest.mark.parametrize("role", ["proposer", "sponsor", "money"])
async def test_who_stands_on_another_side_never_knights(desk: Desk, role: str) -> None:
    changes: dict[str, Any] = {} if role == "money" else {role: REVIEWER}
    facts = revision(**changes)
    opening = desk.opening(facts, money=REVIEWER if role == "money" else "people/fiona")
    reading: case_pb.CaseReading = await desk.cases.OpenCase(opening)
    case = reading.gate_case
    assert REVIEWER not in {h.person for h in case.holders}
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await desk.refused(desk.review.Knight(request))
    assert problem.reason == "SIDES_NOT_SEPARATE"


async def test_who_stood_in_for_a_sponsor_never_knights(desk: Desk) -> None:
    facts = revision()
    everybody = (*facts.business_people, REVIEWER)
    warrants = [
        desk.realm.warrant(Gate.PLEDGE, facts, REVIEWER, business_people=everybody),
        desk.realm.warrant(Gate.FUND, facts, "people/fiona"),
    ]
    opening = desk.opening(facts, warrants=warrants)
    reading: case_pb.CaseReading = await desk.cases.OpenCase(opening)
    case = reading.gate_case
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await desk.refused(desk.review.Knight(request))
    assert problem.reason == "SIDES_NOT_SEPARATE"


async def test_simultaneous_openings_make_one_case(desk: Desk) -> None:
    facts = revision()
    readings: list[case_pb.CaseReading] = await asyncio.gather(
        *(desk.cases.OpenCase(desk.opening(facts)) for _ in range(8))
    )
    assert {(r.gate_case.name, r.gate_case.version) for r in readings} == {
        (f"{facts.program}/riskReviews/1", 1)
    }


async def test_a_delegate_of_the_other_side_does_not_knight_either(desk: Desk) -> None:
    case = await desk.opened()
    request = pb.KnightRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, on_behalf_of="people/fiona"
    )
    problem = await desk.refused(desk.review.Knight(request))
    assert problem.reason == "SIDES_NOT_SEPARATE"


async def test_a_deep_review_needs_both_levels(desk: Desk) -> None:
    case = await desk.opened(revision(data_classes=("payment",)))
    first: pb.RiskReview = await desk.review.Knight(
        pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    )
    assert first.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert {h.person for h in first.gate_case.holders} == {"people/kai", "people/kira"}
    security = ItRiskServiceStub(desk.service.channel("people/kai", "reviewer"))
    second: pb.RiskReview = await security.Knight(
        pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=first.gate_case.etag)
    )
    assert second.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert [d.person for d in second.gate_case.deciders] == ["people/ines", "people/kai"]


async def test_conditions_and_a_limited_exposure_are_named_in_the_verdict(desk: Desk) -> None:
    case = await desk.opened()
    due = wire.stamp(desk.clock.now() + timedelta(days=30))
    condition = gate_pb2.Condition(
        text="rota is staffed", owner="people/stella", due_at=due, blocks=gate_pb2.GATE_PILOT
    )
    review: pb.RiskReview = await desk.review.Knight(
        pb.KnightRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, conditions=[condition]
        )
    )
    assert review.gate_case.verdict == gate_pb2.VERDICT_KNIGHTED_WITH_CONDITIONS
    assert [c.id for c in review.gate_case.conditions] == ["c1"]
    owner = CaseServiceStub(desk.service.channel("people/stella", "proposer"))
    closed: case_pb.CaseReading = await owner.CloseCondition(
        case_pb.CloseConditionRequest(
            request_id=new_request_id(),
            name=case.name,
            etag=review.gate_case.etag,
            condition_id="c1",
            evidence="https://rota.example/2027",
        )
    )
    assert closed.gate_case.conditions[0].HasField("closed_at")


async def test_a_limit_below_what_was_asked_is_a_knighting_for_exposure(desk: Desk) -> None:
    case = await desk.opened()
    request = pb.KnightRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, exposure_limit_bps=6_000
    )
    problem = await desk.refused(desk.review.Knight(request))
    assert [v.field for v in problem.violations] == ["exposure_limit_bps"]
    request.exposure_limit_bps = 1_000
    review: pb.RiskReview = await desk.review.Knight(request)
    assert review.gate_case.verdict == gate_pb2.VERDICT_KNIGHTED_FOR_EXPOSURE
    assert review.gate_case.exposure_limit_bps == 1_000


async def test_changes_requested_name_the_gap_and_put_the_case_in_the_proposers_hands(
    desk: Desk,
) -> None:
    case = await desk.opened()
    bare = pb.RequestChangesRequest(
        request_id=new_request_id(),
        name=case.name,
        etag=case.etag,
        gaps=[gate_pb2.Gap(risk="abuse")],
    )
    problem = await desk.refused(desk.review.RequestChanges(bare))
    assert [v.field for v in problem.violations] == [
        "gaps[0].tolerance",
        "gaps[0].excess",
        "gaps[0].remedy",
    ]
    del bare.gaps[:]
    bare.gaps.append(GAP)
    review: pb.RiskReview = await desk.review.RequestChanges(bare)
    assert review.gate_case.state == gate_pb2.CASE_STATE_CHANGES_REQUESTED
    assert [(h.person, h.role) for h in review.gate_case.holders] == [("people/pia", "proposer")]
    revised = await desk.opened(revision(2, controls=("moderation",)))
    assert (revised.round, revised.state) == (2, gate_pb2.CASE_STATE_OPEN)


async def test_a_decline_comes_after_two_rounds_or_where_no_exposure_fits(desk: Desk) -> None:
    case = await desk.opened()
    request = pb.DeclineRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, gaps=[GAP], price="90,000 EUR"
    )
    problem = await desk.refused(desk.review.Decline(request))
    assert problem.reason == "VERDICT_NOT_ALLOWED"
    for number in (2, 3):
        await desk.review.RequestChanges(
            pb.RequestChangesRequest(
                request_id=new_request_id(), name=case.name, etag=case.etag, gaps=[GAP]
            )
        )
        case = await desk.opened(revision(number, controls=(f"control-{number}",)))
    request.name, request.etag = case.name, case.etag
    review: pb.RiskReview = await desk.review.Decline(request)
    assert review.gate_case.state == gate_pb2.CASE_STATE_DECLINED
    assert review.gate_case.reason == "price: 90,000 EUR"
    assert review.rounds_of_changes == 2


async def test_a_stale_etag_is_aborted_and_a_repeated_request_is_harmless(desk: Desk) -> None:
    case = await desk.opened()
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    first: pb.RiskReview = await desk.review.Knight(request)
    assert await desk.review.Knight(request) == first
    other = pb.KnightRequest(
        request_id=request.request_id, name=case.name, etag="x", rationale="no"
    )
    assert (await desk.refused(desk.review.Knight(other))).code == "ALREADY_EXISTS"
    stale = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await desk.refused(desk.review.Knight(stale))
    assert (problem.code, problem.reason) == ("ABORTED", "STALE_ETAG")


async def test_validate_only_answers_and_stores_nothing(desk: Desk) -> None:
    case = await desk.opened()
    request = pb.KnightRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, validate_only=True
    )
    answer: pb.RiskReview = await desk.review.Knight(request)
    assert answer.gate_case.state == gate_pb2.CASE_STATE_STANDING
    now: pb.RiskReview = await desk.review.GetReview(pb.GetReviewRequest(name=case.name))
    assert now.gate_case.version == case.version
    assert now.gate_case.state == gate_pb2.CASE_STATE_OPEN


async def test_a_directory_that_is_down_stores_nothing(desk: Desk) -> None:
    case = await desk.opened()
    desk.directory.down = True
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await desk.refused(desk.review.Knight(request, timeout=5))
    assert (problem.code, problem.reason) == ("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")
    desk.directory.down = False
    review: pb.RiskReview = await desk.review.Knight(request)
    assert review.gate_case.state == gate_pb2.CASE_STATE_STANDING


@pytest.mark.parametrize("word", ["left", "guest"])
async def test_who_left_and_guests_decide_nothing(desk: Desk, word: str) -> None:
    case = await desk.opened()
    desk.directory.say(REVIEWER, active=word != "left", guest=word == "guest")
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await desk.refused(desk.review.Knight(request))
    assert problem.code == "PERMISSION_DENIED"


async def test_a_warrant_is_minted_only_while_the_knighting_stands(desk: Desk) -> None:
    case = await desk.opened()
    ask = case_pb.GetWarrantRequest(program=case.program, gate=gate_pb2.GATE_KNIGHT)
    assert (await desk.refused(desk.cases.GetWarrant(ask))).reason == "WRONG_STATE"
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    review: pb.RiskReview = await desk.review.Knight(request)
    signed: case_pb.SignedWarrant = await desk.cases.GetWarrant(ask)
    reader = desk.realm.statements("launch")
    warrant = reader.read_warrants([signed.warrant], [Gate.KNIGHT])[Gate.KNIGHT]
    assert (warrant.people, warrant.gate_digest) == (frozenset({REVIEWER}), case.gate_digest)
    voider = CaseServiceStub(desk.service.channel(REVIEWER, "reviewer"))
    await voider.VoidCase(
        case_pb.VoidCaseRequest(
            request_id=new_request_id(),
            name=case.name,
            etag=review.gate_case.etag,
            reason="new facts",
        )
    )
    assert (await desk.refused(desk.cases.GetWarrant(ask))).reason == "WRONG_STATE"
    assert (await desk.opened()).round == 2


async def test_an_expired_knighting_reads_as_expired_and_reopens(desk: Desk) -> None:
    case = await desk.opened()
    request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    await desk.review.Knight(request)
    desk.clock.advance(timedelta(days=90))
    read = case_pb.ReadCaseRequest(program=case.program, gate=gate_pb2.GATE_KNIGHT)
    reading: case_pb.CaseReading = await desk.cases.ReadCase(read)
    assert reading.gate_case.state == gate_pb2.CASE_STATE_EXPIRED
    assert (await desk.opened()).round == 2


async def test_the_timetable_is_recorded_at_its_business_dates(desk: Desk) -> None:
    case = await desk.opened()
    due = [
        case.timetable.nudge_at,
        case.timetable.warn_at,
        case.timetable.overdue_at,
        case.timetable.second_at,
    ]
    escalate = case_pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)
    early: case_pb.EscalateCaseResponse = await desk.cases.EscalateCase(escalate)
    assert not early.taken
    assert early.next_in_ms > 0
    desk.clock.advance(timedelta(days=30))
    escalate.request_id = new_request_id()
    late: case_pb.EscalateCaseResponse = await desk.cases.EscalateCase(escalate)
    assert [step.due_at for step in late.taken][:4] == due
    assert late.taken[2].added == ["people/ivan"]
    again = case_pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)
    assert not (await desk.cases.EscalateCase(again)).taken


async def test_only_an_end_statement_releases_and_nothing_opens_after_it(desk: Desk) -> None:
    facts = revision()
    case = await desk.opened(facts)
    ending = Ending(
        facts.program, Outcome.WITHDRAWN, 1, facts.proposer, "no need", desk.clock.now()
    )
    forged = desk.realm.statements("itrisk").end(ending)
    request = case_pb.ReleaseCaseRequest(
        request_id=new_request_id(),
        program=facts.program,
        gate=gate_pb2.GATE_KNIGHT,
        end_statement=forged,
    )
    assert (await desk.refused(desk.cases.ReleaseCase(request))).reason == "STATEMENT_INVALID"
    request.end_statement = desk.realm.statements("launch").end(ending)
    released: case_pb.CaseReading = await desk.cases.ReleaseCase(request)
    assert released.gate_case.state == gate_pb2.CASE_STATE_RELEASED
    late = await desk.refused(desk.cases.OpenCase(desk.opening(facts)))
    assert late.reason == "PROGRAM_ENDED"
    knight = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    assert (await desk.refused(desk.review.Knight(knight))).code == "ABORTED"


async def test_a_gate_that_was_never_asked_records_the_end_too(desk: Desk) -> None:
    facts = revision()
    ending = Ending(
        facts.program, Outcome.WITHDRAWN, 1, facts.proposer, "no need", desk.clock.now()
    )
    released: case_pb.CaseReading = await desk.cases.ReleaseCase(
        case_pb.ReleaseCaseRequest(
            request_id=new_request_id(),
            program=facts.program,
            gate=gate_pb2.GATE_KNIGHT,
            end_statement=desk.realm.statements("launch").end(ending),
        )
    )
    assert released.gate_case.state == gate_pb2.CASE_STATE_RELEASED
    assert (await desk.refused(desk.cases.OpenCase(desk.opening(facts)))).reason == "PROGRAM_ENDED"


async def test_the_inbox_shows_what_waits_for_a_person_page_by_page(desk: Desk) -> None:
    for number in range(3):
        await desk.opened(revision(program=f"programs/p{number}"))
        desk.clock.advance(timedelta(hours=1))
    inbox = CaseServiceStub(desk.service.channel(REVIEWER, "reviewer"))
    first: case_pb.ListPendingDecisionsResponse = await inbox.ListPendingDecisions(
        case_pb.ListPendingDecisionsRequest(page_size=2)
    )
    rest: case_pb.ListPendingDecisionsResponse = await inbox.ListPendingDecisions(
        case_pb.ListPendingDecisionsRequest(page_size=2, page_token=first.next_page_token)
    )
    found = [case.program for case in (*first.cases, *rest.cases)]
    assert found == ["programs/p0", "programs/p1", "programs/p2"]
    assert rest.next_page_token == ""
    other = case_pb.ListPendingDecisionsRequest(person="people/ralf")
    assert (await desk.refused(inbox.ListPendingDecisions(other))).code == "PERMISSION_DENIED"
