"""What an approval reaches, over a real socket: the ceiling, the tenth that finance confirms.

domain.md, "Budget": inside the ceiling no new approval; a cumulative increase of at most 10 %
inside the same tier is confirmed by finance; beyond, the full tier.
"""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.facts import revision
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2

LARGE = 300_000_00
"""In the highest tier, with 5 % contingency: finn approves, then two of fay, ada and otto."""
CEILING = 315_000_00
STANDING, OPEN = gate_pb2.CASE_STATE_STANDING, gate_pb2.CASE_STATE_OPEN


async def large(money: MoneySide, **changes: Any) -> pb.Funding:
    await money.issue()
    return await money.funded(revision(amount_minor=LARGE, **changes), "finn", "ada", "otto")


async def latest(money: MoneySide, program: str = "programs/community") -> pb.Funding:
    funding: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name=f"{program}/budgetRequests/latest")
    )
    return funding


def minor(amount: Any) -> int:
    return int(amount.units * 100 + amount.nanos // 10_000_000)


async def test_a_revision_at_the_ceiling_is_carried_and_its_money_is_held(money: MoneySide) -> None:
    first = await large(money)
    assert minor(first.ceiling) == CEILING
    case = await money.open(revision(2, amount_minor=CEILING))
    assert (case.state, case.basis, case.round) == (STANDING, gate_pb2.BASIS_CARRIED, 1)
    assert list(case.notices[0].changes) == [
        f"amount: {LARGE} → {CEILING} minor units of EUR",
        f"15,000.00 EUR more reserved in {ENVELOPE}",
    ]
    assert set(case.notices[0].people) == {d.person for d in first.gate_case.deciders}
    funding = await latest(money)
    assert (minor(funding.amount), minor(funding.ceiling)) == (CEILING, CEILING)
    assert minor(funding.reservation.remaining) == CEILING
    balances = await money.balances()
    assert (balances["reserved"], balances["available"]) == (CEILING, 1_000_000_00 - CEILING)


async def test_money_given_back_may_be_asked_again_up_to_the_same_ceiling(money: MoneySide) -> None:
    await large(money)
    for number, total in enumerate((100_00, CEILING, 200_000_00, CEILING), start=2):
        case = await money.open(revision(number, amount_minor=total))
        assert (case.state, case.round, case.revision) == (STANDING, 1, number)
        assert (await money.balances())["reserved"] == total


async def test_what_is_promised_is_never_given_back(money: MoneySide) -> None:
    funding = await large(money)
    await money.person("fiona").Commit(money.commitment(funding, 40_000))
    case = await money.open(revision(2, amount_minor=30_000_00))
    assert case.state == STANDING
    assert "40,000.00 EUR is committed or spent and stays" in case.notices[0].changes[-1]
    balances = await money.balances()
    assert (balances["reserved"], balances["committed"]) == (0, 40_000_00)


@pytest.mark.parametrize("total", [CEILING + 1, 330_000_00])
async def test_up_to_a_tenth_beyond_finance_alone_confirms(money: MoneySide, total: int) -> None:
    first = await large(money)
    case = await money.open(revision(2, amount_minor=total))
    assert (case.round, case.state) == (2, OPEN)
    assert [h.person for h in case.holders] == ["people/fay", "people/finn"]
    assert "finance confirms" in case.reason
    assert f"the levels of {first.gate_case.name} are not asked again" in case.reason
    opened = await latest(money)
    assert (list(opened.levels), opened.approved_in) == ([], first.gate_case.name)
    assert (await money.balances())["reserved"] == LARGE, "until it is confirmed"
    funding = await money.reserve(case)
    assert (minor(funding.reservation.remaining), minor(funding.ceiling)) == (total, total)
    assert [d.role for d in funding.gate_case.deciders] == ["confirmer"]


async def test_more_than_a_tenth_asks_every_level(money: MoneySide) -> None:
    await large(money)
    case = await money.open(revision(2, amount_minor=330_000_01))
    assert (case.round, [h.person for h in case.holders]) == (2, ["people/finn"])
    assert "more than 10 % above the 300,000.00 EUR approved" in case.reason
    assert len((await latest(money)).levels) == 2


@ON_SQLITE
async def test_a_tenth_is_measured_from_what_the_levels_saw_not_from_the_last_confirmation(
    money: MoneySide,
) -> None:
    await large(money)
    await money.reserve(await money.open(revision(2, amount_minor=330_000_00)))
    case = await money.open(revision(3, amount_minor=330_000_01))
    assert (case.round, [h.person for h in case.holders]) == (3, ["people/finn"])
    case = await money.open(revision(4, amount_minor=330_000_00))
    assert (case.round, len((await latest(money)).levels)) == (4, 2), "the chain ended with round 3"


@ON_SQLITE
async def test_a_round_that_finance_was_asked_alone_goes_back_inside_the_ceiling(
    money: MoneySide,
) -> None:
    first = await large(money)
    await money.open(revision(2, amount_minor=320_000_00))
    case = await money.open(revision(3, amount_minor=310_000_00))
    funding = await latest(money)
    assert (case.round, list(funding.levels)) == (3, [])
    assert funding.approved_in == first.gate_case.name
    funding = await money.reserve(case)
    assert minor(funding.ceiling) == CEILING


@ON_SQLITE
@pytest.mark.parametrize(
    ("total", "round_", "holder"),
    [(49_999_99, 1, ""), (50_000_00, 2, "people/finn"), (50_000_01, 2, "people/finn")],
)
async def test_the_ceiling_ends_where_the_tier_ends(
    money: MoneySide, total: int, round_: int, holder: str
) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=48_000_00), "fiona", "finn")
    assert minor(funding.ceiling) == 49_999_99
    assert (minor(funding.tier_from), minor(funding.tier_to)) == (10_000_00, 50_000_00)
    case = await money.open(revision(2, amount_minor=total))
    assert case.round == round_
    assert [h.person for h in case.holders] == ([holder] if holder else [])
    if holder:
        assert "in another tier" in case.reason


