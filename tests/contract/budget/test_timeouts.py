"""A hold times out: what is free goes back once, by whoever comes first, and the promise stays.

domain.md, Budget: "a hold's timeout is an interval from the server's clock", "each hold resolves
exactly once", "expiry against post has one winner". The sweep runs when a test says so; what is
read, posted, released or closed meanwhile finds the timeout by itself.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.contract.budget.test_corrections import correction
from tests.contract.budget.test_expiry import (
    ASKED,
    COMMITTED,
    VALIDITY,
    asked,
    balances,
    committing,
    funded,
)
from tests.contract.budget.test_spend import actual, latest, void
from tests.contract.sponsorship.test_interleavings import in_order
from tests.support.budget import ON_SQLITE, MoneySide, Sweep, eur, money_side, refused
from tests.support.clock import SettableClock
from tests.support.interleaving import Held
from tests.support.records import rows
from tests.support.services import CHARTER, Realm
from tests.support.years import CARRY_COMMITTED, NEW, OLD, close, closing, two_years

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.budget.store import FundingStore
from investiture.casework import wire

ALL = 1_000_000
"""Euros in the envelope."""


@pytest.fixture
async def money(
    sweeps: list[Sweep], realm: Realm, clock: SettableClock, database_url: str
) -> AsyncIterator[MoneySide]:
    """The service, with its sweep in the test's hands."""
    async with money_side(realm, clock, database_url) as side:
        assert len(sweeps) == 1
        yield side


async def promised(money: MoneySide) -> tuple[pb.Funding, pb.Commitment]:
    """9,000 held until 90 days from now, 1,000 of it promised."""
    funding = await funded(money)
    made: pb.Commitment = await money.person("fiona").Commit(money.commitment(funding, COMMITTED))
    return funding, made


async def kinds(money: MoneySide) -> list[str]:
    return [entry.kind for entry in await money.entries()][3:]


async def test_at_its_timeout_what_is_free_goes_back_once_and_what_is_promised_stays(
    money: MoneySide, sweeps: list[Sweep], database_url: str
) -> None:
    funding, _ = await promised(money)
    until = wire.required_instant(funding.reservation, "expires_at")
    assert until == money.clock.now() + VALIDITY
    assert funding.gate_case.standing_until == funding.reservation.expires_at
    money.clock.set(until - timedelta(microseconds=1))
    await sweeps[0]()
    assert await kinds(money) == []
    money.clock.set(until)
    read = (await latest(money)).reservation  # nobody has settled it, and it reads as it is
    assert (read.state, read.remaining, read.released) == (pb.HOLD_EXPIRED, eur(0), eur(8_000))
    assert await balances(money) == (ALL - ASKED, ASKED - COMMITTED, COMMITTED)
    for _ in range(2):
        await asyncio.gather(sweeps[0](), sweeps[0]())
    (entry,) = (await money.entries())[3:]
    assert (entry.kind, entry.amount, entry.program) == (
        "expire",
        eur(8_000),
        funding.gate_case.program,
    )
    assert (entry.debit, entry.credit) == (pb.ACCOUNT_RESERVED, pb.ACCOUNT_AVAILABLE)
    assert (entry.actor, entry.reference) == ("workloads/budget", funding.reservation.name)
    assert await balances(money) == (ALL - COMMITTED, 0, COMMITTED)
    assert (await latest(money)).reservation == read
    told = rows(database_url, "SELECT kind FROM event WHERE kind = 'reservation.expired'")
    assert len(told) == 1


@pytest.mark.parametrize("swept", [False, True])
async def test_a_post_at_the_timeout_is_refused_and_says_what_to_do(
    money: MoneySide, sweeps: list[Sweep], swept: bool
) -> None:
    funding, _ = await promised(money)
    money.clock.advance(VALIDITY - timedelta(microseconds=1))
    await money.person("fiona").Commit(money.commitment(funding, 1))
    money.clock.advance(timedelta(microseconds=1))
    if swept:
        await sweeps[0]()
    problem = await refused(money.person("fiona").Commit(money.commitment(funding, 1)))
    assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE")
    assert "expired at 2027" in problem.message
    (leg,) = problem.legs
    assert (leg.type, leg.subject) == ("HOLD", funding.reservation.name)
    assert "7,999.00 EUR went back to envelopes/launches-2027" in leg.description
    assert "approved and reserved" in leg.remedy


