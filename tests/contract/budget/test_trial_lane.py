"""The trial lane at the funding: confirmed in advance, its caps read here, and the money held."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.budget import ENVELOPE, MoneySide, money_side, refused
from tests.support.clock import SettableClock
from tests.support.lanes import FAY, SARA, SMALL, lane_charter, small
from tests.support.services import Realm

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.casework.facts import Revision, StandingRef
from investiture.casework.words import Basis, Gate
from investiture.charter.load import load

ASKED_MINOR = 2_000_00
STANDS = gate_pb2.CASE_STATE_STANDING


@pytest.fixture
async def money(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[MoneySide]:
    charter = lane_charter(tmp_path)
    async with money_side(realm, clock, database_url, charter=charter) as side:
        side.directory.say(FAY, side="MONEY")
        yield side


@pytest.fixture
def ref(tmp_path: Path) -> StandingRef:
    """The decision as its signers signed it."""
    charter = load(lane_charter(tmp_path))
    return StandingRef(SMALL, charter.signed_digest(charter.standing_decisions[0]))


def opening(
    money: MoneySide, facts: Revision, ref: StandingRef, **changes: Any
) -> case_pb.OpenCaseRequest:
    """An opening with a pledge that stands by the decision."""
    values: dict[str, Any] = {
        "basis": Basis.STANDING_DECISION,
        "standing_decision": ref,
        "standing_until": money.clock.now() + timedelta(days=14),
        **changes,
    }
    pledge = money.realm.warrant(Gate.PLEDGE, facts, SARA, **values)
    return money.opening(facts, warrants=[pledge])


async def opened(
    money: MoneySide, facts: Revision, ref: StandingRef, **changes: Any
) -> gate_pb2.GateCase:
    asked = opening(money, facts, ref, **changes)
    reading: case_pb.CaseReading = await money.cases.OpenCase(asked)
    return reading.gate_case


async def test_the_trial_tranche_is_really_held_and_the_decider_is_who_signed(
    money: MoneySide, ref: StandingRef
) -> None:
    await money.issue(10_000)
    case = await opened(money, small(), ref)
    assert (case.state, case.verdict) == (STANDS, gate_pb2.VERDICT_FUNDED)
    assert (case.basis, case.standing_decision.id) == (gate_pb2.BASIS_STANDING_DECISION, SMALL)
    assert [(one.person, one.side) for one in case.deciders] == [(FAY, gate_pb2.SIDE_MONEY)]
    assert case.standing_until.ToDatetime() - case.decided_at.ToDatetime() == timedelta(days=14)
    balances = await money.balances()
    assert (balances["available"], balances["reserved"]) == (8_000_00, ASKED_MINOR)
    funding: pb.Funding = await money.person("fay").GetFunding(pb.GetFundingRequest(name=case.name))
    assert funding.reservation.envelope == ENVELOPE
    assert funding.ceiling.units == 2_000, "the cap is the ceiling: no contingency beyond it"
    trial = money.commitment(funding, 500, tranche=pb.TRANCHE_TRIAL, vendor="")
    assert (await money.person("fay").Commit(trial)).amount.units == 500
    general = money.commitment(funding, 1, tranche=pb.TRANCHE_GENERAL, vendor="")
    assert (await refused(money.person("fay").Commit(general))).reason == "FUNDS_INSUFFICIENT"


@pytest.mark.parametrize(("units", "stands"), [(2_000, True), (1_999, False)])
async def test_an_envelope_that_lacks_the_money_sends_it_to_people_with_that_reason(
    money: MoneySide, ref: StandingRef, units: int, stands: bool
) -> None:
    await money.issue(units)
    case = await opened(money, small(), ref)
    assert (case.state == STANDS) is stands
    if not stands:
        assert case.holders
        (why,) = case.not_covered
        assert "2,000.00 EUR asked" in why
        assert "1,999.00 EUR available" in why


async def test_of_two_trials_at_once_on_money_for_one_the_other_goes_to_people(
    money: MoneySide, ref: StandingRef
) -> None:
    await money.issue(3_000)
    cases = await asyncio.gather(
        *(opened(money, small(program=f"programs/t{number}"), ref) for number in range(2))
    )
    assert sorted(case.state == STANDS for case in cases) == [False, True]
    assert (await money.balances())["reserved"] == ASKED_MINOR


@pytest.mark.parametrize(
    ("facts", "warrant", "said"),
    [
        ({"pilot_people": 51}, {}, "people: 51 asked, at most 50"),
        ({}, {"standing_decision_ended": "revoked: by people/sara"}, "revoked: by people/sara"),
        ({}, {"standing_decision": StandingRef(SMALL, "sha256:old")}, "in other words"),
        ({"proposer": FAY}, {}, "stands on another side of this program"),
        ({"envelope": "envelopes/nowhere"}, {}, "there is no envelopes/nowhere"),
    ],
)
async def test_budget_reads_the_caps_itself_whatever_the_pledge_stands_by(
    money: MoneySide,
    ref: StandingRef,
    facts: dict[str, Any],
    warrant: dict[str, Any],
    said: str,
) -> None:
    await money.issue()
    case = await opened(money, small(**facts), ref, **warrant)
    assert case.state == gate_pb2.CASE_STATE_OPEN
    assert said in "".join(case.not_covered)
    assert (await money.balances())["reserved"] == 0


@pytest.mark.parametrize("gone", [{"active": False}, {"side": "BUSINESS"}])
async def test_a_fund_owner_who_has_left_the_money_side_covers_nothing(
    money: MoneySide, ref: StandingRef, gone: dict[str, Any]
) -> None:
    await money.issue()
    money.directory.say(FAY, **{"side": "MONEY", **gone})
    assert (await opened(money, small(), ref)).state == gate_pb2.CASE_STATE_OPEN


async def test_a_revision_beyond_the_caps_is_asked_of_every_level_and_takes_the_hold_over(
    money: MoneySide, ref: StandingRef
) -> None:
    await money.issue()
    await opened(money, small(), ref)
    facts = small(2, amount_minor=9_000_00, trial_minor=2_000_00, general_minor=7_000_00)
    plain = {"basis": Basis.DECISION, "standing_decision": None}
    case = await opened(money, facts, ref, **plain)
    assert (case.round, case.state) == (2, gate_pb2.CASE_STATE_OPEN)
    assert {h.person for h in case.holders} == {"people/fiona", "people/felix"}
    await money.reserve(await money.approve(case, "fiona"))
    assert (await money.balances())["reserved"] == 9_000_00


async def test_a_trial_that_ends_gives_the_money_back(money: MoneySide, ref: StandingRef) -> None:
    await money.issue(10_000)
    case = await opened(money, small(), ref)
    await money.cases.ReleaseCase(money.releasing(case.program))
    balances = await money.balances()
    assert (balances["available"], balances["reserved"]) == (10_000_00, 0)
