"""The register of conflicts of interest: who has an interest in what, from when until when."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from investiture.casework.conflicts import subject_key
from investiture.charter.model import Charter
from investiture.chassis.refusal import Denied, FieldViolation, InvalidArgument, Stale
from investiture.sponsorship.domain.organisation import find_unit

OVERSEERS = frozenset({"governance", "auditor"})
"""Who may declare and end another person's interest."""


class InterestKind(StrEnum):
    """What an interest consists of. Values equal the API's enum names without their prefix."""

    OWNERSHIP = "OWNERSHIP"
    EMPLOYMENT = "EMPLOYMENT"
    FAMILY = "FAMILY"
    BENEFIT = "BENEFIT"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Interest:
    """A declared interest of a person in a vendor, a program or a unit."""

    name: str
    person: str
    subject: str
    kind: InterestKind
    note: str
    starts_at: datetime
    declared_by: str
    ends_at: datetime | None = None
    version: int = 1

    @property
    def etag(self) -> str:
        """Changes with every version."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What somebody declares; no start means now, no end that none is known."""

    person: str
    subject: str
    kind: InterestKind
    note: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def require_declarer(person: str, actor: str, roles: Collection[str]) -> None:
    """Refuses with NOT_A_HOLDER who declares or ends another person's interest without office."""
    if person != actor and not OVERSEERS & set(roles):
        raise Denied(
            "NOT_A_HOLDER",
            f"{actor} declares and ends their own interests; governance or an auditor does it for "
            f"{person}",
        )


def declared(
    charter: Charter, said: Declaration, name: str, declared_by: str, now: datetime, at: str = ""
) -> Interest:
    """The interest that a declaration makes; INVALID_FIELD by the paths below `at`."""
    wrong = list(violations(charter, said, now, at))
    if wrong:
        raise InvalidArgument(violations=wrong)
    return Interest(
        name=name,
        person=said.person,
        subject=said.subject,
        kind=said.kind,
        note=said.note,
        starts_at=max(said.starts_at or now, now),
        ends_at=said.ends_at,
        declared_by=declared_by,
    )


def violations(
    charter: Charter, said: Declaration, now: datetime, at: str = ""
) -> Iterable[FieldViolation]:
    """What is wrong with a declaration, each field by its path below `at`."""
    if said.ends_at is not None and said.ends_at <= max(said.starts_at or now, now):
        yield FieldViolation(f"{at}ends_at", "must lie after the start, in the future; or leave it")
    if said.subject.startswith("units/") and find_unit(charter, said.subject) is None:
        known = ", ".join(f"units/{unit.id}" for unit in charter.units)
        yield FieldViolation(f"{at}subject", f"the charter's units are {known}")
    if said.subject.startswith("vendors/") and subject_key(said.subject) == "vendors/":
        yield FieldViolation(f"{at}subject", "name the vendor as programs name it")
    if said.kind is InterestKind.OTHER and not said.note.strip():
        yield FieldViolation(f"{at}note", "say what the interest is")


def repeated(said: Sequence[Declaration], at: str) -> Iterable[FieldViolation]:
    """Declarations of one person, subject and kind that come twice, each by its row."""
    first: dict[tuple[str, str, InterestKind], int] = {}
    for index, one in enumerate(said):
        key = (one.person, subject_key(one.subject), one.kind)
        before = first.setdefault(key, index)
        if before != index:
            why = f"{one.person} has declared this in row {before + 1} already; keep one of them"
            yield FieldViolation(f"{at}[{index}].subject", why)


def ended(
    interest: Interest, etag: str, actor: str, roles: Collection[str], now: datetime
) -> Interest:
    """The interest ended from `now` on; ending it again changes nothing.

    Refuses with NOT_A_HOLDER a stranger, and a person who would end what another declared of them.
    """
    require_declarer(interest.person, actor, roles)
    if actor == interest.person and interest.declared_by != actor:
        raise Denied(
            "NOT_A_HOLDER",
            f"{interest.declared_by} declared {interest.name} of you; governance or an auditor "
            "ends it",
        )
    if etag != interest.etag:
        raise Stale(interest.name, interest.etag)
    if interest.ends_at is not None and interest.ends_at <= now:
        return interest
    return replace(interest, ends_at=max(now, interest.starts_at), version=interest.version + 1)
