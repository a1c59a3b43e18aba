"""A sponsor who leaves or loses authority: amber with the very import, then somebody follows.

domain.md, Sponsorship, Liveness: "A sponsor who leaves or loses authority turns the case amber at
once; the path waits for a transfer, it never continues silently."
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.contract.sponsorship.house import (
    BEN,
    SAM,
    SARA,
    VERA,
    House,
    community,
    holders,
    position_of,
    refused,
)
from tests.contract.sponsorship.test_changes import Governance
from tests.contract.sponsorship.test_delegations import lent, revoking
from tests.contract.sponsorship.test_leavers import inbox, leave
from tests.contract.sponsorship.test_objections import ADA, SALES
from tests.support import halden
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework.words import Gate

GRACE, STELLA, IVAN = "people/grace", "people/stella", "people/ivan"
HANA, HUGO = "people/hana", "people/hugo"


async def changed(house: House, name: str, **fields: str) -> pb.ImportDirectoryResponse:
    """The directory with one person in another grade or unit."""
    (person,) = (one for one in halden.people() if one.name == name)
    for field, value in fields.items():
        setattr(person, field, value)
    answer: pb.ImportDirectoryResponse = await house.import_people(person)
    return answer


async def warrant(house: House, program: str = "programs/community") -> Any:
    request = case_pb.GetWarrantRequest(program=program, gate=gate_pb2.GATE_PLEDGE)
    signed: case_pb.SignedWarrant = await house.cases().GetWarrant(request)
    return house.realm.statements("sponsorship").read_warrants([signed.warrant], [Gate.PLEDGE])[
        Gate.PLEDGE
    ]


async def succession(house: House) -> gate_pb2.GateCase:
    """The round that asks who follows, as the path opens it."""
    return await house.opened()


async def transfer(
    house: House, person: str, case: gate_pb2.GateCase, *roles: str, **request: Any
) -> pb.Pledge:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "etag": case.etag,
        "reason": "parental leave",
    }
    asked = pb.TransferSponsorshipRequest(**{**values, **request})
    pledge: pb.Pledge = await house.of(person, *roles).TransferSponsorship(asked)
    return pledge


async def test_a_standing_pledge_is_amber_with_the_import_in_which_its_sponsor_leaves(
    house: House, database_url: str
) -> None:
    standing = await house.standing()
    answer = await leave(house, SARA)
    assert list(answer.transfers) == [standing.name]
    case = (await house.read(standing)).gate_case
    assert (case.state, case.amber) == (gate_pb2.CASE_STATE_VOIDED, gate_pb2.AMBER_TRANSFER)
    assert case.reason == f"{SARA} has left"
    problem = await refused(warrant(house))
    assert problem.reason == "WRONG_STATE"
    (document,) = (
        json.loads(document)
        for kind, document in rows(database_url, "SELECT kind, document FROM event")
        if kind == "pledge.transfer_asked"
    )
    assert document["payload"]["sponsors"] == [SARA]
    assert document["payload"]["why"] == [f"{SARA} has left"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"grade": "specialist"}, f"{SARA} has no limit to pledge"),
        ({"grade": "manager"}, f"{SARA} pledges up to 50,000.00 EUR"),
        ({"unit": "", "guest_of": "an agency"}, f"{SARA} decides nothing as a guest"),
    ],
)
async def test_a_sponsor_demoted_below_the_total_is_lost(
    house: House, fields: dict[str, str], why: str
) -> None:
    standing = await house.standing()
    answer = await changed(house, SARA, **fields)
    assert list(answer.transfers) == [standing.name]
    case = (await house.read(standing)).gate_case
    assert case.amber == gate_pb2.AMBER_TRANSFER
    assert why in case.reason


async def test_a_sponsor_who_keeps_the_authority_keeps_the_pledge(
    house: House, database_url: str
) -> None:
    standing = await house.standing()
    answer = await changed(house, SARA, grade="director", unit="units/sales")
    assert not answer.transfers
    assert not (await changed(house, VERA, grade="specialist")).transfers
    after = (await house.read(standing)).gate_case
    assert (after.state, after.etag) == (standing.state, standing.etag)
    assert (await warrant(house)).case_version == standing.version


async def test_a_move_that_a_second_person_has_to_sign_is_lost_with_the_signature(
    house: House,
) -> None:
    standing = await house.standing()
    held = await changed(house, SARA, unit="units/it")
    assert held.change
    assert not held.transfers
    assert (await house.read(standing)).gate_case.state == gate_pb2.CASE_STATE_STANDING
    governance = Governance(house)
    await governance.approve(GRACE, await governance.read(held.change))
    after = (await house.read(standing)).gate_case
    assert after.amber == gate_pb2.AMBER_TRANSFER
    assert f"{SARA} is of units/it, on the IT side" in after.reason


async def test_a_carried_increase_asks_no_more_of_the_sponsor_than_they_saw(house: House) -> None:
    facts = community(amount_minor=50_000_00)
    case = await house.opened(facts)
    pledged = await house.pledge(SARA, case)
    await house.say(VERA, pledged.gate_case, SALES, "CONSENT")
    raised = community(2, amount_minor=52_000_00)
    carried = await house.opened(raised)
    assert carried.basis == gate_pb2.BASIS_CARRIED
    assert not (await changed(house, SARA, grade="manager")).transfers


async def test_the_next_round_asks_only_who_follows_and_keeps_what_the_units_said(
    house: House,
) -> None:
    case = await house.opened()
    pledged = await house.pledge(SARA, case)
    condition = {"text": "prices stay", "owner": VERA, "blocks": gate_pb2.GATE_LAUNCH}
    agreed = await house.say(
        VERA, pledged.gate_case, SALES, "CONSENT_WITH_CONDITIONS", conditions=[condition]
    )
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_STANDING
    await leave(house, SARA)
    opened = await succession(house)
    assert (opened.round, opened.state) == (2, gate_pb2.CASE_STATE_OPEN)
    assert (opened.amber, opened.reason) == (gate_pb2.AMBER_TRANSFER, f"{SARA} has left")
    assert holders(opened) == [(SAM, "sponsor", "units/support")]
    assert [one.id for one in opened.conditions] == ["sales-1"]
    assert await inbox(house, SAM) == [opened.name]
    before = await house.read(opened)
    assert position_of(before, SALES).person == VERA
    (seat,) = before.sponsorships
    assert (seat.named, seat.person, seat.former, seat.lost) == (
        SARA,
        "",
        SARA,
        f"{SARA} has left",
    )
    after = await house.pledge(SAM, opened)
    standing = after.gate_case
    assert standing.state == gate_pb2.CASE_STATE_STANDING
    assert (standing.amber, standing.reason) == (gate_pb2.AMBER_UNSPECIFIED, "")
    assert {(one.person, one.role) for one in standing.deciders} == {
        (SAM, "sponsor"),
        (VERA, "endorser"),
    }
    assert [one.id for one in standing.conditions] == ["sales-1"]
    assert position_of(after, "units/support").person == SAM
    fresh = await warrant(house)
    assert {SARA, SAM} <= set(fresh.business_people)


async def test_who_follows_has_to_have_the_authority(house: House) -> None:
    await house.standing()
    await leave(house, SARA)
    await changed(house, SAM, grade="manager", manager="")
    opened = await succession(house)
    assert holders(opened) == [(ADA, "sponsor", "units/support")]
    problem = await refused(house.pledge(STELLA, opened))
    assert problem.reason == "NOT_A_HOLDER"
    assert (await house.pledge(ADA, opened)).gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_a_revision_that_names_another_sponsor_asks_everybody_anew(house: House) -> None:
    await house.standing()
    await leave(house, SARA)
    opened = await house.opened(community(2, sponsor=SAM))
    assert (opened.amber, opened.reason) == (gate_pb2.AMBER_UNSPECIFIED, "")
    assert (SAM, "sponsor", "units/support") in holders(opened)
    assert not position_of(await house.read(opened), SALES).person


async def test_nobody_able_to_follow_is_governances_alarm_at_once(house: House) -> None:
    await house.standing()
    await leave(house, SARA, SAM, ADA, "people/otto")
    opened = await succession(house)
    assert opened.no_eligible_holder
    assert GRACE in {one.person for one in opened.holders}


async def test_a_pledge_that_is_still_open_waits_for_somebody_else_in_the_same_place(
    house: House,
) -> None:
    case = await house.opened()
    await house.pledge(SARA, case)
    answer = await changed(house, SARA, grade="specialist")
    assert list(answer.transfers) == [case.name]
    after = await house.read(case)
    assert after.gate_case.amber == gate_pb2.AMBER_TRANSFER
    assert holders(after.gate_case) == [
        (SAM, "sponsor", "units/support"),
        (VERA, "endorser", SALES),
    ]
    agreed = await house.say(VERA, after.gate_case, SALES, "CONSENT")
    assert agreed.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert (await refused(house.pledge(SARA, agreed.gate_case))).reason == "AUTHORITY_INSUFFICIENT"
    followed = await house.pledge(SAM, agreed.gate_case)
    assert followed.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert followed.gate_case.amber == gate_pb2.AMBER_UNSPECIFIED


async def test_who_was_lost_can_no_longer_decline_what_others_carry_on(house: House) -> None:
    case = await house.opened()
    await house.pledge(SARA, case)
    await changed(house, SARA, grade="specialist")
    after = (await house.read(case)).gate_case
    request = pb.DeclinePledgeRequest(
        request_id=new_request_id(),
        name=after.name,
        etag=after.etag,
        gap=gate_pb2.Gap(risk="support", remedy="more people"),
    )
    assert (await refused(house.of(SARA).DeclinePledge(request))).reason == "NOT_A_HOLDER"


async def test_a_sponsor_is_bound_whatever_becomes_of_the_delegate_who_pledged_for_them(
    house: House,
) -> None:
    made = await lent(house)
    case = await house.opened()
    pledged = await house.pledge(SAM, case, on_behalf_of=SARA)
    await house.say(VERA, pledged.gate_case, SALES, "CONSENT")
    await house.of(SARA).RevokeDelegation(revoking(made))
    assert not (await leave(house, SAM)).transfers
    assert (await warrant(house)).revision == 1
    assert list((await changed(house, SARA, grade="specialist")).transfers) == [case.name]


async def test_borrowed_authority_carries_a_pledge_only_while_it_is_lent(house: House) -> None:
    await changed(house, SAM, grade="manager")
    made = await lent(house, HANA)
    case = await house.opened(community(sponsor=SAM))
    pledged = await house.pledge(SAM, case, on_behalf_of=HANA)
    agreed = await house.say(VERA, pledged.gate_case, SALES, "CONSENT")
    await house.say(SARA, agreed.gate_case, "units/support", "CONSENT")
    assert (await warrant(house)).revision == 1
    await house.of(HANA).RevokeDelegation(revoking(made))
    after = (await house.read(case)).gate_case
    assert (after.state, after.amber) == (gate_pb2.CASE_STATE_VOIDED, gate_pb2.AMBER_TRANSFER)
    assert after.reason == f"{HANA} no longer lends {SAM} the authority to pledge"


async def test_the_counter_sponsor_stays_while_the_sponsor_is_followed(house: House) -> None:
    facts = community(sponsor=IVAN, counter_sponsor=HANA, owning_unit="units/it", channels=())
    case = await house.opened(facts)
    first = await house.pledge(IVAN, case)
    second = await house.pledge(HANA, first.gate_case)
    said = second.gate_case
    for one in second.positions:
        if one.role == pb.POSITION_ROLE_AGREE and not one.person:
            said = (await house.say(one.asked, said, one.unit, "CONSENT")).gate_case
    assert said.state == gate_pb2.CASE_STATE_STANDING
    await leave(house, IVAN)
    opened = await house.opened(facts)
    seats = {one.named: one.person for one in (await house.read(opened)).sponsorships}
    assert seats == {IVAN: "", HANA: HANA}
    (follower,) = [h.person for h in opened.holders if h.role == "sponsor"]
    assert (await house.pledge(follower, opened)).gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_a_sponsor_hands_over_to_whom_they_name(house: House) -> None:
    standing = await house.standing()
    handed = await transfer(house, SARA, standing, successor=HUGO)
    assert handed.gate_case.amber == gate_pb2.AMBER_TRANSFER
    assert handed.gate_case.reason == f"{SARA} hands over for {SARA}: parental leave"
    opened = await succession(house)
    assert holders(opened) == [(HUGO, "sponsor", "units/support")]
    followed = await house.pledge(HUGO, opened)
    assert followed.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_who_hands_over_to_nobody_in_particular_is_followed_by_their_line(
    house: House,
) -> None:
    await transfer(house, SARA, await house.standing())
    opened = await succession(house)
    assert holders(opened) == [(SAM, "sponsor", "units/support")]


async def test_a_transfer_is_the_sponsors_and_governances_and_goes_to_who_may_sponsor(
    house: House, database_url: str
) -> None:
    standing = await house.standing()
    before = everything(database_url)
    assert (await refused(transfer(house, BEN, standing))).reason == "NOT_A_HOLDER"
    for unfit in (VERA, IVAN, SARA, "people/nobody"):
        problem = await refused(transfer(house, SARA, standing, successor=unfit))
        assert problem.reason == "INVALID_FIELD", unfit
        assert [one.field for one in problem.violations] == ["successor"]
    stale = await refused(transfer(house, SARA, standing, etag="older"))
    assert stale.reason == "STALE_ETAG"
    rehearsed = await transfer(house, SARA, standing, validate_only=True)
    assert rehearsed.gate_case.amber == gate_pb2.AMBER_TRANSFER
    assert everything(database_url) == before
    done = await transfer(house, GRACE, standing, "governance", sponsor=SARA)
    assert done.gate_case.state == gate_pb2.CASE_STATE_VOIDED


async def test_an_ended_or_expired_pledge_is_left_as_it_was(house: House) -> None:
    expired = await house.standing()
    house.clock.advance(timedelta(days=400))
    assert not (await leave(house, SARA)).transfers
    assert (await house.read(expired)).gate_case.state == gate_pb2.CASE_STATE_EXPIRED


async def test_who_was_demoted_first_pledges_no_more(house: House) -> None:
    case = await house.opened()
    agreed = await house.say(VERA, case, SALES, "CONSENT")
    await changed(house, SARA, grade="specialist")
    problem = await refused(house.pledge(SARA, agreed.gate_case))
    assert problem.reason == "AUTHORITY_INSUFFICIENT"
