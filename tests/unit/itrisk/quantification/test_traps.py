"""Plausible wrong ways, each with the number that it would give."""

import math

import numpy as np
import pytest
from tests.unit.itrisk.quantification.references import E2, E5, drawn, simulated

from investiture.itrisk.quantification.blocks import Risk
from investiture.itrisk.quantification.compound import Portfolio
from investiture.itrisk.quantification.estimates import Z95, Constant, Lognormal90
from investiture.itrisk.quantification.quantiles import curve, quantile
from investiture.itrisk.quantification.scenarios import Tolerance
from investiture.itrisk.quantification.severity import Severity
from investiture.itrisk.quantification.tipping import Verdict, read

YEARS = 1_000_000


def exceedance(risks: list[Risk], loss: float) -> float:
    return float(curve(risks, np.array([loss]))[0])


def test_the_loss_is_the_sum_over_events_and_not_frequency_times_one_severity() -> None:
    """The short cut says .0699, inside a tolerance of .10; the truth is .1036, outside."""
    random = np.random.default_rng(3)
    (risk,) = E5
    severities = drawn(risk.severity.primary, YEARS, random)
    second = random.random(YEARS) < risk.severity.probability
    severities[second] += drawn(risk.severity.secondary, int(second.sum()), random)
    short_cut = drawn(risk.rate, YEARS, random) * severities
    assert float(np.mean(short_cut > 1e6)) == pytest.approx(0.0699, abs=0.001)
    (reading,) = read(Portfolio(E5), [Tolerance(1e6, 0.10)])
    assert reading.verdict is Verdict.OUTSIDE
    assert reading.found.lower <= 0.1036 <= reading.found.upper


def test_independent_scenarios_do_not_share_their_chance() -> None:
    """Two scenarios that happen in one of ten years: in 19 of 100 years one does, not in 10."""
    rate = -math.log(0.9)
    risks = [Risk(Constant(rate), Severity(Constant(1_000.0))) for _ in range(2)]
    assert exceedance(risks[:1], 500.0) == pytest.approx(0.10, abs=1e-9)
    assert exceedance(risks, 500.0) == pytest.approx(0.19, abs=1e-9)


def test_the_product_of_distribution_functions_is_the_largest_loss_and_not_the_sum() -> None:
    apart = [1.0 - exceedance(risks, 1e6) for risks in (E2, E5)]
    largest = 1.0 - apart[0] * apart[1]
    together = exceedance([*E2, *E5], 1e6)
    random = np.random.default_rng(5)
    first, second = (simulated(risks[0], YEARS, random) for risks in (E2, E5))
    assert together == pytest.approx(float(np.mean(first + second > 1e6)), abs=0.002)
    assert largest == pytest.approx(float(np.mean(np.maximum(first, second) > 1e6)), abs=0.002)
    assert together > largest + 0.05


def test_the_sum_of_values_at_risk_is_not_the_value_at_risk_of_the_sum() -> None:
    summed = quantile(E2, 0.95) + quantile(E5, 0.95)
    assert quantile([*E2, *E5], 0.95) < 0.9 * summed


def test_a_lognormal_through_two_points_of_an_appetite_moves_the_points_between() -> None:
    """Through (250k, .25) and (5M, .01) it tolerates 7.5 % at 1M, where 10 % was said.

    A decision therefore reads the points alone: 8 % at 1M is inside.
    """
    z = [0.6744897501960817, 2.3263478740408408]
    sigma = math.log(5e6 / 2.5e5) / (z[1] - z[0])
    place = z[0] + math.log(1e6 / 2.5e5) / sigma
    between = 0.5 * math.erfc(place / math.sqrt(2.0))
    assert between == pytest.approx(0.075, abs=0.001)
    rate = -math.log(1.0 - 0.08)
    risks = [Risk(Constant(rate), Severity(Constant(1.5e6)))]
    appetite = [Tolerance(2.5e5, 0.25), Tolerance(1e6, 0.10), Tolerance(5e6, 0.01)]
    readings = read(Portfolio(risks), appetite)
    assert [reading.verdict for reading in readings] == [Verdict.INSIDE] * 3
    assert readings[1].found.lower > between


def test_half_of_the_width_of_a_ninety_percent_interval_is_1_645_deviations() -> None:
    estimate = Lognormal90(1e5, 1e6)
    ends = estimate.cdf(np.array([1e5, 1e6]))
    assert ends == pytest.approx([0.05, 0.95], abs=1e-12)
    assert estimate.sigma == pytest.approx(math.log(10.0) / (2.0 * Z95))
