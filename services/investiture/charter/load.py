"""A charter from a file: read, typed, linted; a broken one stops the start."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from investiture.charter.document import At, parse, text_of
from investiture.charter.finding import CharterBroken, DocumentBroken, Finding, errors
from investiture.charter.lint import lint
from investiture.charter.model import Charter
from investiture.charter.typed import typed


@dataclass(frozen=True, slots=True)
class Examination:
    """A file looked at: the charter, unless there are errors, and all findings by line."""

    charter: Charter | None
    findings: tuple[Finding, ...]


def load(path: Path | str) -> Charter:
    """Read the charter of a file; warnings do not stop it, :func:`examine` has them.

    Raises:
        CharterBroken: with every finding, by file, line and rule.
    """
    return _sound(examine(path))


def load_text(text: str, file: str) -> Charter:
    """Read a charter that is not in a file (any more); ``file`` is how findings call it.

    Raises:
        CharterBroken: with every finding, by file, line and rule.
    """
    return _sound(examine_text(text, file))


def examine(path: Path | str) -> Examination:
    """Read and lint a file without raising, to see everything that is wrong at once."""
    try:
        return examine_text(text_of(Path(path)), str(path))
    except DocumentBroken as broken:
        return Examination(None, broken.findings)


def examine_text(text: str, file: str) -> Examination:
    """Lint a charter's text without raising; ``file`` is how findings call it."""
    found = _examined(text)
    return replace(found, findings=tuple(replace(one, file=file) for one in found.findings))


# A start has one text in three places: the file, the record, and the two compared.
@lru_cache(maxsize=4)
def _examined(text: str) -> Examination:
    try:
        document = parse(text, "")
        charter = typed(document, Charter, _governed)
    except DocumentBroken as broken:
        return Examination(None, broken.findings)
    findings = lint(charter, document)
    return Examination(None if errors(findings) else charter, findings)


def _sound(examination: Examination) -> Charter:
    if examination.charter is None:
        raise CharterBroken(examination.findings)
    return examination.charter


def _governed(at: At, value: object) -> tuple[str, str, str] | None:
    """Name errors of shape that are gaps or overlaps of governance by their rule."""
    match at:
        case ("relationships", int(), "owner") if isinstance(value, list):
            remedy = "keep one owner and list the others among the contributors"
            return "relationship-contested", "several units own the relationship", remedy
        case ("relationships", int(), "owner") if not value:
            message = "the relationship has no owner"
            return "relationship-unowned", message, "name the unit that owns it"
        case ("audiences", int(), "relationship") if not value:
            message = "no unit answers for the audience: it belongs to no relationship"
            return "audience-unanswered", message, "name the relationship it belongs to"
        case ("units", int(), "head") if not value:
            return "unit-headless", "the unit has no head", "name its head, as people/…"
        case ("slas", str(), "duration" | "repeat") if value:
            remedy = "write business days (P3D) or working seconds (PT60S)"
            return "sla-duration", f"{value} is no time that can be agreed", remedy
        case ("fiscal_year", "starts") if value:
            remedy = "write month and day of every year as MM-DD, for instance 01-01 or 10-01"
            return "fiscal-year-start", f"{value} is no day of every year", remedy
        case _:
            return None
