"""A sponsor at the top of the house, over a real socket: who stands above nobody's superior."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.contract.sponsorship.house import House, community, holders, open_house, position_of
from tests.contract.sponsorship.house import refused as refusal
from tests.contract.sponsorship.test_committees import at, escalate
from tests.contract.sponsorship.test_leavers import inbox, leave
from tests.contract.sponsorship.test_objections import ADA, OBJECTION, OTTO, resolve
from tests.support import halden
from tests.support.clock import SettableClock
from tests.support.councils import BOARD, council_charter
from tests.support.records import everything
from tests.support.services import Realm

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework.words import Gate

LENA, HANA, NORA, ZOE = BOARD[0], BOARD[1], "people/nora", "people/zoe"
PRODUCT = "units/product"
TOP: dict[str, Any] = {
    "sponsor": ADA,
    "owning_unit": "executive",
    "audiences": ("developers",),
    "channels": ("developer-portal",),
}
ROADMAP = {**OBJECTION, "grounds": "roadmap"}


@pytest.fixture
async def house(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[House]:
    """The service under a charter with a board above the top."""
    async with under(realm, clock, database_url, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def under(
    realm: Realm, clock: SettableClock, database_url: str, folder: Path, **charter: Any
) -> AsyncGenerator[House]:
    file = council_charter(folder, **charter)
    async with open_house(realm, clock, database_url, charter=file) as opened:
        yield opened


async def objected(house: House) -> pb.Pledge:
    """The head of product objects to what the chief executive sponsors."""
    case = await house.opened(community(**TOP))
    return await house.say(NORA, case, PRODUCT, "OBJECT", **ROADMAP)


async def test_an_objection_to_the_head_of_the_house_is_put_to_the_board(house: House) -> None:
    pledge = await objected(house)
    shown = position_of(pledge, PRODUCT)
    assert shown.arbiter == ""
    assert (shown.appeal.committee, shown.appeal.summary) == (
        "committees/board",
        "2 of 3 needed, 0 yes, 0 no",
    )
    arbiters = [(p, role, unit) for p, role, unit in holders(pledge.gate_case) if role == "arbiter"]
    assert arbiters == sorted((person, "arbiter", PRODUCT) for person in BOARD)
    for person in BOARD:
        assert await inbox(house, person) == [pledge.gate_case.name]


async def test_the_board_overrides_by_its_majority_and_stands_for_the_business(
    house: House,
) -> None:
    pledge = await objected(house)
    first = await resolve(house, LENA, pledge.gate_case, unit=PRODUCT)
    shown = position_of(first, PRODUCT)
    assert (shown.resolution, shown.appeal.yes) == (pb.RESOLUTION_UNSPECIFIED, 1)
    assert await inbox(house, LENA) == []
    second = await resolve(house, OTTO, first.gate_case, unit=PRODUCT)
    ended = position_of(second, PRODUCT)
    assert ended.resolution == pb.RESOLUTION_OVERRIDDEN
    assert [one.reason for one in ended.appeal.votes] == ["prices are public"] * 2
    stands = (await house.pledge(ADA, second.gate_case)).gate_case
    assert stands.state == gate_pb2.CASE_STATE_STANDING
    assert [(d.person, d.role) for d in stands.deciders] == [
        (ADA, "sponsor"),
        (LENA, "arbiter"),
        (OTTO, "arbiter"),
    ]
    signed: case_pb.SignedWarrant = await house.cases().GetWarrant(
        case_pb.GetWarrantRequest(program=stands.program, gate=gate_pb2.GATE_PLEDGE)
    )
    reader = house.realm.statements("budget")
    warrant = reader.read_warrants([signed.warrant], [Gate.PLEDGE])[Gate.PLEDGE]
    assert {LENA, OTTO} <= set(warrant.business_people)


async def test_the_board_sustains_and_the_proposer_has_to_revise(house: House) -> None:
    pledge = await objected(house)
    first = await resolve(house, LENA, pledge.gate_case, "SUSTAINED", unit=PRODUCT)
    second = await resolve(house, HANA, first.gate_case, "SUSTAINED", unit=PRODUCT)
    assert second.gate_case.state == gate_pb2.CASE_STATE_CHANGES_REQUESTED
    assert position_of(second, PRODUCT).resolution == pb.RESOLUTION_SUSTAINED
    (gap,) = second.gate_case.gaps
    assert gap.remedy == ROADMAP["proposal"]


async def test_only_the_board_resolves_and_the_refusal_names_it(
    house: House, database_url: str
) -> None:
    case = (await objected(house)).gate_case
    before = everything(database_url)
    for person in (ADA, NORA, "people/mira", "people/fay", "people/ben"):
        problem = await refusal(resolve(house, person, case, unit=PRODUCT))
        assert problem.reason == "NOT_A_HOLDER"
        assert "the vote of committees/board" in problem.message
        assert all(member in problem.message for member in BOARD)
    assert everything(database_url) == before


async def test_a_board_that_is_waited_for_has_until_its_meeting_and_two_days(
    house: House,
) -> None:
    pledge = await objected(house)
    pledged = await house.pledge(ADA, pledge.gate_case)
    due = position_of(pledged, PRODUCT).appeal.due_at
    assert pledged.gate_case.timetable.overdue_at == due
    assert at(due) > at(pledge.gate_case.timetable.overdue_at)


async def test_the_unit_takes_its_objection_back_whatever_the_board_has_said(
    house: House,
) -> None:
    pledge = await objected(house)
    first = await resolve(house, LENA, pledge.gate_case, unit=PRODUCT)
    agreed = await house.say(NORA, first.gate_case, PRODUCT, "CONSENT")
    assert position_of(agreed, PRODUCT).resolution == pb.RESOLUTION_WITHDRAWN
    assert not [h for h in agreed.gate_case.holders if h.role == "arbiter"]


async def test_without_a_board_the_refusal_says_who_else_ends_it(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with under(realm, clock, database_url, tmp_path, oversight=False) as house:
        pledge = await objected(house)
        shown = position_of(pledge, PRODUCT)
        assert (shown.arbiter, shown.HasField("appeal")) == ("", False)
        assert (NORA, "endorser", PRODUCT) in holders(pledge.gate_case)
        problem = await refusal(resolve(house, OTTO, pledge.gate_case, unit=PRODUCT))
        assert "no committee above the top" in problem.message
        assert f"another position of {NORA}" in problem.message
        assert "the proposer may revise" in problem.message


async def test_a_board_without_a_quorum_leaves_it_to_who_countersigns_from_outside(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with under(realm, clock, database_url, tmp_path, countersigner=ZOE) as house:
        await leave(house, LENA, HANA)
        pledge = await objected(house)
        shown = position_of(pledge, PRODUCT)
        assert (shown.arbiter, shown.appeal.outcome) == (ZOE, pb.BALLOT_OUTCOME_NO_QUORUM)
        assert (ZOE, "arbiter", PRODUCT) in holders(pledge.gate_case)
        ended = await resolve(house, ZOE, pledge.gate_case, unit=PRODUCT)
        assert position_of(ended, PRODUCT).resolution == pb.RESOLUTION_OVERRIDDEN


async def test_the_board_loses_its_quorum_while_it_is_asked(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with under(realm, clock, database_url, tmp_path, countersigner=ZOE) as house:
        pledge = await objected(house)
        answer = await leave(house, LENA, HANA)
        assert list(answer.handed_on) == [pledge.gate_case.name]
        after = await house.read(pledge.gate_case)
        assert position_of(after, PRODUCT).arbiter == ZOE
        arbiters = [one.person for one in after.gate_case.holders if one.role == "arbiter"]
        assert arbiters == [ZOE]


async def test_another_guest_decides_nothing_and_who_countersigns_only_where_nobody_else_is_left(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with under(realm, clock, database_url, tmp_path, oversight=False) as house:
        case = await house.opened(community(**TOP))
        guest = await refusal(house.say(ZOE, case, PRODUCT, "CONSENT"))
        assert "is a guest" in guest.message


async def test_the_last_of_the_line_is_who_countersigns_from_outside(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with under(
        realm, clock, database_url, tmp_path, oversight=False, countersigner=ZOE
    ) as house:
        case = await house.opened(community(**TOP))
        early = await refusal(house.say(ZOE, case, PRODUCT, "CONSENT"))
        assert "does not speak for" in early.message
        first = await house.say(NORA, case, PRODUCT, "RECUSE")
        second = await house.say("people/nils", first.gate_case, PRODUCT, "RECUSE")
        assert position_of(second, PRODUCT).asked == ZOE, "the head above is the sponsor"
        agreed = await house.say(ZOE, second.gate_case, PRODUCT, "CONSENT")
        stands = await house.pledge(ADA, agreed.gate_case)
        assert stands.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_the_deputy_stands_in_for_the_head_of_the_house_and_then_it_is_governances(
    house: House,
) -> None:
    case = await house.opened(community(**TOP))
    await leave(house, ADA)
    held = (await house.read(case)).gate_case
    assert (OTTO, "sponsor", "units/executive") in holders(held)
    assert not held.no_eligible_holder
    await leave(house, OTTO)
    alarmed = (await house.read(case)).gate_case
    assert alarmed.no_eligible_holder
    assert ("people/grace", "governance", "") in holders(alarmed)


async def test_an_overdue_pledge_of_the_head_of_the_house_goes_to_the_deputy(
    house: House,
) -> None:
    case = await house.opened(community(**TOP))
    overdue = await escalate(house, case, case.timetable.overdue_at)
    added = [(one.person, one.role) for one in overdue.gate_case.holders if one.added_by]
    assert added == [(OTTO, "sponsor")]
    assert halden.charter().unit("executive").deputy == OTTO


async def test_a_member_of_the_board_who_cannot_judge_leaves_both_sides_of_the_fraction(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> None:
    async with under(realm, clock, database_url, tmp_path, countersigner=ZOE) as house:
        pledge = await objected(house)
        stranger = await refusal(house.say("people/mira", pledge.gate_case, PRODUCT, "RECUSE"))
        assert stranger.reason == "NOT_A_HOLDER"
        first = await house.say(OTTO, pledge.gate_case, PRODUCT, "RECUSE")
        appeal = position_of(first, PRODUCT).appeal
        assert (appeal.summary, position_of(first, PRODUCT).arbiter) == (
            "2 of 2 needed, 0 yes, 0 no",
            "",
        )
        assert await inbox(house, OTTO) == []
        late = await refusal(resolve(house, OTTO, first.gate_case, unit=PRODUCT))
        assert late.reason == "NOT_A_HOLDER"
        second = await house.say(HANA, first.gate_case, PRODUCT, "RECUSE")
        shown = position_of(second, PRODUCT)
        assert (shown.arbiter, shown.appeal.outcome) == (ZOE, pb.BALLOT_OUTCOME_NO_QUORUM)
        ended = await resolve(house, ZOE, second.gate_case, unit=PRODUCT)
        assert position_of(ended, PRODUCT).resolution == pb.RESOLUTION_OVERRIDDEN
