"""A file of appropriations: what is right is read to the minor unit, what is wrong has its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investiture.budget.appropriations import COLUMNS, File, against, amount_minor, read
from investiture.budget.domain import Envelope
from investiture.budget.ledger import INT64_MAX, Balances
from investiture.casework.amounts import exponent

HEADER = ",".join(COLUMNS)
LINE = "launches-2027,Launches 2027,2027,4711,launches,people/fay,EUR,48000.50"


def file(*lines: str, header: str = HEADER) -> bytes:
    return "\r\n".join((header, *lines, "")).encode()


def known_as(*envelopes: Envelope) -> dict[str, Envelope]:
    return {envelope.name: envelope for envelope in envelopes}


def told(found: File) -> list[tuple[int, str, str]]:
    for error in found.errors:
        assert error.remedy
    return [(error.line, error.column, error.problem) for error in found.errors]


def test_a_line_is_read_with_its_amount_in_minor_units() -> None:
    found = read(file(LINE))
    assert found.errors == ()
    (line,) = found.lines
    assert (line.line, line.envelope, line.amount_minor) == (
        2,
        "envelopes/launches-2027",
        4_800_050,
    )
    issued = line.issued()
    assert (issued.fiscal_year, issued.owner, issued.currency) == (2027, "people/fay", "EUR")


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert read(b"\xef\xbb\xbf" + file(LINE)) == read(file(LINE))


def test_columns_come_in_any_order_and_capitals() -> None:
    header = "Amount,currency,OWNER,purpose,cost_centre,fiscal_year,display_name,envelope"
    line = "48000.50,EUR,people/fay,launches,4711,2027,Launches 2027,launches-2027"
    assert read(file(line, header=header)).lines == read(file(LINE)).lines


def test_a_quoted_field_may_have_commas_quotes_and_line_ends() -> None:
    quoted = LINE.replace("launches,people", '"launches,\nof ""all"" kinds",people')
    other = LINE.replace("launches-2027", "other")
    found = read(file(quoted, other))
    assert [line.line for line in found.lines] == [2, 4]
    assert found.lines[0].purpose == 'launches,\nof "all" kinds'


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 0, "the file is empty"),
        (b"\n\n", 0, "the file is empty"),
        (HEADER.encode(), 0, "there is a header and no line"),
        (file(LINE).decode().encode("utf-16"), 1, "the file is in UTF-16"),
        (file(LINE.replace("launches,p", "Märkte,p")).decode().encode("latin-1"), 2, "0xe4"),
        (file(LINE, LINE.replace("4711", "47\0")), 3, "a zero byte"),
        (file(LINE).replace(b",", b";"), 1, "separated by semicolons"),
        (file(LINE).replace(b",", b"\t"), 1, "separated by tabs"),
        (file(LINE.replace("4711", '"47"11')), 2, "this is no CSV"),
        (file('"' + LINE), 2, "this is no CSV"),
        (file(LINE + ",more"), 2, "there are 9 fields, the header has 8"),
        (file(LINE.replace("48000.50", "48,000.50")), 2, "there are 9 fields"),
        (file("x"), 2, "there are 1 fields"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(content: bytes, line: int, problem: str) -> None:
    found = read(content)
    assert found.lines == () or line > 2
    ((at, column, said),) = told(found)
    assert (at, column) == (line, "")
    assert problem in said


def test_every_unknown_missing_and_doubled_column_is_told() -> None:
    header = HEADER.replace("owner", "holder").replace("purpose", "amount")
    assert told(read(file(LINE, header=header))) == [
        (1, "holder", "there is no such column"),
        (1, "amount", "the column is there twice"),
        (1, "purpose", "the column is missing"),
        (1, "owner", "the column is missing"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "column", "problem"),
    [
        ("48000.50", "48000.505", "amount", "more decimals than the 2 of EUR"),
        ("48000.50", "-1", "amount", "'-1' is negative"),
        ("48000.50", "0.00", "amount", "is zero"),
        ("48000.50", "92233720368547758.08", "amount", "does not fit 64 bits"),
        ("48000.50", "9" * 5000, "amount", "does not fit 64 bits"),
        ("48000.50", "1e3", "amount", "'1e3' is no decimal number"),
        ("48000.50", "48 000", "amount", "is no decimal number"),
        ("48000.50", "", "amount", "is empty"),
        ("48000.50", "NaN", "amount", "is no decimal number"),
        ("EUR", "EURO", "currency", "'EURO' is no ISO 4217 currency"),
        ("EUR", "XAU", "currency", "'XAU' is no ISO 4217 currency with minor units"),
        ("EUR", "", "currency", "is empty"),
        ("launches-2027,", "Launches 2027,", "envelope", "is no id of an envelope"),
        ("launches-2027,", ",", "envelope", "is empty"),
        ("people/fay", "fay", "owner", "'fay' is no person"),
        (",2027,", ",27,", "fiscal_year", "'27' is no fiscal year"),
        (",2027,", ",2201,", "fiscal_year", "'2201' is no fiscal year"),
        ("4711", "4" * 81, "cost_centre", "has 81 characters"),
    ],
)
def test_a_wrong_field_is_told_with_line_and_column(
    old: str, new: str, column: str, problem: str
) -> None:
    good = LINE.replace("launches-2027", "good")
    found = read(file(good, LINE.replace(old, new, 1)))
    assert [line.envelope for line in found.lines] == ["envelopes/good"]
    ((line, at, said),) = told(found)
    assert (line, at) == (3, column)
    assert problem in said


def test_an_envelope_twice_in_a_file_names_the_first_line() -> None:
    found = read(file(LINE, LINE.replace("launches-2027", "other"), LINE))
    assert told(found) == [(4, "envelope", "envelopes/launches-2027 is on line 2 already")]


def test_every_error_of_every_line_is_told() -> None:
    wrong = LINE.replace("EUR", "XXX").replace("people/fay", "fay").replace("2027,4", "x,4")
    found = read(file(wrong, wrong.replace("launches-2027", "b")))
    assert [(line, column) for line, column, _ in told(found)] == [
        (line, column) for line in (2, 3) for column in ("owner", "fiscal_year", "currency")
    ]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("5", "JPY", 5),
        ("1.234", "KWD", 1_234),
        ("1.2345", "CLF", 12_345),
        ("1.5", "EUR", 150),
        ("1.500", "EUR", 150),
        ("92233720368547758.07", "EUR", INT64_MAX),
    ],
)
def test_an_amount_has_the_exponent_of_its_currency(text: str, currency: str, minor: int) -> None:
    assert amount_minor(text, currency) == minor


@given(st.integers(1, INT64_MAX), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_every_amount_that_is_written_is_read_as_it_was(minor: int, currency: str) -> None:
    digits = exponent(currency)
    whole, rest = divmod(minor, 10**digits)
    text = f"{whole}.{rest:0{digits}d}" if digits else str(whole)
    assert amount_minor(text, currency) == minor


def test_a_line_for_an_envelope_that_exists_agrees_with_it_or_says_nothing() -> None:
    (line,) = read(file(LINE)).lines
    known = line.issued()
    (short,) = read(file("launches-2027,,,,,,EUR,1")).lines
    assert list(against([line, short], known_as(known).get)) == []
    other = Envelope(line.envelope, "Launches", 2026, "1", "y", "people/finn", "USD")
    found = list(against([line], known_as(other).get))
    assert [error.column for error in found] == [
        "currency",
        "display_name",
        "fiscal_year",
        "cost_centre",
        "purpose",
        "owner",
    ]


def test_a_line_for_a_new_envelope_says_everything() -> None:
    (short,) = read(file("launches-2027,,,,,,EUR,1")).lines
    found = list(against([short], known_as().get))
    assert [error.column for error in found] == [
        "display_name",
        "fiscal_year",
        "cost_centre",
        "purpose",
        "owner",
    ]


def test_a_supplement_that_overflows_the_envelope_is_told() -> None:
    (line,) = read(file("launches-2027,,,,,,EUR,0.02")).lines
    full = Envelope(
        line.envelope, "x", 2027, "1", "y", "people/fay", "EUR",
        Balances(appropriated=INT64_MAX - 1, available=INT64_MAX - 1),
    )  # fmt: skip
    assert [error.column for error in against([line], known_as(full).get)] == ["amount"]


@given(st.binary(max_size=300))
def test_whatever_the_bytes_there_are_lines_or_errors(content: bytes) -> None:
    found = read(content)
    assert found.errors or found.lines
