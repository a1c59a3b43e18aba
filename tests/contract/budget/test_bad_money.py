"""What is no amount is refused by every RPC that takes money, with its field; nothing is stored."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.type.money_pb2 import Money
from tests.contract.budget.test_corrections import correction
from tests.contract.budget.test_spend import actual
from tests.support.budget import ON_SQLITE, MoneySide, refused
from tests.support.facts import revision
from tests.support.transfers import OTHER, proposal
from tests.support.years import CARRY_ALL, LAPSE, NEW, OLD, close, closing, late

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget.ledger import INT64_MAX

MONEY = "google.type.Money"


def money_fields(message: Descriptor, prefix: str = "") -> Iterator[str]:
    """Paths of the fields of a request that hold money, as a refusal names them."""
    for field in message.fields:
        if field.type != FieldDescriptor.TYPE_MESSAGE or field.message_type is None:
            continue
        path = f"{prefix}{field.name}" + ("[0]" if field.is_repeated else "")
        if field.message_type.full_name == MONEY:
            yield path
        else:
            yield from money_fields(field.message_type, f"{path}.")


@dataclass
class Books:
    """A program that spends in an open year, and one whose commitment lapsed with a closed one."""

    money: MoneySide
    funding: pb.Funding
    made: pb.Commitment
    lapsed: pb.Commitment


async def opened(money: MoneySide) -> Books:
    """Entries 1 to 4 are of the program that spends, so that its actual is the fourth."""
    await money.issue(name=NEW)
    funding = await money.funded(revision(amount_minor=9_000_00), "fiona", envelope=NEW)
    fiona = money.person("fiona")
    first: pb.Commitment = await fiona.Commit(money.commitment(funding, 1_000))
    made: pb.Commitment = await fiona.RecordActual(actual(first, 100))
    await money.issue(name="envelopes/a-2025", fiscal_year=2025)
    facts = revision(program="programs/late", amount_minor=9_000_00)
    late_one = await money.funded(facts, "fiona", envelope="envelopes/a-2025")
    await fiona.Commit(money.commitment(late_one, 500))
    await close(money, closing(LAPSE, "envelopes/a-2025", successor=""), name="fiscalYears/2025")
    await money.issue(name=OLD, fiscal_year=2026)
    await money.issue(name=OTHER)
    found: pb.Funding = await money.auditor.GetFunding(
        pb.GetFundingRequest(name="programs/late/budgetRequests/1")
    )
    return Books(money, funding, made, found.reservation.commitments[0])


async def closed(books: Books, amount: Money) -> Any:
    return await close(books.money, closing(CARRY_ALL, cap=amount))


Asks = Callable[[Books, Money], Awaitable[Any]]
TAKES: dict[tuple[str, str], Asks] = {
    ("IssueEnvelope", "appropriation"): lambda b, m: b.money.issue(
        name="envelopes/more", appropriation=m
    ),
    ("Commit", "amount"): lambda b, m: b.money.person("fiona").Commit(
        b.money.commitment(b.funding, 1, amount=m)
    ),
    ("RecordActual", "amount"): lambda b, m: b.money.person("fiona").RecordActual(
        actual(b.made, 1, amount=m)
    ),
    ("CorrectActual", "amount"): lambda b, m: b.money.person("felix").CorrectActual(
        correction(b.made, 1, amount=m)
    ),
    ("RollForwardActual", "amount"): lambda b, m: b.money.person("fay").RollForwardActual(
        late(b.lapsed, 1, amount=m, spent_on="2025-12-20", envelope=NEW)
    ),
    ("ProposeTransfer", "amount"): lambda b, m: b.money.person("fiona").ProposeTransfer(
        proposal(1, amount=m)
    ),
    ("CloseFiscalYear", "envelopes[0].cap"): closed,
}
FREE = {("IssueEnvelope", "appropriation")}
"""Where any currency will do."""
NOTHING_IS_SOMETHING = {("CloseFiscalYear", "envelopes[0].cap")}
"""Where zero is an amount."""

UNITS, CENTS = divmod(INT64_MAX, 100)
AMOUNTS: dict[str, tuple[Money, str]] = {
    "zero": (Money(currency_code="EUR"), ""),
    "negative": (Money(currency_code="EUR", units=-1), ""),
    "a negative fraction": (Money(currency_code="EUR", nanos=-10_000_000), ""),
    "mixed signs": (Money(currency_code="EUR", units=1, nanos=-10_000_000), ""),
    "mixed signs the other way": (Money(currency_code="EUR", units=-1, nanos=10_000_000), ""),
    "half a cent": (Money(currency_code="EUR", nanos=5_000_000), ""),
    "a billion nanos": (Money(currency_code="EUR", nanos=1_000_000_000), ""),
    "one cent above 64 bits": (
        Money(currency_code="EUR", units=UNITS, nanos=(CENTS + 1) * 10_000_000),
        "",
    ),
    "the largest units": (Money(currency_code="EUR", units=INT64_MAX), ""),
    "no currency": (Money(units=1), ".currency_code"),
    "an unknown currency": (Money(currency_code="EUX", units=1), ".currency_code"),
    "a currency in small letters": (Money(currency_code="eur", units=1), ".currency_code"),
    "gold, which has no minor unit": (Money(currency_code="XAU", units=1), ".currency_code"),
    "another currency": (Money(currency_code="USD", units=1), ".currency_code"),
    "another currency's sen": (Money(currency_code="JPY", units=1), ".currency_code"),
}


def test_every_field_that_takes_money_is_in_the_table() -> None:
    service = pb.DESCRIPTOR.services_by_name["BudgetService"]
    found = {
        (method.name, path)
        for method in service.methods
        for path in money_fields(method.input_type)
    }
    assert found == set(TAKES)


@ON_SQLITE
@pytest.mark.parametrize("place", sorted(TAKES), ids="-".join)
async def test_what_is_no_amount_is_refused_with_its_field_and_stores_nothing(
    money: MoneySide, place: tuple[str, str]
) -> None:
    books = await opened(money)
    before = await money.entries()
    for what, (amount, part) in AMOUNTS.items():
        if what.startswith("another currency") and place in FREE:
            continue
        if what == "zero" and place in NOTHING_IS_SOMETHING:
            continue
        problem = await refused(TAKES[place](books, amount))
        assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_AMOUNT"), what
        assert [v.field for v in problem.violations] == [f"{place[1]}{part}"], what
        assert problem.violations[0].description, what
        assert await money.entries() == before, what
    envelopes: pb.ListEnvelopesResponse = await money.auditor.ListEnvelopes(
        pb.ListEnvelopesRequest()
    )
    assert "envelopes/more" not in {one.name for one in envelopes.envelopes}


@ON_SQLITE
async def test_the_largest_program_is_funded_and_its_ceiling_fits_64_bits(
    money: MoneySide,
) -> None:
    largest = Money(currency_code="EUR", units=UNITS, nanos=CENTS * 10_000_000)
    await money.issue(appropriation=largest)
    facts = revision(amount_minor=INT64_MAX)
    case = await money.open(facts)
    funding: pb.Funding = await money.auditor.GetFunding(pb.GetFundingRequest(name=case.name))
    people = [
        person.removeprefix("people/")
        for level in funding.levels
        for person in level.eligible[: level.needed]
    ]
    funding = await money.reserve(await money.approve(case, *people))
    assert funding.reservation.remaining == largest
    assert funding.ceiling == largest
