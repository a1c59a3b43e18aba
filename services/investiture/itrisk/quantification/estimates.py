"""Estimates of a quantity by an expert: a constant, a PERT, a lognormal by its 90 % interval.

All three are non-negative. Amounts are in the currency's major unit, rates in events a year; an
estimate does not know which of the two it is.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from investiture.chassis.refusal import FieldViolation, InvalidArgument
from investiture.itrisk.quantification.functions import (
    Floats,
    beta_cdf,
    hermite,
    jacobi,
    normal_cdf,
)

Z95 = 1.6448536269514722
"""The 95 % point of the standard normal distribution: half of what a 90 % interval spans."""
LARGEST = 1e18
"""The largest number that an estimate may hold: beyond it doubles no longer tell units apart."""
SMALLEST_SIGMA = 1e-9
LARGEST_SIGMA = 12.0
"""e^12 is a factor of 160,000 from the median to one standard deviation above it."""
DEFAULT_GAMMA = 4.0
LARGEST_GAMMA = 1_000.0
"""Of a PERT: the spread is then below a sixtieth of the range."""


class Estimate(Protocol):
    """A non-negative random quantity, as far as the mathematics has to know it."""

    def __hash__(self) -> int:
        """Equal estimates have one: what is computed of them is remembered."""
        ...

    @property
    def mean(self) -> float:
        """Its expectation."""
        ...

    @property
    def second_moment(self) -> float:
        """The expectation of its square."""
        ...

    def scaled(self, factor: float) -> "Estimate":
        """The same quantity times a factor ≥ 0."""
        ...

    def cdf(self, x: Floats) -> Floats:
        """P(X ≤ x) for every x ≥ 0, in the shape of `x`."""
        ...

    def limited(self, x: Floats) -> Floats:
        """E[min(X, x)] for every x ≥ 0, in the shape of `x`."""
        ...

    def limited_square(self, x: Floats) -> Floats:
        """E[min(X, x)²] for every x ≥ 0, in the shape of `x`."""
        ...

    def nodes(self, count: int) -> tuple[Floats, Floats]:
        """At most `count` places and weights of a Gauss quadrature; the weights sum to 1."""
        ...

    def numbers(self) -> Iterator[tuple[str, float]]:
        """What the expert said, by its name."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """A quantity that is known: a point mass at `value` ≥ 0."""

    value: float

    @property
    def mean(self) -> float:
        """The value."""
        return self.value

    @property
    def second_moment(self) -> float:
        """The square of the value."""
        return self.value**2

    def scaled(self, factor: float) -> "Constant":
        """The value times `factor`."""
        return Constant(self.value * factor)

    def cdf(self, x: Floats) -> Floats:
        """1 from the value on, else 0."""
        return (x >= self.value).astype(np.float64)

    def limited(self, x: Floats) -> Floats:
        """The smaller of the value and `x`."""
        return np.minimum(x, self.value)

    def limited_square(self, x: Floats) -> Floats:
        """The square of the smaller of the value and `x`."""
        return np.minimum(x, self.value) ** 2

    def nodes(self, count: int) -> tuple[Floats, Floats]:
        """The value, once."""
        return np.array([self.value]), np.ones(1)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """The value."""
        yield "constant", self.value


@dataclass(frozen=True, slots=True)
class Pert:
    """A PERT of Vose's standard form: a beta on [low, high] with its mode at `mode`.

    α = 1 + γ(m − a)/(b − a), β = 1 + γ(b − m)/(b − a), mean (a + γm + b)/(γ + 2).
    """

    low: float
    mode: float
    high: float
    gamma: float = DEFAULT_GAMMA

    @property
    def alpha(self) -> float:
        """The beta's first shape."""
        return 1.0 + self.gamma * (self.mode - self.low) / (self.high - self.low)

    @property
    def beta(self) -> float:
        """The beta's second shape."""
        return 1.0 + self.gamma * (self.high - self.mode) / (self.high - self.low)

    @property
    def mean(self) -> float:
        """(a + γm + b)/(γ + 2)."""
        return (self.low + self.gamma * self.mode + self.high) / (self.gamma + 2.0)

    @property
    def variance(self) -> float:
        """The beta's variance, stretched to the range."""
        total = self.alpha + self.beta
        width = self.high - self.low
        return width**2 * self.alpha * self.beta / (total**2 * (total + 1.0))

    @property
    def second_moment(self) -> float:
        """Variance plus squared mean."""
        return self.variance + self.mean**2

    def scaled(self, factor: float) -> Estimate:
        """The three points times `factor`; nothing is left of it at 0."""
        if factor == 0.0:
            return Constant(0.0)
        return Pert(self.low * factor, self.mode * factor, self.high * factor, self.gamma)

    def cdf(self, x: Floats) -> Floats:
        """The regularised incomplete beta function of the place in the range."""
        return beta_cdf(self.alpha, self.beta, self._unit(x))

    def limited(self, x: Floats) -> Floats:
        """E[min(X, x)], by the incomplete first moment of the beta."""
        unit, width = self._unit(x), self.high - self.low
        alpha, beta = self.alpha, self.beta
        first = beta_cdf(alpha + 1.0, beta, unit)
        whole = beta_cdf(alpha, beta, unit)
        inside = self.low * whole + width * alpha / (alpha + beta) * first
        return inside + x * (1.0 - whole)

    def limited_square(self, x: Floats) -> Floats:
        """E[min(X, x)²], by the incomplete first and second moments of the beta."""
        unit, width = self._unit(x), self.high - self.low
        alpha, beta = self.alpha, self.beta
        total = alpha + beta
        whole = beta_cdf(alpha, beta, unit)
        first = alpha / total * beta_cdf(alpha + 1.0, beta, unit)
        second = alpha * (alpha + 1.0) / (total * (total + 1.0))
        second_until = second * beta_cdf(alpha + 2.0, beta, unit)
        inside = self.low**2 * whole + 2.0 * self.low * width * first + width**2 * second_until
        return inside + x**2 * (1.0 - whole)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """The three points; the weight of the mode is a matter of form."""
        yield "min", self.low
        yield "mode", self.mode
        yield "max", self.high

    def nodes(self, count: int) -> tuple[Floats, Floats]:
        """`count` places in the range and their weights: Gauss–Jacobi, the weights sum to 1."""
        places, weights = _nodes(count, self.alpha, self.beta)
        return self.low + (self.high - self.low) * places, weights

    def _unit(self, x: Floats) -> Floats:
        return np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Lognormal90:
    """A lognormal by its 90 % interval: 5 % lie below `low`, 5 % above `high`.

    μ = (ln lo + ln hi)/2, σ = (ln hi − ln lo)/(2 · 1.6448536269514722).
    """

    low: float
    high: float

    @property
    def mu(self) -> float:
        """The mean of the logarithm."""
        return (math.log(self.low) + math.log(self.high)) / 2.0

    @property
    def sigma(self) -> float:
        """The standard deviation of the logarithm."""
        return (math.log(self.high) - math.log(self.low)) / (2.0 * Z95)

    @property
    def mean(self) -> float:
        """exp(μ + σ²/2)."""
        return math.exp(self.mu + self.sigma**2 / 2.0)

    @property
    def second_moment(self) -> float:
        """exp(2μ + 2σ²)."""
        return math.exp(2.0 * self.mu + 2.0 * self.sigma**2)

    def scaled(self, factor: float) -> Estimate:
        """Both ends times `factor`; nothing is left of it at 0."""
        if factor == 0.0:
            return Constant(0.0)
        return Lognormal90(self.low * factor, self.high * factor)

    def cdf(self, x: Floats) -> Floats:
        """The normal distribution of the logarithm."""
        return normal_cdf(self._standard(x))

    def limited(self, x: Floats) -> Floats:
        """E[min(X, x)] = mean · Φ(z − σ) + x · Φ(−z)."""
        z = self._standard(x)
        return self.mean * normal_cdf(z - self.sigma) + x * normal_cdf(-z)

    def limited_square(self, x: Floats) -> Floats:
        """E[min(X, x)²] = E[X²] · Φ(z − 2σ) + x² · Φ(−z)."""
        z = self._standard(x)
        return self.second_moment * normal_cdf(z - 2.0 * self.sigma) + x**2 * normal_cdf(-z)

    def nodes(self, count: int) -> tuple[Floats, Floats]:
        """Gauss–Hermite in the logarithm."""
        places, weights = _normal_nodes(count)
        return np.exp(self.mu + self.sigma * places), weights

    def numbers(self) -> Iterator[tuple[str, float]]:
        """The two ends of the interval."""
        yield "low", self.low
        yield "high", self.high

    def _standard(self, x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            answer: Floats = (np.log(x) - self.mu) / self.sigma
        return answer


@lru_cache(maxsize=2_048)
def _nodes(count: int, alpha: float, beta: float) -> tuple[Floats, Floats]:
    return jacobi(count, alpha, beta)


@lru_cache(maxsize=8)
def _normal_nodes(count: int) -> tuple[Floats, Floats]:
    return hermite(count)


def constant(value: float, field: str) -> Constant:
    """A known quantity. Raises InvalidArgument unless 0 ≤ value ≤ 1e18."""
    _require(field, _number(value))
    return Constant(float(value))


def pert(low: float, mode: float, high: float, gamma: float, field: str) -> Estimate:
    """A PERT; where the three points are one, that constant.

    Raises InvalidArgument unless 0 ≤ low ≤ mode ≤ high ≤ 1e18 and γ > 0, naming the point.
    """
    for name, value in (("min", low), ("mode", mode), ("max", high)):
        _require(field, _number(value), name)
    if not low <= mode <= high:
        raise InvalidArgument.of(
            field, f"order the three points: min ≤ mode ≤ max, not {low:g}, {mode:g}, {high:g}"
        )
    if not (math.isfinite(gamma) and 0.0 < gamma <= LARGEST_GAMMA):
        raise InvalidArgument.of(
            field, f"gamma, the weight of the mode, is above 0 and at most 1,000, not {gamma:g}"
        )
    if low == high:
        return Constant(float(low))
    if (high - low) < 1e-12 * high:
        raise InvalidArgument.of(field, "min and max are one number but for rounding: say constant")
    return Pert(float(low), float(mode), float(high), float(gamma))


def lognormal90(low: float, high: float, field: str) -> Estimate:
    """A lognormal by its 90 % interval; where both ends are one, that constant.

    Raises InvalidArgument unless 0 < low ≤ high ≤ 1e18 and the interval is one that can be meant.
    """
    for name, value in (("low", low), ("high", high)):
        _require(field, _number(value), name)
    if low <= 0.0:
        raise InvalidArgument.of(field, f"a lognormal is above 0; its low end is {low:g}")
    if low > high:
        raise InvalidArgument.of(field, f"order the two ends: low ≤ high, not {low:g}, {high:g}")
    if low == high:
        return Constant(float(low))
    estimate = Lognormal90(float(low), float(high))
    if estimate.sigma > LARGEST_SIGMA:
        raise InvalidArgument.of(
            field,
            f"the interval spans a factor of {high / low:.1e}; narrow it, or split the scenario "
            "(at most a factor of 1e17)",
        )
    if estimate.sigma < SMALLEST_SIGMA:
        raise InvalidArgument.of(
            field, "low and high are one number but for rounding: say constant"
        )
    return estimate


def _number(value: float) -> str:
    if math.isnan(value):
        return "is not a number"
    if math.isinf(value):
        return "is infinite; give a number"
    if value < 0.0:
        return f"is {value:g}; it cannot be below 0"
    if value > LARGEST:
        return f"is {value:g}; numbers go up to 1e18"
    return ""


def _require(field: str, wrong: str, name: str = "it") -> None:
    if wrong:
        raise InvalidArgument(violations=(FieldViolation(field, f"{name} {wrong}"),))


def probability(value: float, field: str) -> float:
    """A probability or a share. Raises InvalidArgument unless it lies in [0, 1]."""
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise InvalidArgument.of(field, f"a probability lies between 0 and 1, not {value:g}")
    return float(value)


def combined(said: "list[Estimate]") -> Estimate:
    """The median of what several people said, number by number; all of one form.

    With an even count the two in the middle are averaged. The order of the points survives: the
    median is monotone.
    """
    first = said[0]
    if any(type(one) is not type(first) for one in said):
        raise InvalidArgument.of(
            "estimates", "people estimate one quantity in one form: constant, pert or lognormal90"
        )
    middles = [
        float(np.median(column)) for column in zip(*(_values(one) for one in said), strict=True)
    ]
    if isinstance(first, Constant):
        return Constant(middles[0])
    if isinstance(first, Lognormal90):
        return lognormal90(middles[0], middles[1], "estimates")
    assert isinstance(first, Pert)
    gamma = float(np.median([one.gamma for one in said if isinstance(one, Pert)]))
    return pert(middles[0], middles[1], middles[2], gamma, "estimates")


def _values(estimate: Estimate) -> tuple[float, ...]:
    return tuple(value for _, value in estimate.numbers())
