"""Pledging over a real socket: who may, with what authority, and when the pledge stands."""

from datetime import timedelta
from typing import Any

import pytest
from google.type.money_pb2 import Money
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
from tests.support.records import everything, rows
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework import wire
from investiture.casework.facts import Revision
from investiture.casework.words import Gate

IVAN, HANA = "people/ivan", "people/hana"
GAP = gate_pb2.Gap(
    risk="no people to moderate",
    tolerance="one moderator a 1,000 members",
    excess="two short",
    remedy="hire or train two moderators",
    fields=["response_rota"],
)


def internal_network(number: int = 1, **changes: Any) -> Revision:
    """A network for our own people, led by IT."""
    values: dict[str, Any] = {
        "program": "programs/network",
        "proposer": "people/iris",
        "sponsor": IVAN,
        "owning_unit": "units/it",
        "audiences": ("employees",),
        "channels": ("internal-network",),
        **changes,
    }
    return community(number, **values)


async def test_a_pledge_stands_when_the_sponsor_pledged_and_every_agree_unit_consents(
    house: House,
) -> None:
    case = await house.opened()
    assert holders(case) == [
        (SARA, "sponsor", "units/support"),
        (VERA, "endorser", "units/sales"),
    ]
    pledged = await house.pledge(SARA, case, statement="I stand for it")
    assert pledged.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert holders(pledged.gate_case) == [(VERA, "endorser", "units/sales")]
    agreed = await house.say(VERA, pledged.gate_case, "units/sales", "CONSENT")
    stands = agreed.gate_case
    assert (stands.state, stands.verdict) == (
        gate_pb2.CASE_STATE_STANDING,
        gate_pb2.VERDICT_PLEDGED,
    )
    assert [(d.person, d.role, d.side) for d in stands.deciders] == [
        (SARA, "sponsor", gate_pb2.SIDE_BUSINESS),
        (VERA, "endorser", gate_pb2.SIDE_BUSINESS),
    ]
    assert {d.gate_digest for d in stands.deciders} == {case.gate_digest}
    assert not stands.holders
    ninety_days = house.clock.now() + timedelta(days=90)
    assert stands.standing_until.ToDatetime(ninety_days.tzinfo) == ninety_days


async def test_the_endorsement_may_come_before_the_pledge(house: House) -> None:
    case = await house.opened()
    agreed = await house.say(VERA, case, "units/sales", "CONSENT")
    assert holders(agreed.gate_case) == [(SARA, "sponsor", "units/support")]
    pledged = await house.pledge(SARA, agreed.gate_case)
    assert pledged.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_the_positions_follow_from_the_audiences_and_channels(house: House) -> None:
    pledge = await house.read(await house.opened())
    roles = {one.unit: pb.PositionRole.Name(one.role) for one in pledge.positions}
    assert roles == {
        "units/support": "POSITION_ROLE_AGREE",
        "units/sales": "POSITION_ROLE_AGREE",
        "units/marketing": "POSITION_ROLE_INPUT",
        "units/product": "POSITION_ROLE_INPUT",
        "units/it": "POSITION_ROLE_INFORM",
        "units/it-security": "POSITION_ROLE_INFORM",
        "units/finance": "POSITION_ROLE_INFORM",
        "units/legal": "POSITION_ROLE_INFORM",
    }
    assert position_of(pledge, "units/sales").relationships == ["customers", "prospects"]
    assert position_of(pledge, "units/marketing").asked == "people/mira"
    assert (pledge.sponsor, pledge.counter_sponsor) == (SARA, "")


async def test_what_no_unit_owns_is_stored_with_the_case(house: House) -> None:
    case = await house.opened(community(audiences=("customers", "martians")))
    pledge = await house.read(case)
    assert pledge.unowned_relationships == ["audiences/martians"]


async def test_the_pledge_counts_as_the_agreement_of_the_sponsors_own_unit(house: House) -> None:
    case = await house.opened()
    own = position_of(await house.read(case), "units/support")
    assert (own.kind, own.asked) == (pb.POSITION_KIND_UNSPECIFIED, SARA)
    own = position_of(await house.pledge(SARA, case), "units/support")
    assert (own.kind, own.person, own.asked) == (pb.POSITION_KIND_CONSENT, SARA, "")


