"""The committee's appropriations from CSV, over a real socket: every line, or none."""

from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from typing import Any

import pytest
from tests.support.budget import ENVELOPE, ON_SQLITE, MoneySide, eur, refused
from tests.support.services import new_request_id
from tests.support.years import LAPSE, close, closing, two_years

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.budget.appropriations import COLUMNS

HEADER = ",".join(COLUMNS)


def line(name: str, amount: str = "48000.50", **changes: str) -> str:
    values = {
        "envelope": name,
        "display_name": name.title(),
        "fiscal_year": "2027",
        "cost_centre": "4711",
        "purpose": "launches",
        "owner": "people/fay",
        "currency": "EUR",
        "amount": amount,
        **changes,
    }
    return ",".join(values[column] for column in COLUMNS)


def file(*lines: str) -> bytes:
    return "\n".join((HEADER, *lines, "")).encode()


def digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def parts(content: bytes, size: int = 100, **first: Any) -> AsyncIterator[Any]:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "digest": digest(content),
        **first,
    }

    def made() -> Iterator[pb.ImportAppropriationsRequest]:
        yield pb.ImportAppropriationsRequest(content=content[:size], **values)
        for start in range(size, len(content), size):
            yield pb.ImportAppropriationsRequest(content=content[start : start + size])

    async def sent() -> AsyncIterator[pb.ImportAppropriationsRequest]:
        for part in made():
            yield part

    return sent()


async def imported(money: MoneySide, content: bytes, **first: Any) -> Any:
    return await money.committee.ImportAppropriations(parts(content, **first))


async def test_every_line_of_a_file_is_appropriated(money: MoneySide) -> None:
    await money.issue(100)
    content = file(line("alpha"), line("launches-2027", "50", display_name=""), line("beta", "1"))
    answer = await imported(money, content)
    assert (answer.lines, answer.issued, answer.supplemented) == (3, 2, 1)
    assert [(one.currency_code, one.units) for one in answer.totals] == [("EUR", 48_051)]
    assert list(answer.errors) == []
    alpha: pb.Envelope = await money.auditor.GetEnvelope(
        pb.GetEnvelopeRequest(name="envelopes/alpha")
    )
    assert (alpha.owner, alpha.version, alpha.cost_centre) == ("people/fay", 1, "4711")
    assert (await money.balances("envelopes/alpha"))["available"] == 48_000_50
    assert (await money.balances())["appropriated"] == 150_00
    entries = await money.entries()
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4]
    assert {entry.kind for entry in entries} == {"appropriate"}
    assert entries[1].reference.startswith("appropriationImports/")
    statement: pb.Statement = await money.auditor.GetStatement(
        pb.GetStatementRequest(name=ENVELOPE)
    )
    assert [held.balances.available for held in statement.closing] == [eur(150)]
    assert [one.balances.available for one in statement.lines] == [eur(100), eur(150)]
    funding = await money.issue(name="envelopes/after")
    assert funding.version == 1


