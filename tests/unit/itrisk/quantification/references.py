"""Second ways to the same numbers, plain and slow, and the scenarios of the design page."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from investiture.itrisk.quantification.blocks import Risk
from investiture.itrisk.quantification.estimates import Constant, Estimate, Lognormal90, Pert
from investiture.itrisk.quantification.severity import Severity

Floats = npt.NDArray[np.float64]

LN = Lognormal90(100_000.0, 1_000_000.0)
E1 = [Risk(Constant(0.1), Severity(LN))]
E2 = [Risk(Constant(2.0), Severity(LN))]
E5 = [
    Risk(
        Pert(0.1, 0.5, 2.0),
        Severity(Pert(5e4, 1.5e5, 9e5), 0.3, Lognormal90(1e5, 3e6)),
    )
]
X = {
    "name": "scenario X",
    "frequency": {"pert": [0.1, 0.5, 2]},
    "primary": {"pert": [50_000, 150_000, 900_000]},
    "secondary": {"probability": 0.3, "loss": {"lognormal90": [100_000, 3_000_000]}},
}
APPETITE = [[250_000, 0.25], [1_000_000, 0.10], [5_000_000, 0.01]]
CONTROLS = [
    {"name": "MFA", "frequency_effectiveness": 0.35, "cost": 40_000},
    {"name": "moderation", "frequency_effectiveness": 0.25, "cost": 90_000},
    {"name": "DLP", "frequency_effectiveness": 0.30, "cost": 120_000},
    {"name": "red team", "frequency_effectiveness": 0.10, "cost": 30_000},
]


def panjer(rate: float, masses: Floats, length: int) -> Floats:
    """P(L = k h) for k < length by Panjer's recursion for Poisson(rate) (ASTIN Bulletin 1981).

    g_0 = e^(rate (f_0 − 1)); g_k = rate/k Σ_{j=1..k} j f_j g_{k−j}.
    """
    padded = np.zeros(length)
    padded[: min(length, masses.size)] = masses[:length]
    weighted = padded * np.arange(length)
    answer = np.zeros(length)
    answer[0] = math.exp(rate * (padded[0] - 1.0))
    for k in range(1, length):
        answer[k] = rate / k * float(weighted[1 : k + 1] @ answer[k - 1 :: -1][:k])
    return answer


def poisson_exponential(rate: float, mean: float, loss: float) -> float:
    """P(L > loss) of a Poisson sum of exponentials: Σ_n P(N = n) P(Erlang_n > loss)."""
    most = int(rate + 40.0 * math.sqrt(rate) + 60.0)
    counts = np.arange(1, most)
    poisson, erlang = cast("Any", stats).poisson, cast("Any", special).gammaincc
    return min(1.0, float(poisson.pmf(counts, rate) @ erlang(counts, loss / mean)))


@dataclass(frozen=True)
class Exponential:
    """An exponential amount: not one that a person may say, but one with closed forms."""

    mean: float

    @property
    def second_moment(self) -> float:
        return 2.0 * self.mean**2

    def scaled(self, factor: float) -> Estimate:
        return Exponential(self.mean * factor)

    def cdf(self, x: Floats) -> Floats:
        return -np.expm1(-x / self.mean)

    def limited(self, x: Floats) -> Floats:
        return -self.mean * np.expm1(-x / self.mean)

    def limited_square(self, x: Floats) -> Floats:
        return 2.0 * self.mean * (self.limited(x) - x * np.exp(-x / self.mean))

    def nodes(self, count: int) -> tuple[Floats, Floats]:
        places, weights = np.polynomial.laguerre.laggauss(min(count, 60))
        return places * self.mean, weights

    def numbers(self) -> Iterator[tuple[str, float]]:
        yield "mean", self.mean


def drawn(estimate: Estimate, count: int, random: np.random.Generator) -> Floats:
    """`count` independent draws."""
    if isinstance(estimate, Constant):
        return np.full(count, estimate.value)
    if isinstance(estimate, Pert):
        width = estimate.high - estimate.low
        return estimate.low + width * random.beta(estimate.alpha, estimate.beta, count)
    assert isinstance(estimate, Lognormal90)
    return random.lognormal(estimate.mu, estimate.sigma, count)


def simulated(risk: Risk, years: int, random: np.random.Generator) -> Floats:
    """The loss of every year, shape (years,)."""
    rates = drawn(risk.rate, years, random)
    counts = random.poisson(rates)
    year = np.repeat(np.arange(years), counts)
    losses = drawn(risk.severity.primary, year.size, random)
    second = random.random(year.size) < risk.severity.probability
    losses[second] += drawn(risk.severity.secondary, int(second.sum()), random)
    insurance = risk.severity.insurance
    if insurance is not None:
        losses -= np.clip(losses - insurance.deductible, 0.0, insurance.limit)
    yearly: Floats = np.bincount(year, losses, years).astype(np.float64)
    return yearly
