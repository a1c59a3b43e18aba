"""A program closes as what was measured shows, or with the promise waived."""

from datetime import UTC, datetime

import pytest
from tests.support.programs import benefit, content, eur

from investiture.casework.amounts import Amount
from investiture.casework.words import Outcome
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.launch.domain.proof import Measurement, check_close, measured
from investiture.launch.wire import content_of

NOW = datetime(2027, 6, 1, 9, 0, tzinfo=UTC)
# Likely 31,500 and 10,000: together 41,500.
PROMISED = content_of(
    content(
        benefits=[
            benefit(),
            benefit(id="loyalty", low=eur(5_000), likely=eur(10_000), high=eur(20_000)),
        ]
    )
).benefits


def of(benefit_id: str, units: int) -> Measurement:
    value = Amount(units * 100, "EUR")
    return Measurement(benefit_id, value, "https://halden.example", "people/nora", NOW)


def legs(outcome: Outcome, *measurements: Measurement) -> tuple[Leg, ...]:
    with pytest.raises(PreconditionFailed) as refused:
        check_close(outcome, PROMISED, measurements)
    assert refused.value.reason == "WRONG_STATE"
    return refused.value.legs


@pytest.mark.parametrize("second", [10_000, 10_001])
def test_proven_is_what_reaches_the_likely_total(second: int) -> None:
    check_close(Outcome.PROVEN, PROMISED, (of("deflection", 31_500), of("loyalty", second)))


def test_one_benefit_may_make_up_for_another_also_for_one_not_measured() -> None:
    check_close(Outcome.PROVEN, PROMISED, (of("deflection", 41_500),))


def test_one_minor_unit_less_is_missed_and_not_proven() -> None:
    short = (of("deflection", 31_500), of("loyalty", 9_999))
    check_close(Outcome.MISSED, PROMISED, short)
    (leg,) = legs(Outcome.PROVEN, *short)
    assert leg.description == "measured 41,499.00 EUR, promised 41,500.00 EUR (likely)"


def test_a_promise_is_not_missed_before_each_benefit_was_measured() -> None:
    figures, unmeasured = legs(Outcome.MISSED, of("deflection", 1_000))
    assert figures.remedy == "measure each benefit"
    assert (unmeasured.type, unmeasured.subject) == ("UNMEASURED", "loyalty")
    assert "people/nora answers for it" in unmeasured.description


def test_a_promise_that_was_met_is_not_missed() -> None:
    (leg,) = legs(Outcome.MISSED, of("deflection", 31_500), of("loyalty", 10_000))
    assert leg.remedy == "close it as proven"


def test_nothing_measured_proves_nothing_and_names_every_benefit() -> None:
    assert [leg.subject for leg in legs(Outcome.PROVEN)] == ["PROVEN", "deflection", "loyalty"]


def test_a_waiver_needs_no_figures() -> None:
    check_close(Outcome.PROMISE_WAIVED, PROMISED, ())


def test_a_later_measurement_takes_the_place_of_the_earlier_one() -> None:
    first = measured((), of("loyalty", 1))
    both = measured(first, of("deflection", 2))
    again = measured(both, of("loyalty", 3))
    assert [(one.benefit, one.value.minor) for one in again] == [
        ("deflection", 200),
        ("loyalty", 300),
    ]
