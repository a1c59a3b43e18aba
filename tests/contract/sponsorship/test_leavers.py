"""Who leaves holds nothing any more: what they held is in other hands with the import itself."""

import json
from typing import Any

from tests.contract.sponsorship.house import (
    BEN,
    SAM,
    SARA,
    VERA,
    House,
    holders,
    position_of,
)
from tests.contract.sponsorship.test_objections import ADA, OTTO, SALES, objected, resolve
from tests.support import halden
from tests.support.records import everything, rows

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb

VIKTOR = "people/viktor"
GOVERNANCE = [("people/grace", "governance", ""), ("people/gus", "governance", "")]


async def leave(house: House, *names: str, **request: Any) -> pb.ImportDirectoryResponse:
    """Make people inactive; who reported to them reports to nobody for now."""
    people: list[pb.Person] = []
    for one in halden.people():
        if one.name in names:
            one.active = False
        elif one.manager in names:
            one.manager = ""
        else:
            continue
        people.append(one)
    answer: pb.ImportDirectoryResponse = await house.import_people(*people, **request)
    return answer


async def inbox(house: House, person: str) -> list[str]:
    found = await house.cases(person, "sponsor").ListPendingDecisions(
        case_pb.ListPendingDecisionsRequest()
    )
    return [one.name for one in found.cases]


async def test_the_deputy_is_asked_when_the_head_of_a_unit_leaves(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    assert await inbox(house, VERA) == [case.name]
    answer = await leave(house, VERA)
    assert list(answer.handed_on) == [case.name]
    pledge = await house.read(case)
    assert position_of(pledge, SALES).asked == VIKTOR
    assert (VIKTOR, "endorser", SALES) in holders(pledge.gate_case)
    assert await inbox(house, VERA) == []
    assert await inbox(house, VIKTOR) == [case.name]
    (document,) = (
        json.loads(document)
        for kind, document in rows(database_url, "SELECT kind, document FROM event")
        if kind == "pledge.handed_on"
    )
    assert document["payload"]["left"] == [VERA]
    assert VIKTOR in document["payload"]["holders"]
    pledged = await house.pledge(SARA, pledge.gate_case)
    agreed = await house.say(VIKTOR, pledged.gate_case, SALES, "CONSENT")
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_the_next_of_the_line_stands_in_for_a_sponsor_who_leaves(house: House) -> None:
    case = await house.opened()
    answer = await leave(house, SARA)
    assert list(answer.handed_on) == [case.name]
    held = (await house.read(case)).gate_case
    assert (SAM, "sponsor", "units/support") in holders(held)
    assert SARA not in {person for person, _, _ in holders(held)}
    assert not held.no_eligible_holder


async def test_another_arbiter_is_asked_when_the_first_leaves(house: House) -> None:
    pledge = await objected(house)
    assert (ADA, "arbiter", SALES) in holders(pledge.gate_case)
    await leave(house, ADA)
    after = await house.read(pledge.gate_case)
    assert position_of(after, SALES).arbiter == OTTO
    assert (OTTO, "arbiter", SALES) in holders(after.gate_case)
    ended = await resolve(house, OTTO, after.gate_case)
    assert position_of(ended, SALES).resolution == pb.RESOLUTION_OVERRIDDEN


async def test_with_nobody_left_to_ask_the_alarm_is_raised_at_once(house: House) -> None:
    case = await house.opened()
    await leave(house, VERA, VIKTOR, ADA, OTTO)
    after = await house.read(case)
    assert position_of(after, SALES).asked == ""
    assert holders(after.gate_case) == [*GOVERNANCE, (SARA, "sponsor", "units/support")]
    assert after.gate_case.no_eligible_holder
    pledged = await house.pledge(SARA, after.gate_case)
    assert holders(pledged.gate_case) == GOVERNANCE
    assert pledged.gate_case.no_eligible_holder


async def test_a_case_that_nobody_can_answer_is_governances_when_it_opens(house: House) -> None:
    await leave(house, VERA, VIKTOR, ADA, OTTO)
    case = await house.opened()
    assert holders(case) == [*GOVERNANCE, (SARA, "sponsor", "units/support")]
    assert case.no_eligible_holder
    assert case.name in await inbox(house, "people/grace")


async def test_the_last_who_could_judge_recuses_and_it_is_governances_at_once(
    house: House,
) -> None:
    await leave(house, VERA, ADA, OTTO)
    case = await house.opened()
    assert not case.no_eligible_holder
    after = await house.say(VIKTOR, case, SALES, "RECUSE")
    assert after.gate_case.no_eligible_holder
    assert holders(after.gate_case) == [*GOVERNANCE, (SARA, "sponsor", "units/support")]


async def test_a_guest_decides_nothing_so_who_becomes_one_hands_on_too(house: House) -> None:
    case = await house.opened()
    (vera,) = (one for one in halden.people() if one.name == VERA)
    vera.unit, vera.guest_of = "", "an agency"
    answer: pb.ImportDirectoryResponse = await house.import_people(vera)
    assert list(answer.handed_on) == [case.name]


async def test_what_others_hold_and_what_stands_is_left_alone(
    house: House, database_url: str
) -> None:
    standing = await house.standing()
    answer = await leave(house, VERA)
    assert not answer.handed_on
    after = (await house.read(standing)).gate_case
    assert (after.state, after.etag) == (standing.state, standing.etag)
    kinds = [kind for (kind,) in rows(database_url, "SELECT kind FROM event")]
    assert "pledge.handed_on" not in kinds


async def test_a_rehearsal_says_what_would_be_handed_on_and_stores_nothing(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    before = everything(database_url)
    answer = await leave(house, VERA, validate_only=True)
    assert list(answer.handed_on) == [case.name]
    assert everything(database_url) == before
    assert await inbox(house, BEN) == []
