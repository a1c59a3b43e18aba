"""The directory of people, and what an import may do to it: all of it or nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from investiture.charter.digest import digest
from investiture.charter.model import Charter
from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.sponsorship.domain.organisation import find_unit


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the directory; a guest belongs to an agency or a vendor and to no unit."""

    name: str
    display_name: str
    email: str = ""
    unit: str = ""
    grade: str = ""
    active: bool = True
    manager: str = ""
    guest_of: str = ""

    @property
    def guest(self) -> bool:
        """Whether the person comes from outside: sees and answers, decides nothing."""
        return bool(self.guest_of)

    @property
    def able(self) -> bool:
        """Whether the person may decide anything at all."""
        return self.active and not self.guest


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import changes, each person as they are afterwards, and the directory's digest."""

    added: tuple[Person, ...]
    changed: tuple[Person, ...]
    deactivated: tuple[Person, ...]
    digest: str

    @property
    def unable(self) -> frozenset[str]:
        """Who decides nothing after it: who left, or became a guest."""
        return frozenset(p.name for p in (*self.changed, *self.deactivated) if not p.able)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What followed from an import: cases in other hands, and pledges that wait for a transfer."""

    handed_on: tuple[str, ...] = ()
    transfers: tuple[str, ...] = ()


def directory_digest(people: Iterable[Person]) -> str:
    """`sha256:…` over everybody in the directory, whatever the order they come in."""
    return digest([asdict(person) for person in sorted(people, key=lambda one: one.name)])


def plan_import(
    charter: Charter,
    present: Mapping[str, Person],
    people: Sequence[Person],
    *,
    replacing: bool,
    keeping: Collection[str] = (),
) -> ImportPlan:
    """What importing `people` does to the directory `present`, by name.

    `replacing` makes inactive whom it does not name, except `keeping`.

    Refuses with INVALID_FIELD, each field by its path: a name that comes twice; a unit, grade or
    manager that does not exist; a guest with a unit; an active person whose manager has left;
    managers in a circle.
    """
    wrong = [v for index, one in enumerate(people) for v in _misplaced(charter, index, one)]
    wrong += _twice(people)
    named = {one.name: one for one in people}
    absent = [o for name, o in present.items() if name not in named and name not in keeping]
    left = tuple(replace(o, active=False) for o in absent if o.active) if replacing else ()
    after = {**present, **named, **{one.name: one for one in left}}
    wrong += [v for index, one in enumerate(people) for v in _mismanaged(after, index, one)]
    if wrong:
        raise InvalidArgument(violations=sorted(wrong, key=lambda found: found.field))
    return ImportPlan(
        added=tuple(one for name, one in named.items() if name not in present),
        changed=tuple(o for name, o in named.items() if name in present and o != present[name]),
        deactivated=left,
        digest=directory_digest(after.values()),
    )


def _misplaced(charter: Charter, index: int, person: Person) -> Iterable[FieldViolation]:
    at = f"people[{index}]"
    if person.guest and person.unit:
        yield FieldViolation(f"{at}.unit", "a guest belongs to no unit; leave it empty")
    if not person.guest and find_unit(charter, person.unit) is None:
        known = ", ".join(f"units/{unit.id}" for unit in charter.units)
        said = f"the charter has no unit {person.unit!r}" if person.unit else "staff have a unit"
        yield FieldViolation(f"{at}.unit", f"{said}; its units are {known}")
    grades = [grade.id for grade in charter.grades]
    if person.grade and person.grade not in grades:
        yield FieldViolation(
            f"{at}.grade",
            f"the charter has no grade {person.grade!r}; its grades are {', '.join(grades)}",
        )


def _twice(people: Sequence[Person]) -> list[FieldViolation]:
    first: dict[str, int] = {}
    found: list[FieldViolation] = []
    for index, person in enumerate(people):
        before = first.setdefault(person.name, index)
        if before != index:
            why = f"{person.name} comes twice, first as people[{before}]; keep one of them"
            found.append(FieldViolation(f"people[{index}].name", why))
    return found


def _mismanaged(
    after: Mapping[str, Person], index: int, person: Person
) -> Iterable[FieldViolation]:
    field = f"people[{index}].manager"
    if not person.manager:
        return
    manager = after.get(person.manager)
    if manager is None:
        yield FieldViolation(field, f"{person.manager} is not in the directory; import them too")
        return
    if person.active and not manager.active:
        yield FieldViolation(field, f"{person.manager} has left; name who came after")
    circle = _circle(after, person)
    if circle:
        yield FieldViolation(field, f"managers in a circle: {' → '.join(circle)}")


def _circle(after: Mapping[str, Person], person: Person) -> tuple[str, ...]:
    """The way from a person up to themselves; empty where the line ends above."""
    way = [person.name]
    seen = {person.name}
    here = after.get(person.manager)
    while here is not None:
        way.append(here.name)
        if here.name == person.name:
            return tuple(way)
        if here.name in seen:
            return ()  # a circle above, of which the person is no part
        seen.add(here.name)
        here = after.get(here.manager)
    return ()
