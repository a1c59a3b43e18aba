"""A review's case is talked about; while changes are requested, the proposer may have more time."""

from tests.contract.itrisk.test_review import desk
from tests.support.conversations import (
    Caller,
    consulting,
    every_case_is_talked_about,
    extending,
    refused,
)
from tests.support.facts import revision
from tests.support.records import everything
from tests.support.reviews import GAP, REVIEWER, Desk
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb

__all__ = ["desk"]
PROPOSER, GUEST = "people/pia", "people/zoe"


def caller(at: Desk) -> Caller:
    def stub(person: str, *roles: str) -> CaseServiceStub:
        return CaseServiceStub(at.service.channel(person, *(roles or ("proposer",))))

    return stub


async def sent_back(at: Desk, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    review: pb.RiskReview = await at.review.RequestChanges(
        pb.RequestChangesRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, gaps=[GAP]
        )
    )
    return review.gate_case


async def test_a_review_is_talked_about(desk: Desk) -> None:
    case = await desk.opened()
    desk.directory.say(GUEST, guest=True)
    await every_case_is_talked_about(caller(desk), case, REVIEWER, "people/lea", GUEST)


async def test_the_deciders_and_then_the_proposer_are_given_more_time_once_each(
    desk: Desk,
) -> None:
    case = await desk.opened()
    reading: case_pb.CaseReading = await caller(desk)(REVIEWER).ExtendCase(extending(case))
    waits = await sent_back(desk, reading.gate_case)
    problem = await refused(caller(desk)(REVIEWER).ExtendCase(extending(waits)))
    assert problem.reason == "NOT_A_HOLDER"
    longer: case_pb.CaseReading = await caller(desk)(PROPOSER).ExtendCase(extending(waits))
    after = longer.gate_case
    assert [(one.person, one.wait) for one in after.extensions] == [
        (REVIEWER, gate_pb2.CASE_STATE_OPEN),
        (PROPOSER, gate_pb2.CASE_STATE_CHANGES_REQUESTED),
    ]
    assert after.timetable.overdue_at.ToNanoseconds() > waits.timetable.overdue_at.ToNanoseconds()
    again = await refused(caller(desk)(PROPOSER).ExtendCase(extending(after)))
    assert PROPOSER in again.legs[0].description


async def test_without_the_directory_nobody_is_asked_and_nothing_is_stored(
    desk: Desk, database_url: str
) -> None:
    case = await desk.opened(revision())
    desk.directory.down = True
    before = everything(database_url)
    problem = await refused(caller(desk)(REVIEWER).Consult(consulting(case, "people/lea")))
    assert (problem.code, problem.reason) == ("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE")
    assert everything(database_url) == before
