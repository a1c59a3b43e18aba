"""When a pledge stands, and in whose hands it is until then."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support import halden
from tests.support.facts import NOW, open_case, revision

from investiture.casework.case import Case, Holder
from investiture.casework.facts import Authority, Condition
from investiture.casework.words import CaseState, Gate, Purpose, Side, Verdict
from investiture.chassis.refusal import Denied, PreconditionFailed
from investiture.sponsorship.domain import pledges
from investiture.sponsorship.domain.authority import authority_of
from investiture.sponsorship.domain.pledges import Place, Pledge, Seat
from investiture.sponsorship.domain.positions import Position, PositionKind, PositionRole

SARA, HANA, VERA, IVAN = "people/sara", "people/hana", "people/vera", "people/ivan"
VALIDITY = timedelta(days=90)
SALES = Position("units/sales", PositionRole.AGREE, asked=VERA)
OWN = Position("units/support", PositionRole.AGREE, asked=SARA, counts_with=SARA)
HEARD = Position("units/marketing", PositionRole.INPUT, asked="people/mira")
PLEDGE = Pledge((Seat(Place.SPONSOR, SARA, "units/support"),), (OWN, SALES, HEARD))
BOTH = Pledge(
    (
        Seat(Place.SPONSOR, IVAN, "units/it"),
        Seat(Place.COUNTER_SPONSOR, HANA, "units/hr"),
    ),
    (),
)


def authority(person: str, **changes: Any) -> Authority:
    found = authority_of(
        halden.charter(),
        halden.directory()[person],
        Purpose.PLEDGE,
        resolved_at=NOW,
        directory_digest="d",
    )
    return replace(found, **changes)


def case_for(pledge: Pledge, **changes: Any) -> Case:
    names = {seat.place: seat.named for seat in pledge.seats}
    facts = revision(
        proposer="people/ben",
        sponsor=names[Place.SPONSOR],
        counter_sponsor=names.get(Place.COUNTER_SPONSOR, ""),
        **changes,
    )
    return pledges.held(open_case(facts), pledge, anybody, NOW)


def anybody(name: str) -> bool:
    return True


def after_pledge(pledge: Pledge, case: Case, person: str, **acting: Any) -> tuple[Pledge, Case]:
    who = authority(person, **acting)
    seat = pledges.seat_of(pledge, case, who)
    taken = pledges.pledged(pledge, case, seat, who, "yes", NOW)
    return taken, pledges.settled(case, taken, anybody, NOW, VALIDITY)


def with_kind(pledge: Pledge, kind: PositionKind | None, unit: str = "units/sales") -> Pledge:
    before = pledge.position(unit)
    assert before is not None
    said = replace(before, kind=kind, person=VERA, recorded_at=NOW)
    return pledges.with_position(pledge, said)


def people(case: Case) -> list[tuple[str, str]]:
    return [(holder.person, holder.role) for holder in case.holders]


def test_first_holders_are_the_sponsors_and_the_heads_of_the_other_agree_units() -> None:
    assert people(case_for(PLEDGE)) == [(SARA, "sponsor"), (VERA, "endorser")]
    assert people(case_for(BOTH)) == [(IVAN, "sponsor"), (HANA, "sponsor")]


@pytest.mark.parametrize(
    ("counter", "places"),
    [
        ("", [Place.SPONSOR]),
        (SARA, [Place.SPONSOR]),
        (HANA, [Place.SPONSOR, Place.COUNTER_SPONSOR]),
    ],
)
def test_a_counter_sponsor_is_somebody_else(counter: str, places: list[Place]) -> None:
    facts = revision(sponsor=SARA, counter_sponsor=counter)
    assert [place for place, _ in pledges.places(facts)] == places


@pytest.mark.parametrize(
    ("kind", "stands"),
    [
        (PositionKind.CONSENT, True),
        (PositionKind.CONSENT_WITH_CONDITIONS, True),
        (PositionKind.OBJECT, False),
        (PositionKind.ABSTAIN, False),
        (PositionKind.RECUSE, False),
        (None, False),
    ],
)
def test_it_stands_iff_the_sponsor_pledged_and_every_agree_unit_consents(
    kind: PositionKind | None, stands: bool
) -> None:
    pledge = with_kind(PLEDGE, kind)
    _, case = after_pledge(pledge, case_for(PLEDGE), SARA)
    assert case.state is (CaseState.STANDING if stands else CaseState.OPEN)
    assert case.verdict is (Verdict.PLEDGED if stands else None)
    unpledged = pledges.settled(case_for(PLEDGE), pledge, anybody, NOW, VALIDITY)
    assert unpledged.state is CaseState.OPEN


def test_both_sponsors_have_to_pledge() -> None:
    pledge, case = after_pledge(BOTH, case_for(BOTH), IVAN)
    assert (case.state, people(case)) == (CaseState.OPEN, [(HANA, "sponsor")])
    _, case = after_pledge(pledge, case, HANA)
    assert case.state is CaseState.STANDING
    assert [(d.person, d.side, d.role) for d in case.deciders] == [
        (IVAN, Side.BUSINESS, "sponsor"),
        (HANA, Side.BUSINESS, "sponsor"),
    ]


def test_one_delegate_of_two_sponsors_is_one_voice() -> None:
    """domain.md, quorum vectors: one delegate for two members → 1 presence."""
    pledge, case = after_pledge(BOTH, case_for(BOTH), "people/sam", on_behalf_of=IVAN)
    with pytest.raises(PreconditionFailed) as refused:
        pledges.seat_of(pledge, case, authority("people/sam", on_behalf_of=HANA))
    assert refused.value.reason == "WRONG_STATE"


def test_who_was_added_or_took_over_pledges_in_the_seat_of_that_unit() -> None:
    case = case_for(BOTH)
    added = Holder("people/hugo", "sponsor", NOW, "units/hr")
    case = replace(case, holders=(*case.holders, added))
    pledge, after = after_pledge(BOTH, case, "people/hugo")
    assert [(seat.place, seat.person) for seat in pledge.seats] == [
        (Place.SPONSOR, ""),
        (Place.COUNTER_SPONSOR, "people/hugo"),
    ]
    assert people(after) == [(IVAN, "sponsor")]


def test_an_endorser_who_holds_the_case_does_not_pledge() -> None:
    with pytest.raises(Denied):
        pledges.seat_of(PLEDGE, case_for(PLEDGE), authority(VERA))


def test_who_endorsed_for_a_unit_does_not_sponsor_as_well() -> None:
    pledge = with_kind(PLEDGE, PositionKind.CONSENT)
    case = pledges.settled(case_for(PLEDGE), pledge, anybody, NOW, VALIDITY)
    added = Holder(VERA, "sponsor", NOW, "units/support")
    case = replace(case, holders=(*case.holders, added))
    assert pledge.endorsers == {VERA}
    with pytest.raises(PreconditionFailed) as refused:
        pledges.seat_of(pledge, case, authority(VERA))
    assert refused.value.legs[0].type == "ONE_VOICE"


def test_holders_stay_while_their_act_is_needed_and_no_longer() -> None:
    case = case_for(PLEDGE)
    added = (
        Holder("people/viktor", "endorser", NOW, "units/sales"),
        Holder("people/grace", "governance", NOW),
    )
    case = replace(case, holders=(*case.holders, *added))
    _, pledged = after_pledge(PLEDGE, case, SARA)
    assert people(pledged) == [
        (VERA, "endorser"),
        ("people/viktor", "endorser"),
        ("people/grace", "governance"),
    ]
    recused = replace(SALES, kind=PositionKind.RECUSE, recused=(VERA,), asked="people/viktor")
    moved = pledges.settled(case, pledges.with_position(PLEDGE, recused), anybody, NOW, VALIDITY)
    assert VERA not in {holder.person for holder in moved.holders}
    agreed = pledges.settled(case, with_kind(PLEDGE, PositionKind.CONSENT), anybody, NOW, VALIDITY)
    assert people(agreed) == [(SARA, "sponsor"), ("people/grace", "governance")]


def test_an_act_that_nobody_can_do_raises_the_alarm() -> None:
    open_ = open_case(case_for(PLEDGE).facts)
    assert not pledges.held(open_, PLEDGE, anybody, NOW).no_eligible_holder
    assert pledges.held(open_, PLEDGE, lambda name: name != SARA, NOW).no_eligible_holder
    nobody = pledges.with_position(PLEDGE, replace(SALES, asked=""))
    assert pledges.held(open_, nobody, anybody, NOW).no_eligible_holder


def test_endorsers_of_agree_units_are_deciders_and_who_is_only_heard_is_not() -> None:
    pledge = with_kind(PLEDGE, PositionKind.CONSENT)
    pledge = with_kind(pledge, PositionKind.CONSENT, "units/marketing")
    _, case = after_pledge(pledge, case_for(PLEDGE), SARA)
    assert [(d.person, d.role) for d in case.deciders] == [(SARA, "sponsor"), (VERA, "endorser")]


def test_the_pledge_is_the_agreement_of_the_sponsors_own_unit() -> None:
    pledge, _ = after_pledge(PLEDGE, case_for(PLEDGE), SARA)
    own = pledge.position("units/support")
    assert own is not None
    assert (own.kind, own.person, own.asked) == (PositionKind.CONSENT, SARA, "")


@pytest.mark.parametrize(
    ("person", "unit", "acting", "allowed"),
    [
        (VERA, "units/sales", {}, True),
        ("people/viktor", "units/sales", {}, True),
        ("people/max", "units/sales", {"on_behalf_of": VERA, "heads": ("units/sales",)}, True),
        ("people/max", "units/sales", {}, False),
        ("people/mira", "units/marketing", {}, True),
        (SARA, "units/support", {}, False),
        (SARA, "units/sales", {"heads": ("units/sales",)}, False),
        ("people/max", "units/sales", {"on_behalf_of": SARA, "heads": ("units/sales",)}, False),
    ],
)
def test_who_speaks_for_a_unit(
    person: str, unit: str, acting: dict[str, Any], allowed: bool
) -> None:
    case, position = case_for(PLEDGE), PLEDGE.position(unit)
    assert position is not None
    who = authority(person, **acting)
    if allowed:
        pledges.require_voice(PLEDGE, case, position, who)
        return
    with pytest.raises(Denied) as refused:
        pledges.require_voice(PLEDGE, case, position, who)
    assert refused.value.reason == "NOT_A_HOLDER"


def test_conditions_are_numbered_by_their_unit_and_replaced_with_its_position() -> None:
    def condition(text: str) -> Condition:
        return Condition("", text, VERA, Gate.LAUNCH)

    case = case_for(PLEDGE)
    for unit, texts in (
        ("units/sales", ["a", "b"]),
        ("units/sales-eu", ["c"]),
        ("units/sales", ["d"]),
    ):
        found = pledges.conditions_with(case, unit, [condition(text) for text in texts])
        case = replace(case, conditions=found)
    assert [(one.id, one.text) for one in case.conditions] == [
        ("sales-eu-1", "c"),
        ("sales-1", "d"),
    ]


def test_the_chain_takes_one_of_each_missing_act_in_turn() -> None:
    names = pledges.chain(PLEDGE, [["a1", "a2", "a3"]], [["b1"]], [])
    found = [(one.person, one.role, one.unit) for one in names]
    assert found == [
        ("a1", "sponsor", "units/support"),
        ("b1", "endorser", "units/sales"),
        ("a2", "sponsor", "units/support"),
        ("a3", "sponsor", "units/support"),
    ]


def test_only_sponsors_decline() -> None:
    case = case_for(BOTH)
    for person in (IVAN, HANA):
        pledges.require_sponsor(BOTH, case, authority(person))
    with pytest.raises(Denied):
        pledges.require_sponsor(BOTH, case, authority(VERA))