async def test_a_sponsor_whose_limit_does_not_reach_is_refused_with_the_remedy(
    house: House,
) -> None:
    case = await house.opened(community(amount_minor=2_000_000_01))  # one cent above hers
    problem = await refused(house.pledge(SARA, case))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "AUTHORITY_INSUFFICIENT")
    (leg,) = problem.legs
    assert (leg.type, leg.subject) == ("limit", SARA)
    assert "2,000,000.01 EUR" in leg.description
    assert "up to 2,000,000.00 EUR" in leg.description
    assert "delegation" in leg.remedy


async def test_a_program_led_from_it_needs_a_business_counter_sponsor(
    house: House, database_url: str
) -> None:
    case = await house.opened(internal_network())
    before = everything(database_url)
    problem = await refused(house.pledge(IVAN, case))
    assert problem.reason == "AUTHORITY_INSUFFICIENT"
    (leg,) = problem.legs
    assert leg.type == "business_side"
    assert "name a business counter-sponsor" in leg.remedy
    assert everything(database_url) == before


async def test_beside_a_sponsor_from_it_the_counter_sponsor_pledges_too(house: House) -> None:
    refused_first = await house.opened(internal_network())
    case = await house.opened(internal_network(2, counter_sponsor=HANA))
    assert (case.round, refused_first.round) == (2, 1)
    assert holders(case) == [(HANA, "sponsor", "units/hr"), (IVAN, "sponsor", "units/it")]
    first = await house.pledge(IVAN, case)
    assert first.gate_case.state == gate_pb2.CASE_STATE_OPEN
    assert holders(first.gate_case) == [(HANA, "sponsor", "units/hr")]
    again = await refused(house.pledge(IVAN, first.gate_case))
    assert (again.reason, again.legs[0].remedy) == ("WRONG_STATE", f"it waits for {HANA}")
    both = await house.pledge(HANA, first.gate_case)
    assert both.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert [(d.person, d.role) for d in both.gate_case.deciders] == [
        (IVAN, "sponsor"),
        (HANA, "sponsor"),
    ]
    assert position_of(both, "units/hr").person == HANA


async def test_a_counter_sponsor_who_is_not_of_the_business_side_does_not_help(
    house: House,
) -> None:
    case = await house.opened(internal_network(counter_sponsor="people/kira"))
    problem = await refused(house.pledge(IVAN, case))
    assert "people/kira is not on the business side either" in problem.legs[0].description
    problem = await refused(house.pledge("people/kira", case))
    assert [leg.type for leg in problem.legs] == ["business_side"]


async def test_only_who_is_asked_pledges(house: House) -> None:
    case = await house.opened()
    for person in (VERA, "people/nobody", "workloads/bot"):
        problem = await refused(house.pledge(person, case))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER"), person
    asked = pb.PledgeRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
    problem = await refused(house.of(SARA, "proposer").Pledge(asked))
    assert problem.reason == "ROLE_MISSING"


async def test_who_has_left_and_guests_pledge_nothing(house: House) -> None:
    case = await house.opened(community(counter_sponsor="people/zoe"))
    (sara,) = [one for one in (await _everybody(house)) if one.name == SARA]
    sara.active = False
    await house.import_people(sara)
    case = (await house.read(case)).gate_case
    assert "no longer works here" in (await refused(house.pledge(SARA, case))).message
    assert "is a guest" in (await refused(house.pledge("people/zoe", case))).message


