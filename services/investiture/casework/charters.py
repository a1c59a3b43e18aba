"""The charters a service knows: the one in force at an instant, and each that a case is pinned to.

A case keeps the rules it was opened under, whatever is signed later, so charters are kept for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from investiture.charter.finding import errors
from investiture.charter.load import examine_text, load_text
from investiture.charter.model import Charter
from investiture.chassis.refusal import FieldViolation, InvalidArgument


@dataclass(frozen=True, slots=True)
class CharterRecord:
    """A charter as it was adopted: its text, since when it holds, and by which change.

    `change` is empty for the one that the service was first started with.
    """

    digest: str
    document: str
    since: datetime
    change: str = ""


@dataclass(frozen=True, slots=True)
class _Adopted:
    since: datetime
    change: str
    charter: Charter


class Charters:
    """Every charter on record, parsed once. `adopt` replaces what is known in one step."""

    def __init__(self, records: Iterable[CharterRecord]) -> None:
        self._parsed: dict[str, Charter] = {}
        self._adopted: tuple[_Adopted, ...] = ()
        self.adopt(records)

    @classmethod
    def only(cls, charter: Charter, since: datetime) -> "Charters":
        """One charter and no other, for whoever has it parsed already."""
        made = cls(())
        made._parsed[charter.digest] = charter
        made._adopted = (_Adopted(since, "", charter),)
        return made

    def adopt(self, records: Iterable[CharterRecord]) -> None:
        """Makes known what is on record; what is known stays known."""
        known = {one.change: one for one in self._adopted}
        for record in records:
            if record.change not in known:
                charter = self._parsed.get(record.digest) or load_text(
                    record.document, record.change or "the first charter"
                )
                self._parsed[record.digest] = charter
                known[record.change] = _Adopted(record.since, record.change, charter)
        self._adopted = tuple(sorted(known.values(), key=lambda one: (one.since, one.change)))

    def in_force(self, now: datetime) -> Charter:
        """The charter adopted last before `now`; the first where none was yet."""
        return self._at(now).charter

    def knows(self, change: str) -> bool:
        """Whether the charter of a change is on record."""
        return any(one.change == change for one in self._adopted)

    @property
    def every(self) -> tuple[Charter, ...]:
        """Each charter on record: cases are pinned to any of them."""
        return tuple(one.charter for one in self._adopted)

    def known(self, digest: str) -> Charter | None:
        """The charter of a digest, as far as it was adopted here."""
        return self._parsed.get(digest)

    def _at(self, now: datetime) -> _Adopted:
        begun = [one for one in self._adopted if one.since <= now]
        return begun[-1] if begun else self._adopted[0]


def proposed_charter(document: str) -> Charter:
    """The charter of a text; INVALID_FIELD with each finding of the lint, by line and rule."""
    found = examine_text(document, "the proposed charter")
    if found.charter is None:
        raise InvalidArgument(
            violations=[
                FieldViolation(
                    "document", f"line {one.line}: [{one.rule}] {one.message}; {one.remedy}"
                )
                for one in errors(found.findings)
            ]
        )
    return found.charter
