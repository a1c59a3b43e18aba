"""Objections over a real socket: amended, conditioned, overridden or sustained, and on record."""

from typing import Any

from tests.contract.sponsorship.house import (
    BEN,
    SARA,
    VERA,
    House,
    community,
    holders,
    position_of,
    refused,
)
from tests.support.records import everything
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.casework.words import Gate

ADA, OTTO, MIRA = "people/ada", "people/otto", "people/mira"
SALES = "units/sales"
OBJECTION = {
    "grounds": "pricing",
    "harm": "prospects see what customers pay",
    "proposal": "hide prices from who is not a customer",
}


async def resolve(
    house: House, person: str, case: gate_pb2.GateCase, how: str = "OVERRIDDEN", **request: Any
) -> pb.Pledge:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "etag": case.etag,
        "unit": SALES,
        "resolution": pb.Resolution.Value(f"RESOLUTION_{how}"),
        "reason": "prices are public",
        **request,
    }
    pledge: pb.Pledge = await house.of(person).ResolveObjection(
        pb.ResolveObjectionRequest(**values)
    )
    return pledge


async def objected(house: House, **facts: Any) -> pb.Pledge:
    case = await house.opened(community(**facts))
    return await house.say(VERA, case, SALES, "OBJECT", **OBJECTION)


async def test_an_objection_is_overridden_one_level_above_both_and_the_reason_is_kept(
    house: House,
) -> None:
    pledge = await objected(house)
    assert position_of(pledge, SALES).arbiter == ADA
    assert (ADA, "arbiter", SALES) in holders(pledge.gate_case)
    inbox = await house.cases(ADA, "sponsor").ListPendingDecisions(
        case_pb.ListPendingDecisionsRequest()
    )
    assert [one.name for one in inbox.cases] == [pledge.gate_case.name]
    after = await resolve(house, ADA, pledge.gate_case)
    shown = position_of(after, SALES)
    assert shown.kind == pb.POSITION_KIND_OBJECT
    assert {name: getattr(shown, name) for name in OBJECTION} == OBJECTION
    assert shown.resolution == pb.RESOLUTION_OVERRIDDEN
    assert (shown.resolved_by, shown.resolution_reason) == (ADA, "prices are public")
    assert holders(after.gate_case) == [(SARA, "sponsor", "units/support")]
    stands = await house.pledge(SARA, after.gate_case)
    assert stands.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert [(d.person, d.role) for d in stands.gate_case.deciders] == [
        (SARA, "sponsor"),
        (ADA, "arbiter"),
    ]
    (units,) = (leg for leg in stands.authority_test if leg.leg == "units")
    assert "over the objection of units/sales" in units.explanation
    signed: case_pb.SignedWarrant = await house.cases().GetWarrant(
        case_pb.GetWarrantRequest(program=stands.gate_case.program, gate=gate_pb2.GATE_PLEDGE)
    )
    reader = house.realm.statements("budget")
    warrant = reader.read_warrants([signed.warrant], [Gate.PLEDGE])[Gate.PLEDGE]
    assert warrant.business_people == (BEN, SARA, ADA), "who overrides stands for the business"


async def test_the_last_act_may_be_an_override(house: House) -> None:
    pledge = await objected(house)
    pledged = await house.pledge(SARA, pledge.gate_case)
    assert pledged.gate_case.state == gate_pb2.CASE_STATE_OPEN
    after = await resolve(house, OTTO, pledged.gate_case)
    assert after.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_a_sustained_objection_asks_the_proposer_for_what_the_unit_proposed(
    house: House,
) -> None:
    pledge = await objected(house)
    after = await resolve(house, ADA, pledge.gate_case, "SUSTAINED", reason="a real harm")
    case = after.gate_case
    assert case.state == gate_pb2.CASE_STATE_CHANGES_REQUESTED
    assert [holder.person for holder in case.holders] == [BEN]
    (gap,) = case.gaps
    assert (gap.risk, gap.remedy) == (OBJECTION["harm"], OBJECTION["proposal"])
    assert ADA in gap.excess
    assert "a real harm" in gap.excess
    revised = await house.opened(community(2, channels=("community-forum", "email")))
    assert revised.name.endswith("/2")
    again = await house.read(revised)
    assert position_of(again, SALES).kind == pb.POSITION_KIND_UNSPECIFIED
    assert (VERA, "endorser", SALES) in holders(revised)
    assert position_of(await house.read(case), SALES).resolution == pb.RESOLUTION_SUSTAINED


