"""How much it costs: what one event loses, in the currency's major unit.

X = primary + B · secondary with B ~ Bernoulli(p); a control that limits damage scales both; of
what is left insurance pays min(max(X − deductible, 0), limit) for every event.
"""

from dataclasses import dataclass, replace

import numpy as np

from investiture.itrisk.quantification.estimates import Constant, Estimate

NOTHING = Constant(0.0)
NODES = 128
"""Of a quadrature over the primary loss; only moments of insured losses come from it."""


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
        gross = self.primary.mean + self.probability * self.secondary.mean
        if self.insurance is None:
            return gross
        paid = self._limited(self.insurance.end) - self._limited(self.insurance.deductible)
        return max(gross - paid, 0.0)

    @property
    def second_moment(self) -> float:
        """E[X²] after insurance.

        Integrated by parts, it is E[min(X, d)²] + E[X²] − E[min(X, e)²] − 2 limit (E[X] −
        E[min(X, e)]) with the deductible d and e = d + limit.
        """
        p, primary, secondary = self.probability, self.primary, self.secondary
        gross = primary.second_moment + 2.0 * p * primary.mean * secondary.mean
        gross += p * secondary.second_moment
        if self.insurance is None:
            return gross
        end, mean = self.insurance.end, primary.mean + p * secondary.mean
        kept = gross + self._limited_square(self.insurance.deductible) - self._limited_square(end)
        return max(kept - 2.0 * self.insurance.limit * (mean - self._limited(end)), 0.0)

    @property
    def nothing(self) -> float:
        """P(X = 0) after insurance."""
        covers = self.insurance is not None and self.insurance.deductible == 0.0
        end = self.insurance.end if self.insurance is not None and covers else 0.0
        places, weights = self.primary.nodes(NODES)
        alone = float(self.primary.cdf(np.array([end]))[0])
        rest = np.where(places <= end, self.secondary.cdf(np.maximum(end - places, 0.0)), 0.0)
        return (1.0 - self.probability) * alone + self.probability * float(weights @ rest)

    def _limited(self, end: float) -> float:
        """E[min(X, end)] before insurance."""
        alone = float(self.primary.limited(np.array([end]))[0])
        if self.probability == 0.0:
            return alone
        places, weights = self.primary.nodes(NODES)
        left = np.maximum(end - places, 0.0)
        both = np.minimum(places, end) + np.where(left > 0.0, self.secondary.limited(left), 0.0)
        return (1.0 - self.probability) * alone + self.probability * float(weights @ both)

    def _limited_square(self, end: float) -> float:
        """E[min(X, end)²] before insurance."""
        alone = float(self.primary.limited_square(np.array([end]))[0])
        if self.probability == 0.0:
            return alone
        places, weights = self.primary.nodes(NODES)
        left, first = np.maximum(end - places, 0.0), np.minimum(places, end)
        more = 2.0 * first * self.secondary.limited(left) + self.secondary.limited_square(left)
        both = first**2 + np.where(left > 0.0, more, 0.0)
        return (1.0 - self.probability) * alone + self.probability * float(weights @ both)

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
