"""What may be submitted: the charter's words, people who can be asked, amounts that add up."""

from typing import Any

import pytest
from google.type.money_pb2 import Money
from tests.support.halden import charter
from tests.support.programs import benefit, content, eur, plan

from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.chassis.refusal import InvalidArgument
from investiture.launch.domain.content import check
from investiture.launch.wire import content_of, content_to


def violations(**changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as refused:
        check(content_of(content(**changes)), charter())
    return {found.field: found.description for found in refused.value.violations}


def test_a_believable_program_is_accepted() -> None:
    check(content_of(content()), charter())


def test_content_goes_through_the_api_and_back_unchanged() -> None:
    message = content()
    assert content_to(content_of(message)) == message


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"audiences": ["customers", "custmers"]}, "audiences[1]", "did you mean 'customers'"),
        ({"channels": ["pigeons"]}, "channels[0]", "knows no channel 'pigeons'; it knows"),
        ({"data_classes": ["paymnt"]}, "data_classes[0]", "did you mean 'payment'"),
        ({"spend_conditions": ["odd"]}, "spend_conditions[0]", "it knows novel, contractual"),
        ({"owning_unit": "units/suport"}, "owning_unit", "did you mean 'units/support'"),
        ({"category": "opx"}, "category", "did you mean 'opex'"),
        ({"envelope": "launches"}, "envelope", "envelopes/{envelope}"),
        ({"counter_sponsor": "hana"}, "counter_sponsor", "'hana' names nobody"),
        ({"counter_sponsor": "people/sara"}, "counter_sponsor", "is the sponsor already"),
        ({"it_liaison": "omar"}, "it_liaison", "write people/{person}"),
        ({"steward": "Stella"}, "steward", "write people/{person}"),
        ({"response_rota": ["people/sam", "you"]}, "response_rota[1]", "names nobody"),
        ({"vendors": [" "]}, "vendors[0]", "is blank"),
        ({"objective": "   "}, "objective", "is blank"),
        ({"exposure_bps": 400}, "pilot_plan.exposure_bps", "not larger than the launch"),
        ({"pilot_plan": plan(exit_criteria=[" "])}, "pilot_plan.exit_criteria[0]", "is blank"),
        ({"benefits": [benefit(), benefit()]}, "benefits[1].id", "is there already"),
        ({"benefits": [benefit(low=eur(50_000))]}, "benefits[0].likely", "low 50,000.00 EUR"),
        ({"amount": eur(90_001)}, "tranches", "add up to 90,000.00 EUR; the amount is 90,001.00"),
    ],
)
def test_what_cannot_be_governed_is_named_by_its_field_with_the_remedy(
    changes: dict[str, Any], field: str, says: str
) -> None:
    found = violations(**changes)
    assert list(found) == [f"content.{field}"]
    assert says in found[f"content.{field}"]


def test_everything_wrong_is_said_at_once() -> None:
    found = violations(audiences=["nobody"], category="fun", steward="me")
    assert list(found) == ["content.audiences[0]", "content.category", "content.steward"]


def test_every_amount_is_in_the_charters_currency() -> None:
    dollars = Money(currency_code="USD", units=7_000)
    assert "charter's currency, EUR" in violations(cost_of_delay_per_week=dollars).popitem()[1]


def test_tranches_that_are_left_out_leave_all_of_it_to_the_general_launch() -> None:
    split = content_of(content(tranches=None)).split
    assert (split.trial.minor, split.pilot.minor, split.general.minor) == (0, 0, 90_000_00)
    partly = content_of(content(tranches=pb.Tranches(general=eur(90_000))))
    check(partly, charter())


def test_amounts_that_are_no_amounts_are_all_named() -> None:
    broken = content(
        amount=Money(currency_code="EUR", units=1, nanos=5),
        cost_of_delay_per_week=Money(currency_code="XXZ", units=1),
        benefits=[benefit(low=Money(currency_code="EUR", units=1, nanos=-1))],
    )
    with pytest.raises(InvalidArgument) as refused:
        content_of(broken)
    assert refused.value.reason == "INVALID_AMOUNT"
    assert sorted(found.field for found in refused.value.violations) == [
        "content.amount",
        "content.benefits[0].low",
        "content.cost_of_delay_per_week.currency_code",
    ]
