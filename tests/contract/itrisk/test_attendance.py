"""A review waits for nobody who left IT or is away."""

from tests.contract.itrisk.test_review import desk
from tests.support.budget import ON_SQLITE
from tests.support.eventually import eventually
from tests.support.facts import revision
from tests.support.reviews import REVIEWER, Desk
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub

__all__ = ["desk"]

RALF, IVAN, KAI, KIRA = "people/ralf", "people/ivan", "people/kai", "people/kira"
GOVERNANCE = ["people/grace", "people/gus"]


async def read(desk: Desk, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    reading: case_pb.CaseReading = await desk.cases.ReadCase(
        case_pb.ReadCaseRequest(program=case.program, gate=gate_pb2.GATE_KNIGHT)
    )
    return reading.gate_case


async def held_by(desk: Desk, case: gate_pb2.GateCase, *people: str) -> gate_pb2.GateCase:
    """The case once it is in these hands."""
    return await eventually(
        lambda: read(desk, case), lambda now: [one.person for one in now.holders] == [*people]
    )


async def knight(desk: Desk, person: str, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    stub = ItRiskServiceStub(desk.service.channel(person, "reviewer"))
    review: pb.RiskReview = await stub.Knight(
        pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    )
    return review.gate_case


async def test_the_line_above_is_asked_when_every_reviewer_left_or_is_away(desk: Desk) -> None:
    case = await desk.opened()
    desk.directory.publish(RALF, able=False)
    case = await held_by(desk, case, REVIEWER)
    desk.directory.publish(REVIEWER, away=True)
    case = await held_by(desk, case, REVIEWER, IVAN)
    assert not case.no_eligible_holder
    knighted = await knight(desk, IVAN, case)
    assert knighted.state == gate_pb2.CASE_STATE_STANDING


async def test_with_nobody_left_it_is_governances_at_once_until_somebody_is_back(
    desk: Desk,
) -> None:
    for person in (IVAN, "people/ada"):
        desk.directory.publish(person, able=False)
    for person in (RALF, REVIEWER):
        desk.directory.publish(person, away=True)
    case = await held_by(desk, await desk.opened(), REVIEWER, RALF, *GOVERNANCE)
    assert case.no_eligible_holder
    desk.directory.publish(RALF)
    case = await held_by(desk, case, REVIEWER, RALF)
    assert not case.no_eligible_holder


@ON_SQLITE
async def test_the_next_level_opens_into_hands_that_are_there(desk: Desk) -> None:
    case = await desk.opened(revision(data_classes=("payment",)))
    for person in (KAI, KIRA):
        desk.directory.publish(person, able=False)
    desk.directory.publish(RALF, able=False)  # heard last: with it the others are known
    case = await held_by(desk, case, REVIEWER)
    heard = await knight(desk, REVIEWER, case)
    assert [one.person for one in heard.holders] == [IVAN]
    assert (await knight(desk, IVAN, heard)).state == gate_pb2.CASE_STATE_STANDING


@ON_SQLITE
async def test_a_directory_that_is_away_is_heard_when_it_is_back(desk: Desk) -> None:
    case = await desk.opened()
    desk.directory.down = True
    desk.directory.publish(RALF, able=False)
    desk.directory.down = False
    await held_by(desk, case, REVIEWER)
