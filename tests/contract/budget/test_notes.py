"""A funding's case is talked about and given more time like every other."""

from tests.support.budget import MoneySide
from tests.support.conversations import every_case_is_talked_about
from tests.support.facts import revision

from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub


async def test_a_funding_is_talked_about(money: MoneySide) -> None:
    await money.issue()
    case = await money.open(revision())
    guest = "people/zoe"
    money.directory.say(guest, guest=True)

    def caller(person: str, *roles: str) -> CaseServiceStub:
        return CaseServiceStub(money.service.channel(person, *(roles or ("proposer",))))

    await every_case_is_talked_about(caller, case, case.holders[0].person, "people/lea", guest)
