"""Points of the distribution of the yearly loss, for reading and for pictures; never for a verdict.

They come from the lattice that is rounded to the middle: its error is of second order in the step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from investiture.itrisk.quantification import compound
from investiture.itrisk.quantification.blocks import Block, Grid, Risk
from investiture.itrisk.quantification.compound import Parts, lattice_for
from investiture.itrisk.quantification.functions import Floats
from investiture.itrisk.quantification.lattice import Lattice, Rounding, masses

COARSE, FINE = 1 << 10, 1 << 13
FINEST = 1 << 16
"""Points of an exact lattice; many questions are asked of it."""
SPAN = 16.0
"""Losses within this factor share a lattice."""
SEEN = 1e-4
"""Share of the variance from which what rounding adds is taken out again."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A quantile of the yearly loss and the mean of what lies beyond it (expected shortfall)."""

    quantile: float
    expected_shortfall: float


class Below:
    """P(L ≤ l) up to `top` > 0: in steps where the lattice holds all known amounts, else a curve.

    Rounding to the middle keeps the mean of the loss and adds to its variance, of many small
    events more than they have themselves; so the curve is drawn together around the mean until its
    variance is right.
    """

    def __init__(self, parts: Parts, lattice: Lattice, scale: float = 1.0) -> None:
        risks = [risk.scaled(scale * factor) for block, factor in parts for risk in block.risks]
        self.lattice = lattice
        self._steps = all(
            risk.severity.discrete
            and all(
                self.lattice.index(amount).denominator == 1 for amount in risk.severity.constants
            )
            for risk in risks
        )
        self._below = compound.distribution(parts, Grid(self.lattice, Rounding.MIDDLE), scale)
        if not self._steps:  # half of a point's mass lies above it
            self._below[1:] -= np.diff(self._below) / 2.0
        self._average = compound.mean(risks)
        self._narrower = 1.0 if self._steps else _narrower(risks, self.lattice)

    @property
    def top(self) -> float:
        """The largest loss that it knows of."""
        return self._out(self.lattice.top)

    def at(self, losses: Floats) -> Floats:
        """P(L ≤ loss) for losses up to the top."""
        places = self._in(losses) / self.lattice.step
        if self._steps:
            index = np.floor(places * (1.0 + 1e-12)).astype(np.intp)
            return self._below[np.minimum(index, self._below.size - 1)]
        return np.interp(places, np.arange(self._below.size), self._below)

    def quantile(self, probability: float) -> float | None:
        """The smallest loss that P(L ≤ loss) reaches the probability at; None if above the top."""
        short = 1e-12 if self._steps else 0.0
        index = int(np.searchsorted(self._below, probability - short))
        if index >= self._below.size:
            return None
        step = self.lattice.step
        if self._steps or index == 0:
            return self.lattice.top * (index / self.lattice.cells)
        before, after = float(self._below[index - 1]), float(self._below[index])
        share = (probability - before) / (after - before) if after > before else 1.0
        return max(0.0, self._out((index - 1 + min(share, 1.0)) * step))

    def beyond(self, loss: float) -> float:
        """E[(L − loss)+] = E[L] − ∫_0^loss P(L > l) dl, which needs no loss above it."""
        place, step = float(self._in(np.array([loss]))[0]), self.lattice.step
        whole = int(place / step * (1.0 + 1e-12))
        until = float(np.sum(1.0 - self._below[:whole])) * step
        if not self._steps:  # the trapezoid rule
            until += float(self._below[0] - self._below[whole]) / 2.0 * step
        until += (place - whole * step) * float(1.0 - self._below[whole])
        return max(0.0, self._average - until) * self._narrower

    def _in(self, losses: Floats) -> Floats:
        """Where losses lie on the wider curve of the lattice."""
        if self._narrower == 1.0:
            return losses
        wider = self._average + (losses - self._average) / self._narrower
        return np.clip(wider, 0.0, self.lattice.top)

    def _out(self, loss: float) -> float:
        return self._average + (loss - self._average) * self._narrower


def _narrower(risks: Sequence[Risk], lattice: Lattice) -> float:
    """Standard deviation of the loss over that on the lattice, for losses up to its top."""
    spread, step = compound.variance(risks), lattice.step
    most = sum(risk.rate.mean * min(risk.severity.mean, step / 2.0) for risk in risks) * step
    if most <= SEEN * spread:
        return 1.0
    added = 0.0
    for risk in risks:
        mass = masses(risk.severity, lattice, Rounding.MIDDLE)
        square = float(mass @ lattice.points[:-1] ** 2)
        square += lattice.top**2 * max(0.0, 1.0 - float(mass.sum()))
        more = square - risk.severity.second_moment_until(lattice.top)
        added += risk.rate.mean * max(more, 0.0)
    return float((spread / (spread + added)) ** 0.5)


def tail(risks: Sequence[Risk], probability: float) -> Tail:
    """VaR and expected shortfall at `probability` in (0, 1).

    The shortfall of the worst 1 − p of years is q + E[(L − q)+]/(1 − p).
    """
    return tails(risks, (probability,))[0]


def tails(risks: Sequence[Risk], probabilities: Sequence[float]) -> list[Tail]:
    """VaR and expected shortfall at each probability in (0, 1), in the order asked."""
    parts = ((Block(risks), 1.0),)
    average, nothing = compound.mean(risks), compound.no_loss(risks)
    found: dict[float, Tail] = {}
    below: Below | None = None
    for probability in sorted(probabilities, reverse=True):
        if average <= 0.0 or nothing >= probability:
            found[probability] = Tail(0.0, average / (1.0 - probability))
            continue
        quantile = None if below is None else below.quantile(probability)
        if below is None or quantile is None or quantile * SPAN < below.top:
            top = _above(parts, probability, average)
            below = Below(parts, lattice_for(risks, top, FINE, FINEST))
            quantile = below.quantile(probability)
        worst = below.top if quantile is None else quantile
        found[probability] = Tail(worst, worst + below.beyond(worst) / (1.0 - probability))
    return [found[probability] for probability in probabilities]


def quantile(risks: Sequence[Risk], probability: float) -> float:
    """The smallest l with P(L ≤ l) ≥ probability."""
    return tail(risks, probability).quantile


def curve(risks: Sequence[Risk], losses: Floats, scale: float = 1.0) -> Floats:
    """P(L > loss) for ascending losses > 0, shape as given: the loss exceedance curve.

    One lattice serves a factor of 16 of losses, so that small ones are as exact as large ones.
    """
    parts = ((Block(risks), 1.0),)
    answer = np.zeros(losses.size)
    start = 0
    while start < losses.size:
        end = start + int(np.sum(losses[start:] <= SPAN * float(losses[start])))
        lattice = lattice_for(risks, float(losses[end - 1]) * 1.01, FINE, FINEST)
        answer[start:end] = 1.0 - Below(parts, lattice, scale).at(losses[start:end])
        start = end
    return np.clip(answer, 0.0, 1.0)


def _above(parts: Parts, probability: float, average: float) -> float:
    """A loss a little above the quantile: down from Markov's P(L > mean/(1 − p)) ≤ 1 − p."""
    top = average / (1.0 - probability)
    risks = [risk for block, _ in parts for risk in block.risks]
    while True:
        below = Below(parts, lattice_for(risks, top, COARSE, COARSE))
        found = below.quantile(probability)
        if found is None:
            return top * 1.05
        if found * 64.0 >= top or top < 1e-12 * average:
            return max(found, below.lattice.step) * 1.05
        top = max(found * 2.0, top / 1_000.0)
