"""Conflicts of interest: requester, reporting line, vendor interest (the issue, Sponsorship)."""

from typing import Any

import pytest
from tests.support.facts import NOW, revision

from investiture.casework.conflicts import require_impartial, require_independent, subject_key
from investiture.casework.facts import Authority, Interest, Revision
from investiture.chassis.refusal import PreconditionFailed

FACTS = revision(
    proposer="people/ben", sponsor="people/sara", counter_sponsor="people/hana",
    owning_unit="units/support", vendors=("Brightside  Media", "Acme"),
)  # fmt: skip


def decider(**changes: Any) -> Authority:
    values: dict[str, Any] = {
        "person": "people/finn",
        "active": True,
        "side": None,
        "unit": "units/finance",
        "grade": "",
        "limit_minor": None,
        "limit_currency": "",
        "unlimited": True,
        "resolved_at": NOW,
    }
    return Authority(**{**values, **changes})


def interest(subject: str, person: str = "people/finn") -> Interest:
    return Interest(f"{person}/interests/1", subject)


def legs(authority: Authority, facts: Revision = FACTS) -> list[tuple[str, str]]:
    with pytest.raises(PreconditionFailed) as refused:
        require_independent(facts, authority)
    assert refused.value.reason == "CONFLICT_OF_INTEREST"
    assert all(leg.type == "CONFLICT_OF_INTEREST" and leg.remedy for leg in refused.value.legs)
    return [(leg.subject, leg.description) for leg in refused.value.legs]


@pytest.mark.parametrize(
    "subject",
    [
        "vendors/brightside media",
        "vendors/ BRIGHTSIDE Media ",
        "vendors/Acme",
        "programs/community",
        "units/support",
    ],
)
def test_an_interest_in_a_vendor_the_program_or_its_unit_bars_every_decision(subject: str) -> None:
    authority = decider(interests=(interest(subject),))
    ((who, why),) = legs(authority)
    assert who == "people/finn"
    assert subject in why
    with pytest.raises(PreconditionFailed):
        require_impartial(FACTS, authority)


@pytest.mark.parametrize("subject", ["vendors/Brightsider", "programs/other", "units/sales"])
def test_an_interest_in_something_else_bars_nothing(subject: str) -> None:
    require_independent(FACTS, decider(interests=(interest(subject),)))


def test_a_delegate_is_as_conflicted_as_who_lent_to_them() -> None:
    mine = interest("vendors/Acme", "people/fay")
    authority = decider(on_behalf_of="people/fay", interests=(mine,))
    assert [who for who, _ in legs(authority)] == ["people/fay"]


@pytest.mark.parametrize("asking", ["people/ben", "people/sara", "people/hana"])
def test_who_reports_to_who_asks_decides_neither_for_the_money_nor_for_it(asking: str) -> None:
    authority = decider(reports_to=("people/fay", asking))
    ((who, why),) = legs(authority)
    assert (who, asking in why) == ("people/finn", True)
    require_impartial(FACTS, authority)  # for the business the line is what stands behind it


def test_each_conflict_is_a_leg() -> None:
    both = decider(
        interests=(interest("vendors/Acme"), interest("units/support")), reports_to=("people/sara",)
    )
    assert len(legs(both)) == 3


def test_vendors_are_compared_as_words_and_names_as_they_are() -> None:
    assert subject_key("vendors/ Acme  GmbH") == subject_key("vendors/acme gmbh")
    assert subject_key("programs/a") != subject_key("programs/A")