async def test_what_is_posted_first_stays_and_the_sweep_returns_the_rest(
    money: MoneySide, sweeps: list[Sweep], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    funding = await funded(money)
    held = Held(monkeypatch, FundingStore, "add_commitment")

    async def sweep() -> None:
        money.clock.advance(VALIDITY)
        await sweeps[0]()

    found = await in_order(held, committing(money, funding), sweep, database_url)
    assert found == ("", "")
    await sweeps[0]()  # the first may have looked before there was anything due
    assert await balances(money) == (ALL - COMMITTED, 0, COMMITTED)
    assert [e.kind for e in await money.entries()][2:] == ["commit", "expire"]


async def test_a_post_that_began_in_time_loses_to_the_sweep_that_came_before_it(
    money: MoneySide, sweeps: list[Sweep], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    funding = await funded(money)
    held = Held(monkeypatch, FundingStore, "held")  # its instant is taken, its lock is not

    async def sweep() -> None:
        money.clock.advance(VALIDITY)
        await sweeps[0]()

    found = await in_order(held, committing(money, funding), sweep, database_url)
    await sweeps[0]()
    if sa.make_url(database_url).get_backend_name() == "sqlite":  # one writer: it was there first
        assert found[0] == ""
        assert await balances(money) == (ALL - COMMITTED, 0, COMMITTED)
    else:
        assert found[0] == "WRONG_STATE"
        assert await balances(money) == (ALL, 0, 0)
    assert [e.kind for e in await money.entries()].count("expire") == 1


@pytest.mark.parametrize("sweep_first", [False, True])
async def test_the_sweep_and_who_finds_the_timeout_themselves_write_one_entry(
    money: MoneySide,
    sweeps: list[Sweep],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    sweep_first: bool,
) -> None:
    _, made = await promised(money)
    money.clock.advance(VALIDITY)
    held = Held(monkeypatch, FundingStore, "save_reservation", after=True)

    async def spend() -> None:
        await money.person("fiona").RecordActual(actual(made, 300, final=True))

    first, then = (sweeps[0], spend) if sweep_first else (spend, sweeps[0])
    assert await in_order(held, first, then, database_url) == ("", "")
    # The rest of the final actual is free nowhere else any more: it goes back to the envelope.
    assert await kinds(money) == ["expire", "actual", "release"]
    assert await balances(money) == (ALL - 300, 0, 0)
    reservation = (await latest(money)).reservation
    assert (reservation.actual, reservation.released) == (eur(300), eur(8_700))


async def test_an_actual_taken_back_after_the_timeout_goes_where_it_can_be_used(
    money: MoneySide, sweeps: list[Sweep]
) -> None:
    _, made = await promised(money)
    spent: pb.Commitment = await money.person("fiona").RecordActual(actual(made, 300))
    money.clock.advance(VALIDITY)
    felix = money.person("felix")
    asked_for = correction(spent, 100, entry=4)
    back: pb.CorrectActualResponse = await felix.CorrectActual(asked_for)
    assert [entry.kind for entry in back.entries] == ["correct"]  # the promise is open: it owes
    assert await balances(money) == (ALL - COMMITTED, 0, 800)
    final = actual(back.corrected, 0, final=True)
    ended: pb.Commitment = await money.person("fiona").RecordActual(final)
    back = await felix.CorrectActual(correction(ended, 100, entry=4))
    assert [entry.kind for entry in back.entries] == ["correct", "release"]
    assert await balances(money) == (ALL - 100, 0, 0)
    await sweeps[0]()
    assert [e.kind for e in await money.entries()].count("expire") == 1


@pytest.mark.parametrize("swept", [False, True])
async def test_the_next_round_takes_over_what_is_promised_and_holds_the_rest_anew(
    money: MoneySide, sweeps: list[Sweep], swept: bool
) -> None:
    await promised(money)
    money.clock.advance(VALIDITY)
    if swept:
        await sweeps[0]()
    case = await money.open(asked())
    assert (case.round, case.state) == (2, gate_pb2.CASE_STATE_OPEN)
    funding = await money.reserve(await money.approve(case, "fiona"))
    assert await kinds(money) == ["expire", "reserve"]
    assert await balances(money) == (ALL - ASKED, ASKED - COMMITTED, COMMITTED)
    assert funding.reservation.expires_at.ToDatetime() == (
        (money.clock.now() + VALIDITY).replace(tzinfo=None)
    )
    await money.person("fiona").Commit(money.commitment(funding, 8_000))


@pytest.mark.parametrize("swept", [False, True])
async def test_the_end_of_a_program_gives_back_what_is_still_promised(
    money: MoneySide, sweeps: list[Sweep], swept: bool
) -> None:
    funding, _ = await promised(money)
    money.clock.advance(VALIDITY)
    if swept:
        await sweeps[0]()
    await money.cases.ReleaseCase(money.releasing(funding.gate_case.program))
    await sweeps[0]()
    assert await kinds(money) == ["expire", "release"]
    assert await balances(money) == (ALL, 0, 0)


@ON_SQLITE
@pytest.mark.parametrize("swept", [False, True])
async def test_a_year_that_closes_carries_no_hold_that_is_over(
    money: MoneySide, sweeps: list[Sweep], swept: bool
) -> None:
    await two_years(money)
    funding = await money.funded(asked(), "fiona", envelope=OLD)
    await money.person("fiona").Commit(money.commitment(funding, COMMITTED))
    money.clock.advance(VALIDITY)
    if swept:
        await sweeps[0]()
    await close(money, closing(CARRY_COMMITTED))
    old, new = await money.balances(OLD), await money.balances(NEW)
    assert (old["lapsed"], old["reserved"]) == ((100_000 - COMMITTED) * 100, 0)
    assert (new["reserved"], new["committed"]) == (0, COMMITTED * 100)


@ON_SQLITE
async def test_a_voided_funding_holds_its_money_for_the_next_round_until_the_timeout(
    money: MoneySide, sweeps: list[Sweep]
) -> None:
    funding = await funded(money)
    assert (await void(money, funding)).state == gate_pb2.CASE_STATE_VOIDED
    await sweeps[0]()
    assert await balances(money) == (ALL - ASKED, ASKED, 0)
    money.clock.advance(VALIDITY)
    await sweeps[0]()
    assert await balances(money) == (ALL, 0, 0)


@ON_SQLITE
@pytest.mark.parametrize(("held_for", "days"), [("P30D", 30), ("P120D", 90)])
async def test_a_funding_stands_no_longer_than_its_money_is_held(
    sweeps: list[Sweep],
    realm: Realm,
    clock: SettableClock,
    database_url: str,
    tmp_path: Path,
    held_for: str,
    days: int,
) -> None:
    text = CHARTER.read_text(encoding="utf-8")
    assert "split_window: P90D}" in text
    charter = tmp_path / "charter.yaml"
    charter.write_text(
        text.replace("split_window: P90D}", f"split_window: P90D, hold_timeout: {held_for}}}"),
        encoding="utf-8",
    )
    async with money_side(realm, clock, database_url, charter=charter) as money:
        funding = await funded(money)
        start = clock.now()
        stands = wire.required_instant(funding.gate_case, "standing_until")
        holds = wire.required_instant(funding.reservation, "expires_at")
        assert stands == start + timedelta(days=days)
        assert stands <= holds
        clock.set(stands)
        await sweeps[-1]()
        # A longer hold keeps the money for the round that the expiry opens.
        kept = 0 if holds == stands else ASKED
        assert await balances(money) == (ALL - kept, kept, 0)
        case = await money.open(asked())
        assert case.round == 2
        await money.reserve(await money.approve(case, "fiona"))
        assert await balances(money) == (ALL - ASKED, ASKED, 0)
