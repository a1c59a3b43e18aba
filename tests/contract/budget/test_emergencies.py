"""Emergencies at the funding: two of finance, the money really held, and no longer than that."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.budget import ENVELOPE, MoneySide, money_side, refused
from tests.support.clock import SettableClock
from tests.support.emergencies import DECLARED, OTTO, SARA, urgent, voiced
from tests.support.eventually import eventually
from tests.support.services import Realm, new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.casework.facts import Emergency, Revision
from investiture.casework.words import Basis, Gate

OPEN, STANDS = gate_pb2.CASE_STATE_OPEN, gate_pb2.CASE_STATE_STANDING
FINANCE = ("finn", "fiona", "fay", "felix")
ASKED_MINOR = 100_000_00


@pytest.fixture
async def money(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[MoneySide]:
    async with money_side(realm, clock, database_url, expiry_seconds=0.05) as side:
        for name in FINANCE:
            side.directory.say(f"people/{name}", side="MONEY")
        yield side


async def opened(
    money: MoneySide,
    facts: Revision | None = None,
    emergency: Emergency | None = DECLARED,
    **changes: Any,
) -> gate_pb2.GateCase:
    """The funding's case, after a pledge that two people decided in an emergency."""
    facts = facts or urgent()
    values: dict[str, Any] = {
        "basis": Basis.EMERGENCY,
        "emergency": emergency,
        "standing_until": money.clock.now() + timedelta(hours=72),
        "business_people": (*facts.business_people, OTTO),
        **changes,
    }
    pledge = money.realm.warrant(Gate.PLEDGE, facts, SARA, OTTO, **values)
    return await money.open(facts, warrants=[pledge])


async def voice(
    money: MoneySide, name: str, case: gate_pb2.GateCase, **changes: Any
) -> gate_pb2.GateCase:
    return await voiced(money.cases_of(name), case, **changes)


async def decided(money: MoneySide, **changes: Any) -> gate_pb2.GateCase:
    case = await opened(money, **changes)
    return await voice(money, "fiona", await voice(money, "finn", case))


async def now(money: MoneySide, case: gate_pb2.GateCase) -> pb.Funding:
    found: pb.Funding = await money.person("fay").GetFunding(pb.GetFundingRequest(name=case.name))
    return found


async def test_two_of_finance_hold_the_money_for_three_days(money: MoneySide) -> None:
    await money.issue(150_000)
    one = await voice(money, "finn", await opened(money))
    assert (one.state, (await money.balances())["reserved"]) == (OPEN, 0)
    again = await refused(voice(money, "finn", one))
    assert again.legs[0].type == "ONE_VOICE"
    asked = new_request_id()
    two = await voice(money, "fiona", one, request_id=asked)
    assert (two.state, two.basis) == (STANDS, gate_pb2.BASIS_EMERGENCY)
    assert two.verdict == gate_pb2.VERDICT_FUNDED
    assert {(by.person, by.side) for by in two.deciders} == {
        ("people/finn", gate_pb2.SIDE_MONEY),
        ("people/fiona", gate_pb2.SIDE_MONEY),
    }
    assert {h.person for h in two.holders} == {"people/finn"}, "its levels are asked all the same"
    assert await voice(money, "fiona", one, request_id=asked) == two
    assert (await money.balances())["reserved"] == ASKED_MINOR
    funding = await now(money, two)
    assert funding.reservation.expires_at == two.standing_until
    assert funding.ceiling.units == 100_000, "no contingency"
    spent = money.commitment(funding, 40_000)
    assert (await money.person("fay").Commit(spent)).amount.units == 40_000


async def test_when_it_runs_out_the_money_goes_back_and_nothing_is_promised_from_it(
    money: MoneySide, clock: SettableClock
) -> None:
    await money.issue(150_000)
    case = await decided(money)
    funding = await now(money, case)
    await money.person("fay").Commit(money.commitment(funding, 40_000))
    clock.advance(timedelta(hours=72))
    after = await now(money, case)
    assert (after.gate_case.state, after.gate_case.round) == (OPEN, 1)
    late = await refused(money.person("fay").Commit(money.commitment(after, 1)))
    assert late.reason == "WRONG_STATE"
    balances = await eventually(money.balances, lambda found: found["reserved"] == 0)
    assert (balances["available"], balances["committed"]) == (110_000_00, 40_000_00)


