"""The authority test, leg by leg; domain.md, Sponsorship: authority test (a) to (e)."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support import halden
from tests.support.facts import NOW, revision

from investiture.casework.facts import Authority
from investiture.casework.words import Purpose, Side
from investiture.chassis.refusal import PreconditionFailed
from investiture.sponsorship.domain.authority import authority_of
from investiture.sponsorship.domain.authority_legs import (
    AuthorityLeg,
    Circumstances,
    authority_test,
    require_authority,
)
from investiture.sponsorship.domain.positions import Position, PositionKind, PositionRole

FACTS = revision(amount_minor=250_000_00, benefit_owners=("people/stella",))


def authority(name: str, **changes: Any) -> Authority:
    person = halden.directory()[f"people/{name}"]
    found = authority_of(
        halden.charter(), person, Purpose.PLEDGE, resolved_at=NOW, directory_digest="d"
    )
    return replace(found, **changes)


def leg(
    name: str, who: Authority, around: Circumstances | None = None, **changes: Any
) -> AuthorityLeg:
    facts = replace(FACTS, **changes)
    legs = authority_test(facts, who, around or Circumstances())
    return next(one for one in legs if one.leg == name)


def agree(unit: str, kind: PositionKind | None = None, counts_with: str = "") -> Position:
    return Position(unit, PositionRole.AGREE, kind=kind, counts_with=counts_with)


def test_there_are_five_legs_and_each_says_why() -> None:
    legs = authority_test(FACTS, authority("sam"), Circumstances())
    assert [one.leg for one in legs] == [
        "limit",
        "units",
        "load",
        "benefit_owners",
        "business_side",
    ]
    assert all(one.explanation for one in legs)
    assert all(one.remedy for one in legs if not one.holds)


@pytest.mark.parametrize(("minor", "holds"), [(250_000_00, True), (250_000_01, False)])
def test_a_the_limit_reaches_the_total_to_the_minor_unit(minor: int, holds: bool) -> None:
    found = leg("limit", authority("sam"), amount_minor=minor)
    assert found.holds is holds
    assert found.refuses is not holds
    assert "up to 250,000.00 EUR" in found.explanation


def test_a_a_limit_in_another_currency_covers_nothing() -> None:
    assert leg("limit", authority("sam"), currency="USD").refuses
    assert leg("limit", authority("ivan"), currency="USD").holds


def test_a_who_has_no_limit_has_no_authority() -> None:
    assert "no limit to pledge" in leg("limit", authority("ben")).explanation


def test_a_delegated_limit_counts_and_names_both() -> None:
    lent = authority("ben", limit_minor=250_000_00, limit_currency="EUR", on_behalf_of="people/x")
    found = leg("limit", lent)
    assert found.holds
    assert "people/ben on behalf of people/x" in found.explanation


def test_b_units_in_command_or_endorsed_are_a_coalition_and_others_are_named() -> None:
    around = Circumstances(
        positions=(
            agree("units/support"),
            agree("units/sales", PositionKind.CONSENT_WITH_CONDITIONS),
            agree("units/pr", PositionKind.ABSTAIN),
            Position("units/marketing", PositionRole.INPUT),
        )
    )
    found = leg("units", authority("sara"), around)
    assert (found.holds, found.refuses, found.warning) == (False, False, True)
    assert found.explanation == (
        "in command of units/support; endorsed by units/sales; without the endorsement of units/pr"
    )
    assert leg("units", authority("ada"), around).holds


def test_b_a_program_that_touches_no_unit_needs_none() -> None:
    assert leg("units", authority("sara")).holds


@pytest.mark.parametrize(("live", "holds"), [(3, True), (4, False)])
def test_c_more_than_three_living_sponsorships_are_a_warning(live: int, holds: bool) -> None:
    found = leg("load", authority("sara"), Circumstances(live_sponsorships=live))
    assert (found.holds, found.refuses) == (holds, False)


def test_d_each_benefit_has_an_owner_who_works_here() -> None:
    assert leg("benefit_owners", authority("sara")).holds
    assert not leg("benefit_owners", authority("sara"), benefit_owners=()).holds
    absent = Circumstances(absent_owners=("people/stella",))
    found = leg("benefit_owners", authority("sara"), absent)
    assert (found.holds, found.refuses) == (False, False)
    assert "people/stella" in found.explanation


@pytest.mark.parametrize(
    ("name", "changes", "around", "holds"),
    [
        ("sara", {}, {}, True),
        ("ivan", {}, {}, False),
        ("fay", {}, {}, False),
        ("ivan", {"counter_sponsor": "people/hana"}, {"counter_side": Side.BUSINESS}, True),
        ("ivan", {"counter_sponsor": "people/kira"}, {"counter_side": Side.IT}, False),
        ("ivan", {"counter_sponsor": "people/gone"}, {"counter_side": None}, False),
        ("hana", {"counter_sponsor": "people/hana"}, {"counters": True}, True),
        ("kira", {"counter_sponsor": "people/kira"}, {"counters": True}, False),
    ],
)
def test_e_a_program_is_carried_by_the_business_side(
    name: str, changes: dict[str, Any], around: dict[str, Any], holds: bool
) -> None:
    found = leg("business_side", authority(name), Circumstances(**around), **changes)
    assert (found.holds, found.refuses) == (holds, not holds)
    assert holds or "counter-sponsor" in found.remedy


def test_the_counter_sponsor_carries_the_amount_beside_a_sponsor_from_it() -> None:
    beside = Circumstances(counter_side=Side.BUSINESS)
    changes = {"counter_sponsor": "people/hana", "amount_minor": 9_000_000_00}
    it = leg("limit", authority("kira"), beside, **changes)
    assert (it.holds, it.refuses) == (False, False)
    hana = leg("limit", authority("hana"), Circumstances(counters=True), **changes)
    assert hana.refuses
    both_business = leg("limit", authority("sara"), beside, **changes)
    assert both_business.refuses


def test_every_leg_that_bars_is_a_violation_with_its_remedy() -> None:
    legs = authority_test(FACTS, authority("iris"), Circumstances(live_sponsorships=9))
    with pytest.raises(PreconditionFailed) as refused:
        require_authority(legs, "people/iris")
    assert refused.value.reason == "AUTHORITY_INSUFFICIENT"
    assert [found.type for found in refused.value.legs] == ["limit", "business_side"]
    assert all(found.remedy and found.subject == "people/iris" for found in refused.value.legs)
    require_authority(authority_test(FACTS, authority("sara"), Circumstances()), "people/sara")
