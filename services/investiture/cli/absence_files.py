"""Absences from a CSV file: each thing that is wrong by its line, nothing half read."""

import csv
import io
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import grpc

from investiture.api.sponsorship.v1 import absences_pb2 as pb
from investiture.charter.finding import DocumentBroken, Finding, Severity
from investiture.chassis.client import explain

_COLUMNS = ("person", "from", "until", "deputy")
_MOST = 5_000
_AT = re.compile(r"absences\[(\d+)\]\.(\w+)")
_PERSON = re.compile(r"(people/)?[a-z0-9][a-z0-9._-]{0,62}")


def absences_of(path: Path) -> list[tuple[int, pb.PlannedAbsence]]:
    """Read absences, each with its line, from a CSV file with the columns `person`, `from`, ….

    The columns are `person`, `from`, `until` and `deputy`; only the first is needed.

    Days begin at midnight of this machine's time zone; `until` is the first day back.

    Raises:
        DocumentBroken: with file, line, field and remedy of each thing that is wrong.
    """
    rows = list(_rows(path))
    wrong: list[Finding] = []
    first: dict[tuple[str, ...], int] = {}
    found: list[tuple[int, pb.PlannedAbsence]] = []
    for line, row in rows:
        planned, broken = _planned(path, line, row)
        found.append((line, planned))
        wrong += broken
        key = tuple(row.get(name, "") for name in _COLUMNS)
        before = first.setdefault(key, line)
        if before != line:
            why = f"this absence comes twice, first on line {before}"
            wrong.append(_finding(path, line, "twice", why, "keep one of them", "person"))
    if not rows:
        wrong.append(_finding(path, 1, "empty", "there is no absence in it", "add a line"))
    if len(rows) > _MOST:
        why = f"{len(rows)} absences are more than {_MOST}"
        wrong.append(_finding(path, rows[_MOST][0], "too-many", why, "split the file"))
    if wrong:
        raise DocumentBroken(wrong)
    return found


@contextmanager
def told_by_line(path: Path, lines: Sequence[int]) -> Generator[None]:
    """Turn a refusal that names `absences[3].person` into findings that name the file's line."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        found = [
            _finding(path, lines[int(at[1])], "refused", one.description, "mend the line", at[2])
            for one in explain(error).violations
            if (at := _AT.fullmatch(one.field)) is not None
        ]
        if found:
            raise DocumentBroken(found) from None
        raise


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        remedy = "give the path of a readable UTF-8 file"
        raise _broken(path, 1, "file-unreadable", "it cannot be read", remedy) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, Mapping[str, str]]] = []
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        _check_header(path, header)
        for cells in reader:
            if len(cells) > len(header):
                why = f"{len(cells)} cells under {len(header)} columns"
                raise _broken(path, reader.line_num, "too-many-cells", why, "quote what has commas")
            if any(cell.strip() for cell in cells):
                named = dict(zip(header, (cell.strip() for cell in cells), strict=False))
                found.append((reader.line_num, named))
    except csv.Error as error:
        raise _broken(path, reader.line_num, "csv-syntax", str(error), "mend the line") from None
    return found


def _check_header(path: Path, header: Sequence[str]) -> None:
    wanted = f"the first line names the columns: {','.join(_COLUMNS)}"
    strange = [name for name in header if name not in _COLUMNS]
    if strange or "person" not in header:
        why = f"{', '.join(strange)} is no column" if strange else "there is no column person"
        raise _broken(path, 1, "header", why, wanted)
    if len(set(header)) != len(header):
        raise _broken(path, 1, "header", "a column comes twice", wanted)


def _planned(
    path: Path, line: int, row: Mapping[str, str]
) -> tuple[pb.PlannedAbsence, list[Finding]]:
    wrong: list[Finding] = []
    planned = pb.PlannedAbsence(person=_name(row["person"]), deputy=_name(row.get("deputy", "")))
    for column in ("person", "deputy"):
        said = row.get(column, "")
        if (said or column == "person") and not _PERSON.fullmatch(said):
            why = f"{said!r} names nobody"
            wrong.append(_finding(path, line, "person", why, "write people/ada, or ada", column))
    for column, target in (("from", planned.starts_at), ("until", planned.ends_at)):
        said = row.get(column, "")
        if not said:
            continue
        try:
            target.FromDatetime(datetime.fromisoformat(said).astimezone())
        except (ValueError, OverflowError):
            why = f"{said!r} is no date"
            wrong.append(_finding(path, line, "date", why, "write 2027-01-11", column))
    return planned, wrong


def _name(said: str) -> str:
    return said if not said or said.startswith("people/") else f"people/{said}"


def _finding(path: Path, line: int, rule: str, why: str, remedy: str, field: str = "") -> Finding:
    return Finding(str(path), line, rule, Severity.ERROR, why, remedy, field)


def _broken(path: Path, line: int, rule: str, why: str, remedy: str) -> DocumentBroken:
    return DocumentBroken([_finding(path, line, rule, why, remedy)])
