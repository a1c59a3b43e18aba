"""More time for a decision, once, with a reason: dates, steps, and who may have it."""

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
from tests.contract.sponsorship.house import BEN, SARA, VERA, House, community, refused
from tests.support.conversations import extending, newest
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.chassis.client import explain

GRACE = "people/grace"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dates(case: gate_pb2.GateCase) -> list[datetime]:
    table = case.timetable
    stamps = (table.nudge_at, table.warn_at, table.overdue_at, table.second_at)
    return [stamp.ToDatetime(UTC) for stamp in stamps]


async def extended(house: House, person: str, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    reading: case_pb.CaseReading = await house.cases(person, "sponsor").ExtendCase(extending(case))
    return reading.gate_case


async def escalated(house: House, case: gate_pb2.GateCase) -> case_pb.EscalateCaseResponse:
    response: case_pb.EscalateCaseResponse = await house.cases().EscalateCase(
        case_pb.EscalateCaseRequest(request_id=new_request_id(), name=case.name)
    )
    return response


async def test_a_holder_has_the_agreed_time_again_from_the_due_date(house: House) -> None:
    # domain.md, Time: SLA 3 business days per decision; one extension, with a reason.
    case = await house.opened()
    assert dates(case)[2] == at("2027-01-07T15:00")
    now = await extended(house, SARA, case)
    assert dates(now) == [
        at("2027-01-08T19:00"),  # Thursday 10:00 in New York + 1.5 days of eight hours
        at("2027-01-11T18:12"),
        at("2027-01-12T15:00"),
        at("2027-01-13T19:00"),
    ]
    assert now.timetable.opened_at == case.timetable.opened_at
    assert (now.state, now.holders) == (case.state, case.holders)
    (extension,) = now.extensions
    assert (extension.person, extension.role, extension.wait) == (
        SARA,
        "sponsor",
        gate_pb2.CASE_STATE_OPEN,
    )
    assert extension.overdue_before == case.timetable.overdue_at
    assert extension.overdue_at == now.timetable.overdue_at


async def test_what_was_taken_stays_taken_and_the_next_step_follows_the_new_dates(
    house: House,
) -> None:
    case = await house.opened()
    house.clock.set(at("2027-01-06T20:00"))  # nudged and warned
    early = await escalated(house, case)
    assert [step.step for step in early.taken] == [gate_pb2.STEP_NUDGE, gate_pb2.STEP_WARN]
    now = await extended(house, VERA, early.reading.gate_case)
    assert (now.timetable.next_step, now.timetable.next_at) == (
        gate_pb2.STEP_OVERDUE,
        now.timetable.overdue_at,
    )
    house.clock.set(at("2027-01-07T15:00"))  # the old due date
    quiet = await escalated(house, now)
    assert (list(quiet.taken), quiet.next_at) == ([], now.timetable.overdue_at)
    house.clock.set(at("2027-01-12T15:00"))
    late = await escalated(house, now)
    assert [step.step for step in late.taken] == [gate_pb2.STEP_OVERDUE]


async def test_a_step_that_was_due_is_taken_whether_or_not_the_path_was_awake(
    house: House,
) -> None:
    case = await house.opened()
    house.clock.set(at("2027-01-07T16:00"))  # overdue for an hour; nobody has escalated
    now = await extended(house, SARA, case)
    steps = [step.step for step in now.escalations]
    assert steps == [gate_pb2.STEP_NUDGE, gate_pb2.STEP_WARN, gate_pb2.STEP_OVERDUE]
    assert dates(now)[2] == at("2027-01-12T16:00")  # from now: the due date has passed
    assert now.timetable.next_step == gate_pb2.STEP_SECOND


async def test_a_second_extension_says_who_extended_when(house: House, database_url: str) -> None:
    case = await extended(house, SARA, await house.opened())
    before = everything(database_url)
    for person in (SARA, VERA):
        problem = await refused(house.cases(person, "endorser").ExtendCase(extending(case)))
        assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
        (leg,) = problem.legs
        assert leg.type == "EXTENDED_BEFORE"
        assert "people/sara was given more time at 2027-01-04 15:00 UTC" in leg.description
        assert "until 2027-01-12 15:00 UTC" in leg.description
        assert leg.remedy
    assert everything(database_url) == before


async def test_after_the_second_escalation_nobody_is_given_more_time(house: House) -> None:
    case = await house.opened()
    house.clock.set(dates(case)[3])
    problem = await refused(house.cases(SARA, "sponsor").ExtendCase(extending(case)))
    assert [leg.type for leg in problem.legs] == ["ESCALATED_TWICE"]


async def test_only_a_holder_who_may_decide_is_given_more_time(house: House) -> None:
    case = await house.opened()
    house.clock.advance(timedelta(days=40))  # governance holds it too
    case = (await escalated(house, case)).reading.gate_case
    house.clock.advance(timedelta(days=8))
    case = (await escalated(house, case)).reading.gate_case
    assert GRACE in {h.person for h in case.holders if h.role == "governance"}
    for person in (GRACE, BEN, "people/ivan"):
        problem = await refused(house.cases(person, "governance").ExtendCase(extending(case)))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER"), person


async def test_more_time_for_what_is_decided_is_refused(house: House) -> None:
    case = await house.standing()
    problem = await refused(house.cases(SARA, "sponsor").ExtendCase(extending(case)))
    assert problem.reason == "WRONG_STATE"


async def test_an_extension_needs_the_etag_and_the_reason(house: House) -> None:
    case = await house.opened()
    stub = house.cases(SARA, "sponsor")
    stale = await refused(stub.ExtendCase(extending(case, etag="another")))
    assert stale.reason == "STALE_ETAG"
    silent = await refused(stub.ExtendCase(extending(case, reason="")))
    assert [v.field for v in silent.violations] == ["reason"]


async def test_a_rehearsed_extension_stores_nothing_and_a_repeated_one_nothing_more(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    stub = house.cases(SARA, "sponsor")
    before = everything(database_url)
    dry: case_pb.CaseReading = await stub.ExtendCase(extending(case, validate_only=True))
    assert dates(dry.gate_case)[2] == at("2027-01-12T15:00")
    assert everything(database_url) == before
    request = extending(case)
    answers = [await stub.ExtendCase(request) for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(rows(database_url, "SELECT 1 FROM event WHERE kind = 'pledge.extended'")) == 1
    rings = rows(database_url, "SELECT 1 FROM outbox")
    assert len(rings) == 2  # opened, extended


async def test_the_inbox_goes_by_the_new_date(house: House) -> None:
    case = await house.opened()
    other = await house.opened(community(program="programs/forum"))
    await extended(house, SARA, case)
    page: case_pb.ListPendingDecisionsResponse = await house.cases(
        SARA, "sponsor"
    ).ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    assert [one.name for one in page.cases] == [other.name, case.name]


async def test_a_new_round_has_an_extension_of_its_own(house: House) -> None:
    first = await extended(house, SARA, await house.opened())
    second = await house.opened(community(2, objective="help each other more"))
    assert (second.round, list(second.extensions)) == (first.round + 1, [])
    assert len((await extended(house, SARA, second)).extensions) == 1


async def test_of_two_extensions_at_once_one_is_told_to_look_again(house: House) -> None:
    case = await house.opened()
    calls = [house.cases(who, "endorser").ExtendCase(extending(case)) for who in (SARA, VERA)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    problems = [explain(one) for one in outcomes if isinstance(one, grpc.aio.AioRpcError)]
    assert [problem.reason for problem in problems] == ["STALE_ETAG"]
    assert len((await newest(house.cases(BEN, "proposer"), case)).extensions) == 1
