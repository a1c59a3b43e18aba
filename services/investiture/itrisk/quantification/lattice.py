"""A severity on a grid of losses, rounded down, up, or to the middle.

Whoever rounds every event down has a smaller yearly loss, whoever rounds up a larger one: the two
bracket every exceedance probability, whatever the step. Masses beyond the grid are left out: one
such event alone exceeds the largest loss of the grid, so what is left is all that P(L ≤ l) needs.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cached_property

import numpy as np

from investiture.itrisk.quantification.estimates import Constant, Estimate
from investiture.itrisk.quantification.functions import Floats, fast_length, inverse, transform
from investiture.itrisk.quantification.severity import Insurance, Severity

LARGEST_GRID = 1 << 20
"""Points of a severity before insurance: what lies beyond is only known to lie beyond."""
FINEST = 1 << 18
LARGEST_DENOMINATOR = 4_096


class Rounding(Enum):
    """Which grid point an amount between two of them goes to."""

    DOWN = "down"
    UP = "up"
    MIDDLE = "middle"
    """To both, in shares that keep the mean: the local moment matching of Gerber (1982)."""


@dataclass(frozen=True)
class Lattice:
    """The losses 0, h, 2h, … `top` = `cells` · h, in the currency's major unit."""

    top: float
    cells: int

    @property
    def step(self) -> float:
        """The step h between two points."""
        return self.top / self.cells

    @cached_property
    def points(self) -> Floats:
        """Shape (cells + 2,): one point beyond the top. The top itself is exact."""
        return self.extended(self.cells)

    def extended(self, cells: int) -> Floats:
        """Shape (cells + 2,): the grid continued."""
        return self.top * (np.arange(cells + 2) / self.cells)

    def index(self, amount: float) -> Fraction:
        """Where an amount lies, in steps; exact for the decimal number that was written."""
        return exact(amount) * self.cells / exact(self.top)


def exact(amount: float) -> Fraction:
    """The decimal number that a double was written as."""
    return Fraction(repr(float(amount)))


def fitting(top: float, cells: int, constants: Iterable[float]) -> Lattice:
    """A lattice of at least `cells` steps up to `top` > 0, with known amounts on its points.

    Known amounts off the points would keep the bracket open however fine the step is.
    """
    whole = 1
    for amount in constants:
        denominator = (exact(amount) / exact(top)).denominator
        together = math.lcm(whole, denominator)
        if together <= LARGEST_DENOMINATOR:
            whole = together
    return Lattice(top, whole * math.ceil(cells / whole))


def exactly(loss: float, amounts: Iterable[float]) -> Lattice | None:
    """The lattice of all sums of known amounts, up to the largest that is not above `loss`.

    None where it would have too many points. A year's loss is above the one iff above the other.
    """
    parts = [exact(amount) for amount in amounts if amount > 0.0]
    if not parts:
        return None
    denominator = math.lcm(*(part.denominator for part in parts))
    unit = Fraction(math.gcd(*(int(part * denominator) for part in parts)), denominator)
    cells = math.floor(exact(loss) / unit)
    if not 1 <= cells <= FINEST:
        return None
    top = unit * cells
    return Lattice(float(top), cells) if exact(float(top)) == top else None


def masses(severity: Severity, lattice: Lattice, rounding: Rounding) -> Floats:
    """Shape (cells + 1,): the probability of every grid point, what lies beyond left out."""
    insurance, cells = severity.insurance, lattice.cells
    if severity.probability == 0.0:
        if insurance is None:
            return _of(severity.primary, lattice, cells, rounding)
        if not isinstance(severity.primary, Constant):
            return _insured_alone(severity.primary, insurance, lattice, rounding)
    whole = cells
    if insurance is not None:
        whole += math.ceil(lattice.index(insurance.limit)) + 1
    reach = min(whole, max(cells, _felt(severity, lattice)))
    gross = _of(severity.primary, lattice, reach, rounding)
    if severity.probability > 0.0:
        both = _convolved(gross, _of(severity.secondary, lattice, reach, rounding))
        gross = (1.0 - severity.probability) * gross + severity.probability * both
    if insurance is None:
        return gross
    kept = _insured(gross, insurance, lattice, rounding)
    if reach < whole and rounding is not Rounding.UP:
        least = math.floor(min(lattice.index(insurance.deductible), Fraction(reach)))
        if least <= cells:
            kept[least] += max(0.0, 1.0 - float(gross.sum()))
    return kept


