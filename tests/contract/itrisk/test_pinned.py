"""A review is led to its end by the charter it was opened under, the next round by the new one."""

from datetime import UTC, timedelta

from tests.support.charters import amended, sign
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.reviews import GAP, it_side
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb

REVIEWERS = "role: it-reviewer, needed: 1, of: [people/ines, people/ralf]"
B = amended(
    (REVIEWERS, "role: it-reviewer, needed: 2, of: [people/kai, people/kira]"),
    ("KNIGHT: {duration: P3D", "KNIGHT: {duration: P5D"),
    ("KNIGHT: P90D", "KNIGHT: P10D"),
    ("CHANGES: {duration: P10D", "CHANGES: {duration: P2D"),
)


async def test_an_open_review_follows_its_charter_and_the_next_round_the_new_one(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with it_side(realm, clock, database_url) as desk:
        case = await desk.opened()
        other = await desk.opened(revision(program="programs/other"))
    second = sign(database_url, B, clock.now())
    async with it_side(realm, clock, database_url) as desk:
        asked: pb.RiskReview = await desk.review.RequestChanges(
            pb.RequestChangesRequest(
                request_id=new_request_id(), name=other.name, etag=other.etag, gaps=[GAP]
            )
        )
        due = asked.gate_case.timetable.overdue_at.ToDatetime(UTC)
        assert due - clock.now() > timedelta(days=10), "ten days of work, not two"
        review: pb.RiskReview = await desk.review.Knight(
            pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
        )
        stands = review.gate_case
        assert stands.state == gate_pb2.CASE_STATE_STANDING
        until = stands.standing_until.ToDatetime(UTC)
        assert until == clock.now() + timedelta(days=90)
        clock.set(until)
        again = await desk.opened()
        assert (again.round, again.charter_digest) == (2, second)
        assert {one.person for one in again.holders} == {"people/kai", "people/kira"}
        last: case_pb.CaseReading = await desk.cases.ReadCase(
            case_pb.ReadCaseRequest(program=other.program, gate=other.gate)
        )
        assert last.gate_case.charter_digest == other.charter_digest
