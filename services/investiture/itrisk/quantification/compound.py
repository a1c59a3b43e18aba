"""The yearly loss: L = Σ over independent scenarios of Σ_{j ≤ N} X_j with N ~ Poisson(Λ).

φ_L(t) = Π E[exp(Λ (φ_X(t) − 1))], by fast Fourier transform on a lattice, tilted exponentially
against what wraps around (Grübel and Hermesmeier, ASTIN Bulletin 1999). No sampling: the same
input gives the same answer, and every exceedance probability comes as a bracket that contains it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from investiture.itrisk.quantification import frequency
from investiture.itrisk.quantification.estimates import Constant
from investiture.itrisk.quantification.frequency import Rate
from investiture.itrisk.quantification.functions import (
    Complexes,
    Floats,
    fast_length,
    inverse,
    transform,
)
from investiture.itrisk.quantification.lattice import Lattice, Rounding, exactly, fitting, masses
from investiture.itrisk.quantification.severity import Severity

RESOLUTIONS = (1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18)
"""Steps up to the asked loss, coarse to fine; each round is four times the work of the last."""
TILT = 24.0
"""What wraps around the transform is damped by e^−24 = 4e-11; 20 leaves 2e-9."""
WRAPPED = 2.0 * math.exp(-TILT)
ROUNDED = 2e-11
"""What rounding in doubles may add to a probability: four times the most that was seen over
Poisson–exponential closed forms at every resolution (tests/unit/itrisk)."""
DOUBT = 1e-10
"""Chance that many roundings to the middle add up to more than is allowed for."""
KEPT = 1 << 20
"""Scenarios times steps up to which a point is kept, some 64 MB each at most."""
MANY_EVENTS = 64.0
"""Events a year from which rounding to the middle brackets more closely than down and up."""


@dataclass(frozen=True, slots=True)
class Risk:
    """One scenario: how often (events a year), and how much (currency's major unit)."""

    rate: Rate
    severity: Severity

    def scaled(self, factor: float) -> "Risk":
        """The same with its frequency times `factor` ≥ 0."""
        return Risk(cast("Rate", self.rate.scaled(factor)), self.severity)


@dataclass(frozen=True, slots=True)
class Bracket:
    """A probability between `lower` and `upper`, both included."""

    lower: float
    upper: float

    @property
    def middle(self) -> float:
        """Half way between the two."""
        return (self.lower + self.upper) / 2.0

    @property
    def width(self) -> float:
        """How much is not known."""
        return self.upper - self.lower

    def meet(self, other: "Bracket") -> "Bracket":
        """What both say."""
        return Bracket(max(self.lower, other.lower), min(self.upper, other.upper))


class Transformed:
    """A portfolio on one lattice with one rounding, ready for any scale of its frequencies."""

    def __init__(self, risks: Sequence[Risk], lattice: Lattice, rounding: Rounding) -> None:
        self.lattice = lattice
        self._size = fast_length(4 * lattice.cells + 4)
        slope = TILT / self._size
        self._untilt: Floats = np.exp(slope * np.arange(lattice.cells + 1))
        tilt = 1.0 / self._untilt
        self._known: Complexes = np.zeros(self._size // 2 + 1, dtype=np.complex128)
        self._uncertain: list[tuple[Rate, Complexes]] = []
        for risk in risks:
            spectrum = transform(masses(risk.severity, lattice, rounding) * tilt, self._size) - 1.0
            if isinstance(risk.rate, Constant):
                self._known += risk.rate.value * spectrum
            else:
                self._uncertain.append((risk.rate, spectrum))

    def distribution(self, scale: float = 1.0) -> Floats:
        """P(L ≤ point) for every point, shape (cells + 1,), at scaled frequencies."""
        spectrum = np.exp(scale * self._known)
        for rate, exponent in self._uncertain:
            spectrum *= frequency.expected_exponential(cast("Rate", rate.scaled(scale)), exponent)
        tilted = inverse(spectrum, self._size)[: self.lattice.cells + 1]
        return np.minimum(np.cumsum(np.maximum(tilted, 0.0) * self._untilt), 1.0)

    def exceedance(self, scale: float = 1.0, back: int = 0) -> float:
        """P(L > the point `back` steps below the top)."""
        return float(1.0 - self.distribution(scale)[self.lattice.cells - back])


class Point:
    """A portfolio at one loss: the bracket of P(L > loss) at any scale and resolution."""

    def __init__(self, risks: Sequence[Risk], loss: float, resolution: int) -> None:
        self._risks = risks
        self._lattice = lattice_for(risks, loss, resolution)
        self._transformed: dict[tuple[Rounding, int], Transformed] = {}

    def bracket(self, scale: float = 1.0) -> Bracket:
        """The bracket of P(L > loss) at scaled frequencies."""
        return Bracket(self.lower(scale), self.upper(scale))

    def lower(self, scale: float = 1.0) -> float:
        """What P(L > loss) is at least."""
        drift = self._drift(scale)
        if drift is None:
            found = self._rounded(Rounding.DOWN).exceedance(scale)
            return max(0.0, found - ROUNDED)
        return max(0.0, self._rounded(Rounding.MIDDLE, drift).exceedance(scale) - ROUNDED - DOUBT)

    def upper(self, scale: float = 1.0) -> float:
        """What P(L > loss) is at most."""
        drift = self._drift(scale)
        if drift is None:
            found = self._rounded(Rounding.UP).exceedance(scale)
            return min(1.0, found + WRAPPED + ROUNDED)
        if drift > self._lattice.cells:
            return 1.0
        found = self._rounded(Rounding.MIDDLE, drift).exceedance(scale, back=2 * drift)
        return min(1.0, found + WRAPPED + ROUNDED + DOUBT)

    def _rounded(self, rounding: Rounding, longer: int = 0) -> Transformed:
        """The portfolio on the lattice of this loss, or on one that goes on for some steps."""
        found = self._transformed.get((rounding, longer))
        if found is None:
            cells = self._lattice.cells + longer
            lattice = Lattice(self._lattice.top * (cells / self._lattice.cells), cells)
            found = Transformed(self._risks, lattice if longer else self._lattice, rounding)
            self._transformed = {
                key: one for key, one in self._transformed.items() if key[0] is not rounding
            }
            self._transformed[rounding, longer] = found
        return found

    def _drift(self, scale: float) -> int | None:
        """Steps that all roundings to the middle together stay within, but for a chance of 1e-10.

        Of every amount it keeps the mean and moves it by less than a step, so that the sum of the
        moves is sub-Gaussian (Hoeffding 1963); over a Poisson number of events, with λ > 0,
        P(sum > d) ≤ exp(Λ (e^{cλ²/8} − 1) − λd), c = 1 or, with a secondary loss, 2. None where few
        events make down and up the closer pair, or where insurance bends what was rounded.
        """
        counts = {1: 0.0, 2: 0.0}
        for risk in self._risks:
            two = risk.severity.probability > 0.0
            if two and risk.severity.insurance is not None:
                return None
            counts[1 + two] += scale * frequency.highest(risk.rate)
        if counts[1] + counts[2] < MANY_EVENTS:
            return None
        slopes = np.geomspace(1e-6, 4.0, 400)
        growth = sum(count * np.expm1(c * slopes**2 / 8.0) for c, count in counts.items())
        return math.ceil(float(((growth - math.log(DOUBT)) / slopes).min()))


class Portfolio:
    """Independent risks, and what was computed of them: for many questions about the same risks."""

    def __init__(self, risks: Sequence[Risk]) -> None:
        self.risks = tuple(risks)
        self._points: dict[tuple[float, int], Point] = {}

    def point(self, loss: float, resolution: int) -> Point:
        """The portfolio at one loss and resolution; kept while many of them fit into memory."""
        key = (loss, resolution)
        found = self._points.get(key)
        if found is None:
            found = Point(self.risks, loss, resolution)
            if len(self.risks) * resolution <= KEPT:
                self._points[key] = found
        return found

    def exceedance(
        self, loss: float, enough: Callable[[Bracket], bool], scale: float = 1.0
    ) -> Bracket:
        """The bracket of P(L > loss), refined until it is `enough` or the lattice is the finest.

        `loss` > 0 in the currency's major unit; `scale` ≥ 0 multiplies all frequencies.
        """
        found = Bracket(0.0, 1.0)
        for resolution in RESOLUTIONS:
            found = found.meet(self.point(loss, resolution).bracket(scale))
            if enough(found):
                break
        return found


def within(width: float) -> Callable[[Bracket], bool]:
    """Enough once the bracket is that narrow, or a thousandth of the probability itself."""
    return lambda found: found.width <= max(width, 1e-3 * found.lower)


def mean(risks: Sequence[Risk]) -> float:
    """E[L], the expected annual loss."""
    return sum(risk.rate.mean * risk.severity.mean for risk in risks)


def variance(risks: Sequence[Risk]) -> float:
    """Var L = Σ E[Λ] E[X²] + Var(Λ) E[X]²."""
    total = 0.0
    for risk in risks:
        first, second = risk.severity.mean, risk.severity.second_moment
        spread = risk.rate.second_moment - risk.rate.mean**2
        total += risk.rate.mean * second + max(spread, 0.0) * first**2
    return total


def no_loss(risks: Sequence[Risk]) -> float:
    """P(L = 0): no event, or none that costs anything."""
    answer = 1.0
    for risk in risks:
        answer *= frequency.no_event(risk.rate, 1.0 - risk.severity.nothing)
    return answer


def lattice_for(risks: Sequence[Risk], loss: float, resolution: int) -> Lattice:
    """The lattice for a loss; where all amounts are known, exact if it is not too fine."""
    amounts = [amount for risk in risks for amount in risk.severity.constants]
    if all(risk.severity.discrete for risk in risks):
        lattice = exactly(loss, amounts)
        if lattice is not None:
            return lattice
    return fitting(loss, resolution, amounts)
