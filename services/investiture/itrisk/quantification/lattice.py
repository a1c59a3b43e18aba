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
from functools import cached_property, lru_cache

import numpy as np

from investiture.itrisk.quantification.estimates import Constant, Estimate
from investiture.itrisk.quantification.functions import Floats, fast_length, inverse, transform
from investiture.itrisk.quantification.severity import Insurance, Severity

FINEST = 1 << 18
FURTHER = 4
"""How many times as long the grid of an event before insurance may be."""
LARGEST_DENOMINATOR = 4_096
SMALL, REMEMBERED = 1 << 13, 256
"""Steps of a lattice for which distributions are remembered, and how many: 16 MB."""


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
        return self.top * (np.arange(self.cells + 2) / self.cells)

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


def exactly(loss: float, amounts: Iterable[float], finest: int = FINEST) -> Lattice | None:
    """The lattice of all sums of known amounts, up to the largest that is not above `loss`.

    None where it would have too many points. A year's loss is above the one iff above the other.
    """
    parts = [exact(amount) for amount in amounts if amount > 0.0]
    if not parts:
        return None
    denominator = math.lcm(*(part.denominator for part in parts))
    unit = Fraction(math.gcd(*(int(part * denominator) for part in parts)), denominator)
    cells = math.floor(exact(loss) / unit)
    if not 1 <= cells <= finest:
        return None
    top = unit * cells
    return Lattice(float(top), cells) if exact(float(top)) == top else None


def masses(severity: Severity, lattice: Lattice, rounding: Rounding) -> Floats:
    """Shape (cells + 1,): the probability of every grid point, what lies beyond left out."""
    alone = _primary(severity, lattice, rounding)
    if severity.probability == 0.0:
        return alone
    both = _sum(severity, lattice, rounding)
    return (1.0 - severity.probability) * alone + severity.probability * both


def _primary(severity: Severity, lattice: Lattice, rounding: Rounding) -> Floats:
    """An event without a secondary loss, after insurance."""
    estimate, insurance = severity.primary, severity.insurance
    if isinstance(estimate, Constant):
        return _point(_kept(lattice.index(estimate.value), insurance, lattice), lattice, rounding)
    if insurance is None:
        return _of(estimate, lattice, rounding)
    return _insured(estimate, insurance, lattice, rounding)


def _sum(severity: Severity, lattice: Lattice, rounding: Rounding) -> Floats:
    """An event with a secondary loss, after insurance."""
    primary, secondary, insurance = severity.primary, severity.secondary, severity.insurance
    if isinstance(primary, Constant) and isinstance(secondary, Constant):
        place = lattice.index(primary.value) + lattice.index(secondary.value)
        return _point(_kept(place, insurance, lattice), lattice, rounding)
    if insurance is None:
        return _convolved(_of(primary, lattice, rounding), _of(secondary, lattice, rounding))
    if rounding is not Rounding.MIDDLE:
        return _insured_sum(severity, insurance, lattice, rounding)
    down = _insured_sum(severity, insurance, lattice, Rounding.DOWN)
    return (down + _insured_sum(severity, insurance, lattice, Rounding.UP)) / 2.0


def _kept(place: Fraction, insurance: Insurance | None, lattice: Lattice) -> Fraction:
    """What insurance leaves of a known amount, both in steps."""
    if insurance is None:
        return place
    above = max(place - lattice.index(insurance.deductible), Fraction(0))
    return place - min(above, lattice.index(insurance.limit))


def _of(estimate: Estimate, lattice: Lattice, rounding: Rounding) -> Floats:
    """Shape (cells + 1,): one estimate on the grid."""
    if isinstance(estimate, Constant):
        return _point(lattice.index(estimate.value), lattice, rounding)
    if rounding is Rounding.MIDDLE:
        return _middle(estimate.limited(lattice.points) / lattice.step)
    small = lattice.cells <= SMALL
    below = _below(estimate, lattice) if small else estimate.cdf(lattice.points)
    return _differences(below, below, rounding)


@lru_cache(maxsize=REMEMBERED)
def _below(estimate: Estimate, lattice: Lattice) -> Floats:
    """P(X ≤ point), which rounding down and rounding up both start from."""
    return estimate.cdf(lattice.points)


def _differences(until: Floats, before: Floats, rounding: Rounding) -> Floats:
    """Masses from P(X ≤ point) and P(X < point), both of shape (n + 2,) → (n + 1,)."""
    if rounding is Rounding.DOWN:
        return np.diff(before)
    return np.concatenate((until[:1], np.diff(until[:-1])))


def _middle(limited: Floats) -> Floats:
    """Masses from E[min(X, point)] in steps, of shape (n + 2,) → (n + 1,)."""
    inner = 2.0 * limited[1:-1] - limited[:-2] - limited[2:]
    return np.maximum(np.concatenate(([1.0 - limited[1]], inner)), 0.0)


def _point(place: Fraction, lattice: Lattice, rounding: Rounding) -> Floats:
    answer = np.zeros(lattice.cells + 1)
    floor, ceiling = math.floor(place), math.ceil(place)
    upper = {Rounding.DOWN: 0.0, Rounding.UP: 1.0, Rounding.MIDDLE: float(place - floor)}[rounding]
    for index, mass in ((floor, 1.0 - upper), (ceiling, upper)):
        if index <= lattice.cells:
            answer[index] += mass
    return answer


def _convolved(one: Floats, other: Floats) -> Floats:
    """The first `size` terms of the convolution of two arrays of one size."""
    length = fast_length(2 * one.size)
    both = inverse(transform(one, length) * transform(other, length), length)
    return np.maximum(both[: one.size], 0.0)


def _insured(
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


def _insured_sum(
    severity: Severity, insurance: Insurance, lattice: Lattice, rounding: Rounding
) -> Floats:
    """Primary plus secondary after insurance, rounded down or up.

    P(X' ≤ x) is P(X ≤ x) below the deductible and P(X ≤ x + limit) from there on. The second is
    read from a grid that reaches so far: a coarser one, which rounds the same way.
    """
    cells = lattice.cells
    deductible, limit = lattice.index(insurance.deductible), lattice.index(insurance.limit)
    down = rounding is Rounding.DOWN
    places = np.arange(cells + 1)
    answer = np.cumsum(_gross(severity, lattice, rounding))
    covered = places >= (math.floor(deductible) if down else math.ceil(deductible))
    if covered.any():
        ratio = max(1, math.ceil((cells + limit + 1) / (FURTHER * cells)))
        further = math.ceil((cells + limit + 1) / ratio) + 1
        coarse = Lattice(lattice.top * (ratio * further / cells), further)
        until = np.cumsum(_gross(severity, coarse, rounding))
        steps = (places + float(limit + (1 if down else 0))) / ratio
        index = np.floor(steps * (1.0 + (1e-12 if down else -1e-12))).astype(np.intp)
        answer = np.where(covered, until[index], answer)
    return np.diff(np.maximum.accumulate(np.minimum(answer, 1.0)), prepend=0.0)


def _gross(severity: Severity, lattice: Lattice, rounding: Rounding) -> Floats:
    """Primary plus secondary before insurance."""
    primary = _of(severity.primary, lattice, rounding)
    return _convolved(primary, _of(severity.secondary, lattice, rounding))
