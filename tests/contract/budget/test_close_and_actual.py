"""A year closes while somebody books an invoice: one is first, and neither waits in a circle.

Both lock in the one order that everybody keeps: reservations by program, the year, its envelopes
by name, the ledger's head. On PostgreSQL a circle would be broken by the database and tried again,
which only a log line says: that there was none is asserted.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from tests.contract.budget.test_spend import actual
from tests.contract.budget.test_years import spending, units
from tests.contract.sponsorship.test_interleavings import in_order
from tests.support.budget import MoneySide
from tests.support.facts import revision
from tests.support.interleaving import Held
from tests.support.years import (
    CARRY_COMMITTED,
    LAPSE,
    NEW,
    OLD,
    closing,
    closing_request,
    two_years,
    year,
)

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.store import FundingStore
from investiture.budget.year_store import YearStore

Act = Callable[[], Awaitable[object]]


async def without_a_circle(held: Held, first: Act, then: Act, database_url: str) -> tuple[str, str]:
    """Two calls in order, neither of which the database had to begin again."""
    with capture_logs() as logged:
        found = await in_order(held, first, then, database_url)
    assert [line for line in logged if line["event"] == "database.retry"] == []
    return found


def booking(money: MoneySide, spent: pb.Commitment, amount: int = 200) -> Act:
    return lambda: money.person("fiona").RecordActual(actual(spent, amount))


@pytest.mark.parametrize(
    ("owner", "method"), [(LedgerStore, "post"), (FundingStore, "save_commitments")]
)
async def test_an_actual_that_is_first_is_booked_and_the_close_has_to_look_again(
    money: MoneySide,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
) -> None:
    _, spent = await spending(money)
    request = await closing_request(money, closing(LAPSE))
    held = Held(monkeypatch, owner, method)
    found = await without_a_circle(
        held,
        booking(money, spent),
        lambda: money.committee.CloseFiscalYear(request),
        database_url,
    )
    assert found == ("", "STALE_ETAG")
    assert not (await year(money)).closed
    assert (await money.balances(OLD))["actual"] == 500_00


@pytest.mark.parametrize("method", ["close", "locked"])
async def test_a_close_by_lapse_that_is_first_leaves_nothing_to_book_on(
    money: MoneySide, database_url: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    _, spent = await spending(money)
    request = await closing_request(money, closing(LAPSE))
    held = Held(monkeypatch, YearStore, method, after=True)
    found = await without_a_circle(
        held,
        lambda: money.committee.CloseFiscalYear(request),
        booking(money, spent),
        database_url,
    )
    assert found == ("", "STALE_ETAG")
    assert await money.balances(OLD) == units(appropriated=100_000, actual=300, lapsed=99_700)


async def test_an_actual_after_a_close_that_carries_is_booked_where_the_money_went(
    money: MoneySide, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, spent = await spending(money)
    request = await closing_request(money, closing(CARRY_COMMITTED))
    held = Held(monkeypatch, LedgerStore, "close")
    found = await without_a_circle(
        held,
        lambda: money.committee.CloseFiscalYear(request),
        booking(money, spent),
        database_url,
    )
    assert found == ("", "")
    assert (await money.balances(OLD))["actual"] == 300_00
    assert (await money.balances(NEW))["actual"] == 200_00


async def test_of_a_close_and_many_actuals_at_once_the_books_have_every_one_that_was_answered(
    money: MoneySide,
) -> None:
    await two_years(money)
    made: list[pb.Commitment] = []
    fiona = money.person("fiona")
    for name in ("c", "a", "b", "d"):
        facts = replace(revision(amount_minor=9_000_00), program=f"programs/{name}")
        funding = await money.funded(facts, "fiona", envelope=OLD)
        made.append(await fiona.Commit(money.commitment(funding, 1_000, vendor=name)))
    request = await closing_request(money, closing(LAPSE))

    async def tried(call: Awaitable[object]) -> bool:
        return not isinstance((await asyncio.gather(call, return_exceptions=True))[0], Exception)

    with capture_logs() as logged:
        closed, *booked = await asyncio.gather(
            tried(money.committee.CloseFiscalYear(request)),
            *(tried(fiona.RecordActual(actual(one, 100))) for one in made),
        )
    assert [line for line in logged if line["event"] == "database.retry"] == []
    assert closed is not any(booked), "either the year was as it was read, or it was read too early"
    held = await money.balances(OLD)
    assert held["actual"] == 100_00 * sum(booked)
    assert held["lapsed"] == (100_000_00 if closed else 0)
