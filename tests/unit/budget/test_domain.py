"""Who approves, in which order, and what a confirmation fixes."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.facts import NOW, open_case, revision

from investiture.budget import domain
from investiture.budget.domain import Envelope, Funding
from investiture.budget.ledger import Account, Balances, Kind, Posting
from investiture.casework import case as cases
from investiture.casework.amounts import Amount
from investiture.casework.approvals import Level
from investiture.casework.case import Case, Holder
from investiture.casework.facts import Authority, Decider, Gap, Warrant
from investiture.casework.words import Basis, CaseState, Gate, Side, Step, Verdict
from investiture.chassis.refusal import Denied, InvalidArgument, PreconditionFailed

ONE = Level(1, "finance-partner", "", 1, ("people/fiona", "people/felix"))
TWO = Level(2, "committee", "units/finance", 2, ("people/fay", "people/ada", "people/otto"))
CONFIRMERS = (Holder("people/fay", domain.APPROVER, NOW), Holder("people/finn", "approver", NOW))


def funding(*levels: Level, business: tuple[str, ...] = ()) -> Funding:
    return Funding(
        "programs/community/pledges/1", "programs/community", "opex", levels, 0, business
    )


def opened(kept: Funding, **changes: Any) -> Case:
    case = open_case(revision(**changes), Gate.FUND)
    return cases.with_holders(case, domain.holders(case, kept, CONFIRMERS, NOW))


def authority(person: str, on_behalf_of: str = "", **changes: Any) -> Authority:
    values: dict[str, Any] = {
        "active": True,
        "side": Side.MONEY,
        "unit": "units/finance",
        "grade": "manager",
        "limit_minor": None,
        "limit_currency": "",
        "unlimited": False,
        "resolved_at": NOW,
    }
    return Authority(person, on_behalf_of=on_behalf_of, **{**values, **changes})


def approve(case: Case, kept: Funding, person: str, on_behalf_of: str = "") -> Case:
    return domain.approve(case, kept, authority(person, on_behalf_of), CONFIRMERS, NOW)


def people(case: Case) -> list[str]:
    return [holder.person for holder in case.holders]


def test_levels_approve_in_order_and_then_finance_confirms() -> None:
    kept = funding(ONE, TWO)
    case = opened(kept)
    assert people(case) == ["people/fiona", "people/felix"]
    case = approve(case, kept, "people/felix")
    assert people(case) == ["people/fay", "people/ada", "people/otto"]
    case = approve(case, kept, "people/ada")
    assert people(case) == ["people/fay", "people/otto"]
    case = approve(case, kept, "people/otto")
    assert people(case) == ["people/fay", "people/finn"]
    assert domain.approved_by_level(case, kept.levels) == (
        ("people/felix",),
        ("people/ada", "people/otto"),
    )
    domain.require_approved(case, kept)
    with pytest.raises(PreconditionFailed) as refused:
        approve(case, kept, "people/fay")
    assert refused.value.legs[0].type == "APPROVED"


def test_a_later_level_waits_for_its_turn() -> None:
    kept = funding(ONE, TWO)
    with pytest.raises(Denied, match=r"level 1 .* is asked first"):
        approve(opened(kept), kept, "people/fay")
    with pytest.raises(Denied, match="does not hold"):
        approve(opened(kept), kept, "people/mira")


def test_one_person_is_one_voice_in_whoever_s_name() -> None:
    kept = funding(TWO)
    case = approve(opened(kept), kept, "people/mira", "people/fay")
    assert people(case) == ["people/ada", "people/otto"]
    for person, principal in (
        ("people/mira", "people/ada"),
        ("people/fay", ""),
        ("people/fay", "people/otto"),
    ):
        with pytest.raises(PreconditionFailed) as refused:
            approve(case, kept, person, principal)
        assert refused.value.legs[0].type == "ONE_VOICE"
    decider = case.deciders[0]
    assert (decider.person, decider.on_behalf_of) == ("people/mira", "people/fay")
    assert (decider.side, decider.role) == (Side.MONEY, domain.APPROVER)


def test_whom_an_escalation_added_may_approve() -> None:
    kept = funding(ONE, TWO)
    case = opened(kept)
    added = Holder("people/vera", domain.APPROVER, NOW, "units/sales", Step.OVERDUE)
    case = approve(cases.with_holders(case, (*case.holders, added)), kept, "people/vera")
    assert domain.present_level(case, kept) == TWO


def test_who_stands_on_the_business_side_is_never_eligible() -> None:
    kept = funding(ONE, business=("people/fiona", "people/sam"))
    case = opened(kept, proposer="people/felix")
    assert (people(case), case.no_eligible_holder) == ([], True)
    for person in ("people/fiona", "people/felix"):
        with pytest.raises(PreconditionFailed) as refused:
            domain.check_sides(case, kept, (person,))
        assert refused.value.reason == "SIDES_NOT_SEPARATE"


def test_who_pledged_in_the_sponsors_name_stands_on_the_business_side_too() -> None:
    facts = revision()
    digest = facts.gate_digest(Gate.PLEDGE)
    deciders = (
        Decider("people/dora", Side.BUSINESS, "sponsor", NOW, 1, digest, "people/sam"),
        Decider("people/paul", Side.BUSINESS, "endorser", NOW, 1, digest),
    )
    pledge = Warrant(
        program=facts.program,
        gate=Gate.PLEDGE,
        revision=1,
        gate_digest=digest,
        case_name="programs/community/pledges/1",
        case_version=1,
        verdict=Verdict.PLEDGED,
        basis=Basis.DECISION,
        deciders=deciders,
        issued_at=NOW,
        standing_until=None,
        charter_digest="",
        business_people=("people/carl",),
    )
    assert domain.business_people(facts, pledge) == (
        "people/carl",
        "people/dora",
        "people/pia",
        "people/sam",
    )


def test_a_later_level_keeps_whom_it_cannot_do_without() -> None:
    chief = Level(2, "chief-financial-officer", "", 1, ("people/fay",))
    kept = funding(ONE, chief)
    assert domain.indispensable_later(opened(kept), kept) == {"people/fay"}
    assert domain.indispensable_later(opened(funding(ONE, TWO)), funding(ONE, TWO)) == frozenset()


def test_a_delegation_reaches_as_far_as_its_limit() -> None:
    asked = Amount(100_00, "EUR")
    limited = authority(
        "people/mira", "people/fay", limit_minor=99_99, limit_currency="EUR", delegation="d/1"
    )
    with pytest.raises(PreconditionFailed) as refused:
        domain.check_delegated_limit(limited, asked)
    assert refused.value.reason == "AUTHORITY_INSUFFICIENT"
    assert "99.99 EUR" in refused.value.legs[0].description
    domain.check_delegated_limit(
        authority("people/mira", "people/fay", limit_minor=100_00, limit_currency="EUR"), asked
    )
    domain.check_delegated_limit(authority("people/mira", "people/fay", unlimited=True), asked)
    own = authority("people/fay", limit_minor=1, limit_currency="EUR")
    domain.check_delegated_limit(own, asked)  # the table, not the grade, says who approves


def test_reserving_waits_for_every_level_and_names_the_missing_ones() -> None:
    kept = funding(ONE, TWO)
    case = approve(opened(kept), kept, "people/fiona")
    with pytest.raises(PreconditionFailed) as refused:
        domain.require_approved(case, kept)
    assert refused.value.reason == "WRONG_STATE"
    assert [(leg.type, leg.description) for leg in refused.value.legs] == [
        ("LEVEL_2", "level 2 (committee) has 0 of 2 approvals")
    ]


def test_a_confirmation_makes_the_case_stand_with_all_its_deciders() -> None:
    kept = funding(ONE)
    case = approve(opened(kept), kept, "people/fiona")
    stood, ceiled = domain.confirm(case, kept, authority("people/fay"), NOW, timedelta(days=90))
    assert (stood.state, stood.verdict) == (CaseState.STANDING, Verdict.FUNDED)
    assert [(d.person, d.role) for d in stood.deciders] == [
        ("people/fiona", domain.APPROVER),
        ("people/fay", domain.CONFIRMER),
    ]
    assert ceiled.ceiling_minor == stood.facts.amount_minor


def test_an_approver_who_became_a_sponsor_since_stops_the_confirmation() -> None:
    case = approve(opened(funding(ONE)), funding(ONE), "people/fiona")
    with pytest.raises(PreconditionFailed) as refused:
        domain.confirm(
            case,
            funding(ONE, business=("people/fiona",)),
            authority("people/fay"),
            NOW,
            timedelta(days=90),
        )
    assert refused.value.legs[0].subject == "people/fiona"


def test_a_decline_names_its_gap_and_who_ended_the_program() -> None:
    kept = funding(TWO)
    case = approve(opened(kept), kept, "people/ada")
    bare = Gap("no money", "", "5,000 EUR", "ask for less")
    with pytest.raises(InvalidArgument) as refused:
        domain.decline(case, authority("people/fay"), bare, NOW)
    assert refused.value.violations[0].field == "gap.tolerance"
    gap = Gap("no money", "the envelope", "5,000 EUR", "ask for less")
    declined = domain.decline(case, authority("people/fay"), gap, NOW)
    assert [d.person for d in declined.deciders] == ["people/fay", "people/ada"]
    assert domain.approved_by_level(declined, kept.levels) == (("people/ada",),)


def test_what_an_envelope_has_not_is_refused_in_words_and_figures() -> None:
    envelope = Envelope(
        "envelopes/a", "A", 2027, "1", "p", "people/fay", "EUR", Balances(30_00, 30_00)
    )
    hold = Posting("envelopes/a", Kind.RESERVE, Account.AVAILABLE, Account.RESERVED, 50_00)
    with pytest.raises(PreconditionFailed) as refused:
        domain.posted(envelope, hold)
    assert refused.value.reason == "FUNDS_INSUFFICIENT"
    assert refused.value.metadata == {
        "available": "3000",
        "asked": "5000",
        "currency_code": "EUR",
    }
    assert "30.00 EUR available, 50.00 EUR was asked" in refused.value.message