def _felt(severity: Severity, lattice: Lattice) -> int:
    """Steps beyond which an event before insurance lies so rarely that its place does not matter.

    Rarely is a hundredth of a step's worth; a finer lattice looks further.
    """
    end, rare = lattice.top, 0.01 / lattice.cells
    while end < LARGEST_GRID * lattice.step:
        half = np.array([end / 2.0])
        primary, secondary = severity.primary.cdf(half)[0], severity.secondary.cdf(half)[0]
        if 1.0 - primary + severity.probability * (1.0 - secondary) <= rare:
            break
        end *= 2.0
    return min(LARGEST_GRID, math.ceil(end / lattice.step))


def _of(estimate: Estimate, lattice: Lattice, reach: int, rounding: Rounding) -> Floats:
    """Shape (reach + 1,): one estimate on the grid."""
    if isinstance(estimate, Constant):
        return _point(lattice.index(estimate.value), reach, rounding)
    points = lattice.extended(reach)
    if rounding is Rounding.MIDDLE:
        return _middle(estimate.limited(points) / lattice.step)
    below = estimate.cdf(points)
    return _differences(below, below, rounding)


def _differences(until: Floats, before: Floats, rounding: Rounding) -> Floats:
    """Masses from P(X ≤ point) and P(X < point), both of shape (n + 2,) → (n + 1,)."""
    if rounding is Rounding.DOWN:
        return np.diff(before)
    return np.concatenate((until[:1], np.diff(until[:-1])))


def _middle(limited: Floats) -> Floats:
    """Masses from E[min(X, point)] in steps, of shape (n + 2,) → (n + 1,)."""
    inner = 2.0 * limited[1:-1] - limited[:-2] - limited[2:]
    return np.maximum(np.concatenate(([1.0 - limited[1]], inner)), 0.0)


def _point(place: Fraction, reach: int, rounding: Rounding) -> Floats:
    answer = np.zeros(reach + 1)
    floor, ceiling = math.floor(place), math.ceil(place)
    upper = {Rounding.DOWN: 0.0, Rounding.UP: 1.0, Rounding.MIDDLE: float(place - floor)}[rounding]
    for index, mass in ((floor, 1.0 - upper), (ceiling, upper)):
        if index <= reach:
            answer[index] += mass
    return answer


def _convolved(one: Floats, other: Floats) -> Floats:
    """The first `size` terms of the convolution of two arrays of one size."""
    length = fast_length(2 * one.size)
    both = inverse(transform(one, length) * transform(other, length), length)
    return np.maximum(both[: one.size], 0.0)


def _insured_alone(
    estimate: Estimate, insurance: Insurance, lattice: Lattice, rounding: Rounding
) -> Floats:
    """One estimate after insurance: P(X' ≤ x) is P(X ≤ x + limit) from the deductible on."""
    place = lattice.index(insurance.deductible)
    points, numbers = lattice.points, np.arange(lattice.cells + 2)
    paid = points + insurance.limit
    if rounding is Rounding.MIDDLE:
        ends = np.array([insurance.deductible, insurance.deductible + insurance.limit])
        covered = estimate.limited(ends)
        after = covered[0] + estimate.limited(paid) - covered[1]
        limited = np.where(numbers > math.floor(place), after, estimate.limited(points))
        return _middle(limited / lattice.step)
    kept, covered = estimate.cdf(points), estimate.cdf(paid)
    until = np.where(numbers >= math.ceil(place), covered, kept)
    before = np.where(numbers > math.floor(place), covered, kept)
    return _differences(until, before, rounding)


def _insured(gross: Floats, insurance: Insurance, lattice: Lattice, rounding: Rounding) -> Floats:
    """What is left of every grid point after insurance, rounded the same way again."""
    deductible, limit = lattice.index(insurance.deductible), lattice.index(insurance.limit)
    places = np.arange(gross.size, dtype=np.float64)
    kept = places - np.clip(places - float(deductible), 0.0, float(limit))
    fits = deductible.denominator == 1 and limit.denominator == 1
    doubt = 0.0 if fits else 1e-9
    lower = np.floor(kept * (1.0 - doubt)).astype(np.intp)
    upper = np.ceil(kept * (1.0 + doubt)).astype(np.intp)
    share = np.clip((kept - lower) / np.maximum(upper - lower, 1), 0.0, 1.0)
    if rounding is not Rounding.MIDDLE:
        share = np.full_like(share, float(rounding is Rounding.UP))
    both = np.zeros(gross.size + 2)
    np.add.at(both, lower, gross * (1.0 - share))
    np.add.at(both, upper, gross * share)
    return both[: lattice.cells + 1]
