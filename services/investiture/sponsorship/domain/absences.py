"""Absences of people: dated, or until they are cleared; they give and take no authority."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from investiture.chassis.refusal import FieldViolation, InvalidArgument, Stale
from investiture.sponsorship.domain.people import Person


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which `person` is away; without an end until it is cleared."""

    name: str
    person: str
    starts_at: datetime
    ends_at: datetime | None
    deputy: str
    set_by: str
    cleared_at: datetime | None = None
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes with every version."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]

    def over(self, at: datetime) -> bool:
        """Whether nothing of it is left at an instant."""
        cleared = self.cleared_at is not None
        return cleared or (self.ends_at is not None and self.ends_at <= at)


@dataclass(frozen=True, slots=True)
class Planned:
    """An absence as it is asked for; from now where its start is unset."""

    person: str
    starts_at: datetime | None
    ends_at: datetime | None
    deputy: str = ""

    def says(self, known: Absence) -> bool:
        """Whether an absence that is known is just this one."""
        mine = (self.person, self.starts_at, self.ends_at, self.deputy)
        return mine == (known.person, known.starts_at, known.ends_at, known.deputy)


def check(planned: Sequence[Planned], people: Mapping[str, Person], now: datetime) -> None:
    """Refuses, each field by its path, what cannot be: `absences[2].ends_at`.

    Who is away and whom to ask meanwhile are active staff and two people; it ends after its start
    and in the future; none comes twice.
    """
    wrong = [
        violation
        for index, one in enumerate(planned)
        for violation in _wrong(f"absences[{index}].", one, people, now)
    ]
    first: dict[Planned, int] = {}
    for index, one in enumerate(planned):
        before = first.setdefault(one, index)
        if before != index:
            why = f"this absence comes twice, first as absences[{before}]; keep one of them"
            wrong.append(FieldViolation(f"absences[{index}].person", why))
    if wrong:
        raise InvalidArgument(violations=wrong)


def check_one(planned: Planned, people: Mapping[str, Person], now: datetime) -> None:
    """The same of a single absence, whose fields have no index."""
    wrong = list(_wrong("", planned, people, now))
    if wrong:
        raise InvalidArgument(violations=wrong)


def cleared(absence: Absence, etag: str, now: datetime) -> Absence:
    """The absence cleared; one that is over stays as it is."""
    if etag != absence.etag:
        raise Stale(absence.name, absence.etag)
    if absence.over(now):
        return absence
    return replace(absence, cleared_at=now, version=absence.version + 1)


def _wrong(
    at: str, one: Planned, people: Mapping[str, Person], now: datetime
) -> Iterable[FieldViolation]:
    yield from _decides(f"{at}person", one.person, people)
    if one.deputy:
        yield from _decides(f"{at}deputy", one.deputy, people)
    if one.deputy == one.person:
        yield FieldViolation(f"{at}deputy", "name somebody else, or nobody")
    if one.ends_at is not None and one.ends_at <= max(one.starts_at or now, now):
        yield FieldViolation(f"{at}ends_at", "must lie after the start, in the future")


def _decides(field: str, name: str, people: Mapping[str, Person]) -> Iterable[FieldViolation]:
    person = people.get(name)
    if person is None:
        yield FieldViolation(field, f"{name or 'nobody'} is not in the directory")
    elif not person.able:
        why = "is a guest" if person.guest else "has left"
        yield FieldViolation(field, f"{name} {why}, so nothing waits for them")
