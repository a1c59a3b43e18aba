"""A charter tried on the open cases: which of them would change, and nothing is stored."""

from typing import Any

from tests.contract.sponsorship.house import VERA, House, community, refused
from tests.contract.sponsorship.test_changes import version
from tests.support.records import everything

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2

VIKTOR_HEADS = ("head: people/vera", "head: people/viktor")
SLOWER = ("PLEDGE: {duration: P3D", "PLEDGE: {duration: P5D")


def changed(*pairs: tuple[str, str]) -> str:
    """The default charter as version 2, with other words in some places."""
    text = version(2)
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


async def tried(house: House, document: str, **request: Any) -> pb.TryCharterResponse:
    auditor = house.cases("people/axel", "auditor")
    answer: pb.TryCharterResponse = await auditor.TryCharter(
        pb.TryCharterRequest(document=document, **request)
    )
    return answer


async def test_an_open_case_says_who_else_it_would_ask_and_by_when(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    before = everything(database_url)
    answer = await tried(house, changed(VIKTOR_HEADS, ("    deputy: people/viktor\n", ""), SLOWER))
    (one,) = answer.cases
    assert (one.name, one.gate, answer.tried) == (case.name, gate_pb2.GATE_PLEDGE, 1)
    assert list(one.differences) == [
        "- held by people/vera as endorser for units/sales",
        "- due 2027-01-07 15:00 UTC",
        "+ held by people/viktor as endorser for units/sales",
        "+ due 2027-01-11 15:00 UTC",
    ]
    assert everything(database_url) == before


async def test_what_was_said_and_decided_meanwhile_is_no_difference(house: House) -> None:
    said = await house.say(VERA, await house.opened(), "units/sales", "RECUSE")
    assert said.gate_case.version > 1
    answer = await tried(house, version(2))
    assert (list(answer.cases), answer.tried) == ([], 1)


async def test_what_nobody_would_answer_for_any_more_is_named(house: House) -> None:
    await house.opened()
    gone = changed(
        ("{id: community-forum, name: Community forum}", "{id: forum, name: Forum}"),
        ("channel: community-forum", "channel: forum"),
        ("channels: [community-forum, ", "channels: [forum, "),
    )
    (one,) = (await tried(house, gone)).cases
    assert list(one.differences) == [
        "- held by people/vera as endorser for units/sales",
        "- units/sales: must agree",
        "- units/it-security: is told",
        "+ units/sales: is heard",
        "+ channels/community-forum belongs to no unit",
    ]


async def test_the_cases_come_page_by_page(house: House) -> None:
    for number in range(3):
        await house.opened(community(program=f"programs/p{number}"))
    names: list[str] = []
    token, pages = "", 0
    while True:
        page = await tried(house, changed(SLOWER), page_size=2, page_token=token)
        names += [one.program for one in page.cases]
        pages += 1
        token = page.next_page_token
        if not token:
            break
    assert names == ["programs/p0", "programs/p1", "programs/p2"]
    assert pages == 2


async def test_a_broken_charter_is_not_tried(house: House) -> None:
    problem = await refused(tried(house, "id: 1"))
    assert problem.reason == "INVALID_FIELD"
    assert all(one.description.startswith("line ") for one in problem.violations)
