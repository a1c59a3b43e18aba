"""The same numbers by other ways: Panjer's recursion, closed forms, a seeded Monte Carlo."""

import math
from typing import Any, cast

import numpy as np
import pytest
from scipy import special as scipy_special
from scipy import stats as scipy_stats
from tests.unit.itrisk.quantification.references import (
    E1,
    E2,
    E5,
    Exponential,
    drawn,
    panjer,
    poisson_exponential,
    simulated,
)

from investiture.itrisk.quantification import compound, frequency
from investiture.itrisk.quantification.blocks import Grid, Risk
from investiture.itrisk.quantification.compound import Point, Portfolio
from investiture.itrisk.quantification.estimates import Constant, Lognormal90, Pert
from investiture.itrisk.quantification.lattice import Rounding, masses
from investiture.itrisk.quantification.portfolio import together
from investiture.itrisk.quantification.quantiles import curve, quantile, tail
from investiture.itrisk.quantification.severity import Insurance, Severity

special, stats = cast("Any", scipy_special), cast("Any", scipy_stats)
"""SciPy ships no types."""
RESOLUTIONS = (1 << 8, 1 << 10, 1 << 14)


def bracket(risks: list[Risk], loss: float, resolution: int) -> compound.Bracket:
    return Point(Portfolio(risks).parts, loss, resolution).bracket()


@pytest.mark.parametrize("rate", [0.1, 2.0, 20.0])
@pytest.mark.parametrize("rounding", [Rounding.DOWN, Rounding.UP, Rounding.MIDDLE])
def test_panjers_recursion_on_the_same_lattice_says_the_same(
    rate: float, rounding: Rounding
) -> None:
    risks = [Risk(Constant(rate), E2[0].severity)]
    grid = Grid(compound.lattice_for(risks, 1_500_000, 1_024), rounding)
    mass = masses(risks[0].severity, grid.lattice, rounding)
    wanted = np.cumsum(panjer(rate, mass, mass.size))
    found = compound.distribution(Portfolio(risks).parts, grid)
    assert np.max(np.abs(found - wanted)) < 1e-10


def test_panjers_recursion_over_the_range_of_an_uncertain_rate_says_the_same() -> None:
    (risk,) = E5
    assert isinstance(risk.rate, Pert)
    grid = Grid(compound.lattice_for(E5, 1_000_000, 512), Rounding.DOWN)
    mass = masses(risk.severity, grid.lattice, Rounding.DOWN)
    nodes, weights = risk.rate.nodes(24)
    wanted = sum(
        weight * np.cumsum(panjer(float(node), mass, mass.size))
        for node, weight in zip(nodes, weights, strict=True)
    )
    found = compound.distribution(Portfolio(E5).parts, grid)
    assert np.max(np.abs(found - wanted)) < 1e-10


@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("rate", [1e-9, 1e-3, 0.5, 8.0, 63.0, 65.0, 400.0, 1e4])
def test_the_closed_form_of_poisson_and_exponential_lies_in_the_bracket(
    rate: float, resolution: int
) -> None:
    risks = [Risk(Constant(rate), Severity(Exponential(1_000.0)))]
    for factor in (0.3, 1.0, 1.5, 4.0):
        loss = max(1_000.0, rate * 1_000.0) * factor
        wanted = poisson_exponential(rate, 1_000.0, loss)
        found = bracket(risks, loss, resolution)
        assert found.lower <= wanted <= found.upper


@pytest.mark.parametrize("rate", [1e-9, 1e-4, 0.3, 5.0, 90.0, 1e4, 1e5])
def test_the_closed_form_of_poisson_times_a_constant_is_met_to_rounding(rate: float) -> None:
    risks = [Risk(Constant(rate), Severity(Constant(2_500.5)))]
    for count in sorted({0, round(rate), round(rate + 2.0 * math.sqrt(rate)), 7}):
        loss = max(1.0, 2_500.5 * (count + 0.4))
        wanted = float(stats.poisson.sf(math.floor(loss / 2_500.5), rate))
        found = bracket(risks, loss, 1 << 10)
        assert found.lower <= wanted <= found.upper
        if rate < compound.MANY_EVENTS:
            assert found.width < 5e-10


