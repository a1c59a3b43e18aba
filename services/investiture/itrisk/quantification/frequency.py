"""How often it happens: the loss event frequency Λ in events a year, given which N is Poisson.

Open FAIR: loss event frequency = threat event frequency × vulnerability, vulnerability =
P(threat capability > resistance strength).
"""

import math
from typing import cast

import numpy as np

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk.quantification.estimates import Constant, Estimate, Pert
from investiture.itrisk.quantification.functions import Complexes, Floats

Rate = Constant | Pert
"""Λ: known, or uncertain within a range."""

HIGHEST_RATE = 1e6
"""Events a year; more is a cost of running, not a risk."""
WIDEST_RANGE = 2_000.0
"""Events a year between the least and the most of an uncertain rate: see `_nodes`."""
VULNERABILITY_NODES = 512
MOST_SWING = 12.0
"""Of a group of nodes. The power series is then wrong by at most e^(swing/2) · 1e-16 = 4e-14,
because |z| − |Re z| ≤ 1/2 for z = φ − 1; most of that is damped by the group's middle."""
BLOCK = 4_096
"""Complex numbers a block: what the first-level cache holds."""
NEGLIGIBLE = -46.0
"""e^-46 = 1e-20: below what a sum of probabilities in doubles can show."""


def rate(estimate: Estimate, field: str) -> Rate:
    """The frequency that an estimate means.

    Raises InvalidArgument where it is no rate, is above a million events a year, or is uncertain
    over a range wider than the quadrature can integrate to doubles' precision.
    """
    if not isinstance(estimate, Constant | Pert):
        raise InvalidArgument.of(field, "a frequency is a number of events a year, or a pert")
    top = estimate.value if isinstance(estimate, Constant) else estimate.high
    if top > HIGHEST_RATE:
        raise InvalidArgument.of(
            field,
            f"{top:g} events a year; up to {HIGHEST_RATE:,.0f}: group them into larger events",
        )
    if isinstance(estimate, Pert) and estimate.high - estimate.low > WIDEST_RANGE:
        raise InvalidArgument.of(
            field,
            f"the range from {estimate.low:g} to {estimate.high:g} events a year is wider than "
            f"{WIDEST_RANGE:,.0f}; narrow it, or give poisson with its most likely rate",
        )
    return estimate


def loss_event_frequency(threat_events: Rate, vulnerability: float) -> Rate:
    """Λ = TEF × vulnerability (Open FAIR)."""
    return cast("Rate", threat_events.scaled(vulnerability))


def vulnerability(threat: Estimate, resistance: Estimate) -> float:
    """P(threat capability > resistance strength) of two independent estimates.

    ∫ F_RS(t) dF_TC(t): Gauss–Jacobi on the beta of the capability, 512 nodes. Of two constants it
    is 0 or 1; equal strength holds.
    """
    if isinstance(threat, Constant):
        at = np.array([threat.value])
        if isinstance(resistance, Constant):
            return float(threat.value > resistance.value)
        return float(resistance.cdf(at)[0])
    if not isinstance(threat, Pert):
        raise InvalidArgument.of(
            "frequency.vulnerability.threat", "capability is a constant or a pert between 0 and 1"
        )
    if isinstance(resistance, Constant):
        return float(1.0 - threat.cdf(np.array([resistance.value]))[0])
    places, weights = threat.nodes(VULNERABILITY_NODES)
    return min(1.0, float(weights @ resistance.cdf(places)))


def share_overcome(capabilities: Floats, strengths: Floats) -> float:
    """The share of pairs in which the threat is the stronger; both of shape (n,).

    How pyfair's documentation defines vulnerability on samples: (.60, .10, .30) against
    (.50, .50, .40) → 1/3.
    """
    return float(np.mean(capabilities > strengths))


def expected_exponential(rate_: Rate, z: Complexes) -> Complexes:
    """E[exp(Λ z)] for every z with a real part ≤ 0, in the shape of `z`.

    Of an uncertain Λ by Gauss–Jacobi quadrature with as many nodes as the exponent's swing over the
    range asks for.
    """
    if isinstance(rate_, Constant):
        return cast("Complexes", np.exp(rate_.value * z))
    return _over(rate_, z, weighted=False)


def _sum_of_exponentials(nodes: Floats, weights: Floats, z: Complexes, swing: float) -> Complexes:
    """Σ w e^(node z) for nodes within a narrow range: a power series, a few ns a term."""
    middle = (float(nodes[0]) + float(nodes[-1])) / 2.0
    offsets, powers = nodes - middle, weights
    factors = [float(weights.sum())]
    size = 1.0
    while size > 1e-17:
        k = len(factors)
        size *= max(swing, 1e-3) / k
        powers = powers * offsets / k
        factors.append(float(powers.sum()))
    answer = np.empty_like(z)
    for start in range(0, z.size, BLOCK):
        block = z[start : start + BLOCK]
        total = np.full_like(block, factors[-1])
        for factor in reversed(factors[:-1]):
            total *= block
            total += factor
        total *= np.exp(middle * block)
        answer[start : start + BLOCK] = total
    return answer


def expected_weighted(rate_: Rate, z: Complexes) -> Complexes:
    """E[Λ exp(Λ z)] for every z with a real part ≤ 0, in the shape of `z`: the derivative by z."""
    if isinstance(rate_, Constant):
        return cast("Complexes", rate_.value * np.exp(rate_.value * z))
    return _over(rate_, z, weighted=True)


def _over(rate_: Pert, z: Complexes, *, weighted: bool) -> Complexes:
    """The nodes of the quadrature in groups, each where it is felt."""
    largest = float(np.abs(z).max())
    swing = (rate_.high - rate_.low) / 2.0 * largest
    nodes, weights = rate_.nodes(_nodes(swing))
    weights = weights * nodes if weighted else weights
    answer = np.zeros_like(z)
    panels = max(1, math.ceil(swing / MOST_SWING))
    groups = [(nodes, weights)]
    if panels > 1:
        edges = np.linspace(rate_.low, rate_.high, panels + 1)[1:-1]
        places = np.searchsorted(nodes, edges)
        groups = list(zip(np.split(nodes, places), np.split(weights, places), strict=True))
    for group, shares in groups:
        if not group.size:
            continue
        around = (float(group[-1]) - float(group[0])) / 2.0 * largest
        felt = float(group[0]) * z.real > NEGLIGIBLE
        if felt.all():
            answer += _sum_of_exponentials(group, shares, z, around)
        else:
            answer[felt] += _sum_of_exponentials(group, shares, z[felt], around)
    return answer


def no_event(rate_: Rate, share: float = 1.0) -> float:
    """P(no event of a kind that is a `share` of all) = E[exp(−Λ · share)]."""
    return float(expected_exponential(rate_, np.array([-share + 0j]))[0].real)


def highest(rate_: Rate) -> float:
    """The most events a year that the estimate allows."""
    return rate_.value if isinstance(rate_, Constant) else rate_.high


def _nodes(swing: float) -> int:
    """Nodes for which Gauss quadrature of exp(swing · u) over [−1, 1] is exact to doubles.

    n nodes are exact for degree 2n − 1, and the Chebyshev coefficients of exp(c u) fall off
    faster than any power once the degree passes c + 12 c^(1/3) + 24 (Bessel functions).
    """
    degree = swing + 12.0 * float(np.cbrt(swing)) + 24.0
    least = (degree + 1.0) / 2.0
    return math.ceil(16.0 * 1.25 ** max(0, math.ceil(math.log(least / 16.0, 1.25))))
