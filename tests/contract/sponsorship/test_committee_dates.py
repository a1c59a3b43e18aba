"""A committee is due two days after its next meeting; nobody passes it over before."""

from datetime import timedelta

from tests.contract.sponsorship.house import (
    SARA,
    VERA,
    House,
    community,
    holders,
    position_of,
    refused,
)
from tests.contract.sponsorship.test_committees import (
    LOUD,
    PR,
    at,
    escalate,
    recuse,
    vote,
    yes,
)
from tests.contract.sponsorship.test_objections import ADA, SALES
from tests.support.conversations import extending
from tests.support.councils import COUNCIL, PRESS

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2


async def test_the_case_waits_for_its_heads_first_and_then_until_the_meeting_and_two_days(
    council: House,
) -> None:
    """domain.md, Words, Timetable: "for a committee, due = its next meeting + 2 days"."""
    case = await council.opened()
    agreed = case.timetable
    due = position_of(await council.read(case), SALES).ballot.due_at
    assert at(agreed.overdue_at) < at(due)
    voted = await vote(council, case, SALES, *yes(VERA))
    assert voted.gate_case.timetable == agreed, "the sponsor has not answered"
    pledged = await council.pledge(SARA, voted.gate_case)
    table = pledged.gate_case.timetable
    assert table.overdue_at == due
    assert at(table.opened_at) < at(table.nudge_at) < at(table.warn_at) < at(table.overdue_at)
    assert (table.next_at, table.next_step) == (table.nudge_at, gate_pb2.STEP_NUDGE)


async def test_a_committee_is_not_passed_over_before_it_could_meet_and_is_when_overdue(
    council: House,
) -> None:
    case = await council.opened()
    silent = await escalate(council, case, case.timetable.second_at)
    added = [(one.person, one.role) for one in silent.gate_case.holders if one.added_by]
    assert added == [("people/sam", "sponsor"), (ADA, "sponsor")], "the sponsor's line alone"
    pledged = await council.pledge(SARA, silent.gate_case)
    table = pledged.gate_case.timetable
    warned = await escalate(council, pledged.gate_case, table.warn_at)
    assert not [one for one in warned.gate_case.holders if one.role != "member"]
    early = await refused(council.say(ADA, warned.gate_case, SALES, "CONSENT"))
    assert "has no seat" in early.message
    overdue = await escalate(council, warned.gate_case, table.overdue_at)
    assert (ADA, "endorser", SALES) in holders(overdue.gate_case)
    answered = await council.say(ADA, overdue.gate_case, SALES, "CONSENT")
    assert answered.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert [d.person for d in answered.gate_case.deciders] == [SARA, ADA]


async def test_who_is_asked_because_there_is_no_quorum_has_the_agreed_time_from_then_on(
    council: House,
) -> None:
    pledged = await council.pledge(SARA, await council.opened(community(**LOUD)))
    waits = await vote(council, pledged.gate_case, SALES, *yes(*COUNCIL[:4]))
    press = position_of(waits, PR).ballot.due_at
    assert waits.gate_case.timetable.overdue_at == press
    council.clock.advance(timedelta(days=1))
    none = await vote(council, waits.gate_case, PR, *recuse(*PRESS[:3]))
    table = none.gate_case.timetable
    assert at(table.opened_at) == council.clock.now()
    assert at(table.overdue_at) < at(press)


async def test_a_committee_that_was_given_more_time_keeps_it_with_the_next_vote(
    council: House,
) -> None:
    pledged = await council.pledge(SARA, await council.opened())
    due = position_of(pledged, SALES).ballot.due_at
    asked = council.cases(VERA, "endorser").ExtendCase(extending(pledged.gate_case))
    given: case_pb.CaseReading = await asked
    later = given.gate_case.timetable
    assert at(later.overdue_at) > at(due)
    voted = await vote(council, given.gate_case, SALES, *yes(COUNCIL[1]))
    assert voted.gate_case.timetable == later
