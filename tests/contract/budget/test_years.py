"""A fiscal year closes by rule: nothing posts into it afterwards, and nobody loses silently."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.type.money_pb2 import Money
from tests.contract.budget.test_concurrency import outcome
from tests.contract.budget.test_spend import actual, latest
from tests.support.budget import ON_SQLITE, MoneySide, eur, refused
from tests.support.facts import revision
from tests.support.transfers import approval, proposal
from tests.support.years import (
    CARRY_ALL,
    CARRY_COMMITTED,
    LAPSE,
    NEW,
    OLD,
    YEAR,
    close,
    closing,
    closing_request,
    late,
    two_years,
    year,
)

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.budget.v1 import fiscal_years_pb2 as pb
from investiture.api.budget.v1 import transfers_pb2 as transfers_pb
from investiture.api.common.v1 import gate_pb2

SMALL = 9_000_00
PROGRAM = "programs/community"


async def spending(money: MoneySide) -> tuple[budget_pb.Funding, budget_pb.Commitment]:
    """A program in the old year: 9,000 reserved, 1,000 of it committed, 300 of that spent."""
    await two_years(money)
    funding = await money.funded(revision(amount_minor=SMALL), "fiona", envelope=OLD)
    fiona = money.person("fiona")
    made: budget_pb.Commitment = await fiona.Commit(money.commitment(funding, 1_000))
    spent: budget_pb.Commitment = await fiona.RecordActual(actual(made, 300))
    return funding, spent


async def round_one(money: MoneySide) -> budget_pb.Funding:
    found: budget_pb.Funding = await money.auditor.GetFunding(
        budget_pb.GetFundingRequest(name=f"{PROGRAM}/budgetRequests/1")
    )
    return found


def units(**held: int) -> dict[str, int]:
    names = ("appropriated", "available", "reserved", "committed", "actual", "lapsed")
    return {name: held.get(name, 0) * 100 for name in names}


async def test_by_lapse_what_is_not_spent_falls_back_and_the_funding_is_voided(
    money: MoneySide,
) -> None:
    await spending(money)
    done = await close(money, closing(LAPSE))
    assert await money.balances(OLD) == units(appropriated=100_000, actual=300, lapsed=99_700)
    assert await money.balances(NEW) == units(appropriated=50_000, available=50_000)
    assert (done.closed, done.closed_by) == (True, "people/ada")
    assert (done.envelopes[0].lapsed, done.envelopes[0].successor) == (eur(99_700), NEW)
    (program,) = done.programs
    assert (program.program, program.lapsed, program.funding_voided) == (PROGRAM, eur(8_700), True)
    funding = await round_one(money)
    assert funding.gate_case.state == gate_pb2.CASE_STATE_VOIDED
    assert "8,700.00 EUR held in envelopes/launches-2026 lapsed" in funding.gate_case.reason
    assert funding.reservation.state == budget_pb.HOLD_LAPSED
    (commitment,) = funding.reservation.commitments
    assert (commitment.closed, commitment.lapsed) == (True, eur(700))
    assert await year(money) == done


async def test_a_program_whose_money_lapsed_is_funded_anew_for_what_it_has_not_spent(
    money: MoneySide,
) -> None:
    await spending(money)
    await close(money, closing(LAPSE))
    case = await money.open(revision(amount_minor=SMALL))
    assert (case.round, case.state) == (2, gate_pb2.CASE_STATE_OPEN)
    funding = await money.reserve(await money.approve(case, "fiona"), envelope=NEW)
    assert (funding.reservation.remaining, funding.reservation.actual) == (eur(8_700), eur(300))
    assert await money.balances(NEW) == units(appropriated=50_000, available=41_300, reserved=8_700)
    await money.cases.ReleaseCase(money.releasing(PROGRAM))
    assert (await money.balances(NEW))["available"] == 50_000_00


async def test_by_carry_committed_programs_go_on_in_the_successor(money: MoneySide) -> None:
    funding, spent = await spending(money)
    done = await close(money, closing(CARRY_COMMITTED))
    assert await money.balances(OLD) == units(appropriated=91_300, actual=300, lapsed=91_000)
    assert await money.balances(NEW) == units(
        appropriated=58_700, available=50_000, reserved=8_000, committed=700
    )
    assert [(p.carried, p.lapsed, p.funding_voided) for p in done.programs] == [
        (eur(8_700), eur(0), False)
    ]
    carried = (await latest(money)).reservation
    assert (carried.envelope, carried.state) == (NEW, budget_pb.HOLD_HELD)
    # A late actual of what was carried is an ordinary one: its commitment lives in the successor.
    fiona = money.person("fiona")
    await fiona.RecordActual(actual(spent, 700, final=True))
    await fiona.Commit(money.commitment(funding, 8_000))
    assert await money.balances(NEW) == units(
        appropriated=58_700, available=50_000, committed=8_000, actual=700
    )


async def test_by_carry_all_what_is_available_goes_on_up_to_the_cap(money: MoneySide) -> None:
    await spending(money)
    done = await close(money, closing(CARRY_ALL, cap=eur(40_000)))
    assert await money.balances(OLD) == units(appropriated=51_300, actual=300, lapsed=51_000)
    assert await money.balances(NEW) == units(
        appropriated=98_700, available=90_000, reserved=8_000, committed=700
    )
    (figures,) = done.envelopes
    assert (figures.carried_available, figures.carried_reserved, figures.carried_committed) == (
        eur(40_000),
        eur(8_000),
        eur(700),
    )
    linked = [e for e in await money.entries() if e.kind == "carry"]
    assert len(linked) == 6
    transit = sum(
        e.amount.units * (1 if e.credit == budget_pb.ACCOUNT_TRANSIT else -1) for e in linked
    )
    assert transit == 0


async def test_nothing_posts_into_a_closed_year(money: MoneySide) -> None:
    funding, _ = await spending(money)
    twin: budget_pb.Envelope = await money.issue(
        1_000, name="envelopes/twin-2026", fiscal_year=2026, owner="people/olga"
    )
    waiting = await money.approve(
        await money.open(revision(program="programs/other", amount_minor=SMALL)), "fiona"
    )
    asked: transfers_pb.Transfer = await money.person("fay").ProposeTransfer(
        proposal(1, giver=OLD, taker=twin.name)
    )
    half: transfers_pb.Transfer = await money.person("fay").ApproveTransfer(approval(asked))
    await close(money, closing(LAPSE), closing(LAPSE, twin.name, successor=""))
    before = await money.entries()
    lapsed = (await round_one(money)).reservation.commitments[0]
    fiona, fay = money.person("fiona"), money.person("fay")
    refusals: dict[str, Awaitable[Any]] = {
        "issue": money.issue(name="envelopes/more-2026", fiscal_year=2026),
        "reserve": money.reserve(waiting, envelope=OLD),
        "commit": fiona.Commit(
            money.commitment(funding, 1, etag=(await round_one(money)).gate_case.etag)
        ),
        "actual": fiona.RecordActual(actual(lapsed, 1)),
        "transfer": money.person("olga").ApproveTransfer(approval(half)),
        "propose": fay.ProposeTransfer(proposal(1, giver=OLD, taker=twin.name)),
        "roll forward": fiona.RollForwardActual(late(lapsed, 1, envelope=twin.name)),
    }
    for what, call in refusals.items():
        problem = await refused(call)
        assert (problem.code, problem.reason) == ("FAILED_PRECONDITION", "WRONG_STATE"), what
        assert what == "commit" or problem.legs[0].type == "FISCAL_YEAR", what
        assert problem.legs[0].remedy, what
    assert await money.entries() == before
    read: budget_pb.Envelope = await money.auditor.GetEnvelope(
        budget_pb.GetEnvelopeRequest(name=OLD)
    )
    assert (read.closed, read.successor) == (True, NEW)


async def test_validate_only_shows_the_close_and_stores_nothing(money: MoneySide) -> None:
    await spending(money)
    before = (await year(money), await money.entries(), await round_one(money))
    request = await closing_request(money, closing(LAPSE), validate_only=True)
    shown: pb.FiscalYear = await money.committee.CloseFiscalYear(request)
    assert (shown.closed, shown.programs[0].lapsed) == (True, eur(8_700))
    assert (await year(money), await money.entries(), await round_one(money)) == before


async def test_a_close_binds_to_the_year_that_was_seen(money: MoneySide) -> None:
    funding, _ = await spending(money)
    request = await closing_request(money, closing(LAPSE))
    await money.person("fiona").Commit(money.commitment(funding, 1))
    problem = await refused(money.committee.CloseFiscalYear(request))
    assert (problem.code, problem.reason) == ("ABORTED", "STALE_ETAG")
    request = await closing_request(money, closing(LAPSE))
    first: pb.FiscalYear = await money.committee.CloseFiscalYear(request)
    assert await money.committee.CloseFiscalYear(request) == first
    problem = await refused(close(money, closing(LAPSE)))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "FISCAL_YEAR")


@ON_SQLITE
async def test_years_close_in_their_order_and_after_their_last_day(money: MoneySide) -> None:
    await two_years(money)
    await money.issue(name="envelopes/a-2025", fiscal_year=2025)
    problem = await refused(close(money, closing(LAPSE)))
    assert problem.legs[0].remedy == "close 2025 first, then 2026"
    lapses = closing(LAPSE, "envelopes/a-2025", successor="")
    await close(money, lapses, name="fiscalYears/2025")
    await close(money, closing(LAPSE))
    name = "fiscalYears/2027"
    early = await refused(close(money, closing(LAPSE, NEW, successor=""), name=name))
    assert early.legs[0].description == "fiscal year 2027 runs to 2027-12-31"
    money.clock.set(datetime(2028, 1, 1, tzinfo=UTC))
    done = await close(money, closing(LAPSE, NEW, successor=""), name=name)
    assert (done.first_day, done.last_day) == ("2027-01-01", "2027-12-31")


@ON_SQLITE
@pytest.mark.parametrize(
    ("one", "field"),
    [
        ({"rule": 0}, "envelopes[0].rule"),
        ({"envelope": "envelopes/none"}, "envelopes[0].envelope"),
        ({"envelope": NEW}, "envelopes[0].envelope"),
        ({"rule": CARRY_ALL, "successor": ""}, "envelopes[0].successor"),
        ({"rule": CARRY_ALL, "successor": OLD}, "envelopes[0].successor"),
        ({"rule": CARRY_ALL, "successor": "envelopes/usd"}, "envelopes[0].successor"),
        ({"cap": Money(currency_code="EUR", units=1)}, "envelopes[0].cap"),
        (
            {"rule": CARRY_ALL, "cap": Money(currency_code="USD", units=1)},
            "envelopes[0].cap.currency_code",
        ),
        ({"rule": CARRY_ALL, "cap": Money(currency_code="EUR", units=-1)}, "envelopes[0].cap"),
    ],
)
async def test_a_close_that_cannot_be_done_is_refused_with_its_field(
    money: MoneySide, one: dict[str, Any], field: str
) -> None:
    await two_years(money)
    await money.issue(name="envelopes/usd", appropriation=Money(currency_code="USD", units=1))
    values: dict[str, Any] = {"envelope": OLD, "rule": LAPSE, "successor": NEW}
    problem = await refused(close(money, pb.EnvelopeClosing(**{**values, **one})))
    assert (problem.code, [v.field for v in problem.violations]) == ("INVALID_ARGUMENT", [field])
    assert not (await year(money)).closed


@ON_SQLITE
async def test_years_that_are_none_are_refused_and_years_without_money_unknown(
    money: MoneySide,
) -> None:
    await two_years(money)
    for name, code in (
        ("fiscalYears/1999", "INVALID_ARGUMENT"),
        ("fiscalYears/2201", "INVALID_ARGUMENT"),
        ("fiscalYears/26", "INVALID_ARGUMENT"),
        ("fiscalYears/2030", "NOT_FOUND"),
    ):
        assert (await refused(year(money, name))).code == code
    problem = await refused(close(money))
    assert [v.field for v in problem.violations] == ["envelopes"]
    assert "envelopes/launches-2026 holds 100,000.00 EUR" in problem.violations[0].description


async def test_a_late_actual_is_rolled_forward_by_a_record_that_names_the_old_commitment(
    money: MoneySide,
) -> None:
    await spending(money)
    await close(money, closing(LAPSE))
    lapsed = (await round_one(money)).reservation.commitments[0]
    problem = await refused(money.person("fiona").RollForwardActual(late(lapsed, 500)))
    assert (problem.reason, "people/fay, who owns it" in problem.message) == ("NOT_A_HOLDER", True)
    fay = money.person("fay")
    request = late(lapsed, 500)
    made: budget_pb.Commitment = await fay.RollForwardActual(request)
    assert await fay.RollForwardActual(request) == made
    assert (made.name, made.rolls_forward) == (f"{PROGRAM}/commitments/2", lapsed.name)
    assert (made.actual, made.closed, made.spent_on) == (eur(500), True, "2026-12-20")
    assert await money.balances(NEW) == units(appropriated=50_000, available=49_500, actual=500)
    (entry,) = [e for e in await money.entries() if e.kind == "roll_forward"]
    assert (entry.envelope, entry.commitment, entry.reference) == (NEW, made.name, "2026-0815")
    funding = await round_one(money)
    old, new = funding.reservation.commitments
    assert (old.lapsed, old.actual, new.name) == (eur(200), eur(300), made.name)
    assert funding.reservation.actual == eur(800)
    problem = await refused(fay.RollForwardActual(late(old, 201)))
    assert (problem.reason, problem.metadata["available"]) == ("FUNDS_INSUFFICIENT", "20000")
    await fay.RollForwardActual(late(old, 200))
    (done, *_) = (await round_one(money)).reservation.commitments
    problem = await refused(fay.RollForwardActual(late(done, 1)))
    assert (problem.reason, problem.legs[0].type) == ("WRONG_STATE", "STATE")


async def test_a_late_actual_is_paid_from_what_is_reserved_for_the_program_again(
    money: MoneySide,
) -> None:
    await spending(money)
    await close(money, closing(LAPSE))
    case = await money.open(revision(amount_minor=SMALL))
    await money.reserve(await money.approve(case, "fiona"), envelope=NEW)
    lapsed = (await latest(money)).reservation.commitments[0]
    await money.person("fiona").RollForwardActual(late(lapsed, 700))
    assert await money.balances(NEW) == units(
        appropriated=50_000, available=41_300, reserved=8_000, actual=700
    )
    reservation = (await latest(money)).reservation
    assert (reservation.remaining, reservation.actual) == (eur(8_000), eur(1_000))


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spent_on": "2027-01-01"}, "spent_on"),
        ({"spent_on": "1999-12-31"}, "spent_on"),
        ({"spent_on": "2026-02-30"}, "spent_on"),
        ({"spent_on": "yesterday"}, "spent_on"),
        ({"envelope": "envelopes/usd"}, "envelope"),
        ({"amount": Money(currency_code="USD", units=1)}, "amount.currency_code"),
        ({"amount": Money(currency_code="EUR")}, "amount"),
        ({"name": "programs/community"}, "name"),
    ],
)
async def test_what_is_no_late_actual_is_refused_with_its_field(
    money: MoneySide, changes: dict[str, Any], field: str
) -> None:
    await spending(money)
    usd = Money(currency_code="USD", units=1_000)
    await money.issue(name="envelopes/usd", appropriation=usd)
    await close(money, closing(LAPSE))
    lapsed = (await round_one(money)).reservation.commitments[0]
    problem = await refused(money.person("fay").RollForwardActual(late(lapsed, 1, **changes)))
    assert (problem.code, [v.field for v in problem.violations]) == ("INVALID_ARGUMENT", [field])


async def test_a_close_and_what_programs_do_at_the_same_moment_have_one_order(
    money: MoneySide,
) -> None:
    await two_years(money, old=1_000_000)
    cases = [
        await money.approve(
            await money.open(revision(program=f"programs/p{n}", amount_minor=SMALL)), "fiona"
        )
        for n in range(12)
    ]
    for case in cases[:4]:
        await money.reserve(case, envelope=OLD)
    slipped = "envelopes/slipped-2026"

    async def closed() -> str:
        got, closings = "", [closing(LAPSE)]
        for _ in range(30):
            request = await closing_request(money, *closings)
            got = await outcome(money.committee.CloseFiscalYear(request))
            if got == "INVALID_FIELD":  # the new envelope came first and is to be named
                closings = [closing(LAPSE), closing(LAPSE, slipped)]
            elif got != "STALE_ETAG":
                break
        return got

    outcomes = await asyncio.gather(
        *(outcome(money.reserve(case, envelope=OLD)) for case in cases[4:8]),
        closed(),
        *(outcome(money.reserve(case, envelope=OLD)) for case in cases[8:]),
        outcome(money.issue(name=slipped, fiscal_year=2026)),
    )
    assert outcomes[4] == "OK", outcomes
    assert set(outcomes) <= {"OK", "WRONG_STATE", "STALE_ETAG"}
    balances = await money.balances(OLD)
    assert (balances["available"], balances["reserved"]) == (0, 0)
    envelopes: budget_pb.ListEnvelopesResponse = await money.auditor.ListEnvelopes(
        budget_pb.ListEnvelopesRequest(fiscal_year=2026)
    )
    assert all(one.closed for one in envelopes.envelopes)
    assert (await year(money)).name == YEAR
