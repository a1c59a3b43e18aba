"""Who a person is, with what authority; domain.md, Sponsorship: delegation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support import halden
from tests.support.facts import NOW

from investiture.casework.facts import Authority
from investiture.casework.words import Purpose, Side
from investiture.sponsorship.domain.authority import authority_of, lent_to, own_limit
from investiture.sponsorship.domain.delegations import Delegation, Limit

CHARTER, PEOPLE = halden.charter(), halden.directory()
SARA, SAM, IVAN, ZOE = (PEOPLE[f"people/{name}"] for name in ("sara", "sam", "ivan", "zoe"))
LENT = Delegation(
    "people/sara/delegations/1",
    SARA.name,
    SAM.name,
    Purpose.PLEDGE,
    NOW,
    NOW + timedelta(days=30),
    500_000_00,
)


def authority(name: str, purpose: Purpose = Purpose.PLEDGE) -> Authority:
    return authority_of(
        CHARTER, PEOPLE[f"people/{name}"], purpose, resolved_at=NOW, directory_digest="d"
    )


@pytest.mark.parametrize(
    ("name", "purpose", "limit"),
    [
        ("sara", Purpose.PLEDGE, Limit(2_000_000_00)),
        ("sara", Purpose.FUND, Limit(250_000_00)),
        ("ivan", Purpose.KNIGHT, Limit(unlimited=True)),
        ("ben", Purpose.PLEDGE, Limit()),
        ("sara", Purpose.POSITION, Limit()),
        ("sara", Purpose.HOLD, Limit()),
        ("zoe", Purpose.PLEDGE, Limit()),
    ],
)
def test_the_limit_is_the_grades_for_the_purpose(name: str, purpose: Purpose, limit: Limit) -> None:
    assert own_limit(CHARTER, PEOPLE[f"people/{name}"], purpose) == limit


def test_a_grade_that_the_charter_no_longer_has_is_no_authority() -> None:
    assert own_limit(CHARTER, replace(SARA, grade="baron"), Purpose.PLEDGE) == Limit()


def test_a_head_commands_every_unit_below() -> None:
    assert authority("ivan").commands == ("units/it", "units/it-security")
    ada = authority("ada")
    assert ada.heads == ("units/executive",)
    assert len(ada.commands) == len(CHARTER.units)
    assert ada.superiors == ()


@pytest.mark.parametrize(
    ("name", "superiors"),
    [
        ("ben", ("people/sara", "people/ada")),
        ("sam", ("people/sara", "people/ada")),
        ("sara", ("people/ada",)),
        ("kai", ("people/kira", "people/ivan", "people/ada")),
        ("zoe", ()),
    ],
)
def test_the_line_above_goes_from_the_own_unit_upward(
    name: str, superiors: tuple[str, ...]
) -> None:
    assert authority(name).superiors == superiors


def test_a_guest_has_no_side_and_no_authority() -> None:
    guest = authority("zoe")
    assert (guest.guest, guest.side, guest.unit, guest.heads) == (True, None, "", ())


def test_who_left_keeps_no_authority_though_the_charter_still_names_them() -> None:
    gone = authority_of(
        CHARTER,
        replace(IVAN, active=False),
        Purpose.KNIGHT,
        resolved_at=NOW,
        directory_digest="d",
    )
    assert (gone.active, gone.unlimited, gone.heads, gone.commands) == (False, False, (), ())
    assert gone.side is Side.IT


def test_a_delegate_has_the_lesser_limit_and_speaks_for_the_delegators_units() -> None:
    with_it = authority_of(
        CHARTER,
        SAM,
        Purpose.PLEDGE,
        resolved_at=NOW,
        directory_digest="d",
        delegation=(LENT, SARA),
    )
    assert with_it.limit_minor == 500_000_00
    assert with_it.people == (SAM.name, SARA.name)
    assert with_it.delegation == LENT.name
    assert with_it.superiors == ("people/ada",)
    demoted = authority_of(
        CHARTER,
        SAM,
        Purpose.PLEDGE,
        resolved_at=NOW,
        directory_digest="d",
        delegation=(LENT, replace(SARA, grade="manager")),
    )
    assert demoted.limit_minor == 50_000_00


@pytest.mark.parametrize(
    ("after", "holds"),
    [
        (timedelta(0), True),
        (timedelta(seconds=-1), False),
        (timedelta(days=30) - timedelta(microseconds=1), True),
        (timedelta(days=30), False),
    ],
)
def test_a_delegation_holds_from_its_start_until_before_its_end(
    after: timedelta, holds: bool
) -> None:
    found = lent_to(CHARTER, SAM, SARA, Purpose.PLEDGE, [LENT], NOW + after)
    assert found == (LENT if holds else None)


def test_a_delegation_ends_with_its_revocation_its_delegator_and_the_common_side() -> None:
    at = NOW + timedelta(days=1)
    revoked = replace(LENT, revoked_at=at)
    assert lent_to(CHARTER, SAM, SARA, Purpose.PLEDGE, [revoked], at) is None
    assert lent_to(CHARTER, SAM, SARA, Purpose.PLEDGE, [revoked], at - timedelta(1)) == revoked
    gone = replace(SARA, active=False)
    assert lent_to(CHARTER, SAM, gone, Purpose.PLEDGE, [LENT], at) is None
    moved = replace(SAM, unit="units/it")
    assert lent_to(CHARTER, moved, SARA, Purpose.PLEDGE, [LENT], at) is None


def test_a_delegation_is_for_one_purpose_and_one_person() -> None:
    assert lent_to(CHARTER, SAM, SARA, Purpose.GO, [LENT], NOW) is None
    assert lent_to(CHARTER, PEOPLE["people/ben"], SARA, Purpose.PLEDGE, [LENT], NOW) is None


def test_what_was_lent_is_never_lent_again() -> None:
    onward = replace(LENT, delegator=SAM.name, delegate="people/stella", limit_minor=None)
    stella = PEOPLE["people/stella"]
    found = lent_to(CHARTER, stella, SAM, Purpose.PLEDGE, [LENT, onward], NOW)
    assert found == onward
    assert onward.limit(own_limit(CHARTER, SAM, Purpose.PLEDGE)) == Limit(250_000_00)
