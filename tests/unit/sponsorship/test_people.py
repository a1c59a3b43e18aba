"""What an import may do to the directory."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import halden

from investiture.chassis.refusal import InvalidArgument
from investiture.sponsorship.domain.people import (
    ImportPlan,
    Person,
    directory_digest,
    plan_import,
)

NEW = Person("people/new", "New", unit="units/pr", grade="specialist", manager="people/paul")


def plan(*people: Person, replacing: bool = False) -> ImportPlan:
    return plan_import(halden.charter(), halden.directory(), people, replacing=replacing)


def fields(*people: Person, replacing: bool = False) -> list[str]:
    with pytest.raises(InvalidArgument) as refused:
        plan(*people, replacing=replacing)
    return [violation.field for violation in refused.value.violations]


def test_the_example_directory_is_sound_and_known_already() -> None:
    same = plan(*halden.directory().values())
    assert (same.added, same.changed, same.deactivated) == ((), (), ())
    assert same.digest == directory_digest(halden.directory().values())


def test_who_is_new_is_added_and_who_differs_is_changed() -> None:
    ben = replace(halden.directory()["people/ben"], email="b@halden.example")
    made = plan(NEW, ben)
    assert (made.added, made.changed) == ((NEW,), (ben,))


def test_replacing_deactivates_who_is_active_and_not_named() -> None:
    present = {**halden.directory()}
    gone = present.pop("people/ben")
    made = plan(*present.values(), replacing=True)
    assert made.deactivated == (replace(gone, active=False),)


@pytest.mark.parametrize(
    ("person", "field"),
    [
        (replace(NEW, unit="units/moon"), "unit"),
        (replace(NEW, unit="pr"), "unit"),
        (replace(NEW, unit=""), "unit"),
        (replace(NEW, guest_of="Brightside"), "unit"),
        (replace(NEW, grade="emperor"), "grade"),
        (replace(NEW, manager="people/nobody"), "manager"),
        (replace(NEW, manager="people/new"), "manager"),
    ],
)
def test_a_field_that_names_nothing_is_refused_by_its_path(person: Person, field: str) -> None:
    assert fields(NEW_OTHER, person) == [f"people[1].{field}"]


NEW_OTHER = replace(NEW, name="people/other")


def test_a_name_comes_once() -> None:
    assert fields(NEW, NEW_OTHER, NEW) == ["people[2].name"]


def test_an_active_person_has_no_manager_who_has_left() -> None:
    paul = replace(halden.directory()["people/paul"], active=False)
    assert fields(paul, NEW) == ["people[1].manager"]
    assert plan(paul).changed == (paul,)  # whom he managed is named by a later import
    assert fields(NEW, replacing=True) == ["people[0].manager"]


def test_managers_never_form_a_circle() -> None:
    ada = replace(halden.directory()["people/ada"], manager="people/ben")
    assert fields(ada) == ["people[0].manager"]
    a, b, c = (replace(NEW, name=f"people/{name}") for name in "abc")
    ring = (
        replace(a, manager="people/b"),
        replace(b, manager="people/c"),
        replace(c, manager="people/b"),
    )
    assert fields(*ring) == ["people[1].manager", "people[2].manager"]


@given(st.permutations(sorted(halden.directory())))
def test_the_digest_does_not_depend_on_the_order(names: list[str]) -> None:
    present = halden.directory()
    assert directory_digest(present[name] for name in names) == directory_digest(present.values())


def test_every_field_counts_for_the_digest() -> None:
    for changed in (
        {"name": "people/x"},
        {"display_name": "X"},
        {"email": "x"},
        {"unit": "units/hr"},
        {"grade": "vp"},
        {"active": False},
        {"manager": ""},
        {"guest_of": "X"},
    ):
        assert directory_digest([replace(NEW, **changed)]) != directory_digest([NEW])
