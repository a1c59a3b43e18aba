"""A charter tried on the open fundings: other levels, the same business side."""

from tests.support.budget import ON_SQLITE, MoneySide
from tests.support.facts import revision
from tests.support.records import everything
from tests.support.services import CHARTER

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub

LEVEL = "{level: 1, role: finance-partner, needed: 1, of: [people/fiona, people/felix]}"


async def tried(money: MoneySide, old: str, new: str) -> pb.TryCharterResponse:
    text = CHARTER.read_text(encoding="utf-8")
    assert old in text
    stub = CaseServiceStub(money.service.channel("people/grace", "governance"))
    answer: pb.TryCharterResponse = await stub.TryCharter(
        pb.TryCharterRequest(document=text.replace(old, new))
    )
    return answer


async def test_a_funding_says_which_levels_it_would_be_asked(
    money: MoneySide, database_url: str
) -> None:
    case = await money.open(revision(amount_minor=9_000_00))
    await money.approve(case, "fiona")
    before = everything(database_url)
    answer = await tried(money, LEVEL, LEVEL.replace("people/felix", "people/finn"))
    (one,) = answer.cases
    assert (one.name, answer.tried) == (case.name, 1)
    assert list(one.differences) == [
        "- held by people/felix as approver",
        "- approved by level 1, finance-partner: 1 of people/fiona, people/felix",
        "+ held by people/finn as approver",
        "+ approved by level 1, finance-partner: 1 of people/fiona, people/finn",
    ]
    assert everything(database_url) == before


@ON_SQLITE
async def test_a_funding_whose_category_is_gone_could_not_be_opened(money: MoneySide) -> None:
    await money.open(revision(amount_minor=9_000_00))
    (one,) = (await tried(money, "category: opex", "category: running")).cases
    (line,) = (line for line in one.differences if line.startswith("+"))
    assert line.startswith("+ it cannot be opened: ")
