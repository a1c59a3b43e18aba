"""Points of the distribution of the yearly loss, for reading and for pictures; never for a verdict.

They come from the lattice that is rounded to the middle: its error is of second order in the step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from investiture.itrisk.quantification import compound
from investiture.itrisk.quantification.compound import Risk, Transformed, lattice_for
from investiture.itrisk.quantification.functions import Floats
from investiture.itrisk.quantification.lattice import Rounding

COARSE, FINE = 1 << 8, 1 << 13
SPAN = 32.0
"""Losses within this factor share a lattice of the curve."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A quantile of the yearly loss and the mean of what lies beyond it (expected shortfall)."""

    quantile: float
    expected_shortfall: float


class _Below:
    """P(L ≤ l) up to `top` > 0: in steps where all amounts are known, else a curve."""

    def __init__(self, risks: Sequence[Risk], top: float, resolution: int, scale: float) -> None:
        lattice = lattice_for(risks, top, resolution)
        self._steps = all(risk.severity.discrete for risk in risks)
        self._step = lattice.step
        self._below = Transformed(risks, lattice, Rounding.MIDDLE).distribution(scale)
        if not self._steps:  # half of a point's mass lies above it
            self._below[1:] -= np.diff(self._below) / 2.0

    def at(self, losses: Floats) -> Floats:
        """P(L ≤ loss) for losses up to the top."""
        places = losses / self._step
        if self._steps:
            index = np.floor(places * (1.0 + 1e-12)).astype(np.intp)
            return self._below[np.minimum(index, self._below.size - 1)]
        return np.interp(places, np.arange(self._below.size), self._below)

    def quantile(self, probability: float) -> float:
        """The smallest loss that P(L ≤ loss) reaches the probability at."""
        short = 1e-12 if self._steps else 0.0
        index = min(int(np.searchsorted(self._below, probability - short)), self._below.size - 1)
        if self._steps or index == 0:
            return index * self._step
        before, after = float(self._below[index - 1]), float(self._below[index])
        share = (probability - before) / (after - before) if after > before else 1.0
        return (index - 1 + min(share, 1.0)) * self._step

    def limited_mean(self, loss: float) -> float:
        """E[min(L, loss)] = ∫_0^loss P(L > l) dl."""
        whole = int(loss / self._step * (1.0 + 1e-12))
        answer = float(np.sum(1.0 - self._below[:whole])) * self._step
        if not self._steps:  # the trapezoid rule
            answer += float(self._below[0] - self._below[whole]) / 2.0 * self._step
        return answer + (loss - whole * self._step) * float(1.0 - self._below[whole])


def tail(risks: Sequence[Risk], probability: float) -> Tail:
    """VaR and expected shortfall at `probability` in (0, 1).

    The shortfall of the worst 1 − p of years is q + E[(L − q)+]/(1 − p), in which
    E[(L − q)+] = E[L] − E[min(L, q)] needs no loss above q.
    """
    average = compound.mean(risks)
    top = _above(risks, probability, average)
    if top == 0.0:
        return Tail(0.0, average / (1.0 - probability))
    below = _Below(risks, top, FINE, 1.0)
    quantile = below.quantile(probability)
    beyond = max(0.0, average - below.limited_mean(quantile))
    return Tail(quantile, quantile + beyond / (1.0 - probability))


def quantile(risks: Sequence[Risk], probability: float) -> float:
    """The smallest l with P(L ≤ l) ≥ probability."""
    return tail(risks, probability).quantile


def curve(risks: Sequence[Risk], losses: Floats, scale: float = 1.0) -> Floats:
    """P(L > loss) for ascending losses > 0, shape as given: the loss exceedance curve.

    One lattice serves a factor of 32 of losses, so that small ones are as exact as large ones.
    """
    answer = np.zeros(losses.size)
    start = 0
    while start < losses.size:
        end = start + int(np.sum(losses[start:] <= SPAN * float(losses[start])))
        below = _Below(risks, float(losses[end - 1]), FINE, scale)
        answer[start:end] = 1.0 - below.at(losses[start:end])
        start = end
    return np.clip(answer, 0.0, 1.0)


def _above(risks: Sequence[Risk], probability: float, average: float) -> float:
    """A loss a little above the quantile; 0 where no loss is already as likely as that."""
    if average <= 0.0 or compound.no_loss(risks) >= probability:
        return 0.0
    high = average / (1.0 - probability)  # Markov: P(L > high) ≤ 1 − p
    low = high
    while _at(risks, low) >= probability:
        high, low = low, low / 4.0
        if low < 1e-12 * average:
            return high
    while high / low > 1.15:
        middle = math.sqrt(high * low)
        if _at(risks, middle) >= probability:
            high = middle
        else:
            low = middle
    return high * 1.05


def _at(risks: Sequence[Risk], loss: float) -> float:
    return float(_Below(risks, loss, COARSE, 1.0).at(np.array([loss]))[0])
