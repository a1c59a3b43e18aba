"""The cheapest set of the offered controls that enters the appetite, and what more money buys."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from investiture.itrisk.quantification import compound
from investiture.itrisk.quantification.compound import Portfolio
from investiture.itrisk.quantification.scenarios import (
    Control,
    Question,
    frequency_factor,
    severity_factor,
)
from investiture.itrisk.quantification.tipping import Verdict, decide
from investiture.itrisk.quantification.value import risk_adjusted_npv

KEPT = 8
"""Portfolios that differ in more than a common factor of their frequencies."""


@dataclass(frozen=True, slots=True)
class ControlSet:
    """A set of controls that enters the appetite, what it costs, and what it leaves.

    `expected_annual_loss` at the asked exposure; `net_present_value` is None where the question
    names no benefits.
    """

    names: tuple[str, ...]
    cost: float
    expected_annual_loss: float
    net_present_value: float | None


def entering(
    question: Question, proceed: Callable[[], None] = lambda: None
) -> tuple[ControlSet, ...]:
    """The Pareto list of the sets that enter the appetite; empty where even all of them do not.

    The cheapest comes first; each next one costs more and leaves less expected loss.

    All 2^n sets are looked at, in order of cost; what a smaller set's yes or a larger one's no
    already says is not computed again.
    """
    looked = _Looked(question)
    sets: list[ControlSet] = []
    least = float("inf")
    if not looked.enters(question.controls):
        return ()
    for chosen in _by_cost(question.controls):
        proceed()
        risks = question.risks(_names(chosen))
        left = compound.mean(risks) * question.exposure
        if left >= least * (1.0 - 1e-12) or not looked.enters(chosen):
            continue
        least = left
        sets.append(_set_of(question, chosen, left))
    return tuple(sets)


class _Looked:
    """What is known of the sets that were looked at; a control never raises a probability."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._inside: list[frozenset[str]] = []
        self._outside: list[frozenset[str]] = []
        self._portfolios: dict[tuple[tuple[float, float], ...], Portfolio] = {}

    def enters(self, chosen: Sequence[Control]) -> bool:
        """Whether the appetite is kept with these controls in place."""
        names = _names(chosen)
        if any(names >= smaller for smaller in self._inside):
            return True
        if any(names <= larger for larger in self._outside):
            return False
        portfolio, scale = self._portfolio(chosen)
        scale *= self._question.exposure
        inside = decide(portfolio, self._question.appetite, scale) is Verdict.INSIDE
        (self._inside if inside else self._outside).append(names)
        return inside

    def _portfolio(self, chosen: Sequence[Control]) -> tuple[Portfolio, float]:
        """The risks but for a common factor of their frequencies: many sets share them."""
        names = [scenario.name for scenario in self._question.scenarios]
        often = [frequency_factor(name, chosen) for name in names]
        common = max(often)
        if common == 0.0:
            return Portfolio([risk.scaled(0.0) for risk in self._question.risks()]), 1.0
        key = tuple(
            (round(severity_factor(name, chosen), 12), round(factor / common, 12))
            for name, factor in zip(names, often, strict=True)
        )
        found = self._portfolios.get(key)
        if found is None:
            risks = self._question.risks(_names(chosen))
            found = Portfolio([risk.scaled(1.0 / common) for risk in risks])
            self._portfolios = {**dict(list(self._portfolios.items())[-KEPT:]), key: found}
        return found, common


def _by_cost(controls: Sequence[Control]) -> Iterator[tuple[Control, ...]]:
    every = [chosen for n in range(len(controls) + 1) for chosen in combinations(controls, n)]
    yield from sorted(every, key=lambda chosen: (_cost(chosen), len(chosen)))


def _cost(chosen: Sequence[Control]) -> float:
    return sum(control.cost for control in chosen)


def _names(chosen: Sequence[Control]) -> frozenset[str]:
    return frozenset(control.name for control in chosen)


def _set_of(question: Question, chosen: Sequence[Control], left: float) -> ControlSet:
    value = question.value
    premium = question.insurance.premium if question.insurance is not None else 0.0
    cost = _cost(chosen)
    worth = None if value is None else risk_adjusted_npv(value, left, premium, cost)
    return ControlSet(tuple(control.name for control in chosen), cost, left, worth)
