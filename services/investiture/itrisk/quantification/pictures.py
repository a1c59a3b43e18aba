"""The data of the two pictures: curves and frontiers as arrays, for drawing and for text alike.

They are read off the distribution that is rounded to the middle, as every point that is shown; the
verdict at a tolerance comes from its bracket, which goes with the picture.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from investiture.itrisk.quantification import compound
from investiture.itrisk.quantification.assessment import Assessment
from investiture.itrisk.quantification.compound import Portfolio, Risk
from investiture.itrisk.quantification.functions import Floats
from investiture.itrisk.quantification.quantiles import curve, quantile
from investiture.itrisk.quantification.scenarios import Question
from investiture.itrisk.quantification.tipping import Reading, Tipping, tipping_point

POINTS = 121
"""Losses on a curve, evenly spaced in their logarithm; round ones and tolerances come besides."""
DECADES = 6.0
"""What a curve spans at the most."""
RAREST = 0.999
"""The quantile that a curve goes to, where no tolerance asks for more."""
STEPS = 101
"""Control effectivenesses on a frontier: 0, 0.01, …, 1."""


@dataclass(frozen=True, slots=True, eq=False)
class ExceedanceCurves:
    """P(L > loss) over ascending `losses` > 0 (currency's major unit, a year), shape (n,) each.

    `inherent` at the asked `exposure`, before the offered controls; `residual` with the cheapest
    entering set, `controls`, in place, None where none is needed or none is enough; `tipping` with
    `scale` times the frequencies of the full audience, where the appetite is just kept, None where
    100 times as many events still keep it. `readings` are the points of the appetite.
    """

    losses: Floats
    exposure: float
    inherent: Floats
    controls: tuple[str, ...] = ()
    residual: Floats | None = None
    scale: float | None = None
    tipping: Floats | None = None
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Dot:
    """Where a stage stands on the map: `name`, its share of the audience, its controls."""

    name: str
    exposure: float
    effectiveness: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class TippingMap:
    """The plane of control effectiveness e and exposure x, both 0 to 1; arrays of shape (n,).

    `appetite` is x*(e), the most exposure that keeps the appetite. `value` is the least exposure
    that is worth it, infinite where none is, None where the question names no benefits.
    """

    tipping: Tipping
    effectiveness: Floats
    appetite: Floats
    value: Floats | None = None
    dots: tuple[Dot, ...] = ()

    @property
    def least(self) -> Floats:
        """Where the launch window begins: 0 where value was not asked for; shape (n,)."""
        return np.zeros(self.appetite.size) if self.value is None else self.value

    @property
    def open(self) -> bool:
        """Whether any control effectiveness leaves an exposure inside the window."""
        return bool(np.any((self.appetite > 0.0) & (self.least < self.appetite)))


def exceedance_curves(question: Question, assessment: Assessment) -> ExceedanceCurves:
    """The loss exceedance curves of a question and its assessment."""
    full, exposure = question.risks(), question.exposure
    losses = _losses([risk.scaled(exposure) for risk in full], assessment.readings)
    controls = assessment.cheapest.names if assessment.cheapest is not None else ()
    scale = assessment.tipping.scale if assessment.tipping is not None else None
    return ExceedanceCurves(
        losses=losses,
        exposure=exposure,
        inherent=curve(full, losses, exposure),
        controls=controls,
        residual=curve(question.risks(controls), losses, exposure) if controls else None,
        scale=scale,
        tipping=None if scale is None else curve(full, losses, scale),
        readings=assessment.readings,
    )


def tipping_map(
    question: Question, assessment: Assessment, dots: Sequence[Dot] = ()
) -> TippingMap | None:
    """The tipping map; None where no appetite is given. Without `dots`, where the question stands.

    That is its exposure as it is and, where a set of controls brings it inside, with the cheapest.
    """
    tipped = assessment.tipping
    if tipped is None:
        return None
    effectiveness = np.union1d(np.linspace(0.0, 1.0, STEPS), [tipped.control_effectiveness])
    return TippingMap(
        tipping=tipped,
        effectiveness=effectiveness,
        appetite=np.array([tipped.exposure_with(float(e)) for e in effectiveness]),
        value=worthwhile_from(question, effectiveness),
        dots=tuple(dots) or _standing(question, assessment, tipped),
    )


def worthwhile_from(question: Question, effectiveness: Floats) -> Floats | None:
    """The least exposure x at which raNPV ≥ 0, for every control effectiveness, in its shape.

    Benefits and expected loss grow with x, the benefits that are given being those of the asked
    exposure; operating costs, premium and launch cost stay. Controls are not priced here: what a
    set costs, and is worth, is said with the sets. So x = F / (b − m (1 − e)), with the present
    values F of what is fixed, b of the benefits and m of the expected loss at x = 1.
    """
    value = question.value
    if value is None or question.exposure <= 0.0:
        return None
    years = np.arange(1, len(value.benefits) + 1)
    discount = (1.0 + value.discount_rate) ** -years.astype(np.float64)
    premium = question.insurance.premium if question.insurance is not None else 0.0
    fixed = float(discount @ (np.array(value.operating) + premium)) + value.launch_cost
    gained = float(discount @ np.array(value.benefits)) / question.exposure
    lost = float(discount.sum()) * compound.mean(question.risks())
    margin = gained - lost * (1.0 - effectiveness)
    least = np.full(effectiveness.shape, np.inf)
    np.divide(fixed, margin, out=least, where=margin > 0.0)
    return least


def equivalent_effectiveness(
    question: Question, tipped: Tipping, controls: Sequence[str]
) -> float | None:
    """The control effectiveness that moves the appetite's frontier as these controls do.

    1 − s*/s*′ with s*′ the tipping point once they are in place: of controls that act on the
    frequency of everything it is their common effectiveness. None where s* is not known.
    """
    if tipped.scale is None:
        return None
    reduced = tipping_point(Portfolio(question.risks(controls)), question.appetite)
    if reduced.scale is None:
        return 1.0
    return max(0.0, 1.0 - tipped.scale / reduced.scale) if reduced.scale > 0.0 else 0.0


def _standing(question: Question, assessment: Assessment, tipped: Tipping) -> tuple[Dot, ...]:
    dots = [Dot("as asked", question.exposure)]
    cheapest = assessment.cheapest
    if cheapest is not None and cheapest.names:
        reached = equivalent_effectiveness(question, tipped, cheapest.names)
        if reached is not None:
            dots.append(Dot("with " + " + ".join(cheapest.names), question.exposure, reached))
    return tuple(dots)


def round_losses(low: float, top: float) -> Floats:
    """1, 2 and 5 times the powers of ten from `low` to `top`, both included; shape (n,)."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(top)) + 1)
    found = np.array([float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)])
    return found[(found >= low) & (found <= top)]


def _losses(risks: Sequence[Risk], readings: Sequence[Reading]) -> Floats:
    """Ascending losses that show the distribution and every tolerance, shape (n,)."""
    tolerances = [reading.tolerance.loss for reading in readings]
    nothing = compound.no_loss(risks)
    rare = min(reading.tolerance.probability for reading in readings) / 2.0 if readings else 1.0
    ends = [*(loss * factor for loss in tolerances for factor in (0.5, 2.0))]
    for probability in (nothing + 0.05 * (1.0 - nothing), max(RAREST, 1.0 - rare)):
        found = quantile(risks, probability) if probability < 1.0 else 0.0
        ends += [found] if found > 0.0 else []
    if not ends:
        ends = [compound.mean(risks) or 1.0]
    top = max(ends) * 1.05
    low = max(min(ends), top * 10.0**-DECADES, np.finfo(np.float64).tiny)
    if tolerances:
        low = min(low, 0.5 * tolerances[0])
    low = min(low, top / 10.0)
    evenly = np.geomspace(low, top, POINTS)
    return np.union1d(np.union1d(evenly, round_losses(low, top)), tolerances)
