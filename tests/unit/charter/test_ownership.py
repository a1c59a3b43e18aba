"""Whom a program touches, who is asked in which role, and who comes after them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.charter.small import ROOT, small

from investiture.charter.load import load
from investiture.charter.model import Charter, UnknownId
from investiture.charter.organisation import Relationship
from investiture.charter.ownership import (
    Holder,
    escalation_chain,
    required_positions,
    touched_relationships,
)

CHARTER = small()
HALDEN = load(ROOT / "deploy" / "charters" / "default.yaml")


def test_an_audience_touches_its_own_relationship() -> None:
    assert touched_relationships(CHARTER, ["writers"], []) == ("media",)


def test_a_channel_touches_relationships_by_itself() -> None:
    assert touched_relationships(CHARTER, ["readers"], ["paper"]) == ("media", "public")


def test_an_audience_through_a_channel_touches_more() -> None:
    assert touched_relationships(CHARTER, ["readers"], []) == ("public",)
    assert touched_relationships(CHARTER, ["readers"], ["web"]) == ("media", "public")
    assert touched_relationships(CHARTER, ["writers"], ["web"]) == ("media",)


def test_owners_agree_contributors_are_heard_and_the_rest_is_told() -> None:
    """domain.md, "Endorsement": Agree, Input, Inform by RAPID role."""
    found = required_positions(CHARTER, ["writers"], ["paper"], "press")
    assert found.agree == ("press",)
    assert found.input_ == ("board",)
    assert found.inform == ("money", "tech")
    assert found.unowned == ()
    assert found.contested == ()
    assert found.touched == ("media",)
    assert found.through == {"board": ("media",), "press": ("media",)}


def test_nobody_is_asked_in_two_roles() -> None:
    found = required_positions(CHARTER, ["writers", "readers"], [], "press")
    assert found.agree == ("board", "press")
    assert found.input_ == ()


def test_the_leading_unit_agrees_too() -> None:
    assert required_positions(CHARTER, ["readers"], [], "press").agree == ("board", "press")


def test_a_leading_unit_from_another_side_is_told_and_has_no_veto() -> None:
    """architecture.md, law 1: IT is heard from the proposal on, with no veto and no clock."""
    found = required_positions(CHARTER, ["readers"], [], "money")
    assert found.agree == ("board",)
    assert found.inform == ("money", "tech")


def test_the_told_are_told_by_audience_and_channel() -> None:
    assert "money" not in required_positions(CHARTER, ["writers"], ["web"], "press").inform
    assert "money" in required_positions(CHARTER, ["writers"], ["paper"], "press").inform


def test_what_nobody_answers_for_is_named() -> None:
    found = required_positions(CHARTER, ["martians"], ["telepathy"], "saucer")
    assert found.unowned == ("audiences/martians", "channels/telepathy", "units/saucer")


def test_a_relationship_whose_owner_is_gone_is_unowned() -> None:
    orphaned = CHARTER.relationship("media").model_copy(update={"owner": "gone"})
    charter = with_relationships(orphaned, CHARTER.relationship("public"))
    found = required_positions(charter, ["writers"], [], "press")
    assert found.unowned == ("relationships/media",)
    assert "gone" not in found.agree


def test_a_relationship_with_two_owners_is_contested_and_both_agree() -> None:
    other = Relationship(id="media", name="Media", owner="board")
    found = required_positions(
        with_relationships(*CHARTER.relationships, other), ["writers"], [], "press"
    )
    assert found.contested == ("media",)
    assert found.agree == ("board", "press")


def with_relationships(*relationships: Relationship) -> Charter:
    return CHARTER.model_copy(update={"relationships": relationships})


def test_escalation_goes_up_and_ends_with_governance() -> None:
    """architecture.md, law 4: it ends at a governance owner and deputy, who never decide."""
    assert escalation_chain(CHARTER, "press") == (
        Holder("people/cat", "head", "press"),
        Holder("people/dan", "deputy", "press"),
        Holder("people/ann", "head", "board"),
        Holder("people/ida", "governance", ""),
        Holder("people/jan", "governance", ""),
    )


def test_a_person_holds_one_place_in_a_chain() -> None:
    units = tuple(
        unit.model_copy(update={"deputy": "people/ann"}) if unit.id == "press" else unit
        for unit in CHARTER.units
    )
    chain = escalation_chain(CHARTER.model_copy(update={"units": units}), "press")
    assert [holder.person for holder in chain].count("people/ann") == 1
    assert chain[1] == Holder("people/ann", "deputy", "press")


def test_an_unknown_unit_has_no_chain() -> None:
    with pytest.raises(UnknownId, match="saucer"):
        escalation_chain(CHARTER, "saucer")


@pytest.mark.parametrize(
    ("audiences", "channels", "unit", "agree"),
    [
        (["customers"], ["community-forum"], "support", {"support", "sales"}),
        (["prospects"], ["social-media"], "marketing", {"pr", "marketing", "sales"}),
        (["employees"], ["internal-network"], "it", {"hr"}),
        (["journalists"], ["press-release"], "pr", {"pr", "marketing"}),
        (["developers"], ["developer-portal"], "product", {"product"}),
    ],
)
def test_the_default_charter_asks_the_units_one_expects(
    audiences: list[str], channels: list[str], unit: str, agree: set[str]
) -> None:
    found = required_positions(HALDEN, audiences, channels, unit)
    assert set(found.agree) == agree
    assert found.unowned == found.contested == ()
    assert {"it", "finance"} <= set(found.inform)


@given(
    st.sets(st.sampled_from([one.id for one in HALDEN.audiences])),
    st.sets(st.sampled_from([one.id for one in HALDEN.channels])),
    st.sampled_from([one.id for one in HALDEN.units]),
)
def test_roles_never_overlap_and_every_relationship_has_its_owners_yes(
    audiences: set[str], channels: set[str], unit: str
) -> None:
    found = required_positions(HALDEN, audiences, channels, unit)
    everyone = (*found.agree, *found.input_, *found.inform)
    assert len(set(everyone)) == len(everyone)
    for name in found.touched:
        assert HALDEN.relationship(name).owner in found.agree
    assert all(HALDEN.unit(name).side == "business" for name in found.agree)
    more = required_positions(HALDEN, audiences | {"customers"}, channels, unit)
    assert set(found.agree) <= set(more.agree)
