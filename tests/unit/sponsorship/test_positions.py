"""Whom a program asks and what a unit may say; domain.md, Sponsorship: endorsements."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support import halden
from tests.support.facts import NOW, revision

from investiture.casework.facts import Authority, Condition, Revision
from investiture.casework.words import Gate, Purpose
from investiture.charter.timetable import heard_until
from investiture.chassis.refusal import InvalidArgument
from investiture.sponsorship.domain.authority import authority_of
from investiture.sponsorship.domain.positions import (
    Position,
    PositionKind,
    PositionRole,
    Statement,
    as_of,
    ask,
    check_statement,
    next_asked,
    said_by,
    spokespeople,
)

CHARTER = halden.charter()
SALES = Position("units/sales", PositionRole.AGREE, asked="people/vera")
OBJECT = Statement(PositionKind.OBJECT, "pricing", "harm", "proposal")


def community(**changes: Any) -> Revision:
    values: dict[str, Any] = {
        "proposer": "people/ben",
        "sponsor": "people/sara",
        "channels": ("community-forum",),
        **changes,
    }
    return revision(**values)


def able(name: str) -> bool:
    person = halden.directory().get(name)
    return person is not None and person.able


def asked(**changes: Any) -> dict[str, tuple[str, str, str]]:
    found = ask(CHARTER, community(**changes), able, NOW)
    return {one.unit: (one.role.value, one.asked, one.counts_with) for one in found.positions}


def authority(name: str, **changes: Any) -> Authority:
    person = halden.directory()[name]
    found = authority_of(CHARTER, person, Purpose.POSITION, resolved_at=NOW, directory_digest="d")
    return replace(found, **changes)


def wrong(said: Statement, position: Position = SALES) -> list[str]:
    with pytest.raises(InvalidArgument) as refused:
        check_statement(CHARTER, position, said, able, NOW)
    return [violation.field for violation in refused.value.violations]


def test_owners_agree_contributors_are_heard_and_others_are_told() -> None:
    found = asked()
    assert found["units/sales"] == ("AGREE", "people/vera", "")
    assert found["units/product"] == ("INPUT", "people/nora", "")
    assert found["units/it"] == ("INFORM", "", "")


@pytest.mark.parametrize(
    ("changes", "counts_with"),
    [
        ({}, "people/sara"),
        ({"proposer": "people/sara"}, "people/sara"),
        ({"proposer": "people/sara", "sponsor": "people/mira"}, "people/mira"),
        ({"sponsor": "people/ivan", "counter_sponsor": "people/sara"}, "people/sara"),
        (
            {
                "proposer": "people/sara",
                "sponsor": "people/ivan",
                "counter_sponsor": "people/sara",
            },
            "people/sara",
        ),
    ],
)
def test_a_unit_whose_head_stands_for_the_program_is_not_asked(
    changes: dict[str, Any], counts_with: str
) -> None:
    assert asked(**changes)["units/support"] == ("AGREE", "people/sara", counts_with)


def test_a_head_who_has_left_is_passed_over_and_so_is_a_sponsor() -> None:
    facts = community(sponsor="people/viktor")
    without_vera = next_asked(CHARTER, facts, SALES, lambda name: name != "people/vera")
    assert without_vera == "people/ada"  # the deputy, Viktor, is the sponsor
    assert next_asked(CHARTER, facts, SALES, lambda name: name == "people/ben") == ""


def test_what_the_charter_does_not_own_is_named() -> None:
    found = ask(CHARTER, community(audiences=("martians",), channels=("telepathy",)), able, NOW)
    assert found.unowned == ("audiences/martians", "channels/telepathy")
    assert found.contested == ()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"grounds": "strategy"}, ["grounds"]),
        ({"grounds": ""}, ["grounds"]),
        ({"harm": " "}, ["harm"]),
        ({"proposal": ""}, ["proposal"]),
        ({"grounds": "", "harm": "", "proposal": ""}, ["grounds", "harm", "proposal"]),
    ],
)
def test_an_objection_is_valid_only_with_grounds_in_scope_a_harm_and_a_proposal(
    changes: dict[str, Any], fields: list[str]
) -> None:
    said = replace(OBJECT, **changes)
    if fields:
        assert wrong(said) == fields
    else:
        check_statement(CHARTER, SALES, said, able, NOW)


def test_conditions_name_what_who_which_gate_and_a_date_that_is_still_to_come() -> None:
    kind = PositionKind.CONSENT_WITH_CONDITIONS
    good = Condition("", "prices are hidden", "people/vera", Gate.LAUNCH, NOW + timedelta(1))
    check_statement(CHARTER, SALES, Statement(kind, conditions=(good,)), able, NOW)
    bad = Condition("", "", "people/nobody", Gate.PLEDGE, NOW)
    assert wrong(Statement(kind, conditions=(good, bad))) == [
        f"conditions[1].{name}" for name in ("text", "owner", "due_at", "blocks")
    ]
    assert wrong(Statement(kind)) == ["conditions"]
    assert wrong(Statement(PositionKind.CONSENT, conditions=(good,))) == ["conditions"]
    heard = replace(SALES, role=PositionRole.INPUT)
    assert wrong(Statement(kind, conditions=(good,)), heard) == ["kind"]


@pytest.mark.parametrize("kind", list(PositionKind))
def test_only_a_consent_agrees(kind: PositionKind) -> None:
    said = replace(SALES, kind=kind)
    consents = kind in (PositionKind.CONSENT, PositionKind.CONSENT_WITH_CONDITIONS)
    assert (said.agreed, said.outstanding) == (consents, not consents)
    assert not replace(said, role=PositionRole.INPUT).outstanding


def test_input_that_does_not_come_in_its_window_was_heard_and_blocks_nothing() -> None:
    found = ask(CHARTER, community(), able, NOW).positions
    (heard,) = {one.heard_until for one in found if one.role is PositionRole.INPUT}
    assert heard == heard_until(CHARTER, NOW)
    assert not any(one.heard_until for one in found if one.role is not PositionRole.INPUT)
    assert heard is not None
    just_before = [as_of(one, heard - timedelta(microseconds=1)) for one in found]
    assert just_before == list(found)
    for before, after in zip(found, (as_of(one, heard) for one in found), strict=True):
        if before.role is PositionRole.INPUT:
            assert (after.kind, after.recorded_at) == (PositionKind.HEARD_NO_ANSWER, heard)
            assert (after.asked, after.outstanding) == ("", False)
        else:
            assert after == before


def test_silence_never_agrees() -> None:
    assert SALES.outstanding


def test_a_position_says_who_said_it_on_what_and_keeps_the_objection_it_ends() -> None:
    vera = authority("people/vera")
    objected = said_by(SALES, OBJECT, vera, (3, "sha256:x"), NOW)
    assert (objected.person, objected.revision, objected.gate_digest, objected.harm) == (
        "people/vera",
        3,
        "sha256:x",
        "harm",
    )
    agreed = said_by(objected, Statement(PositionKind.CONSENT), vera, (3, "sha256:x"), NOW)
    assert (agreed.kind, agreed.asked) == (PositionKind.CONSENT, "")
    assert (agreed.harm, agreed.grounds) == ("harm", "pricing")


def test_a_recused_agree_passes_to_the_deputy_then_to_the_next_head() -> None:
    recuse = Statement(PositionKind.RECUSE)
    position, order = SALES, ["people/vera"]
    while person := next_asked(CHARTER, community(), position, able):
        order.append(person)
        position = said_by(position, recuse, authority(person), (1, "d"), NOW)
    assert order == ["people/vera", "people/vera", "people/viktor", "people/ada"]
    assert position.recused == ("people/vera", "people/viktor", "people/ada")


def test_above_a_unit_that_must_agree_only_the_business_side_speaks_for_it() -> None:
    """architecture.md, law 7: who endorses stands for the business and knights nothing."""
    moved = tuple(
        unit.model_copy(update={"parent": "it"}) if unit.id == "sales" else unit
        for unit in CHARTER.units
    )
    charter = CHARTER.model_copy(update={"units": moved})
    assert spokespeople(charter, SALES) == ("people/vera", "people/viktor", "people/ada")
    heard = replace(SALES, role=PositionRole.INPUT)
    assert spokespeople(charter, heard)[2:] == ("people/ivan", "people/ada")


def test_a_recused_agree_passes_over_whoever_has_a_conflict() -> None:
    """domain.md, Sponsorship: "to the deputy, then to the next head without a conflict"."""
    facts = community(proposer="people/viktor", sponsor="people/ada")
    recused = replace(SALES, recused=("people/vera",))
    assert next_asked(CHARTER, facts, recused, able) == ""
    outside = CHARTER.model_copy(update={"countersigner": "people/zoe"})
    assert next_asked(outside, facts, recused, lambda _: True) == "people/zoe"


def test_who_recuses_in_anothers_name_recuses_both() -> None:
    delegate = authority("people/max", on_behalf_of="people/vera")
    position = said_by(SALES, Statement(PositionKind.RECUSE), delegate, (1, "d"), NOW)
    assert position.recused == ("people/max", "people/vera")
