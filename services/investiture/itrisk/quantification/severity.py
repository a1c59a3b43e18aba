"""How much it costs: what one event loses, in the currency's major unit.

X = primary + B · secondary with B ~ Bernoulli(p); a control that limits damage scales both; of
what is left insurance pays min(max(X − deductible, 0), limit) for every event.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from investiture.itrisk.quantification.estimates import Constant, Estimate, Pert
from investiture.itrisk.quantification.functions import Floats

NOTHING = Constant(0.0)
REMEMBERED = 4_096
"""Severities whose moments are remembered."""
PANELS = 4_096
"""Of the integral over the primary loss that the moments of an insured loss need."""


@dataclass(frozen=True, slots=True)
class Insurance:
    """Pays per event what is above `deductible`, up to `limit`; costs `premium` a year."""

    deductible: float
    limit: float
    premium: float = 0.0

    @property
    def end(self) -> float:
        """Where it stops paying: deductible plus limit."""
        return self.deductible + self.limit


@dataclass(frozen=True, slots=True)
class Severity:
    """The loss of one event: `primary` always, `secondary` with `probability`."""

    primary: Estimate
    probability: float = 0.0
    secondary: Estimate = NOTHING
    insurance: Insurance | None = None

    def reduced(self, share: float) -> "Severity":
        """X (1 − share): before insurance, which pays for what is left."""
        return replace(
            self,
            primary=self.primary.scaled(1.0 - share),
            secondary=self.secondary.scaled(1.0 - share),
        )

    @property
    def mean(self) -> float:
        """E[X] after insurance."""
        return _mean(self)

    @property
    def second_moment(self) -> float:
        """E[X²] after insurance."""
        return _second_moment(self)

    @property
    def nothing(self) -> float:
        """P(X = 0) after insurance."""
        return _nothing(self)

    def integrated_mean(self) -> float:
        """What `mean` remembers."""
        gross = self.primary.mean + self.probability * self.secondary.mean
        if self.insurance is None:
            return gross
        paid = self._limited(self.insurance.end) - self._limited(self.insurance.deductible)
        return max(gross - paid, 0.0)

    def integrated_square(self) -> float:
        """What `second_moment` remembers."""
        p, primary, secondary = self.probability, self.primary, self.secondary
        gross = primary.second_moment + 2.0 * p * primary.mean * secondary.mean
        gross += p * secondary.second_moment
        if self.insurance is None:
            return gross
        return self._kept_square(self.insurance, gross, primary.mean + p * secondary.mean)

    def second_moment_until(self, top: float) -> float:
        """E[min(X, top)²] after insurance."""
        if self.insurance is None or top <= self.insurance.deductible:
            return self._limited_square(top)
        end = top + self.insurance.limit
        return self._kept_square(self.insurance, self._limited_square(end), self._limited(end))

    def _kept_square(self, insurance: Insurance, square: float, mean: float) -> float:
        """E[min(X, d)²] + E[X²] − E[min(X, e)²] − 2 limit (E[X] − E[min(X, e)]).

        With the deductible d and e = d + limit: X'² integrated by parts.
        """
        kept = square + self._limited_square(insurance.deductible)
        kept -= self._limited_square(insurance.end)
        return max(kept - 2.0 * insurance.limit * (mean - self._limited(insurance.end)), 0.0)

    def integrated_nothing(self) -> float:
        """What `nothing` remembers."""
        covers = self.insurance is not None and self.insurance.deductible == 0.0
        end = self.insurance.end if self.insurance is not None and covers else 0.0
        alone = float(self.primary.cdf(np.array([end]))[0])
        if self.probability == 0.0:
            return alone
        if isinstance(self.secondary, Constant):
            left = end - self.secondary.value
            both = float(self.primary.cdf(np.array([left]))[0]) if left >= 0.0 else 0.0
        else:
            both = self._over_primary(end, self.secondary.cdf)
        return (1.0 - self.probability) * alone + self.probability * both

    def _limited(self, end: float) -> float:
        """E[min(X, end)] before insurance."""
        alone = float(self.primary.limited(np.array([end]))[0])
        if self.probability == 0.0:
            return alone
        return alone + self.probability * self._over_primary(end, self.secondary.limited)

    def _limited_square(self, end: float) -> float:
        """E[min(X, end)²] before insurance."""
        alone = float(self.primary.limited_square(np.array([end]))[0])
        if self.probability == 0.0:
            return alone

        def more(left: Floats) -> Floats:
            both = 2.0 * (end - left) * self.secondary.limited(left)
            return both + self.secondary.limited_square(left)

        return alone + self.probability * self._over_primary(end, more)

    def _over_primary(self, end: float, function: Callable[[Floats], Floats]) -> float:
        """E[function(end − primary); primary < end], by the trapezoid rule in P(primary ≤ t)."""
        if isinstance(self.primary, Constant):
            left = end - self.primary.value
            return float(function(np.array([left]))[0]) if left >= 0.0 else 0.0
        near = end * np.geomspace(1e-9, 1.0, PANELS)
        inside = np.linspace(0.0, end, PANELS)
        places = np.unique(np.concatenate((inside, near, end - near, self._range(end))))
        shares = np.diff(self.primary.cdf(places))
        values = function(np.maximum(end - places, 0.0))
        return float(shares @ (values[:-1] + values[1:])) / 2.0

    def _range(self, end: float) -> Floats:
        """Places within the range of a primary loss that has one."""
        if not isinstance(self.primary, Pert):
            return np.zeros(0)
        return np.linspace(min(self.primary.low, end), min(self.primary.high, end), PANELS)

    @property
    def discrete(self) -> bool:
        """Whether all amounts are known."""
        return isinstance(self.primary, Constant) and isinstance(self.secondary, Constant)

    @property
    def constants(self) -> tuple[float, ...]:
        """Amounts with a probability of their own: where a lattice should have a point."""
        known = [
            part.value for part in (self.primary, self.secondary) if isinstance(part, Constant)
        ]
        if self.insurance is not None:
            known += [self.insurance.deductible, self.insurance.limit]
        return tuple(known)


@lru_cache(maxsize=REMEMBERED)
def _mean(severity: Severity) -> float:
    return severity.integrated_mean()


@lru_cache(maxsize=REMEMBERED)
def _second_moment(severity: Severity) -> float:
    return severity.integrated_square()


@lru_cache(maxsize=REMEMBERED)
def _nothing(severity: Severity) -> float:
    return severity.integrated_nothing()
