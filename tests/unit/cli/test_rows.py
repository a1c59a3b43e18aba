"""CSV as people's spreadsheets write it (the issue, Bad input): each error with its place."""

from pathlib import Path

import pytest

from investiture.charter.finding import DocumentBroken, Finding
from investiture.cli.rows import MOST_ROWS, Sheet, instant_of, sheet_of

HEADER = "delegator,delegate,purpose,until\n"
GOOD = HEADER + "sara,sam,pledge,2027-02-28\n"


def read(path: Path, content: str | bytes) -> Sheet:
    file = path / "x.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sheet_of(file, ("delegator", "delegate", "purpose", "until"), ("from", "limit"))


def wrong(path: Path, content: str | bytes) -> list[Finding]:
    with pytest.raises(DocumentBroken) as broken:
        read(path, content)
    return list(broken.value.findings)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    sheet = read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [(row.line, row.cells["delegator"]) for row in sheet.rows] == [(2, "sara")]


def test_columns_come_in_any_order_and_empty_lines_do_not_count(tmp_path: Path) -> None:
    sheet = read(tmp_path, "Until,purpose,delegate,DELEGATOR\n\n,,,\n2027-02-28,go,sam,sara\n")
    assert [(row.line, row.cells["delegator"]) for row in sheet.rows] == [(4, "sara")]


@pytest.mark.parametrize(
    ("content", "line", "field", "said"),
    [
        (GOOD.encode("utf-16"), 1, "", "UTF-16"),
        ((GOOD + "sära,sam,go,2027-02-28\n").encode("latin-1"), 3, "", "byte 2 of the line"),
        ("", 1, "delegator", "lacks"),
        (HEADER, 1, "", "no row"),
        ("delegator,delegate,purpose,until,boss\na,b,c,d,e\n", 1, "column 5", "boss"),
        ("delegator,delegate,purpose,until,until\na,b,c,d,e\n", 1, "column 5", "twice"),
        (GOOD + "sara,sam,go\n", 3, "", "3 cells where the header has 4"),
        (GOOD + "sara,,go,2027-02-28\n", 3, "delegate (column 2)", "is empty"),
        (GOOD + 'sara,"sam,go,2027-02-28\n', 3, "", ""),
    ],
)
def test_what_is_wrong_has_its_line_and_column(
    tmp_path: Path, content: str | bytes, line: int, field: str, said: str
) -> None:
    found = wrong(tmp_path, content)
    assert (found[0].line, found[0].field) == (line, field)
    assert said in found[0].message
    assert found[0].remedy


def test_all_rows_are_read_before_anything_is_said(tmp_path: Path) -> None:
    found = wrong(tmp_path, HEADER + ",sam,go,2027-02-28\nsara,,go,\n")
    assert [(one.line, one.field.partition(" ")[0]) for one in found] == [
        (2, "delegator"),
        (3, "delegate"),
        (3, "until"),
    ]


def test_100000_lines_are_refused_with_their_number_and_the_bound(tmp_path: Path) -> None:
    (found,) = wrong(tmp_path, HEADER + "sara,sam,go,2027-02-28\n" * 100_000)
    assert "100,000 rows" in found.message
    assert f"{MOST_ROWS:,}" in found.message
    assert found.remedy == "split the file"


def test_a_day_as_an_end_counts_and_an_instant_has_its_zone() -> None:
    assert instant_of("2027-02-28").ToJsonString() == "2027-02-28T00:00:00Z"
    assert instant_of("2027-02-28", ending=True).ToJsonString() == "2027-03-01T00:00:00Z"
    assert instant_of("2027-02-28T17:00+01:00").ToJsonString() == "2027-02-28T16:00:00Z"
    for bad in ("2027-02-30", "28.2.2027", "2027-02-28T17:00", ""):
        with pytest.raises(ValueError, match=r".+"):
            instant_of(bad)
