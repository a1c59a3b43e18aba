"""A file of absences: what is wrong with it is said by line, and nothing of it is used."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from investiture.charter.finding import DocumentBroken
from investiture.cli.absence_files import absences_of

HEAD = "person,from,until,deputy"


def written(tmp_path: Path, *lines: str, start: bytes = b"") -> Path:
    file = tmp_path / "absences.csv"
    file.write_bytes(start + "\r\n".join(lines).encode() + b"\r\n")
    return file


def test_days_begin_at_midnight_here_and_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    file = written(
        tmp_path, HEAD, "fay,2027-01-04,2027-01-11,people/finn", "", "vera", start=b"\xef\xbb\xbf"
    )
    (line, fay), (other, vera) = absences_of(file)
    assert (line, other) == (2, 4)
    assert (fay.person, fay.deputy, vera.person) == ("people/fay", "people/finn", "people/vera")
    begins = datetime(2027, 1, 4).astimezone()
    assert fay.starts_at.ToDatetime(tzinfo=begins.tzinfo) == begins
    assert fay.ends_at.ToDatetime(tzinfo=begins.tzinfo) - begins == timedelta(days=7)
    assert not vera.HasField("starts_at")
    assert not vera.HasField("ends_at")


@pytest.mark.parametrize(
    ("lines", "line", "rule", "field"),
    [
        (("who,from", "fay,2027-01-04"), 1, "header", ""),
        (("from,until", "2027-01-04,"), 1, "header", ""),
        (("person,person", "fay,fay"), 1, "header", ""),
        ((HEAD,), 1, "empty", ""),
        ((HEAD, "fay,tomorrow,,"), 2, "date", "from"),
        ((HEAD, "fay,,2027-02-30,"), 2, "date", "until"),
        ((HEAD, "fay,,9999-12-31T23:59-23:00,"), 2, "date", "until"),
        ((HEAD, ",2027-01-04,,"), 2, "person", "person"),
        ((HEAD, "fay,,,Finn M"), 2, "person", "deputy"),
        ((HEAD, "fay,,,", "vera,,,", "fay,,,"), 4, "twice", "person"),
        ((HEAD, "fay,,,finn,extra"), 2, "too-many-cells", ""),
        ((HEAD, 'fay,"2027'), 2, "csv-syntax", ""),
        ((HEAD, *(f"p{n}" for n in range(5_001))), 5_002, "too-many", ""),
    ],
)
def test_what_is_wrong_is_said_by_its_line(
    tmp_path: Path, lines: tuple[str, ...], line: int, rule: str, field: str
) -> None:
    with pytest.raises(DocumentBroken) as broken:
        absences_of(written(tmp_path, *lines))
    (found,) = broken.value.findings
    assert (found.line, found.rule, found.field) == (line, rule, field)


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentBroken) as broken:
        absences_of(written(tmp_path, HEAD, start="ä".encode("latin-1")))
    assert broken.value.findings[0].rule == "file-unreadable"