async def test_a_revision_amends_what_was_objected_to_and_the_unit_is_asked_anew(
    house: House,
) -> None:
    pledge = await objected(house)
    revised = await house.opened(community(2, channels=("community-forum", "email")))
    old = position_of(await house.read(pledge.gate_case), SALES)
    assert (old.resolution, old.resolved_by) == (pb.RESOLUTION_AMENDED, BEN)
    assert "revision 2" in old.resolution_reason
    assert old.harm == OBJECTION["harm"]
    assert (VERA, "endorser", SALES) in holders(revised)


async def test_an_objection_is_conditioned_by_its_unit_and_its_condition_is_closed(
    house: House,
) -> None:
    pledged = await house.pledge(SARA, (await objected(house)).gate_case)
    condition = gate_pb2.Condition(text="prices are hidden", owner=BEN, blocks=gate_pb2.GATE_LAUNCH)
    agreed = await house.say(
        VERA, pledged.gate_case, SALES, "CONSENT_WITH_CONDITIONS", conditions=[condition]
    )
    shown = position_of(agreed, SALES)
    assert (shown.resolution, shown.harm) == (pb.RESOLUTION_CONDITIONED, OBJECTION["harm"])
    stands = agreed.gate_case
    assert stands.state == gate_pb2.CASE_STATE_STANDING
    closed: case_pb.CaseReading = await house.cases(BEN, "proposer").CloseCondition(
        case_pb.CloseConditionRequest(
            request_id=new_request_id(),
            name=stands.name,
            etag=stands.etag,
            condition_id="sales-1",
            evidence="https://release.example/42",
        )
    )
    assert closed.gate_case.conditions[0].HasField("closed_at")


async def test_only_who_stands_above_both_resolves(house: House, database_url: str) -> None:
    case = (await objected(house)).gate_case
    before = everything(database_url)
    for person in (VERA, MIRA, BEN, SARA, "people/hana", "people/fay", "people/ivan"):
        problem = await refused(resolve(house, person, case))
        assert (problem.code, problem.reason) == ("PERMISSION_DENIED", "NOT_A_HOLDER")
        assert "people/ada or people/otto" in problem.message
    assert everything(database_url) == before


async def test_at_the_top_of_the_house_only_the_unit_ends_its_objection(house: House) -> None:
    pledge = await objected(house, sponsor=ADA, owning_unit="executive")
    shown = position_of(pledge, SALES)
    assert shown.arbiter == ""
    assert not [one for one in pledge.gate_case.holders if one.role == "arbiter"]
    problem = await refused(resolve(house, OTTO, pledge.gate_case))
    assert problem.reason == "NOT_A_HOLDER"
    assert "the unit itself" in problem.message


async def test_there_is_something_to_resolve_only_while_a_veto_is_upheld(house: House) -> None:
    case = await house.opened()
    silent = await refused(resolve(house, ADA, case))
    assert silent.reason == "WRONG_STATE"
    assert "does not object" in silent.message
    heard = await house.say(
        MIRA, case, "units/marketing", "OBJECT", **{**OBJECTION, "grounds": "brand"}
    )
    assert position_of(heard, "units/marketing").arbiter == ""
    no_veto = await refused(resolve(house, ADA, heard.gate_case, unit="units/marketing"))
    assert "no veto" in no_veto.message
    pledge = await house.say(VERA, heard.gate_case, SALES, "OBJECT", **OBJECTION)
    after = await resolve(house, ADA, pledge.gate_case)
    twice = await refused(resolve(house, OTTO, after.gate_case))
    assert "overridden already" in twice.message
    again = await refused(house.say(VERA, after.gate_case, SALES, "OBJECT", **OBJECTION))
    assert again.reason == "WRONG_STATE"
    assert "overrode" in again.message


async def test_a_resolution_says_which_and_why(house: House, database_url: str) -> None:
    case = (await objected(house)).gate_case
    before = everything(database_url)
    bare = await refused(resolve(house, ADA, case, "AMENDED", reason=""))
    assert [one.field for one in bare.violations] == ["resolution", "reason"]
    stale = await refused(resolve(house, ADA, case, etag="another"))
    assert stale.reason == "STALE_ETAG"
    rehearsed = await resolve(house, ADA, case, validate_only=True)
    assert position_of(rehearsed, SALES).resolution == pb.RESOLUTION_OVERRIDDEN
    assert everything(database_url) == before
