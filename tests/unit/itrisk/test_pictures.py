"""The data of the pictures: the frontiers are where verdict and value change their answer."""

from dataclasses import replace

import numpy as np
import pytest

from investiture.itrisk.quantification import compound
from investiture.itrisk.quantification.assessment import assess
from investiture.itrisk.quantification.compound import Portfolio
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.pictures import (
    equivalent_effectiveness,
    exceedance_curves,
    round_losses,
    tipping_map,
    worthwhile_from,
)
from investiture.itrisk.quantification.scenarios import Question
from investiture.itrisk.quantification.severity import Insurance
from investiture.itrisk.quantification.tipping import Verdict, decide, tipping_point
from investiture.itrisk.quantification.value import Value, risk_adjusted_npv

QUESTION = question_of(
    {
        "scenarios": [
            {
                "name": "outage",
                "frequency": {"poisson": 1.0},
                "primary": {"lognormal90": [1_000, 20_000]},
            }
        ],
        "controls": [
            {"name": "spare", "frequency_effectiveness": 0.5, "cost": 3},
            {"name": "backup", "severity_reduction": 0.1, "cost": 5},
        ],
        "appetite": [[5_000, 0.3], [20_000, 0.05]],
    }
)


def test_the_appetites_frontier_is_where_the_verdict_changes() -> None:
    plane = tipping_map(QUESTION, assess(QUESTION))
    assert plane is not None
    portfolio = Portfolio(QUESTION.risks())
    for e, x in zip(plane.effectiveness[::20], plane.appetite[::20], strict=True):
        scale = float(x * (1.0 - e))
        assert decide(portfolio, QUESTION.appetite, scale) is Verdict.INSIDE
        if x < 1.0:
            assert decide(portfolio, QUESTION.appetite, scale * 1.001) is Verdict.OUTSIDE


@pytest.mark.parametrize("exposure", [1.0, 0.4])
def test_the_values_frontier_is_where_the_net_present_value_is_nothing(exposure: float) -> None:
    value = Value((9_000.0, 12_000.0), (500.0, 400.0), 0.08, 4_000.0)
    insurance = Insurance(8_000.0, 50_000.0, 150.0)
    question = replace(QUESTION, value=value, insurance=insurance, exposure=exposure)
    effectiveness = np.array([0.0, 0.3, 1.0])
    least = worthwhile_from(question, effectiveness)
    assert least is not None
    for e, x in zip(effectiveness, least, strict=True):
        gained = tuple(benefit * x / exposure for benefit in value.benefits)
        lost = compound.mean(question.risks()) * x * (1.0 - e)
        worth = risk_adjusted_npv(replace(value, benefits=gained), lost, insurance.premium)
        assert worth == pytest.approx(0.0, abs=1e-6)


def test_what_loses_more_than_it_brings_is_worth_it_at_no_exposure() -> None:
    question = replace(QUESTION, value=Value((10.0,), (0.0,), 0.08))
    least = worthwhile_from(question, np.array([0.0, 1.0]))
    assert least is not None
    assert least.tolist() == [np.inf, 0.0]


def test_a_control_of_all_frequencies_is_as_effective_as_it_says() -> None:
    tipped = tipping_point(Portfolio(QUESTION.risks()), QUESTION.appetite)
    assert equivalent_effectiveness(QUESTION, tipped, ["spare"]) == pytest.approx(0.5, abs=1e-3)


def test_a_control_of_amounts_stands_where_the_verdict_with_it_puts_it() -> None:
    tipped = tipping_point(Portfolio(QUESTION.risks()), QUESTION.appetite)
    reached = equivalent_effectiveness(QUESTION, tipped, ["backup"])
    assert reached is not None
    with_it = Portfolio(QUESTION.risks(["backup"]))
    most = tipped.exposure_with(reached)
    assert most < 1.0
    assert decide(with_it, QUESTION.appetite, most * 0.999) is Verdict.INSIDE
    assert decide(with_it, QUESTION.appetite, most * 1.001) is Verdict.OUTSIDE


def test_the_curves_hold_each_tolerance_and_the_tipping_one_meets_the_binding() -> None:
    assessment = assess(QUESTION)
    curves = exceedance_curves(QUESTION, assessment)
    assert np.all(np.diff(curves.losses) > 0.0)
    assert np.all(np.diff(curves.inherent) <= 1e-12)
    assert curves.tipping is not None
    assert assessment.tipping is not None
    met: list[float] = []
    for reading in assessment.readings:
        (index,) = np.flatnonzero(curves.losses == reading.tolerance.loss)
        assert curves.inherent[index] == pytest.approx(reading.found.middle, abs=2e-3)
        met.append(float(curves.tipping[index]) - reading.tolerance.probability)
    assert max(met) == pytest.approx(0.0, abs=1e-4)
    assert met.index(max(met)) == [r.tolerance.loss for r in assessment.readings].index(
        assessment.tipping.binding_loss or 0.0
    )


@pytest.mark.parametrize(
    "change",
    [{"exposure": 0.0}, {"appetite": ()}, {"controls": ()}, {"exposure": 1e-9}],
    ids=str,
)
def test_there_are_curves_for_every_question(change: dict[str, object]) -> None:
    question: Question = replace(QUESTION, **change)  # type: ignore[arg-type] # of any field
    curves = exceedance_curves(question, assess(question))
    assert np.all(np.isfinite(curves.losses))
    assert np.all((curves.inherent >= 0.0) & (curves.inherent <= 1.0))
    assert curves.losses.shape == curves.inherent.shape


def test_round_losses_are_one_two_and_five_times_a_power_of_ten() -> None:
    assert round_losses(0.3, 20.0).tolist() == [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
