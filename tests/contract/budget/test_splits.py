"""Requests split to stay under a tier, over a real socket: asked at the tier of their sum."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.contract.sponsorship.test_interleavings import in_order
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.facts import revision
from tests.support.interleaving import Held
from tests.support.services import new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.budget.store import FundingStore
from investiture.casework.facts import Revision

SMALL = 6_000_00
"""In the lowest tier, to 10,000 EUR; two of them are in the next."""


def asking(name: str, amount_minor: int = SMALL, number: int = 1, **changes: Any) -> Revision:
    values: dict[str, Any] = {"vendors": ("Brightside",), "envelope": ENVELOPE, **changes}
    return revision(number, program=f"programs/{name}", amount_minor=amount_minor, **values)


async def latest(money: MoneySide, name: str) -> pb.Funding:
    funding: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name=f"programs/{name}/budgetRequests/latest")
    )
    return funding


def levels(funding: pb.Funding) -> list[str]:
    return [level.role for level in funding.levels]


async def test_a_second_request_for_the_vendor_is_asked_at_the_tier_of_the_sum(
    money: MoneySide,
) -> None:
    await money.issue()
    await money.open(asking("one"))
    case = await money.open(asking("two"))
    assert "asked at the tier from 10,000.00 EUR" in case.reason
    assert "programs/one (6,000.00 EUR, 2027-01-04)" in case.reason
    funding = await latest(money, "two")
    assert levels(funding) == ["finance-partner", "controller"]
    counted = funding.counted_together
    assert (counted.total, counted.cost_centre) == (eur(12_000), "4711")
    assert [(one.program, one.amount) for one in counted.others] == [("programs/one", eur(6_000))]
    assert funding.tier_from == eur(10_000)
    assert levels(await latest(money, "one")) == ["finance-partner"], "asked alone at its time"


@ON_SQLITE
@pytest.mark.parametrize(
    ("amount_minor", "raised"), [(3_999_99, False), (4_000_00, True), (4_000_01, True)]
)
async def test_the_bound_of_the_tier_is_the_bound_of_the_sum(
    money: MoneySide, amount_minor: int, raised: bool
) -> None:
    await money.issue()
    await money.open(asking("one"))
    case = await money.open(asking("two", amount_minor))
    assert bool(case.reason) is raised
    assert (len((await latest(money, "two")).levels) == 2) is raised


@ON_SQLITE
@pytest.mark.parametrize(
    "changes",
    [{"vendors": ("Acme",)}, {"vendors": ()}, {"envelope": "envelopes/elsewhere"}],
)
async def test_another_vendor_or_cost_centre_counts_alone(
    money: MoneySide, changes: dict[str, Any]
) -> None:
    await money.issue()
    await money.issue(name="envelopes/elsewhere", cost_centre="0815")
    await money.open(asking("one"))
    case = await money.open(asking("two", **changes))
    assert case.reason == ""
    assert not (await latest(money, "two")).HasField("counted_together")


@ON_SQLITE
async def test_what_was_asked_before_the_window_counts_no_more(money: MoneySide) -> None:
    await money.issue()
    await money.open(asking("one"))
    money.clock.advance(timedelta(days=90))
    assert (await money.open(asking("two"))).reason == ""


async def test_of_a_program_that_ended_only_what_it_spent_counts(money: MoneySide) -> None:
    await money.issue()
    for name, spent in (("idle", 0), ("spent", 4_000)):
        funding = await money.funded(asking(name, vendors=(name,)), "fiona")
        if spent:
            made: pb.Commitment = await money.person("fiona").Commit(
                money.commitment(funding, spent)
            )
            await money.person("fiona").RecordActual(
                pb.RecordActualRequest(
                    request_id=new_request_id(),
                    name=made.name,
                    etag=made.etag,
                    amount=eur(spent),
                    final=True,
                )
            )
        await money.cases.ReleaseCase(money.releasing(f"programs/{name}"))
    assert (await money.open(asking("two", vendors=("idle",)))).reason == ""
    case = await money.open(asking("three", vendors=("spent",)))
    assert "programs/spent (4,000.00 EUR" in case.reason


@ON_SQLITE
async def test_a_revision_is_counted_once_and_with_its_newest_total(money: MoneySide) -> None:
    await money.issue()
    await money.open(asking("one", 1_000_00))
    await money.open(asking("one", 3_999_99, number=2))
    assert (await money.open(asking("two", SMALL))).reason == ""
    await money.open(asking("one", 4_000_00, number=3))
    assert "programs/two" in (await money.open(asking("one", 4_000_01, number=4))).reason


@ON_SQLITE
async def test_the_ceiling_of_a_split_request_ends_where_the_sums_tier_ends(
    money: MoneySide,
) -> None:
    await money.issue()
    await money.open(asking("one", 9_000_00))
    funding = await money.funded(asking("two", 40_000_00), "fiona", "finn")
    assert funding.ceiling.units * 100 + funding.ceiling.nanos // 10_000_000 == 40_999_99
    carried = await money.open(asking("two", 40_999_99, number=2))
    assert (carried.round, carried.basis) == (1, gate_pb2.BASIS_CARRIED)
    beyond = await money.open(asking("two", 41_000_00, number=3))
    assert (beyond.round, [h.person for h in beyond.holders]) == (2, ["people/finn"])


async def test_an_envelope_chosen_late_does_not_hide_a_split(money: MoneySide) -> None:
    await money.issue()
    await money.open(asking("one"))
    case = await money.approve(await money.open(asking("two", envelope="")), "fiona")
    assert case.reason == ""
    problem = await refused(money.reserve(case))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "AUTHORITY_INSUFFICIENT")
    assert [(leg.type, leg.subject) for leg in problem.legs] == [("SPLIT", ENVELOPE)]
    assert f"name {ENVELOPE} in a revision" in problem.legs[0].remedy
    assert (await money.balances())["reserved"] == 0
    await money.issue(name="envelopes/elsewhere", cost_centre="0815")
    funding = await money.reserve(case, envelope="envelopes/elsewhere")
    assert funding.gate_case.state == gate_pb2.CASE_STATE_STANDING


async def test_of_requests_at_the_same_moment_no_two_miss_each_other(money: MoneySide) -> None:
    await money.issue()
    names = [f"at-once-{n}" for n in range(6)]
    await asyncio.gather(*(money.open(asking(name)) for name in names))
    fundings = [await latest(money, name) for name in names]
    alone = [funding for funding in fundings if len(funding.levels) == 1]
    assert len(alone) == 1, "the first is asked alone, each later one with all before it"
    counted = sorted(len(funding.counted_together.others) for funding in fundings)
    assert counted == [0, 1, 2, 3, 4, 5]


async def promising(
    money: MoneySide, name: str, units: int, vendor: str, **changes: Any
) -> pb.CommitRequest:
    """A commitment of a program that was funded in the lowest tier and named no vendor."""
    facts = asking(name, vendors=(), **changes)
    funding = await money.funded(facts, "fiona")
    return money.commitment(funding, units, vendor=vendor)


async def test_a_vendor_named_only_at_a_commitment_counts_with_what_others_promised_it(
    money: MoneySide,
) -> None:
    await money.issue()
    fiona = money.person("fiona")
    await fiona.Commit(await promising(money, "one", 6_000, "Brightside"))
    second = await promising(money, "two", 4_000, " brightSIDE ")
    problem = await refused(fiona.Commit(second))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "AUTHORITY_INSUFFICIENT")
    (leg,) = problem.legs
    assert leg.type == "SPLIT"
    assert "programs/one (6,000.00 EUR, 2027-01-04)" in leg.description
    assert "comes to 10,000.00 EUR" in leg.description
    assert "name  brightSIDE  in a revision" in leg.remedy
    second.amount.units = 3_999  # one euro under the tier's bound
    await fiona.Commit(second)
    third = money.commitment(await latest(money, "two"), 1, vendor="Brightside")
    problem = await refused(fiona.Commit(third))
    assert problem.reason == "AUTHORITY_INSUFFICIENT", "what it promised before counts with it"
    other = money.commitment(await latest(money, "two"), 1, vendor="Acme")
    await fiona.Commit(other)
    to_it = money.commitment(await latest(money, "two"), 2_000, vendor="")
    await fiona.Commit(to_it)


async def test_of_two_promises_to_one_vendor_at_once_the_second_sees_the_first(
    money: MoneySide, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await money.issue()
    await money.issue(name="envelopes/second")  # of the cost centre, so that no row is shared
    one = await promising(money, "one", 6_000, "Brightside")
    funding = await money.funded(
        asking("two", vendors=(), envelope="envelopes/second"), "fiona", envelope="envelopes/second"
    )
    two = money.commitment(funding, 6_000, vendor="Brightside")
    fiona = money.person("fiona")
    held = Held(monkeypatch, FundingStore, "add_commitment", after=True)
    found = await in_order(held, lambda: fiona.Commit(one), lambda: fiona.Commit(two), database_url)
    assert found == ("", "AUTHORITY_INSUFFICIENT")


@ON_SQLITE
async def test_a_request_counts_what_was_promised_to_its_vendor_unasked(money: MoneySide) -> None:
    await money.issue()
    fiona = money.person("fiona")
    await fiona.Commit(await promising(money, "one", 4_000, "Brightside"))
    case = await money.open(asking("two"))
    assert "programs/one (4,000.00 EUR, 2027-01-04)" in case.reason
    assert levels(await latest(money, "two")) == ["finance-partner", "controller"]
    money.clock.advance(timedelta(days=90))
    assert (await money.open(asking("three", SMALL - 1))).reason == ""


@ON_SQLITE
async def test_a_vendor_that_the_request_named_was_counted_then(money: MoneySide) -> None:
    await money.issue()
    await money.open(asking("one"))
    case = await money.open(asking("two"))
    funding = await money.reserve(await money.approve(case, "fiona", "finn"))
    await money.person("fiona").Commit(money.commitment(funding, 6_000, vendor="Brightside"))
