"""The yearly loss: L = Σ over independent scenarios of Σ_{j ≤ N} X_j with N ~ Poisson(Λ).

φ_L(t) = Π E[exp(Λ (φ_X(t) − 1))], by fast Fourier transform on a lattice, tilted exponentially
against what wraps around (Grübel and Hermesmeier, ASTIN Bulletin 1999). No sampling: the same
input gives the same answer, and every exceedance probability comes as a bracket that contains it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from investiture.itrisk.quantification import frequency
from investiture.itrisk.quantification.blocks import TILT, Block, Grid, Risk
from investiture.itrisk.quantification.functions import Complexes, Floats
from investiture.itrisk.quantification.lattice import FINEST, Lattice, Rounding, exactly, fitting

__all__ = ["Bracket", "Portfolio", "Risk", "lattice_for", "mean", "no_loss", "variance", "within"]

RESOLUTIONS = (1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18)
"""Steps up to the asked loss, coarse to fine; each round is four times the work of the last."""
AFFORDABLE = 5e8
"""Nanoseconds that one resolution of one loss may take by `Block.work`; beyond it the bracket
stays as wide as it is. Counted, not clocked: the same question has the same answer everywhere."""
WRAPPED = 2.0 * math.exp(-TILT)
ROUNDED = 2e-11
"""What rounding in doubles may add to a probability: four times the most that was seen over
Poisson–exponential closed forms at every resolution (tests/unit/itrisk)."""
ROUNDED_PER_EVENT = 2e-15
"""And for every event a year: the exponent Λ (φ − 1) holds Λ times what rounds in φ."""
DOUBT = 1e-10
"""Chance that many roundings to the middle add up to more than is allowed for."""
MANY_EVENTS = 64.0
"""Events a year from which rounding to the middle brackets more closely than down and up."""

Parts = Sequence[tuple[Block, float]]
"""Blocks, and what the frequencies of each are multiplied with."""


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


def rounded(events: float) -> float:
    """What rounding in doubles may add to a probability, by the most events a year."""
    return ROUNDED + ROUNDED_PER_EVENT * events


def distribution(parts: Parts, grid: Grid, scale: float = 1.0) -> Floats:
    """P(L ≤ point) for every point of the grid, shape (cells + 1,), at scaled frequencies."""
    exponent: Complexes = np.zeros(grid.size // 2 + 1, dtype=np.complex128)
    for block, factor in parts:
        exponent += (scale * factor) * block.known(grid)
    spectrum = np.exp(exponent)
    for block, factor in parts:
        uncertain = block.uncertain(grid, scale * factor)
        if uncertain is not None:
            spectrum *= uncertain
    return grid.distribution(spectrum)


class Point:
    """A portfolio at one loss: the bracket of P(L > loss) at any scale."""

    def __init__(self, parts: Parts, loss: float, resolution: int) -> None:
        self._parts = parts
        self._lattice = lattice_for(_risks(parts), loss, resolution)

    def bracket(self, scale: float = 1.0) -> Bracket:
        """The bracket of P(L > loss) at scaled frequencies."""
        return Bracket(self.lower(scale), self.upper(scale))

    def lower(self, scale: float = 1.0) -> float:
        """What P(L > loss) is at least."""
        drift = self._drift(scale)
        if drift is None:
            found = self._exceedance(Rounding.DOWN, scale)
            return max(0.0, found - self._rounded(scale))
        found = self._exceedance(Rounding.MIDDLE, scale, drift)
        return max(0.0, found - self._rounded(scale) - DOUBT)

    def upper(self, scale: float = 1.0) -> float:
        """What P(L > loss) is at most."""
        drift = self._drift(scale)
        if drift is None:
            found = self._exceedance(Rounding.UP, scale)
            return min(1.0, found + WRAPPED + self._rounded(scale))
        if drift > self._lattice.cells:
            return 1.0
        found = self._exceedance(Rounding.MIDDLE, scale, drift, back=2 * drift)
        return min(1.0, found + WRAPPED + self._rounded(scale) + DOUBT)

    def _rounded(self, scale: float) -> float:
        most = sum(
            factor * frequency.highest(risk.rate)
            for block, factor in self._parts
            for risk in block.risks
        )
        return rounded(scale * most)

    def _exceedance(
        self, rounding: Rounding, scale: float, longer: int = 0, back: int = 0
    ) -> float:
        """P(L > a point) of the lattice that goes on for some steps, some steps below its top."""
        lattice = self._lattice
        if longer:
            cells = lattice.cells + longer
            lattice = Lattice(lattice.top * (cells / lattice.cells), cells)
        below = distribution(self._parts, Grid(lattice, rounding), scale)
        return float(1.0 - below[lattice.cells - back])

    def _drift(self, scale: float) -> int | None:
        """Steps that all roundings to the middle together stay within, but for a chance of 1e-10.

        Of every amount it keeps the mean and moves it by less than a step, so that the sum of the
        moves is sub-Gaussian (Hoeffding 1963); over a Poisson number of events, with λ > 0,
        P(sum > d) ≤ exp(Λ (e^{cλ²/8} − 1) − λd), c = 1 or, with a secondary loss, 2. None where few
        events make down and up the closer pair, or where insurance bends what was rounded.
        """
        counts = {1: 0.0, 2: 0.0}
        for block, factor in self._parts:
            for risk in block.risks:
                two = risk.severity.probability > 0.0
                if two and risk.severity.insurance is not None:
                    return None
                counts[1 + two] += scale * factor * frequency.highest(risk.rate)
        if counts[1] + counts[2] < MANY_EVENTS:
            return None
        slopes = np.geomspace(1e-6, 4.0, 400)
        growth = sum(count * np.expm1(c * slopes**2 / 8.0) for c, count in counts.items())
        least = math.ceil(float(((growth - math.log(DOUBT)) / slopes).min()))
        whole = 1 << max(0, least.bit_length() - 5)  # nearby scales share a grid
        return -(-least // whole) * whole


class Portfolio:
    """Independent risks, for many questions about them: their transforms are kept."""

    def __init__(
        self, risks: Sequence[Risk] = (), parts: Parts = (), affordable: float = AFFORDABLE
    ) -> None:
        self.parts = (*parts, (Block(risks), 1.0)) if risks else tuple(parts)
        self.resolutions = self.up_to(affordable)
        self._points: dict[tuple[float, int], Point] = {}

    def up_to(self, affordable: float) -> tuple[int, ...]:
        """The resolutions that take no more than so many nanoseconds; the coarsest always."""
        work = sum(block.work for block, _ in self.parts)
        finer = (cells for cells in RESOLUTIONS[1:] if cells * work <= affordable)
        return (RESOLUTIONS[0], *finer)

    def point(self, loss: float, resolution: int) -> Point:
        """The portfolio at one loss and resolution."""
        key = (loss, resolution)
        if key not in self._points:
            self._points[key] = Point(self.parts, loss, resolution)
        return self._points[key]

    def exceedance(
        self, loss: float, enough: Callable[[Bracket], bool], scale: float = 1.0
    ) -> Bracket:
        """The bracket of P(L > loss), refined until it is `enough` or the lattice is the finest.

        `loss` > 0 in the currency's major unit; `scale` ≥ 0 multiplies all frequencies.
        """
        found = Bracket(0.0, 1.0)
        for resolution in self.resolutions:
            found = found.meet(self.point(loss, resolution).bracket(scale))
            if enough(found):
                break
        return found


def _risks(parts: Parts) -> list[Risk]:
    return [risk for block, _ in parts for risk in block.risks]


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


def lattice_for(
    risks: Sequence[Risk], loss: float, resolution: int, finest: int = FINEST
) -> Lattice:
    """The lattice for a loss; where all amounts are known, exact if it is not finer than that."""
    amounts = sorted({amount for risk in risks for amount in risk.severity.constants})
    if all(risk.severity.discrete for risk in risks):
        lattice = exactly(loss, amounts, finest)
        if lattice is not None:
            return lattice
    return fitting(loss, resolution, amounts)