async def test_without_enough_in_the_envelope_the_gate_reopens_and_says_so(
    money: MoneySide,
) -> None:
    await money.issue(305_000)
    first = await money.funded(revision(amount_minor=LARGE), "finn", "ada", "otto")
    case = await money.open(revision(2, amount_minor=310_000_00))
    assert (case.round, [h.person for h in case.holders]) == (2, ["people/fay", "people/finn"])
    assert f"{ENVELOPE} has 5,000.00 EUR available, 10,000.00 EUR was asked" in case.reason
    assert f"the levels of {first.gate_case.name} are not asked again" in case.reason
    assert (await money.balances())["reserved"] == LARGE
    problem = await refused(money.reserve(case))
    assert problem.reason == "FUNDS_INSUFFICIENT"
    await money.issue(310_000, name="envelopes/other")
    funding = await money.reserve(case, envelope="envelopes/other")
    assert funding.gate_case.state == STANDING
    assert (await money.balances())["reserved"] == 0


async def test_who_approved_and_becomes_the_sponsor_carries_nothing(money: MoneySide) -> None:
    await large(money)
    case = await money.open(revision(2, amount_minor=LARGE - 1, sponsor="people/ada"))
    assert (case.round, case.state) == (2, OPEN)
    assert "people/ada approved and now stands on the business side" in case.reason
    assert len((await latest(money)).levels) == 2


@ON_SQLITE
@pytest.mark.parametrize("changes", [{"category": "capex"}, {"vendors": ("Acme",)}])
async def test_another_category_or_vendor_asks_every_level(
    money: MoneySide, changes: dict[str, Any]
) -> None:
    await large(money)
    fresh = revision(2, amount_minor=LARGE - 1, **changes)
    case = await money.open(fresh)
    assert (case.round, case.state) == (2, OPEN)
    assert f"{next(iter(changes))} changed since" in case.reason


@ON_SQLITE
async def test_what_expired_or_was_taken_back_reaches_nowhere(money: MoneySide) -> None:
    funding = await large(money)
    money.clock.advance(timedelta(days=91))
    case = await money.open(revision(2, amount_minor=LARGE))
    assert (case.round, [h.person for h in case.holders]) == (2, ["people/finn"])
    funding = await money.reserve(await money.approve(case, "finn", "ada", "otto"))
    void = case_pb.VoidCaseRequest(
        request_id=new_request_id(),
        name=funding.gate_case.name,
        etag=funding.gate_case.etag,
        reason="a mistake",
    )
    await money.cases_of("fay").VoidCase(void)
    case = await money.open(revision(3, amount_minor=LARGE + 1))
    assert (case.round, [h.person for h in case.holders]) == (3, ["people/finn"])


async def test_a_carried_revision_is_the_same_when_it_is_opened_again(money: MoneySide) -> None:
    await large(money)
    request = money.opening(revision(2, amount_minor=CEILING))
    first: case_pb.CaseReading = await money.cases.OpenCase(request)
    again: case_pb.CaseReading = await money.cases.OpenCase(request)
    anew = await money.open(revision(2, amount_minor=CEILING))
    assert first.gate_case == again.gate_case == anew
    assert (await money.balances())["reserved"] == CEILING


async def test_the_rest_of_the_contingency_pays_for_a_control_that_it_asks_for(
    money: MoneySide,
) -> None:
    """domain.md, "Budget": IT's controls draw on the contingency first."""
    await large(money)
    with_control = revision(2, amount_minor=LARGE + 12_000_00, controls=("moderation",))
    case = await money.open(with_control)
    assert (case.state, case.round) == (STANDING, 1)
    funding = await latest(money)
    control = money.commitment(funding, 12_000, vendor="", tranche=pb.TRANCHE_GENERAL)
    made: pb.Commitment = await money.person("fiona").Commit(control)
    assert (made.to_it, made.amount) == (True, eur(12_000))