async def test_a_stale_etag_is_aborted_and_nothing_is_stored(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    await house.say(VERA, case, "units/sales", "CONSENT")
    before = everything(database_url)
    problem = await refused(house.pledge(SARA, case))
    assert (problem.code, problem.reason) == ("ABORTED", "STALE_ETAG")
    assert everything(database_url) == before


async def test_a_case_that_stands_takes_no_second_pledge(house: House) -> None:
    stands = await house.standing()
    problem = await refused(house.pledge(SARA, stands))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    problem = await refused(house.say(VERA, stands, "units/sales", "ABSTAIN"))
    assert problem.reason == "WRONG_STATE"


async def test_a_repeated_request_gets_its_first_answer_and_an_altered_one_is_refused(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    request = new_request_id()
    first = await house.pledge(SARA, case, request_id=request, statement="yes")
    before = everything(database_url)
    assert await house.pledge(SARA, case, request_id=request, statement="yes") == first
    problem = await refused(house.pledge(SARA, case, request_id=request, statement="no"))
    assert (problem.code, problem.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert everything(database_url) == before


async def test_a_rehearsal_answers_what_a_yes_would_do_and_stores_nothing(
    house: House, database_url: str
) -> None:
    case = await house.opened()
    before = everything(database_url)
    rehearsed = await house.pledge(SARA, case, validate_only=True)
    legs = {leg.leg: leg for leg in rehearsed.authority_test}
    assert list(legs) == ["limit", "units", "load", "benefit_owners", "business_side"]
    assert [name for name, leg in legs.items() if not leg.holds] == ["units"]
    assert legs["units"].warning
    assert "without the endorsement of units/sales" in legs["units"].explanation
    assert holders(rehearsed.gate_case) == [(VERA, "endorser", "units/sales")]
    assert everything(database_url) == before


async def test_a_rehearsal_answers_the_legs_that_would_refuse(
    house: House, database_url: str
) -> None:
    case = await house.opened(internal_network(amount_minor=3_000_000_00))
    before = everything(database_url)
    rehearsed = await house.pledge(IVAN, case, validate_only=True)
    barring = {leg.leg for leg in rehearsed.authority_test if not leg.holds and not leg.warning}
    assert barring == {"business_side"}
    assert rehearsed.gate_case.version == case.version
    assert everything(database_url) == before


async def test_the_authority_test_is_kept_with_the_pledge_and_in_the_audit_trail(
    house: House, database_url: str
) -> None:
    case = await house.opened(community(benefit_owners=(SARA, "people/gone")))
    await house.pledge(SARA, case, statement="I stand for it")
    legs = {leg.leg: leg for leg in (await house.read(case)).authority_test}
    assert "people/gone" in legs["benefit_owners"].explanation
    assert legs["benefit_owners"].warning
    query = "SELECT document FROM event WHERE kind = 'pledge.pledged'"
    ((document,),) = rows(database_url, query)
    for said in ('"actor":"people/sara"', '"directory_digest":"sha256:', "I stand for it"):
        assert said in document


async def test_more_living_sponsorships_than_one_person_can_stand_behind_is_a_warning(
    house: House,
) -> None:
    for number in range(4):
        case = await house.opened(community(program=f"programs/p{number}"))
        pledge = await house.pledge(SARA, case)
        (load,) = [leg for leg in pledge.authority_test if leg.leg == "load"]
        assert load.holds is (number < 3)
        assert load.warning is (number == 3)


async def test_a_declined_pledge_ends_with_its_gap_and_stays_declined(house: House) -> None:
    case = await house.opened()
    request = pb.DeclinePledgeRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, gap=gate_pb2.Gap(risk="x")
    )
    problem = await refused(house.of(SARA).DeclinePledge(request))
    assert [v.field for v in problem.violations] == ["gap.remedy"]
    request.gap.CopyFrom(GAP)
    stranger = await refused(house.of(VERA, "sponsor").DeclinePledge(request))
    assert stranger.reason == "NOT_A_HOLDER"
    rehearsal = pb.DeclinePledgeRequest()
    rehearsal.CopyFrom(request)
    rehearsal.validate_only = True
    await house.of(SARA).DeclinePledge(rehearsal)
    assert (await house.read(case)).gate_case.version == case.version
    declined: pb.Pledge = await house.of(SARA).DeclinePledge(request)
    assert declined.gate_case.state == gate_pb2.CASE_STATE_DECLINED
    assert list(declined.gate_case.gaps) == [GAP]
    assert [d.person for d in declined.gate_case.deciders] == [SARA]
    assert (await house.opened()).state == gate_pb2.CASE_STATE_DECLINED


async def test_a_delegate_pledges_in_the_sponsors_name_within_both_limits(house: House) -> None:
    case = await house.opened(community(amount_minor=500_000_00))
    problem = await refused(house.pledge(SAM, case, on_behalf_of=SARA))
    assert problem.reason == "NOT_A_HOLDER"
    delegation = pb.CreateDelegationRequest(
        request_id=new_request_id(),
        delegate=SAM,
        purpose=pb.PURPOSE_PLEDGE,
        limit=Money(currency_code="EUR", units=500_000),
        ends_at=wire.stamp(house.clock.now() + timedelta(days=30)),
    )
    await house.of(SARA).CreateDelegation(delegation)
    pledged = await house.pledge(SAM, case, on_behalf_of=SARA)
    (decider,) = pledged.gate_case.deciders
    assert (decider.person, decider.on_behalf_of) == (SAM, SARA)
    again = await refused(house.pledge(SARA, pledged.gate_case))
    assert again.reason == "WRONG_STATE"


async def test_a_pledge_is_found_by_its_name_and_as_the_newest(house: House) -> None:
    problem = await refused(house.of(BEN).GetPledge(pb.GetPledgeRequest(name="programs/x")))
    assert (problem.code, problem.reason) == ("NOT_FOUND", "RESOURCE_NOT_FOUND")
    newest = pb.GetPledgeRequest(name="programs/community/pledges/latest")
    assert (await refused(house.of(BEN).GetPledge(newest))).code == "NOT_FOUND"
    await house.opened()
    second = await house.opened(community(2, objective="other"))
    found: pb.Pledge = await house.of(BEN).GetPledge(newest)
    assert found.gate_case.name == second.name == "programs/community/pledges/2"


async def test_a_material_revision_asks_everybody_anew(house: House) -> None:
    case = await house.opened()
    await house.say(VERA, case, "units/sales", "CONSENT")
    second = await house.opened(community(2, objective="other"))
    assert second.round == 2
    assert holders(second) == holders(case)
    asked = await house.read(second)
    assert position_of(asked, "units/sales").kind == pb.POSITION_KIND_UNSPECIFIED
    first = await house.read(case)
    assert first.gate_case.state == gate_pb2.CASE_STATE_SUPERSEDED
    assert position_of(first, "units/sales").kind == pb.POSITION_KIND_CONSENT


@pytest.mark.parametrize(
    ("amount_minor", "carried"), [(110_000_00, True), (110_000_01, False), (90_000_00, True)]
)
async def test_a_change_within_the_tolerance_carries_the_pledge_with_a_notice(
    house: House, amount_minor: int, carried: bool
) -> None:
    stands = await house.standing()
    revised = await house.opened(community(2, amount_minor=amount_minor))
    if not carried:
        assert (revised.round, revised.state) == (2, gate_pb2.CASE_STATE_OPEN)
        return
    assert (revised.name, revised.basis) == (stands.name, gate_pb2.BASIS_CARRIED)
    (notice,) = revised.notices
    assert list(notice.people) == [SARA, VERA]


async def test_the_warrant_names_everybody_of_the_business_side(house: House) -> None:
    ask = case_pb.GetWarrantRequest(program="programs/community", gate=gate_pb2.GATE_PLEDGE)
    await house.opened()
    assert (await refused(house.cases().GetWarrant(ask))).reason == "WRONG_STATE"
    await house.standing()
    signed: case_pb.SignedWarrant = await house.cases().GetWarrant(ask)
    reader = house.realm.statements("budget")
    (warrant,) = reader.read_warrants([signed.warrant], [Gate.PLEDGE]).values()
    assert warrant.business_people == (BEN, SARA)
    assert warrant.people == {SARA, VERA}


async def _everybody(house: House) -> list[pb.Person]:
    listed: pb.ListPeopleResponse = await house.of(BEN).ListPeople(
        pb.ListPeopleRequest(page_size=100)
    )
    return list(listed.people)
