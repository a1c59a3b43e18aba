"""Envelopes and the ledger: issued once, listed page by page, never changed afterwards."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from google.type.money_pb2 import Money
from sqlalchemy.exc import DBAPIError
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, money_side, refused
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.services import Realm, new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.chassis import migrate


async def test_an_envelope_is_issued_with_its_appropriation(money: MoneySide) -> None:
    made: pb.Envelope = await money.issue(1_234)
    assert (made.name, made.owner, made.version) == (ENVELOPE, "people/fay", 1)
    assert made.balances.available == Money(currency_code="EUR", units=1_234)
    read: pb.Envelope = await money.auditor.GetEnvelope(pb.GetEnvelopeRequest(name=ENVELOPE))
    assert read == made
    (entry,) = await money.entries()
    assert (entry.sequence, entry.kind, entry.actor) == (1, "appropriate", "people/ada")
    assert (entry.debit, entry.credit) == (pb.ACCOUNT_APPROPRIATION, pb.ACCOUNT_AVAILABLE)
    assert entry.posted_at.ToDatetime(tzinfo=money.clock.now().tzinfo) == money.clock.now()


@ON_SQLITE
@pytest.mark.parametrize("currency", ["JPY", "KWD", "CLF"])
async def test_an_envelope_keeps_its_currencys_smallest_unit(
    money: MoneySide, currency: str
) -> None:
    digits = {"JPY": 0, "KWD": 3, "CLF": 4}[currency]
    amount = Money(currency_code=currency, units=7, nanos=10 ** (9 - digits) if digits else 0)
    made: pb.Envelope = await money.issue(appropriation=amount)
    assert made.balances.available == amount


async def test_the_largest_envelope_is_issued_and_audited(money: MoneySide) -> None:
    units, cents = divmod(2**63 - 1, 100)
    amount = Money(currency_code="EUR", units=units, nanos=cents * 10_000_000)
    made: pb.Envelope = await money.issue(appropriation=amount)
    assert made.balances.appropriated == amount


@ON_SQLITE
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"appropriation": Money(currency_code="EUR")}, "appropriation"),
        ({"appropriation": Money(units=1)}, "appropriation.currency_code"),
        ({"appropriation": None}, "appropriation"),
        ({"envelope_id": "Launches 2027"}, "envelope_id"),
        ({"owner": "fay"}, "owner"),
        ({"fiscal_year": 1999}, "fiscal_year"),
        ({"request_id": "7"}, "request_id"),
    ],
)
async def test_what_is_no_envelope_is_refused_with_its_field(
    money: MoneySide, changes: dict[str, Any], field: str
) -> None:
    problem = await refused(money.issue(**changes))
    assert (problem.code, [v.field for v in problem.violations]) == ("INVALID_ARGUMENT", [field])


async def test_an_envelope_is_issued_once(money: MoneySide) -> None:
    request_id = new_request_id()
    first = await money.issue(request_id=request_id)
    assert await money.issue(request_id=request_id) == first
    problem = await refused(money.issue())
    assert (problem.code, problem.reason) == ("ALREADY_EXISTS", "RESOURCE_EXISTS")
    assert len(await money.entries()) == 1


async def test_validate_only_issues_nothing(money: MoneySide) -> None:
    answer: pb.Envelope = await money.issue(validate_only=True)
    assert answer.name == ENVELOPE
    request = pb.GetEnvelopeRequest(name=ENVELOPE)
    assert (await refused(money.auditor.GetEnvelope(request))).code == "NOT_FOUND"


async def test_envelopes_are_listed_by_name_and_year(money: MoneySide) -> None:
    for number, year in ((3, 2027), (1, 2027), (2, 2028)):
        await money.issue(name=f"envelopes/e{number}", fiscal_year=year)
    names: list[str] = []
    token = ""
    for _ in range(2):
        page: pb.ListEnvelopesResponse = await money.auditor.ListEnvelopes(
            pb.ListEnvelopesRequest(page_size=2, page_token=token)
        )
        names += [envelope.name for envelope in page.envelopes]
        token = page.next_page_token
    assert (names, token) == (["envelopes/e1", "envelopes/e2", "envelopes/e3"], "")
    page = await money.auditor.ListEnvelopes(pb.ListEnvelopesRequest(fiscal_year=2027))
    assert [envelope.name for envelope in page.envelopes] == ["envelopes/e1", "envelopes/e3"]


async def test_the_ledger_is_read_in_posting_order_page_by_page(money: MoneySide) -> None:
    await money.issue()
    await money.issue(name="envelopes/other")
    for number in range(3):
        facts = revision(program=f"programs/p{number}", amount_minor=1_000_00)
        await money.funded(facts, "fiona")
    every = await money.entries(page_size=2)
    assert [entry.sequence for entry in every] == [1, 2, 3, 4, 5]
    assert [e.sequence for e in await money.entries(envelope="envelopes/other")] == [2]
    assert [e.sequence for e in await money.entries(program="programs/p1")] == [4]
    page: pb.ListLedgerEntriesResponse = await money.auditor.ListLedgerEntries(
        pb.ListLedgerEntriesRequest(page_size=2)
    )
    problem = await refused(
        money.auditor.ListLedgerEntries(
            pb.ListLedgerEntriesRequest(program="programs/p1", page_token=page.next_page_token)
        )
    )
    assert problem.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET amount = amount + 1",
        "DELETE FROM ledger_entry",
        "UPDATE envelope SET available = available - 1",
        "UPDATE envelope SET available = -1, reserved = appropriated + 1",
    ],
)
async def test_the_database_itself_refuses_to_change_the_books(
    money: MoneySide, database_url: str, statement: str
) -> None:
    await money.issue()
    engine = sa.create_engine(database_url)
    with engine.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(sa.text(statement))
    engine.dispose()
    assert "append-only" in str(error.value) or "envelope_" in str(error.value)


async def test_the_migrated_tables_are_those_of_the_code(
    realm: Realm, empty_database_url: str
) -> None:
    migrate.upgrade("budget", empty_database_url)
    assert migrate.check("budget", empty_database_url) == []


async def test_every_move_leaves_its_leaf_in_the_audit_trail(
    money: MoneySide, database_url: str
) -> None:
    await money.issue()
    funding = await money.funded(revision(amount_minor=9_000_00), "fiona")
    await money.person("fiona").Commit(money.commitment(funding, 1))
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT kind, document, length(leaf) AS size FROM event ORDER BY id")
        ).all()
    engine.dispose()
    assert [row.kind for row in rows] == [
        "envelope.issued",
        "envelope.posted",
        "fund.opened",
        "fund.approved",
        "fund.reserved",
        "envelope.posted",
        "envelope.posted",
        "commitment.made",
    ]
    assert {row.size for row in rows} == {32}
    posted = json.loads(rows[5].document)["payload"]["postings"]
    assert [(one["kind"], one["amount_minor"]) for one in posted] == [("reserve", "900000")]


async def test_a_restarted_service_finds_its_books(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    request = pb.IssueEnvelopeRequest(
        request_id=new_request_id(),
        envelope_id="launches-2027",
        display_name="Launches",
        fiscal_year=2027,
        cost_centre="4711",
        purpose="launches",
        owner="people/fay",
        appropriation=Money(currency_code="EUR", units=5),
    )
    answers: list[pb.Envelope] = []
    for _ in range(2):
        async with money_side(realm, clock, database_url) as money:
            answers.append(await money.committee.IssueEnvelope(request))
    assert answers[0] == answers[1]