async def test_one_wrong_line_stores_nothing_and_each_is_named(money: MoneySide) -> None:
    await money.issue(100)
    wrong = (
        line("alpha"),
        line("beta", "1.005"),
        line("launches-2027", "5", currency="USD"),
        line("alpha"),
        line("new", owner=""),
    )
    content = file(*wrong)
    problem = await refused(imported(money, content))
    assert (problem.code, problem.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert "nothing was imported: 5 errors on 4 lines" in problem.message
    assert [violation.field for violation in problem.violations] == [
        "line 3, amount",
        "line 4, currency",
        "line 4, display_name",
        "line 5, envelope",
        "line 6, owner",
    ]
    checked = await imported(money, content, validate_only=True)
    assert [(error.line, error.column) for error in checked.errors] == [
        (3, "amount"),
        (4, "currency"),
        (4, "display_name"),
        (5, "envelope"),
        (6, "owner"),
    ]
    assert all(error.problem and error.remedy for error in checked.errors)
    assert len(await money.entries()) == 1


async def test_a_rehearsal_says_what_would_be_and_stores_nothing(money: MoneySide) -> None:
    content = file(line("alpha"))
    answer = await imported(money, content, validate_only=True)
    assert (answer.issued, answer.error_count) == (1, 0)
    assert await money.entries() == []
    assert (await imported(money, content)).issued == 1


async def test_a_repeated_import_is_one_and_the_same_file_is_refused(money: MoneySide) -> None:
    content, request_id = file(line("alpha")), new_request_id()
    first = await imported(money, content, request_id=request_id)
    assert await imported(money, content, request_id=request_id) == first
    problem = await refused(imported(money, file(line("beta")), request_id=request_id))
    assert problem.reason == "REQUEST_ID_REUSED"
    for validate_only in (True, False):
        problem = await refused(imported(money, content, validate_only=validate_only))
        assert (problem.code, problem.reason) == ("ALREADY_EXISTS", "RESOURCE_EXISTS")
        assert "imported by people/ada" in problem.message
    assert len(await money.entries()) == 1
    more = await imported(money, file(line("alpha", "1")))
    assert (more.supplemented, (await money.balances("envelopes/alpha"))["available"]) == (
        1,
        48_001_50,
    )


async def test_what_came_must_have_the_digest_that_was_said(money: MoneySide) -> None:
    content = file(line("alpha"))
    for said in (digest(b"other"), ""):
        problem = await refused(imported(money, content, digest=said))
        assert [violation.field for violation in problem.violations] == ["digest"]
    problem = await refused(imported(money, content, request_id=""))
    assert [violation.field for violation in problem.violations] == ["request_id"]
    assert await money.entries() == []


@ON_SQLITE
async def test_who_left_is_a_guest_or_unknown_owns_nothing(money: MoneySide) -> None:
    money.directory.say("people/gone", active=False)
    money.directory.say("people/guest", guest=True)
    content = file(line("a", owner="people/gone"), line("b", owner="people/guest"))
    checked = await imported(money, content, validate_only=True)
    assert [(error.line, error.column) for error in checked.errors] == [(2, "owner"), (3, "owner")]
    assert "no longer works here" in checked.errors[0].problem
    money.directory.down = True
    problem = await refused(money.committee.ImportAppropriations(parts(file(line("c"))), timeout=5))
    assert problem.reason == "DEPENDENCY_UNAVAILABLE"


async def test_nothing_is_appropriated_in_a_year_that_is_closed(money: MoneySide) -> None:
    await two_years(money)
    await close(money, closing(LAPSE))
    content = file(
        line("new", fiscal_year="2026"),
        line("launches-2026", "1", display_name="", fiscal_year="", owner=""),
        line("fine"),
    )
    checked = await imported(money, content, validate_only=True)
    assert [(error.line, error.column) for error in checked.errors] == [
        (2, "fiscal_year"),
        (3, "fiscal_year"),
    ]
    assert (await refused(imported(money, content))).reason == "INVALID_FIELD"


@ON_SQLITE
async def test_errors_are_shown_up_to_a_bound_and_counted_beyond_it(money: MoneySide) -> None:
    content = file(*(line(f"e{n}", "x") for n in range(1_500)))
    checked = await imported(money, content, validate_only=True)
    assert (len(checked.errors), checked.error_count, checked.lines) == (1_000, 1_500, 0)
    problem = await refused(imported(money, content))
    assert "1500 errors" in problem.message
    assert problem.violations


@ON_SQLITE
async def test_a_file_that_is_too_large_is_refused_before_it_is_read(money: MoneySide) -> None:
    size = 512 * 1024
    content = b"x" * (33 * 1024 * 1024)
    call = money.committee.ImportAppropriations(parts(content, size), timeout=60)
    problem = await refused(call)
    assert [violation.field for violation in problem.violations] == ["content"]


@pytest.mark.timeout(300)
async def test_a_hundred_thousand_lines_are_imported_at_once(money: MoneySide) -> None:
    await money.issue(100)
    content = file(
        line("launches-2027", "1", display_name=""), *(line(f"e{n}", "0.01") for n in range(99_999))
    )
    call = money.committee.ImportAppropriations(parts(content, 256 * 1024), timeout=240)
    answer: pb.ImportAppropriationsResponse = await call
    assert (answer.issued, answer.supplemented) == (99_999, 1)
    assert answer.totals[0].units == 1_000
    assert (await money.balances("envelopes/e99998"))["available"] == 1
    page: pb.ListLedgerEntriesResponse = await money.auditor.ListLedgerEntries(
        pb.ListLedgerEntriesRequest(envelope="envelopes/e99998")
    )
    assert [entry.sequence for entry in page.entries] == [100_001]
