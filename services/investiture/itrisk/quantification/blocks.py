"""Risks that are scaled together, as Fourier transforms on a grid that are computed once.

The transform is tilted exponentially against what wraps around (Grübel and Hermesmeier, ASTIN
Bulletin 1999).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np

from investiture.itrisk.quantification import frequency
from investiture.itrisk.quantification.estimates import Constant, Pert
from investiture.itrisk.quantification.frequency import Rate
from investiture.itrisk.quantification.functions import (
    Complexes,
    Floats,
    fast_length,
    inverse,
    transform,
)
from investiture.itrisk.quantification.lattice import Lattice, Rounding, masses
from investiture.itrisk.quantification.severity import Severity

TILT = 24.0
"""What wraps around the transform is damped by e^−24 = 4e-11; 20 leaves 2e-9."""
KEPT = 1 << 21
"""Complex numbers that a block keeps, 32 MB."""


@dataclass(frozen=True, slots=True)
class Risk:
    """One scenario: how often (events a year), and how much (currency's major unit)."""

    rate: Rate
    severity: Severity

    def scaled(self, factor: float) -> "Risk":
        """The same with its frequency times `factor` ≥ 0."""
        return Risk(cast("Rate", self.rate.scaled(factor)), self.severity)


@dataclass(frozen=True, slots=True)
class Grid:
    """A lattice, which way amounts are rounded to it, and the transform that goes with it."""

    lattice: Lattice
    rounding: Rounding

    @property
    def size(self) -> int:
        """The length of the transform: four times the lattice, so that the tilt stays small."""
        return fast_length(4 * self.lattice.cells + 4)

    @property
    def tilt(self) -> Floats:
        """What every point is multiplied with before the transform, shape (cells + 1,)."""
        return _tilt(self.size, self.lattice.cells)

    def distribution(self, spectrum: Complexes) -> Floats:
        """P(L ≤ point) for every point, shape (cells + 1,), of a tilted transform."""
        tilted = inverse(spectrum, self.size)[: self.lattice.cells + 1]
        return np.minimum(np.cumsum(np.maximum(tilted, 0.0) / self.tilt), 1.0)


@dataclass(frozen=True, slots=True)
class _Exponents:
    """φ_X − 1 of a block's risks: of known rates Σ Λ (φ_X − 1), of uncertain ones each its own."""

    known: Complexes
    uncertain: tuple[tuple[Pert, Complexes], ...]

    @property
    def numbers(self) -> int:
        return self.known.size * (1 + len(self.uncertain))


class Block:
    """Independent risks whose frequencies are scaled together, on any grid."""

    def __init__(self, risks: Sequence[Risk]) -> None:
        self.risks = tuple(risks)
        self._kept: dict[Grid, _Exponents] = {}
        self._last: tuple[Grid, float, Complexes] | None = None

    @property
    def work(self) -> float:
        """Nanoseconds that a cell of a grid takes, roughly, on one core of 2024."""
        return sum(_work(risk) for risk in self.risks)

    def known(self, grid: Grid) -> Complexes:
        """Σ Λ (φ_X − 1) over the risks whose rate is known, shape (size//2 + 1,)."""
        return self._exponents(grid).known

    def uncertain(self, grid: Grid, scale: float) -> Complexes | None:
        """Π E[exp(scale · Λ (φ_X − 1))] over the risks whose rate is not, if there are any."""
        uncertain = self._exponents(grid).uncertain
        if not uncertain:
            return None
        if self._last is None or self._last[:2] != (grid, scale):
            product = np.ones(grid.size // 2 + 1, dtype=np.complex128)
            for rate, exponent in uncertain:
                product *= frequency.expected_exponential(rate, scale * exponent)
            self._last = grid, scale, product
        return self._last[2]

    def _exponents(self, grid: Grid) -> _Exponents:
        found = self._kept.get(grid)
        if found is None:
            found = self._computed(grid)
            room = KEPT - sum(one.numbers for one in self._kept.values())
            while self._kept and room < found.numbers:
                room += self._kept.pop(next(iter(self._kept))).numbers
            if found.numbers <= KEPT:
                self._kept[grid] = found
        return found

    def _computed(self, grid: Grid) -> _Exponents:
        """One transform for all known rates: Σ Λ φ_X is the transform of Σ Λ f_X."""
        together, events = np.zeros(grid.lattice.cells + 1), 0.0
        uncertain: list[tuple[Pert, Complexes]] = []
        for risk in self.risks:
            if risk.rate.mean == 0.0:
                continue
            mass = masses(risk.severity, grid.lattice, grid.rounding)
            if isinstance(risk.rate, Constant):
                together += risk.rate.value * mass
                events += risk.rate.value
            else:
                uncertain.append((risk.rate, transform(mass * grid.tilt, grid.size) - 1.0))
        return _Exponents(transform(together * grid.tilt, grid.size) - events, tuple(uncertain))


@lru_cache(maxsize=16)
def _tilt(size: int, cells: int) -> Floats:
    tilt: Floats = np.exp(-TILT / size * np.arange(cells + 1))
    return tilt


def _work(risk: Risk) -> float:
    estimates = (risk.severity.primary, risk.severity.secondary)
    amount = sum(300.0 if isinstance(one, Pert) else 60.0 for one in estimates)
    if risk.severity.probability > 0.0:
        amount += 150.0 if risk.severity.insurance is None else 900.0
    if isinstance(risk.rate, Constant):
        return amount
    swing = risk.rate.high - risk.rate.low
    return amount + 200.0 * max(1, math.ceil(swing / frequency.MOST_SWING))
