"""CSV files with a header, read row by row: everything wrong is said with its line and column."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from investiture.charter.finding import DocumentBroken, Finding, Severity
from investiture.chassis.client import explain

MOST_ROWS = 5_000
"""Rows of one import: what the API takes at once, all or none."""

_PLACE = re.compile(r"[a-z]+\[(?P<row>[0-9]+)\]\.?(?P<field>[a-z_]*)")
_SPREADSHEET = "save it as CSV in UTF-8 (with or without a byte-order mark)"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, and its cells by column."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's rows."""

    file: str
    columns: Sequence[str]
    rows: Sequence[Row]

    def finding(self, row: Row, column: str, why: str, remedy: str = "correct it") -> Finding:
        """What is wrong with a cell."""
        return _finding(self.file, row.line, _named(self.columns, column), why, remedy)

    def located(self, error: grpc.aio.AioRpcError, columns: Mapping[str, str]) -> Exception:
        """A refusal of rows by their lines; any other as it is.

        `columns` names the column of an API's field where they differ.
        """
        problem = explain(error)
        found: list[Finding] = []
        for one in problem.violations:
            place = _PLACE.match(one.field)
            if place is None or int(place["row"]) >= len(self.rows):
                return error
            column = columns.get(place["field"], place["field"])
            found.append(self.finding(self.rows[int(place["row"])], column, one.description))
        return DocumentBroken(found) if found else error


def sheet_of(path: Path, needed: Sequence[str], optional: Sequence[str]) -> Sheet:
    """Reads a CSV file with these columns, in any order; empty lines do not count.

    Raises:
        DocumentBroken: with file, line and column of each thing that is wrong: not UTF-8, a header
            that lacks a column or has one twice or an unknown one, a row of another length, a
            needed cell that is empty, or more rows than one import takes.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    file = str(path)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(file, header, needed, optional)
        rows, wrong = _rows(file, reader, header, needed)
    except csv.Error as error:
        raise _broken(file, reader.line_num, "", str(error), "mend the line") from None
    if wrong:
        raise DocumentBroken(wrong)
    if not rows:
        raise _broken(file, 1, "", "there is no row below the header", "add one")
    return Sheet(file, header, rows)


def read_cells(sheet: Sheet, read: Callable[[Row], Iterator[Finding]]) -> None:
    """Reads every row.

    Raises:
        DocumentBroken: what `read` found, of all rows at once.
    """
    wrong = [finding for row in sheet.rows for finding in read(row)]
    if wrong:
        raise DocumentBroken(wrong)


def instant_of(text: str, *, ending: bool = False) -> Timestamp:
    """An instant as people write it: `2027-02-28`, or with a time and a zone.

    A bare date is its first moment in UTC; as an end its last: the day counts.

    Raises:
        ValueError: it is neither.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("say the zone: 2027-02-28T17:00+01:00, or the day alone") from None
    else:
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        at += timedelta(days=1) if ending else timedelta()
    made = Timestamp()
    made.FromDatetime(at.astimezone(UTC))
    return made


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError:
        found = Finding(
            str(path), 1, "file-unreadable", Severity.ERROR, "it cannot be read", "give its path"
        )
        raise DocumentBroken([found]) from None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _broken(str(path), 1, "", "it is UTF-16, not UTF-8", _SPREADSHEET)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        why = f"byte {column} of the line is no UTF-8"
        raise _broken(str(path), line, "", why, _SPREADSHEET) from None


def _check_header(
    file: str, header: Sequence[str], needed: Sequence[str], optional: Sequence[str]
) -> None:
    known = [*needed, *optional]
    wrong = [
        _finding(file, 1, name, "the header lacks this column", f"columns are {', '.join(known)}")
        for name in needed
        if name not in header
    ]
    for place, name in enumerate(header):
        if name not in known:
            wrong.append(
                _finding(
                    file,
                    1,
                    f"column {place + 1}",
                    f"nobody knows a column {name!r}",
                    f"columns are {', '.join(known)}",
                )
            )
        elif name in header[:place]:
            at = f"column {place + 1}"
            wrong.append(_finding(file, 1, at, f"{name} comes twice", "keep one of them"))
    if wrong:
        raise DocumentBroken(wrong)


def _rows(
    file: str, reader: Iterator[list[str]], header: Sequence[str], needed: Sequence[str]
) -> tuple[list[Row], list[Finding]]:
    rows: list[Row] = []
    wrong: list[Finding] = []
    count = 0
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > MOST_ROWS:
            continue
        line: int = reader.line_num  # type: ignore[attr-defined]  # typeshed hides csv's own reader
        if len(cells) != len(header):
            why = f"{len(cells)} cells where the header has {len(header)}"
            wrong.append(_finding(file, line, "", why, "quote a cell that has a comma in it"))
            continue
        row = Row(line, {n: c.strip() for n, c in zip(header, cells, strict=True)})
        wrong += [
            _finding(file, line, _named(header, name), "is empty", "fill it in")
            for name in needed
            if not row.cells[name]
        ]
        rows.append(row)
    if count > MOST_ROWS:
        why = f"{count:,} rows; an import takes at most {MOST_ROWS:,}, all or none"
        return rows, [_finding(file, MOST_ROWS + 2, "", why, "split the file")]
    return rows, wrong


def _named(columns: Sequence[str], column: str) -> str:
    return f"{column} (column {columns.index(column) + 1})" if column in columns else column


def _finding(file: str, line: int, field: str, why: str, remedy: str) -> Finding:
    return Finding(file, line, "csv-row", Severity.ERROR, why, remedy, field)


def _broken(file: str, line: int, field: str, why: str, remedy: str) -> DocumentBroken:
    return DocumentBroken([_finding(file, line, field, why, remedy)])
