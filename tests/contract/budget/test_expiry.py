"""Expiry against post, and a program's end against post: one winner each, by order and not by luck.

Must-show 4 of the issue on the business gates; domain.md, Budget, invariants: "expiry against post
has one winner". A post is judged at the instant at which its transaction begins, by the service's
clock, and locks the reservation before it reads the case:

- it begins before the decision expires, or before the end comes: it is posted, and what comes after
  finds it there: the next round counts it in, the end gives it back;
- it begins at that instant or later: it is refused, and nothing is posted.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.contract.sponsorship.test_interleavings import in_order
from tests.support.budget import MoneySide
from tests.support.facts import revision
from tests.support.interleaving import Held

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.budget.store import FundingStore
from investiture.casework.facts import Revision

VALIDITY = timedelta(days=90)
"""Of a funding, by the default charter."""

ASKED, COMMITTED = 9_000, 1_000
"""In euros."""


def asked() -> Revision:
    return revision(amount_minor=ASKED * 100)


async def funded(money: MoneySide) -> pb.Funding:
    await money.issue()
    return await money.funded(asked(), "fiona")


def committing(money: MoneySide, funding: pb.Funding) -> Callable[[], Awaitable[object]]:
    return lambda: money.person("fiona").Commit(money.commitment(funding, COMMITTED))


async def balances(money: MoneySide) -> tuple[int, int, int]:
    """What is available, reserved and committed, in euros."""
    found = await money.balances()
    return tuple(found[name] // 100 for name in ("available", "reserved", "committed"))  # type: ignore[return-value]  # three of them


async def test_what_is_posted_before_the_expiry_is_counted_in_by_the_next_round(
    money: MoneySide, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    funding = await funded(money)
    held = Held(monkeypatch, FundingStore, "add_commitment")

    async def open_again() -> object:
        money.clock.advance(VALIDITY)
        return await money.open(asked())

    found = await in_order(held, committing(money, funding), open_again, database_url)
    assert found == ("", "")
    assert await balances(money) == (1_000_000 - ASKED, ASKED - COMMITTED, COMMITTED)
    case = await money.open(asked())
    assert (case.round, case.state) == (2, gate_pb2.CASE_STATE_OPEN)
    again = await money.reserve(await money.approve(case, "fiona"))
    assert again.reservation.committed.units == COMMITTED
    assert await balances(money) == (1_000_000 - ASKED, ASKED - COMMITTED, COMMITTED)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(microseconds=-1)])
async def test_the_decision_is_over_at_the_very_instant_until_which_it_stood(
    money: MoneySide, database_url: str, monkeypatch: pytest.MonkeyPatch, late: timedelta
) -> None:
    funding = await funded(money)
    money.clock.advance(VALIDITY + late)
    held = Held(monkeypatch, FundingStore, "held", after=True)
    found = await in_order(
        held, committing(money, funding), lambda: money.open(asked()), database_url
    )
    expired = late == timedelta(0)
    # Refused as expired, or by the next round where that has been opened meanwhile.
    assert found[0] in ({"WRONG_STATE", "STALE_ETAG"} if expired else {""})
    assert found[1] == ""
    committed = 0 if expired else COMMITTED
    assert await balances(money) == (1_000_000 - ASKED, ASKED - committed, committed)


async def test_what_is_posted_before_the_end_is_given_back_by_it(
    money: MoneySide, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    funding = await funded(money)
    held = Held(monkeypatch, FundingStore, "add_commitment")
    end = money.releasing(funding.gate_case.program)
    found = await in_order(
        held, committing(money, funding), lambda: money.cases.ReleaseCase(end), database_url
    )
    assert found == ("", "")
    assert await balances(money) == (1_000_000, 0, 0)
    kinds = [entry.kind for entry in await money.entries()]
    assert kinds[:3] == ["appropriate", "reserve", "commit"]
    assert set(kinds[3:]) == {"release"}


async def test_after_the_end_nothing_is_posted(
    money: MoneySide, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    funding = await funded(money)
    held = Held(monkeypatch, FundingStore, "save_reservation", after=True)
    end = money.releasing(funding.gate_case.program)
    found = await in_order(
        held, lambda: money.cases.ReleaseCase(end), committing(money, funding), database_url
    )
    assert found[0] == ""
    assert found[1] in {"WRONG_STATE", "STALE_ETAG"}
    assert await balances(money) == (1_000_000, 0, 0)
