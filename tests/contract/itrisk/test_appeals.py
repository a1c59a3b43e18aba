"""A decline by IT over a real socket: appealed once, to the level above both sides."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.appealed import (
    ADA,
    DECLINED,
    GRACE,
    GRANTED,
    GUS,
    OPEN,
    PIA,
    RALF,
    ROLES,
    SAM,
    UPHELD,
    WINDOW,
    House,
)
from tests.support.budget import ON_SQLITE
from tests.support.charters import amended
from tests.support.clock import SettableClock
from tests.support.eventually import eventually
from tests.support.facts import revision
from tests.support.records import rows
from tests.support.reviews import GAP, REVIEWER, it_side
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import appeal_service_pb2 as pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.casework.facts import Ending
from investiture.casework.words import Gate, Outcome
from investiture.chassis.client import Problem


@pytest.fixture
async def house(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[House]:
    async with it_side(realm, clock, database_url) as desk:
        lines = {SAM: ["people/sara", ADA], REVIEWER: ["people/ivan", ADA]}
        for person, superiors in lines.items():
            desk.directory.say(person, superiors=superiors)
        yield House(desk, database_url)


def held(case: gate_pb2.GateCase) -> Sequence[tuple[str, str]]:
    return [(one.person, one.role) for one in case.holders]


def leg(problem: Problem) -> str:
    assert problem.reason == "WRONG_STATE", problem
    (found,) = problem.legs
    assert found.remedy
    return found.type


async def test_a_decline_waits_for_its_appeal_and_says_until_when(house: House) -> None:
    case = await house.declined()
    assert (case.state, case.appeal_open) == (DECLINED, True)
    until = house.desk.clock.now() + WINDOW
    assert case.appealable_until.ToDatetime(until.tzinfo) == until
    assert held(case) == [(PIA, "proposer"), (SAM, "sponsor")]
    assert case.HasField("waiting_since")
    for person in (PIA, SAM):
        assert await house.inbox(person) == [case.name]
    assert await house.inbox(REVIEWER) == []


async def test_the_time_to_appeal_passes_by_the_clock_and_the_decline_is_final(
    house: House,
) -> None:
    case = await house.declined()
    half = timedelta(milliseconds=(await house.read(case)).next_in_ms)
    house.desk.clock.advance(half)
    reminded = await house.escalated(case)
    assert [step.step for step in reminded.taken] == [gate_pb2.STEP_NUDGE]
    assert reminded.reading.gate_case.appeal_open
    house.desk.clock.advance(WINDOW - half - timedelta(milliseconds=1))
    assert (await house.escalated(case)).reading.gate_case.appeal_open, "a millisecond is left"
    house.desk.clock.advance(timedelta(milliseconds=1))
    present = (await house.read(case)).gate_case
    late = await house.desk.refused(house.stub(SAM).Appeal(house.asking(present)))
    assert leg(late) == "APPEAL_WINDOW"
    final = (await house.escalated(case)).reading
    assert (final.gate_case.state, final.gate_case.appeal_open) == (DECLINED, False)
    assert (final.next_in_ms, held(final.gate_case)) == (-1, [])
    assert "not appealed until 2027-01-11" in final.gate_case.reason
    assert await house.inbox(SAM) == []
    again = await house.escalated(case)
    assert again.reading.gate_case.version == final.gate_case.version
    late = await house.desk.refused(house.stub(SAM).Appeal(house.asking(again.reading.gate_case)))
    assert leg(late) == "APPEAL_WINDOW"


async def test_who_decides_an_appeal_may_have_more_time_once(house: House) -> None:
    case = await house.appealed(await house.declined())
    stub = CaseServiceStub(house.desk.service.channel(ADA, "governance"))

    def asking(seen: gate_pb2.GateCase, reason: str) -> case_pb.ExtendCaseRequest:
        return case_pb.ExtendCaseRequest(
            request_id=new_request_id(), name=seen.name, etag=seen.etag, reason=reason
        )

    given = (await stub.ExtendCase(asking(case, "the test report comes on Friday"))).gate_case
    assert given.timetable.overdue_at.ToDatetime() > case.timetable.overdue_at.ToDatetime()
    (extension,) = given.extensions
    assert (extension.person, extension.wait) == (ADA, DECLINED)
    again = await house.desk.refused(stub.ExtendCase(asking(given, "and the next one")))
    assert leg(again) == "EXTENDED_BEFORE"
    assert (await house.decided(given, UPHELD)).appeal_open is False


async def test_the_time_in_which_a_decline_may_be_appealed_is_not_extended(house: House) -> None:
    case = await house.declined()
    stub = CaseServiceStub(house.desk.service.channel(PIA, *ROLES))
    asked = case_pb.ExtendCaseRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, reason="on holiday"
    )
    assert (await house.desk.refused(stub.ExtendCase(asked))).reason == "WRONG_STATE"


async def test_an_appeal_goes_to_the_level_above_both_and_is_escalated(house: House) -> None:
    case = await house.appealed(await house.declined())
    assert held(case) == [(ADA, "arbiter")]
    made = case.appeal
    assert (made.person, list(made.declined_by), list(made.line)) == (SAM, [REVIEWER], [ADA])
    assert list(made.evidence) == ["https://dms/moderation"]
    assert (case.state, case.appeal_open, case.HasField("appealable_until")) == (
        DECLINED,
        True,
        False,
    )
    assert await house.inbox(ADA) == [case.name]
    assert await house.inbox(SAM) == []
    house.desk.clock.advance(timedelta(days=4))
    overdue = await house.escalated(case)
    assert [s.step for s in overdue.taken][:3] == [
        gate_pb2.STEP_NUDGE,
        gate_pb2.STEP_WARN,
        gate_pb2.STEP_OVERDUE,
    ]
    assert held(overdue.reading.gate_case)[1] == (GRACE, "governance")


async def test_a_program_appeals_once(house: House) -> None:
    case = await house.appealed(await house.declined())
    second = await house.desk.refused(house.stub(PIA).Appeal(house.asking(case)))
    assert leg(second) == "APPEALED_BEFORE"
    assert "once" in second.message or "one in the life" in second.message
    await house.decided(case, GRANTED)
    again = await house.desk.opened()
    final = await house.declines(again, RALF)
    assert (final.state, final.appeal_open, final.round) == (DECLINED, False, 2)
    third = await house.desk.refused(house.stub(SAM).Appeal(house.asking(final)))
    assert leg(third) == "APPEALED_BEFORE"


async def test_only_the_proposer_and_the_sponsors_appeal_or_accept(house: House) -> None:
    case = await house.declined()
    for person in (ADA, REVIEWER, "people/fiona"):
        problem = await house.desk.refused(house.stub(person).Appeal(house.asking(case)))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
        accepting = pb.AcceptDeclineRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag
        )
        problem = await house.desk.refused(house.stub(person).AcceptDecline(accepting))
        assert problem.reason == "NOT_A_HOLDER"


async def test_who_pledged_in_the_sponsors_place_appeals_too(house: House) -> None:
    facts = revision()
    pledge = house.desk.realm.warrant_value(Gate.PLEDGE, facts, ["people/sara"])
    seats = tuple(replace(one, role="sponsor") for one in pledge.deciders)
    warrants = [
        house.desk.realm.warrant(Gate.PLEDGE, facts, "people/sara", deciders=seats),
        house.desk.realm.warrant(Gate.FUND, facts, "people/fiona"),
    ]
    reading: case_pb.CaseReading = await house.desk.cases.OpenCase(
        house.desk.opening(facts, warrants=warrants)
    )
    house.desk.directory.say("people/sara", superiors=[ADA])
    case = await house.declines(reading.gate_case)
    assert [one.person for one in case.holders] == [PIA, "people/sara", SAM]
    assert held(await house.appealed(case, "people/sara")) == [(ADA, "arbiter")]


@pytest.mark.parametrize("grounds", ["", "  ", "it is\x00 fine"])
async def test_an_appeal_says_why(house: House, grounds: str) -> None:
    case = await house.declined()
    request = house.asking(case, grounds=grounds)
    problem = await house.desk.refused(house.stub(SAM).Appeal(request))
    assert [one.field for one in problem.violations] == ["grounds"]
    request = house.asking(case, evidence=["https://dms/a", "ftp://b"])
    problem = await house.desk.refused(house.stub(SAM).Appeal(request))
    assert [one.field for one in problem.violations] == ["evidence[1]"]


async def test_who_took_part_never_decides_and_governance_does_where_nobody_else_is_above(
    house: House,
) -> None:
    """Ada confirmed the money, so she stands on a side."""
    facts = revision()
    reading: case_pb.CaseReading = await house.desk.cases.OpenCase(
        house.desk.opening(facts, money=ADA)
    )
    case = await house.appealed(await house.declines(reading.gate_case))
    assert held(case) == [(GRACE, "arbiter")]
    problem = await house.desk.refused(house.stub(ADA).DecideAppeal(house.deciding(case, GRANTED)))
    assert problem.reason == "SIDES_NOT_SEPARATE"
    house.desk.clock.advance(timedelta(days=3))
    overdue = (await house.escalated(case)).reading.gate_case
    assert held(overdue) == [(GRACE, "arbiter"), (GUS, "arbiter")]
    assert (await house.decided(overdue, UPHELD, by=GUS)).appeal.decided_by == GUS


async def test_who_asked_for_changes_in_an_earlier_round_took_part(house: House) -> None:
    """Ivan stood in for a reviewer then; he stands above both now."""
    for person in (SAM, REVIEWER):
        house.desk.directory.say(person, superiors=["people/ivan", ADA])
    case = await house.desk.opened()
    house.desk.clock.advance(timedelta(days=3))
    escalated = (await house.escalated(case)).reading.gate_case
    assert ("people/ivan", "reviewer") in held(escalated)
    stub = ItRiskServiceStub(house.desk.service.channel("people/ivan", "reviewer"))
    await stub.RequestChanges(
        review_pb.RequestChangesRequest(
            request_id=new_request_id(), name=case.name, etag=escalated.etag, gaps=[GAP]
        )
    )
    case = await house.declined(revision(2, controls=("moderation",)))
    assert held(await house.appealed(case)) == [(ADA, "arbiter")]


async def test_nobody_but_its_holder_decides_an_appeal(house: House) -> None:
    case = await house.appealed(await house.declined())
    for person, reason in (
        (SAM, "SIDES_NOT_SEPARATE"),
        (REVIEWER, "SIDES_NOT_SEPARATE"),
        (RALF, "SIDES_NOT_SEPARATE"),
        ("people/fiona", "SIDES_NOT_SEPARATE"),
        (GRACE, "NOT_A_HOLDER"),
        ("people/otto", "NOT_A_HOLDER"),
    ):
        request = house.deciding(case, GRANTED)
        problem = await house.desk.refused(house.stub(person).DecideAppeal(request))
        assert problem.reason == reason, person


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ({"active": False}, "NOT_A_HOLDER"),
        ({"guest": True}, "NOT_A_HOLDER"),
        ({"interest": "programs/community"}, "CONFLICT_OF_INTEREST"),
    ],
)
async def test_who_left_or_has_an_interest_decides_no_appeal(
    house: House, word: dict[str, Any], reason: str
) -> None:
    case = await house.appealed(await house.declined())
    house.desk.directory.say(ADA, **word)
    problem = await house.desk.refused(house.stub(ADA).DecideAppeal(house.deciding(case, GRANTED)))
    assert problem.reason == reason


async def test_an_upheld_decline_is_final_with_both_names_on_record(house: House) -> None:
    case = await house.decided(await house.appealed(await house.declined()), UPHELD)
    assert (case.state, case.appeal_open, held(case)) == (DECLINED, False, [])
    made = case.appeal
    assert (made.person, made.decided_by, made.outcome, made.reason) == (
        SAM,
        ADA,
        UPHELD,
        "moderation was tested",
    )
    assert "appeal of people/sam upheld by people/ada" in case.reason
    assert (await house.desk.opened(revision(2, controls=("x",)))).name == case.name
    problem = await house.desk.refused(house.stub(ADA).DecideAppeal(house.deciding(case, GRANTED)))
    assert leg(problem) == "APPEAL"


async def test_a_granted_appeal_opens_a_new_round_for_other_reviewers(house: House) -> None:
    granted = await house.decided(await house.appealed(await house.declined()), GRANTED)
    assert (granted.state, granted.appeal_open) == (gate_pb2.CASE_STATE_VOIDED, False)
    again = await house.desk.opened()
    assert (again.round, again.state, held(again)) == (2, OPEN, [(RALF, "reviewer")])
    assert (again.appeal.decided_by, again.appeal.outcome) == (ADA, GRANTED)
    for person, principal in ((REVIEWER, ""), (REVIEWER, RALF), (ADA, "")):
        problem = await house.desk.refused(house.knights(again, person, principal))
        assert leg(problem) == "APPEAL", person
    knighted = await house.knights(again, RALF)
    assert knighted.state == gate_pb2.CASE_STATE_STANDING
    assert [one.person for one in knighted.deciders] == [RALF]


async def test_the_line_above_it_is_asked_without_whom_the_appeal_barred(house: House) -> None:
    granted = await house.decided(await house.appealed(await house.declined()), GRANTED)
    again = await house.desk.opened()
    assert again.round == granted.round + 1
    house.desk.clock.advance(timedelta(days=60))
    late = (await house.escalated(again)).reading.gate_case
    people = [one.person for one in late.holders]
    assert people[:2] == [RALF, "people/ivan"]
    assert not {REVIEWER, ADA} & set(people)


async def test_an_accepted_decline_is_final_at_once(house: House) -> None:
    case = await house.declined()
    request = pb.AcceptDeclineRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    first: review_pb.RiskReview = await house.stub(PIA).AcceptDecline(request)
    assert (first.gate_case.state, first.gate_case.appeal_open) == (DECLINED, False)
    assert first.gate_case.reason == "price: 90,000 EUR; accepted by people/pia"
    assert await house.stub(PIA).AcceptDecline(request) == first
    problem = await house.desk.refused(house.stub(SAM).Appeal(house.asking(first.gate_case)))
    assert leg(problem) == "APPEAL_WINDOW"


async def test_repetitions_are_harmless_stale_etags_are_refused_and_rehearsals_store_nothing(
    house: House,
) -> None:
    case = await house.declined()
    rehearsed: review_pb.RiskReview = await house.stub(SAM).Appeal(
        house.asking(case, validate_only=True)
    )
    assert rehearsed.gate_case.HasField("appeal")
    assert (await house.read(case)).gate_case.version == case.version
    request = house.asking(case)
    first: review_pb.RiskReview = await house.stub(SAM).Appeal(request)
    assert await house.stub(SAM).Appeal(request) == first
    stale = await house.desk.refused(house.stub(ADA).DecideAppeal(house.deciding(case, UPHELD)))
    assert (stale.code, stale.reason) == ("ABORTED", "STALE_ETAG")
    deciding = house.deciding(first.gate_case, UPHELD)
    answered: review_pb.RiskReview = await house.stub(ADA).DecideAppeal(deciding)
    assert await house.stub(ADA).DecideAppeal(deciding) == answered
    other = house.deciding(first.gate_case, GRANTED, request_id=deciding.request_id)
    problem = await house.desk.refused(house.stub(ADA).DecideAppeal(other))
    assert problem.code == "ALREADY_EXISTS"


async def test_a_directory_that_is_down_stores_no_appeal(house: House) -> None:
    case = await house.declined()
    house.desk.directory.down = True
    problem = await house.desk.refused(house.stub(SAM).Appeal(house.asking(case), timeout=5))
    assert problem.reason == "DEPENDENCY_UNAVAILABLE"
    house.desk.directory.down = False
    assert (await house.read(case)).gate_case.version == case.version
    assert held(await house.appealed(case)) == [(ADA, "arbiter")]


async def test_an_appeal_waits_for_nobody_who_is_not_there_and_alarms_without_anybody(
    house: House,
) -> None:
    case = await house.appealed(await house.declined())

    async def read() -> gate_pb2.GateCase:
        return (await house.read(case)).gate_case

    house.desk.directory.publish(ADA, away=True)
    await eventually(read, lambda now: held(now) == [(ADA, "arbiter"), (GRACE, "arbiter")])
    house.desk.directory.publish(ADA, able=False)
    await eventually(read, lambda now: held(now) == [(GRACE, "arbiter")])
    house.desk.directory.publish(GRACE, able=False)
    await eventually(read, lambda now: held(now) == [(GUS, "arbiter")])
    house.desk.directory.publish(GUS, able=False)
    alarmed = await eventually(read, lambda now: now.no_eligible_holder)
    assert alarmed.appeal_open, "the program lives on"
    house.desk.directory.publish(GUS)
    back = await eventually(read, lambda now: not now.no_eligible_holder)
    assert (await house.decided(back, UPHELD, by=GUS)).appeal.decided_by == GUS


async def test_an_appeal_is_handed_on_by_governance_within_its_line(house: House) -> None:
    for person in (SAM, REVIEWER):
        house.desk.directory.say(person, superiors=["people/otto", ADA])
    case = await house.appealed(await house.declined())
    assert held(case) == [("people/otto", "arbiter")]
    stub = CaseServiceStub(house.desk.service.channel(GRACE, "governance"))
    handing = case_pb.ReassignCaseRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, person=RALF, reason="ill"
    )
    problem = await house.desk.refused(stub.ReassignCase(handing))
    assert problem.reason == "NOT_A_HOLDER", "a reviewer decides no appeal"
    handing.person = ADA
    reading: case_pb.CaseReading = await stub.ReassignCase(handing)
    assert held(reading.gate_case) == [(ADA, "arbiter")]


@ON_SQLITE
async def test_a_withdrawn_program_is_released_while_its_decline_may_be_appealed(
    house: House,
) -> None:
    facts = revision()
    case = await house.appealed(await house.declined(facts))
    ending = Ending(
        facts.program, Outcome.WITHDRAWN, 1, facts.proposer, "no need", house.desk.clock.now()
    )
    released: case_pb.CaseReading = await house.desk.cases.ReleaseCase(
        case_pb.ReleaseCaseRequest(
            request_id=new_request_id(),
            program=facts.program,
            gate=gate_pb2.GATE_KNIGHT,
            end_statement=house.desk.realm.statements("launch").end(ending),
        )
    )
    now = released.gate_case
    assert (now.state, now.appeal_open) == (gate_pb2.CASE_STATE_RELEASED, False)
    assert now.appeal.person == SAM
    late = await house.desk.refused(house.stub(ADA).DecideAppeal(house.deciding(now, GRANTED)))
    assert leg(late) == "APPEAL"
    assert case.name == now.name


@ON_SQLITE
async def test_every_act_of_an_appeal_is_on_record(house: House) -> None:
    case = await house.appealed(await house.declined())
    await house.decided(case, GRANTED)
    found = rows(house.url, "SELECT document FROM event ORDER BY id")
    documents = [json.loads(document) for (document,) in found]
    kinds = [one["kind"] for one in documents]
    assert kinds[-3:] == ["knight.declined", "knight.appealed", "knight.appeal_decided"]
    decided = documents[-1]["payload"]
    assert (decided["appellant"], decided["declined_by"], decided["outcome"]) == (
        SAM,
        [REVIEWER],
        "GRANTED",
    )
    assert decided["authority"]["person"] == ADA


@ON_SQLITE
async def test_without_a_window_in_the_charter_a_decline_is_final_at_once(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    charter = realm.folder / "final.yaml"
    charter.write_text(amended(("  appeal_window: P5D\n", "")))
    async with it_side(realm, clock, database_url, charter=charter) as desk:
        case = await House(desk, database_url).declined()
        assert (case.state, case.appeal_open, held(case)) == (DECLINED, False, [])
        reading = await House(desk, database_url).read(case)
        assert reading.next_in_ms == -1
