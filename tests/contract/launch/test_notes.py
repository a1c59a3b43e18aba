"""The cases of the stages are talked about and given more time like every other."""

from tests.support.conversations import Caller, every_case_is_talked_about, extending
from tests.support.launches import Front
from tests.support.programs import BENEFIT_OWNER, PILOT_OWNER, SPONSOR

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2

GUEST = "people/zoe"


def caller(desk: Front) -> Caller:
    def stub(person: str, *roles: str) -> CaseServiceStub:
        return desk.case_person(person, *(roles or ("proposer",)))

    return stub


async def test_a_pilot_a_go_and_a_proof_are_talked_about(desk: Front) -> None:
    desk.directory.say(GUEST, guest=True)
    pilot = (await desk.piloting()).gate_case
    await every_case_is_talked_about(caller(desk), pilot, PILOT_OWNER, "people/lea", GUEST)
    go = (await desk.asked_for_go("second")).gate_case
    await every_case_is_talked_about(caller(desk), go, SPONSOR, "people/lara", GUEST)
    launched = await desk.launched("third")
    reading: case_pb.CaseReading = await caller(desk)(SPONSOR).ReadCase(
        case_pb.ReadCaseRequest(program=launched.name, gate=gate_pb2.GATE_PROVE)
    )
    proof = reading.gate_case
    await every_case_is_talked_about(caller(desk), proof, BENEFIT_OWNER, "people/lena", GUEST)


async def test_the_path_shows_who_was_given_more_time(desk: Front) -> None:
    pilot = (await desk.piloting()).gate_case
    before = await desk.path(pilot.program)
    await caller(desk)(PILOT_OWNER).ExtendCase(extending(pilot))
    path = await desk.path(pilot.program)
    assert path.program.version > before.program.version  # whoever watches is told
    shown = next(gate.gate_case for gate in path.gates if gate.gate == gate_pb2.GATE_PILOT)
    assert [one.person for one in shown.extensions] == [PILOT_OWNER]
    assert shown.timetable.next_at.ToNanoseconds() > pilot.timetable.next_at.ToNanoseconds()
