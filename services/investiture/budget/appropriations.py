"""The committee's appropriations as a CSV file: every line read and checked, or told why not.

Pure. Columns in any order: envelope, display_name, fiscal_year, cost_centre, purpose, owner,
currency, amount. A line for an envelope that exists is a supplementary appropriation; what it says
of the envelope has to be what is known, or empty.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from investiture.budget.domain import Envelope
from investiture.budget.ledger import INT64_MAX
from investiture.casework.amounts import exponent
from investiture.chassis.refusal import InvalidArgument

COLUMNS = (
    "envelope",
    "display_name",
    "fiscal_year",
    "cost_centre",
    "purpose",
    "owner",
    "currency",
    "amount",
)
_ALWAYS = ("envelope", "currency", "amount")
_ENVELOPE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PERSON = re.compile(r"people/[a-z0-9][a-z0-9._-]{0,62}")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_YEAR = re.compile(r"[0-9]{4}")
_LENGTHS = {"display_name": 200, "cost_centre": 80, "purpose": 200}
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line, from 1, and what to do; line 0 is the file as a whole."""

    line: int
    column: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Appropriation:
    """A line: an amount in minor units for an envelope, with what it says of that envelope."""

    line: int
    envelope: str
    display_name: str
    fiscal_year: int
    cost_centre: str
    purpose: str
    owner: str
    currency: str
    amount_minor: int

    def issued(self) -> Envelope:
        """The envelope that the line issues, empty."""
        return Envelope(
            name=self.envelope,
            display_name=self.display_name,
            fiscal_year=self.fiscal_year,
            cost_centre=self.cost_centre,
            purpose=self.purpose,
            owner=self.owner,
            currency=self.currency,
        )


@dataclass(frozen=True, slots=True)
class File:
    """What a file says: its lines, and everything that is wrong with them."""

    lines: tuple[Appropriation, ...]
    errors: tuple[LineError, ...]


def read(content: bytes) -> File:
    """Read a file as far as it can be read; without errors every line of it can be imported."""
    try:
        text = _decoded(content)
        rows = _rows(text)
        header = next(rows, None)
        if header is None:
            raise _Unreadable(LineError(0, "", "the file is empty", _HEADER_REMEDY))
        places = _places(*header)
    except _Unreadable as broken:
        return File((), (broken.error,))
    except _HeaderBroken as broken:
        return File((), broken.errors)
    lines: list[Appropriation] = []
    errors: list[LineError] = []
    seen: dict[str, int] = {}
    try:
        for number, cells in rows:
            if not any(cells):
                continue
            _line(number, cells, places, seen, lines, errors)
    except _Unreadable as broken:
        errors.append(broken.error)
    if not lines and not errors:
        errors.append(
            LineError(0, "", "there is a header and no line", "add a line for each appropriation")
        )
    return File(tuple(lines), tuple(errors))


def against(
    lines: Iterable[Appropriation],
    known: Callable[[str], Envelope | None],
    closed_years: frozenset[int] = frozenset(),
) -> Iterator[LineError]:
    """What contradicts the envelopes that exist, or is missing for those that do not."""
    for line in lines:
        present = known(line.envelope)
        year = line.fiscal_year if present is None else present.fiscal_year
        if year in closed_years or (present is not None and present.closed):
            problem = f"fiscal year {year} of {line.envelope} is closed"
            yield LineError(line.line, "fiscal_year", problem, "appropriate in a year that is open")
        if present is None:
            yield from _missing(line)
            continue
        for column in (
            "currency",
            "display_name",
            "fiscal_year",
            "cost_centre",
            "purpose",
            "owner",
        ):
            said, is_ = getattr(line, column), getattr(present, column)
            if said and said != is_:
                remedy = (
                    "name another envelope: each has one currency"
                    if column == "currency"
                    else "change the owner first (ChangeEnvelopeOwner), or leave the column empty"
                    if column == "owner"
                    else "leave it empty, or write what is known"
                )
                problem = f"{line.envelope} exists and has {is_}, not {said}"
                yield LineError(line.line, column, problem, remedy)
        if line.amount_minor > INT64_MAX - present.balances.appropriated:
            yield LineError(
                line.line,
                "amount",
                f"with it {line.envelope} would hold more than 64 bits of minor units",
                "issue another envelope",
            )


def owners(lines: Iterable[Appropriation], gone: Mapping[str, str]) -> Iterator[LineError]:
    """One error for each line whose owner cannot be one; `gone` says why, by person."""
    for line in lines:
        if line.owner in gone:
            yield LineError(line.line, "owner", gone[line.owner], "name a person who works here")


class _Unreadable(Exception):
    def __init__(self, error: LineError) -> None:
        super().__init__(error.problem)
        self.error = error


class _HeaderBroken(Exception):
    def __init__(self, errors: tuple[LineError, ...]) -> None:
        super().__init__(errors[0].problem)
        self.errors = errors


_HEADER_REMEDY = f"begin with the header: {','.join(COLUMNS)}"
_UTF_8 = "save the file as CSV in UTF-8"


def _decoded(content: bytes) -> str:
    if content[:2] in _UTF_16:
        raise _Unreadable(LineError(1, "", "the file is in UTF-16", _UTF_8))
    body = content.removeprefix(_BOM)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        byte = body[error.start]
        raise _Unreadable(
            LineError(line, "", f"the byte 0x{byte:02x} is no UTF-8", _UTF_8)
        ) from None
    zero = text.find("\0")
    if zero >= 0:
        line = text.count("\n", 0, zero) + 1
        raise _Unreadable(LineError(line, "", "there is a zero byte", _UTF_8))
    return text


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins on; blank lines are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _Unreadable(
                LineError(
                    begins,
                    "",
                    f"this is no CSV: {error}",
                    "close every quoted field, and double the quotes inside",
                )
            ) from None
        if cells is None:
            return
        if cells:
            yield begins, [cell.strip() for cell in cells]


