"""Several programs at once: one loss exceedance curve, and what each adds to its tail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from investiture.itrisk.quantification import compound, frequency
from investiture.itrisk.quantification.blocks import Grid, Risk
from investiture.itrisk.quantification.compound import lattice_for
from investiture.itrisk.quantification.estimates import Constant
from investiture.itrisk.quantification.frequency import Rate
from investiture.itrisk.quantification.functions import (
    Complexes,
    inverse,
    transform,
)
from investiture.itrisk.quantification.lattice import Rounding, masses
from investiture.itrisk.quantification.quantiles import Tail, tail

CELLS = 1 << 13


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one program adds: to the expected annual loss, and to the mean of the worst years."""

    name: str
    expected_annual_loss: float
    tail: float


@dataclass(frozen=True, slots=True)
class Together:
    """The worst 1 − `probability` of years of all programs, and whose losses they are.

    The tails of the contributions sum to the expected shortfall (Euler's allocation).
    """

    probability: float
    tail: Tail
    contributions: tuple[Contribution, ...]


def together(programs: Mapping[str, Sequence[Risk]], probability: float) -> Together:
    """The programs' independent risks as one portfolio, at one probability in (0, 1).

    E[L_i; L > q] = E[L_i] − E[L_i; L ≤ q]; the second has the transform
    E[Λ e^{Λ(φ−1)}] · ψ / E[e^{Λ(φ−1)}] · φ_L, summed over the program's scenarios, where ψ is the
    transform of x f_X(x) (Mecke's formula for Poisson sums). They come from one lattice, and are
    put in proportion to the expected shortfall, of which it is some 1e-4 off.
    """
    everything = [risk for risks in programs.values() for risk in risks]
    worst = tail(everything, probability)
    if worst.quantile <= 0.0:
        shares = {name: compound.mean(risks) for name, risks in programs.items()}
    else:
        shares = _beyond(programs, everything, worst.quantile, probability)
    total = sum(shares.values())
    scale = worst.expected_shortfall / total if total > 0.0 else 0.0
    return Together(
        probability,
        worst,
        tuple(
            Contribution(name, compound.mean(risks), shares[name] * scale)
            for name, risks in programs.items()
        ),
    )


def _beyond(
    programs: Mapping[str, Sequence[Risk]],
    everything: Sequence[Risk],
    loss: float,
    probability: float,
) -> dict[str, float]:
    lattice = lattice_for(everything, loss * 1.05, CELLS)
    grid = Grid(lattice, Rounding.MIDDLE)
    size, tilt = grid.size, grid.tilt
    losses = lattice.points[:-1]
    whole: Complexes = np.ones(size // 2 + 1, dtype=np.complex128)
    added = {name: np.zeros_like(whole) for name in programs}
    for name, risks in programs.items():
        for risk in risks:
            mass = masses(risk.severity, lattice, Rounding.MIDDLE) * tilt
            exponent = transform(mass, size) - 1.0
            factor = frequency.expected_exponential(risk.rate, exponent)
            whole *= factor
            among = _among(risk.rate, exponent, factor)
            added[name] += among * transform(mass * losses, size)
    # Of the years exactly at the quantile, only the share that is missing to 1 − p counts.
    below = np.cumsum(inverse(whole, size)[: lattice.cells + 1] / tilt)
    at = min(int(np.searchsorted(below, probability - 1e-12)), lattice.cells)
    before = float(below[at - 1]) if at else 0.0
    share = (probability - before) / max(float(below[at]) - before, 1e-300)
    answer: dict[str, float] = {}
    for name, risks in programs.items():
        each = inverse(added[name] * whole, size)[: at + 1] / tilt[: at + 1]
        inside = float(each[:at].sum()) + min(max(share, 0.0), 1.0) * float(each[at])
        answer[name] = max(0.0, compound.mean(risks) - inside)
    return answer


def _among(rate: Rate, exponent: Complexes, factor: Complexes) -> Complexes | float:
    """E[Λ e^{Λz}] / E[e^{Λz}]; where the latter is nothing, so is the whole product."""
    if isinstance(rate, Constant):
        return rate.value
    weighted = frequency.expected_weighted(rate, exponent)
    return np.divide(weighted, factor, out=np.zeros_like(factor), where=np.abs(factor) > 1e-100)