async def test_the_full_decision_takes_the_hold_over_with_what_was_promised(
    money: MoneySide, clock: SettableClock
) -> None:
    await money.issue(150_000)
    case = await decided(money)
    await money.person("fay").Commit(money.commitment(await now(money, case), 40_000))
    approved = await money.approve(case, "finn", "fay")
    assert approved.basis == gate_pb2.BASIS_EMERGENCY, "nothing is reserved by the levels yet"
    full = await money.reserve(approved)
    assert (full.gate_case.state, full.gate_case.basis) == (STANDS, gate_pb2.BASIS_DECISION)
    clock.advance(timedelta(hours=73))
    balances = await money.balances()
    assert (balances["reserved"], balances["committed"]) == (60_000_00, 40_000_00)
    assert (await now(money, case)).gate_case.state == STANDS


async def test_a_full_decision_after_it_ran_out_reserves_anew(
    money: MoneySide, clock: SettableClock
) -> None:
    await money.issue(150_000)
    case = await decided(money)
    clock.advance(timedelta(hours=72))
    full = await money.reserve(await money.approve(case, "finn", "fay"))
    assert full.gate_case.basis == gate_pb2.BASIS_DECISION
    assert (await money.balances())["reserved"] == ASKED_MINOR


async def test_without_the_money_there_is_no_funding_however_urgent(money: MoneySide) -> None:
    await money.issue(99_999)
    one = await voice(money, "finn", await opened(money))
    short = await refused(voice(money, "fiona", one))
    assert short.reason == "FUNDS_INSUFFICIENT"
    after = (await now(money, one)).gate_case
    assert (after.state, len(after.provisional.voices)) == (OPEN, 1)


@pytest.mark.parametrize(
    ("emergency", "facts", "said"),
    [
        (None, {}, "no emergency was declared"),
        (DECLARED, {"exposure_bps": 5_001}, "exposure: 5001 basis points"),
        (DECLARED, {"amount_minor": 100_000_01}, "money: 100,000.01 EUR asked"),
    ],
)
async def test_budget_reads_the_emergency_and_the_caps_itself(
    money: MoneySide, emergency: Emergency | None, facts: dict[str, Any], said: str
) -> None:
    await money.issue()
    case = await opened(money, urgent(**facts), emergency)
    found = await refused(voice(money, "finn", case))
    assert (found.reason, said in found.legs[0].description) == ("WRONG_STATE", True)


async def test_who_pledged_in_the_emergency_does_not_fund_it(money: MoneySide) -> None:
    await money.issue()
    business = (SARA, OTTO, "people/fiona")
    case = await opened(money, business_people=business)
    sides = await refused(voice(money, "fiona", case))
    assert sides.reason == "SIDES_NOT_SEPARATE"
    money.directory.say("people/finn", side="BUSINESS")
    assert (await refused(voice(money, "finn", case))).reason == "SIDES_NOT_SEPARATE"
    money.directory.say("people/finn", side="MONEY", active=False)
    assert (await refused(voice(money, "finn", case))).reason == "NOT_A_HOLDER"
    money.directory.say("people/finn", side="MONEY", reports_to=SARA)
    assert (await refused(voice(money, "finn", case))).reason == "CONFLICT_OF_INTEREST"
    assert (await refused(voice(money, "otto", case))).reason == "NOT_A_HOLDER"


async def test_who_spoke_first_and_pledged_since_spoils_the_second_voice(
    money: MoneySide,
) -> None:
    await money.issue()
    one = await voice(money, "finn", await opened(money))
    heard = await opened(money, business_people=(SARA, OTTO, "people/finn"))
    assert (heard.name, len(heard.provisional.voices)) == (one.name, 1)
    sides = await refused(voice(money, "fiona", heard))
    assert (sides.reason, sides.legs[0].subject) == ("SIDES_NOT_SEPARATE", "people/finn")


async def test_an_envelope_that_is_not_there_is_said_to_the_first_of_the_two(
    money: MoneySide,
) -> None:
    case = await opened(money, urgent(envelope="envelopes/nowhere"))
    assert (await refused(voice(money, "finn", case))).reason == "RESOURCE_NOT_FOUND"


async def test_taking_it_back_opens_a_new_round_and_keeps_the_hold_until_its_timeout(
    money: MoneySide, clock: SettableClock
) -> None:
    await money.issue(150_000)
    case = await decided(money)
    request = case_pb.VoidCaseRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, reason="false alarm"
    )
    void: case_pb.CaseReading = await money.cases_of("finn").VoidCase(request)
    assert void.gate_case.state == gate_pb2.CASE_STATE_VOIDED
    anew = await opened(money)
    assert (anew.round, anew.state) == (2, OPEN)
    assert (await money.balances())["reserved"] == ASKED_MINOR
    clock.advance(timedelta(hours=72))
    await eventually(money.balances, lambda found: found["reserved"] == 0)
    assert (await money.balances(ENVELOPE))["available"] == 150_000_00
