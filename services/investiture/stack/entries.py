"""Files that say who there is and what money: people (YAML or CSV) and envelopes (YAML)."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from google.type.money_pb2 import Money
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from investiture.api.budget.v1 import budget_service_pb2 as budget_pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.charter.document import At, Document, read
from investiture.charter.finding import DocumentBroken, Finding, Severity
from investiture.charter.typed import typed
from investiture.charter.vocabulary import Id, PersonId
from investiture.stack import amounts

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _bare_unit(value: object) -> object:
    return value.removeprefix("units/") if isinstance(value, str) else value


def _amount(value: object) -> object:
    if isinstance(value, str):
        amounts.parse(value)  # its ValueError becomes the finding
    return value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PersonEntry(_Part):
    """A person as a file says it."""

    id: PersonId
    name: Text
    email: str = ""
    unit: Annotated[Id | None, BeforeValidator(_bare_unit)] = None
    grade: Id
    active: bool = True
    manager: PersonId | None = None
    guest_of: str | None = None

    def message(self) -> sponsorship_pb.Person:
        """Return the person as the API takes it."""
        return sponsorship_pb.Person(
            name=self.id,
            display_name=self.name,
            email=self.email,
            unit=f"units/{self.unit}" if self.unit else "",
            grade=self.grade,
            active=self.active,
            manager=self.manager or "",
            guest_of=self.guest_of or "",
        )


class EnvelopeEntry(_Part):
    """An envelope as a file says it."""

    id: Id
    name: Text
    fiscal_year: Annotated[int, Field(ge=2000, le=2200)]
    cost_centre: Text
    purpose: Text
    owner: PersonId
    appropriation: Annotated[str, BeforeValidator(_amount)]
    issued_by: PersonId

    def request(self, request_id: str) -> budget_pb.IssueEnvelopeRequest:
        """Return the request that issues it."""
        return budget_pb.IssueEnvelopeRequest(
            request_id=request_id,
            envelope_id=self.id,
            display_name=self.name,
            fiscal_year=self.fiscal_year,
            cost_centre=self.cost_centre,
            purpose=self.purpose,
            owner=self.owner,
            appropriation=self.money(),
        )

    def money(self) -> Money:
        """Return the appropriation."""
        return amounts.parse(self.appropriation)


class _People(_Part):
    people: Annotated[tuple[PersonEntry, ...], Field(min_length=1, max_length=5000)]


class _Envelopes(_Part):
    envelopes: Annotated[tuple[EnvelopeEntry, ...], Field(min_length=1)]


def people_of(path: Path) -> tuple[PersonEntry, ...]:
    """Read people from a YAML file (``people:``) or a CSV file (a header with the same names).

    Raises:
        DocumentBroken: with file, line, field and remedy of each thing that is wrong.
    """
    document = _table(path) if path.suffix.lower() == ".csv" else read(path)
    return typed(document, _People).people


def envelopes_of(path: Path) -> tuple[EnvelopeEntry, ...]:
    """Read envelopes from a YAML file.

    Raises:
        DocumentBroken: with file, line, field and remedy of each thing that is wrong.
    """
    return typed(read(path), _Envelopes).envelopes


def _table(path: Path) -> Document:
    """Return a CSV file as the document a YAML file with the same people would be."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        remedy = "give the path of a readable UTF-8 file"
        raise _broken(path, 1, "file-unreadable", "it cannot be read", remedy) from None
    rows = csv.DictReader(io.StringIO(text), strict=True)
    people: list[dict[str, Any]] = []
    lines: dict[At, int] = {("people",): 1}
    try:
        for row in rows:
            at: At = ("people", len(people))
            lines |= {at: rows.line_num} | {(*at, name): rows.line_num for name in row}
            people.append(_values(row))
    except csv.Error as error:
        raise _broken(path, rows.line_num, "csv-syntax", str(error), "mend the line") from None
    return Document(str(path), {"people": people}, lines)


def _values(row: Mapping[str | None, Any]) -> dict[str, Any]:
    """Return a row without its empty cells; cells beyond the header get a name nobody knows."""
    named = {name or "(beyond the header)": value for name, value in row.items()}
    known = PersonEntry.model_fields
    given = {n: v for n, v in named.items() if v not in (None, "") or n not in known}
    active = str(given.get("active", "true")).lower()
    return given | {"active": _TRUTHS.get(active, active)}


def _broken(path: Path, line: int, rule: str, why: str, remedy: str) -> DocumentBroken:
    return DocumentBroken([Finding(str(path), line, rule, Severity.ERROR, why, remedy)])
