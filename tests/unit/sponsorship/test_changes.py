"""Who would gain authority by an import, and who may sign it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import halden
from tests.support.services import CHARTER

from investiture.casework.charters import CharterRecord, Charters
from investiture.charter.load import load_text
from investiture.chassis.refusal import Denied
from investiture.sponsorship.domain.changes import (
    Change,
    ChangeKind,
    gaining_authority,
    require_signer,
    signers,
)
from investiture.sponsorship.domain.people import Person, plan_import

NOW = datetime(2027, 1, 4, 9, tzinfo=UTC)
BEN, SARA, FIONA = (halden.directory()[f"people/{name}"] for name in ("ben", "sara", "fiona"))
GRADES = [grade.id for grade in halden.charter().grades]


def gains(*people: Person) -> tuple[str, ...]:
    present = halden.directory()
    plan = plan_import(halden.charter(), present, people, replacing=False)
    return gaining_authority(halden.charter(), present, plan)


@pytest.mark.parametrize(
    ("after", "gaining"),
    [
        (replace(BEN, grade="manager"), True),  # a limit where there was none
        (replace(SARA, grade="chief"), True),  # no limit where there was one
        (replace(SARA, grade="director"), False),  # a lower limit
        (replace(SARA, unit="units/sales"), False),  # the same side
        (replace(SARA, unit="units/finance"), True),  # another side, with limits
        (replace(BEN, unit="units/finance"), False),  # another side, without any
        (replace(FIONA, unit="units/sales"), True),  # an approver changes sides
        (replace(SARA, active=False, manager=""), False),
        (replace(BEN, email="b@halden.example"), False),
        (Person("people/new", "New", unit="units/pr", grade="specialist"), False),
        (Person("people/new", "New", unit="units/pr", grade="director"), True),
        (Person("people/new", "New", guest_of="Brightside", grade="director"), False),
    ],
)
def test_more_limit_another_side_or_an_office_is_authority_gained(
    after: Person, gaining: bool
) -> None:
    assert gains(after) == ((after.name,) if gaining else ())


def test_who_comes_back_into_an_office_gains_it() -> None:
    present = {**halden.directory(), SARA.name: replace(SARA, active=False, grade="")}
    plan = plan_import(halden.charter(), present, [replace(SARA, grade="")], replacing=False)
    assert gaining_authority(halden.charter(), present, plan) == (SARA.name,)


def test_who_is_to_countersign_from_outside_gains_it_by_being_imported() -> None:
    charter = halden.charter().model_copy(update={"countersigner": "people/zoe"})
    zoe = halden.directory()["people/zoe"]
    present = {name: one for name, one in halden.directory().items() if one is not zoe}
    plan = plan_import(charter, present, [zoe], replacing=False)
    assert gaining_authority(charter, present, plan) == ("people/zoe",)
    assert gaining_authority(halden.charter(), present, plan) == ()


@given(st.sampled_from(GRADES), st.sampled_from(GRADES))
def test_a_grade_and_back_again_gives_authority_one_way_at_most(one: str, other: str) -> None:
    def gain(before: str, after: str) -> bool:
        present = {**halden.directory(), BEN.name: replace(BEN, grade=before)}
        plan = plan_import(halden.charter(), present, [replace(BEN, grade=after)], replacing=False)
        return bool(gaining_authority(halden.charter(), present, plan))

    assert not (gain(one, other) and gain(other, one))


def test_governance_signs_and_the_head_of_the_house_but_never_an_own_change() -> None:
    charter = halden.charter()
    assert signers(charter) == ("people/grace", "people/gus", "people/ada")
    change = Change(
        ChangeKind.DIRECTORY, "people/grace", "", NOW, "", "", number=1, gaining=("people/ada",)
    )
    require_signer(charter, change, "people/gus", lambda _: True)
    for person in ("people/grace", "people/ada", "people/sara"):
        with pytest.raises(Denied, match="that is for people/gus"):
            require_signer(charter, change, person, lambda _: True)
    with pytest.raises(Denied, match="nobody who is left"):
        require_signer(charter, change, "people/gus", lambda _: False)


def test_each_charter_is_in_force_from_its_date_on_and_kept_for_the_cases_pinned_to_it() -> None:
    texts = [
        CHARTER.read_text().replace("version: 1\n", f"version: {number}\n", 1)
        for number in (1, 2, 3)
    ]

    def record(text: str, day: int, change: str) -> CharterRecord:
        return CharterRecord(
            load_text(text, change).digest, text, NOW + timedelta(days=day), change
        )

    charters = Charters([record(texts[0], 0, "")])
    first = charters.in_force(NOW)
    later = [record(texts[2], 20, "changes/2"), record(texts[1], 10, "changes/1")]
    charters.adopt(later)
    charters.adopt(later)
    versions = [charters.in_force(NOW + timedelta(days=day)).version for day in (-1, 0, 9, 10, 20)]
    assert versions == [1, 1, 1, 2, 3]
    assert [one.version for one in charters.every] == [1, 2, 3]
    kept = charters.known(first.digest)
    assert kept is not None
    assert kept.version == 1
    assert charters.known("sha256:unknown") is None
