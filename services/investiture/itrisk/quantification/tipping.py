"""Inside or outside the appetite, and where the one turns into the other.

L grows with the scale s of its frequencies, so each P_s(L > l_i) is monotone and meets its
tolerance at one s_i*. s* = min s_i*, the binding point is where; e* = max(0, 1 − s*) is the control
effectiveness that is needed at full exposure, x*(e) = min(1, s*/(1 − e)) the exposure that fits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from investiture.itrisk.quantification.compound import Bracket, Point, Portfolio
from investiture.itrisk.quantification.functions import root
from investiture.itrisk.quantification.scenarios import Tolerance

AFFORDABLE = 1e8
"""Nanoseconds that one look at one resolution may take; a root takes about ten."""
CLOSE = 1e-4
"""How closely s* is known, relative to itself, where the finest lattice allows."""
LARGEST_SCALE = 100.0
"""How far above today's frequencies a tipping point is looked for."""
SMALLEST_SCALE = 1e-9


class Verdict(StrEnum):
    """Of a loss distribution against an appetite."""

    INSIDE = "INSIDE"
    """Every upper bound keeps its tolerance."""
    OUTSIDE = "OUTSIDE"
    """Some lower bound breaks it."""
    UNDETERMINED = "UNDETERMINED"
    """Neither, on the finest lattice."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One point of the appetite, and the bracket of P(L > loss) there."""

    tolerance: Tolerance
    found: Bracket

    @property
    def verdict(self) -> Verdict:
        """Of this point alone."""
        if self.found.upper <= self.tolerance.probability:
            return Verdict.INSIDE
        if self.found.lower > self.tolerance.probability:
            return Verdict.OUTSIDE
        return Verdict.UNDETERMINED

    @property
    def slack(self) -> float:
        """What is left of the tolerance, as a probability; below 0 it is exceeded."""
        return self.tolerance.probability - self.found.middle


@dataclass(frozen=True, slots=True)
class Tipping:
    """Where inside turns into outside.

    `scale` is s*, `None` where even 100 times as many events are inside.
    `control_effectiveness` is e*; `exposure` x*(0), the largest share of the audience that fits
    without more controls; `binding_loss` the point of the appetite that is met first.
    """

    scale: float | None
    control_effectiveness: float
    exposure: float
    binding_loss: float | None

    def exposure_with(self, effectiveness: float) -> float:
        """x*(e) = min(1, s*/(1 − e))."""
        if self.scale is None or effectiveness >= 1.0:
            return 1.0
        return min(1.0, self.scale / (1.0 - effectiveness))

    def effectiveness_at(self, exposure: float) -> float:
        """The control effectiveness that is needed at an exposure: 1 − s*/x, at least 0."""
        if self.scale is None or exposure <= 0.0:
            return 0.0
        return max(0.0, 1.0 - self.scale / exposure)


def read(portfolio: Portfolio, appetite: Sequence[Tolerance], scale: float = 1.0) -> list[Reading]:
    """The bracket at every point of the appetite, decided and narrow enough to show."""
    readings: list[Reading] = []
    for tolerance in appetite:

        def enough(found: Bracket, tolerance: Tolerance = tolerance) -> bool:
            decided = Reading(tolerance, found).verdict is not Verdict.UNDETERMINED
            return decided and found.width <= max(1e-4, 1e-2 * found.lower)

        readings.append(Reading(tolerance, portfolio.exceedance(tolerance.loss, enough, scale)))
    return readings


def decide(portfolio: Portfolio, appetite: Sequence[Tolerance], scale: float = 1.0) -> Verdict:
    """The verdict alone, with no more work than it takes."""
    answer = Verdict.INSIDE
    for tolerance in appetite:

        def enough(found: Bracket, tolerance: Tolerance = tolerance) -> bool:
            return Reading(tolerance, found).verdict is not Verdict.UNDETERMINED

        found = Reading(tolerance, portfolio.exceedance(tolerance.loss, enough, scale)).verdict
        if found is Verdict.OUTSIDE:
            return found
        if found is Verdict.UNDETERMINED:
            answer = found
    return answer


def verdict_of(readings: Sequence[Reading]) -> Verdict:
    """Of all points together."""
    verdicts = {reading.verdict for reading in readings}
    for worst in (Verdict.OUTSIDE, Verdict.UNDETERMINED):
        if worst in verdicts:
            return worst
    return Verdict.INSIDE


def tipping_point(portfolio: Portfolio, appetite: Sequence[Tolerance]) -> Tipping:
    """s*, e*, x* and the binding point, from the upper bounds: at s* the verdict is INSIDE."""
    smallest: float | None = None
    binding: float | None = None
    for tolerance in appetite:
        scale = _root(portfolio, tolerance, smallest)
        if scale is not None:
            smallest, binding = scale, tolerance.loss
    if smallest is None:
        return Tipping(None, 0.0, 1.0, None)
    return Tipping(smallest, max(0.0, 1.0 - smallest), min(1.0, smallest), binding)


def _root(portfolio: Portfolio, tolerance: Tolerance, known: float | None) -> float | None:
    """Where the upper bound meets the tolerance; None where that is not below `known`.

    Solved on ever finer lattices, until the lower bound says nearly the same.
    """
    scale: float | None = None
    for resolution in portfolio.up_to(AFFORDABLE):
        # An uncertain rate takes longer the larger it is; far inside, s* need not be known closely.
        if resolution not in portfolio.up_to(AFFORDABLE / max(1.0, scale or 1.0)):
            break
        point = portfolio.point(tolerance.loss, resolution)

        def excess(scale: float, point: Point = point) -> float:
            return point.upper(scale) - tolerance.probability

        if scale is None:
            ends = _around(excess, known)
            if ends is None:
                return None
        else:  # a finer bound is lower, so that its root lies above
            ends = scale * 0.999, scale * 1.01
            while excess(ends[1]) <= 0.0 and ends[1] < LARGEST_SCALE:
                ends = ends[1], ends[1] * 1.5
        inside, outside = ends
        scale = _between(excess, inside, outside)
        if scale == 0.0 or point.lower(scale * (1.0 + CLOSE)) >= tolerance.probability:
            break
    return scale if known is None or scale is None or scale < known else None


def _around(excess: Callable[[float], float], known: float | None) -> tuple[float, float] | None:
    """A scale inside and one outside; None where all up to `known` are inside."""
    if known is not None:
        if excess(known) <= 0.0:
            return None
        inside, outside = known / 4.0, known
    else:
        inside = outside = 1.0
        while excess(outside) <= 0.0:
            inside, outside = outside, outside * 4.0
            if inside >= LARGEST_SCALE:
                return None
    while excess(inside) > 0.0:
        outside, inside = inside, inside / 4.0
        if inside < SMALLEST_SCALE:
            return 0.0, 0.0
    return inside, outside


def _between(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """The largest scale found at which there is no excess, a millionth below the crossing."""
    if outside == 0.0:
        return 0.0
    while excess(inside) > 0.0:  # another lattice may say a little more than the coarser one
        inside /= 2.0
        if inside < SMALLEST_SCALE:
            return 0.0
    if excess(outside) <= 0.0:
        return outside
    scale, back = root(excess, inside, outside), 1e-6
    while excess(scale) > 0.0 and scale > inside:
        scale, back = max(inside, scale * (1.0 - back)), 2.0 * back
    return scale