def test_what_doubles_round_away_stays_a_quarter_of_what_is_allowed_for() -> None:
    worst = 0.0
    for rate in (0.01, 1.0, 30.0, 1e3, 1e5):
        risks = [Risk(Constant(rate), Severity(Constant(1.0)))]
        for loss in {round(rate + k * math.sqrt(rate)) for k in (-3, -1, 0, 1, 3, 6)} - {0}:
            if loss < 1:
                continue
            grid = Grid(compound.lattice_for(risks, float(loss), 1), Rounding.UP)
            found = 1.0 - compound.distribution(Portfolio(risks).parts, grid)[-1]
            wanted = float(stats.poisson.sf(loss, rate))
            worst = max(worst, abs(found - wanted) / compound.rounded(rate))
    assert worst < 0.25 + compound.WRAPPED / compound.ROUNDED


@pytest.mark.parametrize("risks", [E1, E2, E5], ids=["E1", "E2", "E5"])
def test_a_million_seeded_years_agree_within_their_own_error(risks: list[Risk]) -> None:
    years = 1_000_000
    losses = simulated(risks[0], years, np.random.default_rng(20_260_701))
    for loss in (250_000.0, 1_000_000.0, 5_000_000.0):
        found = bracket(risks, loss, 1 << 14)
        seen = float(np.mean(losses > loss))
        error = 4.0 * math.sqrt(max(seen, 1e-6) / years)
        assert found.lower - error <= seen <= found.upper + error
    assert compound.mean(risks) == pytest.approx(float(losses.mean()), rel=0.01)
    beyond = np.sort(losses)[-years // 20 :]
    found_tail = tail(risks, 0.95)
    assert found_tail.quantile == pytest.approx(float(beyond[0]), rel=0.01)
    assert found_tail.expected_shortfall == pytest.approx(float(beyond.mean()), rel=0.01)


INSURED = {
    "primary": Severity(Pert(5e4, 1.5e5, 9e5), insurance=Insurance(1e5, 2e5)),
    "both": Severity(E5[0].severity.primary, 0.3, Lognormal90(1e5, 3e6), Insurance(1e5, 1e6)),
    "from the first": Severity(Lognormal90(1e4, 1e6), 0.5, Pert(0, 1e5, 3e5), Insurance(0, 2e5)),
    "known and not": Severity(Constant(1.5e5), 0.4, Lognormal90(1e5, 3e6), Insurance(1e5, 3e5)),
    "known": Severity(Constant(150_000.25), 0.4, Constant(333_333), Insurance(100_000.1, 3e5)),
    "without end": Severity(
        E5[0].severity.primary, 0.3, Lognormal90(1e5, 3e6), Insurance(2e5, 1e9)
    ),
}


@pytest.mark.parametrize("severity", INSURED.values(), ids=INSURED.keys())
def test_insured_losses_agree_with_a_million_seeded_years(severity: Severity) -> None:
    years = 1_000_000
    risk = Risk(Constant(1.0), severity)
    random = np.random.default_rng(7)
    losses = simulated(risk, years, random)
    events = drawn(severity.primary, years, random)
    second = random.random(years) < severity.probability
    events[second] += drawn(severity.secondary, int(second.sum()), random)
    assert severity.insurance is not None
    events -= np.clip(events - severity.insurance.deductible, 0.0, severity.insurance.limit)
    assert severity.mean == pytest.approx(float(events.mean()), rel=0.01)
    assert severity.second_moment == pytest.approx(float((events**2).mean()), rel=0.1)
    assert severity.nothing == pytest.approx(float((events == 0.0).mean()), abs=0.002)
    for loss in (150_000.0, 400_000.0, 1_000_000.0):
        found = bracket([risk], loss, 1 << 12)
        seen = float(np.mean(losses > loss))
        error = 4.0 * math.sqrt(max(seen, 1e-6) / years)
        assert found.lower - error <= seen <= found.upper + error
        assert found.width < 0.02


@pytest.mark.parametrize("swing", [0.1, 3.0, 40.0, 300.0, 900.0])
@pytest.mark.parametrize("shape", [1.5, 3.0, 6.0])
def test_the_quadrature_over_an_uncertain_rate_is_exact_to_doubles(
    shape: float, swing: float
) -> None:
    """Of a symmetric beta on [0, 2c] it is Γ(ν+1) (2/t)^ν J_ν(t) e^{it}, ν = α − 1/2, t = c."""
    gamma = 2.0 * (shape - 1.0)
    rate = Pert(0.0, swing, 2.0 * swing, gamma)
    places = np.array([0.05, 0.4, 1.0])
    found = frequency.expected_exponential(rate, 1j * places)
    order, at = shape - 0.5, swing * places
    wanted = special.gamma(order + 1.0) * (2.0 / at) ** order * special.jv(order, at)
    assert np.max(np.abs(found - wanted * np.exp(1j * at))) < 2e-13


@pytest.mark.parametrize("rate", [1e4, 1e5, 1e6])
@pytest.mark.parametrize("estimate", [Lognormal90(1e5, 1e6), Pert(0.0, 1e5, 9e5)])
def test_quantiles_of_many_events_are_those_of_the_normal_limit(
    rate: float, estimate: Lognormal90 | Pert
) -> None:
    risks = [Risk(Constant(rate), Severity(estimate))]
    mean, deviation = compound.mean(risks), compound.variance(risks) ** 0.5
    for probability in (0.5, 0.9, 0.99, 0.999):
        z = float(special.ndtri(probability))
        third = rate * float(np.mean(drawn(estimate, 400_000, np.random.default_rng(1)) ** 3))
        skewed = z + (z**2 - 1.0) * third / deviation**3 / 6.0  # Cornish and Fisher 1938
        assert quantile(risks, probability) == pytest.approx(mean + skewed * deviation, rel=2e-4)


def test_quantiles_next_to_an_atom_are_the_atom() -> None:
    risks = [Risk(Constant(0.5), Severity(Constant(1_000.0)))]
    none, one = math.exp(-0.5), 0.5 * math.exp(-0.5)
    assert quantile(risks, none - 1e-9) == 0.0
    assert quantile(risks, none + 1e-9) == 1_000.0
    assert quantile(risks, none + one - 1e-9) == 1_000.0
    assert quantile(risks, none + one + 1e-9) == 2_000.0
    losses = np.array([999.99, 1_000.0, 1_000.01, 2_000.0])
    wanted = [1 - none, 1 - none - one, 1 - none - one, 1 - none - one * 1.25]
    assert curve(risks, losses) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    "programs",
    [
        {"a": E1, "b": E2, "c": E5},
        {"a": E5, "b": [Risk(Constant(3.0), Severity(Constant(2e5)))]},
        {
            "a": [Risk(Constant(0.3), Severity(Constant(7.0)))],
            "b": [Risk(Constant(0.2), Severity(Constant(5.0)))],
        },
        {
            "a": [Risk(Constant(1e4), E1[0].severity)],
            "b": [Risk(Constant(0.5), Severity(Constant(1e9)))],
        },
    ],
)
@pytest.mark.parametrize("probability", [0.5, 0.95, 0.99])
def test_the_contributions_sum_to_the_expected_shortfall(
    programs: dict[str, list[Risk]], probability: float
) -> None:
    found = together(programs, probability)
    assert sum(one.tail for one in found.contributions) == pytest.approx(
        found.tail.expected_shortfall, rel=1e-3
    )


def test_a_contribution_is_what_a_million_seeded_years_say() -> None:
    random = np.random.default_rng(11)
    first, second = (simulated(one[0], 1_000_000, random) for one in (E2, E5))
    both = first + second
    worst = both > np.quantile(both, 0.95)
    found = together({"a": E2, "b": E5}, 0.95)
    assert [one.tail for one in found.contributions] == pytest.approx(
        [float(first[worst].mean()), float(second[worst].mean())], rel=0.01
    )