def _places(number: int, header: list[str]) -> Mapping[str, int]:
    """Where each column stands; every unknown, missing and doubled one is told."""
    names = [name.casefold() for name in header]
    if len(names) == 1:
        for mark, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if mark in names[0]:
                problem = f"the columns are separated by {called}"
                raise _Unreadable(LineError(number, "", problem, "separate them by commas"))
    errors = [
        LineError(number, name, "there is no such column", f"known are: {', '.join(COLUMNS)}")
        for name in dict.fromkeys(names)
        if name not in COLUMNS
    ]
    errors += [
        LineError(number, name, "the column is there twice", "keep one of them")
        for name in dict.fromkeys(names)
        if name in COLUMNS and names.count(name) > 1
    ]
    errors += [
        LineError(number, name, "the column is missing", _HEADER_REMEDY)
        for name in COLUMNS
        if name not in names
    ]
    if errors:
        raise _HeaderBroken(tuple(errors))
    return {name: place for place, name in enumerate(names)}


def _line(
    number: int,
    cells: list[str],
    places: Mapping[str, int],
    seen: dict[str, int],
    lines: list[Appropriation],
    errors: list[LineError],
) -> None:
    if len(cells) != len(places):
        problem = f"there are {len(cells)} fields, the header has {len(places)}"
        remedy = "quote fields with commas in them; write amounts without separators"
        errors.append(LineError(number, "", problem, remedy))
        return
    said = {name: cells[place] for name, place in places.items()}
    wrong = list(_wrong(number, said))
    envelope = f"envelopes/{said['envelope'].removeprefix('envelopes/')}"
    if envelope in seen:
        problem = f"{envelope} is on line {seen[envelope]} already"
        wrong.append(LineError(number, "envelope", problem, "keep one line, with the sum"))
    elif said["envelope"]:
        seen[envelope] = number
    minor = 0
    try:
        minor = amount_minor(said["amount"], said["currency"])
    except ValueError as error:
        column, problem, remedy = error.args
        if said[column]:  # an empty one was told above
            wrong.append(LineError(number, column, problem, remedy))
    if wrong:
        errors.extend(wrong)
        return
    lines.append(
        Appropriation(
            line=number,
            envelope=envelope,
            display_name=said["display_name"],
            fiscal_year=int(said["fiscal_year"] or 0),
            cost_centre=said["cost_centre"],
            purpose=said["purpose"],
            owner=said["owner"],
            currency=said["currency"],
            amount_minor=minor,
        )
    )


def _wrong(number: int, said: Mapping[str, str]) -> Iterator[LineError]:
    for name in _ALWAYS:
        if not said[name]:
            yield LineError(number, name, "is empty", "fill it in")
    if said["envelope"] and not _ENVELOPE.fullmatch(said["envelope"].removeprefix("envelopes/")):
        problem = f"{_shown(said['envelope'])} is no id of an envelope"
        yield LineError(number, "envelope", problem, "use a-z, 0-9 and -, at most 63 of them")
    if said["owner"] and not _PERSON.fullmatch(said["owner"]):
        problem = f"{_shown(said['owner'])} is no person"
        yield LineError(number, "owner", problem, "write people/{person}")
    year = said["fiscal_year"]
    if year and not (_YEAR.fullmatch(year) and 2000 <= int(year) <= 2200):
        problem = f"{_shown(year)} is no fiscal year"
        yield LineError(number, "fiscal_year", problem, "write a year from 2000 to 2200")
    for name, most in _LENGTHS.items():
        if len(said[name]) > most:
            yield LineError(number, name, f"has {len(said[name])} characters", f"at most {most}")


def _missing(line: Appropriation) -> Iterator[LineError]:
    for column in ("display_name", "fiscal_year", "cost_centre", "purpose", "owner"):
        if not getattr(line, column):
            problem = f"is empty, and {line.envelope} is new"
            yield LineError(line.line, column, problem, "fill it in, or correct the envelope")


def amount_minor(text: str, currency: str) -> int:
    """Minor units of a decimal amount: 48000.50 EUR is 4,800,050.

    Raises:
        ValueError: with the column, the problem and the remedy.
    """
    try:
        digits = exponent(currency)
    except InvalidArgument:
        problem = f"{_shown(currency)} is no ISO 4217 currency with minor units"
        raise ValueError("currency", problem, "write a code such as EUR") from None
    if not _DECIMAL.fullmatch(text):
        problem = f"{_shown(text)} is no decimal number"
        raise ValueError(
            "amount", problem, "write digits with a point, without separators: 48000.50"
        )
    whole, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > digits:
        problem = f"{_shown(text)} has more decimals than the {digits} of {currency}"
        raise ValueError("amount", problem, "round it to the minor unit")
    if text.startswith("-"):
        raise ValueError("amount", f"{_shown(text)} is negative", "an appropriation is more than 0")
    minor = (
        int(whole + fraction.rstrip("0").ljust(digits, "0")) if len(whole) < _MOST_DIGITS else -1
    )
    if minor == 0:
        raise ValueError("amount", "is zero", "leave the line out, or write an amount")
    if not 0 < minor <= INT64_MAX:
        raise ValueError(
            "amount", f"{_shown(text)} does not fit 64 bits of minor units", "write less"
        )
    return minor


_MOST_DIGITS = 40


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
