"""More time for a committee: its next meeting, and nobody passes it over before."""

from datetime import UTC, datetime

from tests.contract.sponsorship.house import SARA, VERA, House, position_of, refused
from tests.contract.sponsorship.test_committees import at, escalate, vote, yes
from tests.contract.sponsorship.test_objections import ADA, SALES
from tests.support.conversations import extending
from tests.support.councils import COUNCIL

from investiture.api.casework.v1 import case_service_pb2 as case_pb


async def test_a_committee_that_is_given_more_time_has_until_its_next_meeting_and_two_days(
    council: House,
) -> None:
    pledged = await council.pledge(SARA, await council.opened())
    due = pledged.gate_case.timetable.overdue_at
    assert at(due) == datetime(2027, 1, 14, 22, 0, tzinfo=UTC)  # after Tuesday the 12th
    answer: case_pb.CaseReading = await council.cases(VERA, "endorser").ExtendCase(
        extending(pledged.gate_case)
    )
    longer = answer.gate_case.timetable
    assert at(longer.overdue_at) == datetime(2027, 2, 11, 22, 0, tzinfo=UTC)  # after the 9th
    shown = position_of(await council.read(answer.gate_case), SALES).ballot
    assert shown.due_at == longer.overdue_at
    quiet = await escalate(council, answer.gate_case, due)
    assert [step.step for step in quiet.gate_case.escalations] == []
    early = await refused(council.say(ADA, quiet.gate_case, SALES, "CONSENT"))
    assert "has no seat" in early.message
    voted = await vote(council, quiet.gate_case, SALES, *yes(VERA))
    assert at(voted.gate_case.timetable.overdue_at) == at(longer.overdue_at)
    again = council.cases(COUNCIL[1], "endorser").ExtendCase(extending(voted.gate_case))
    assert [leg.type for leg in (await refused(again)).legs] == ["EXTENDED_BEFORE"]
