"""The cheapest set of the offered controls that enters the appetite, and what more money buys."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from investiture.itrisk.quantification import compound
from investiture.itrisk.quantification.blocks import Block
from investiture.itrisk.quantification.compound import Portfolio
from investiture.itrisk.quantification.scenarios import (
    Control,
    Question,
    Scenario,
    frequency_factor,
    severity_factor,
)
from investiture.itrisk.quantification.tipping import Verdict, decide
from investiture.itrisk.quantification.value import risk_adjusted_npv

AFFORDABLE = 3e7
"""Nanoseconds that one resolution of one set may take; a set that is undecided then does not count
as entering."""


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
        left = looked.mean(chosen) * question.exposure
        if left >= least * (1.0 - 1e-12) or not looked.enters(chosen):
            continue
        least = left
        sets.append(_set_of(question, chosen, left))
    return tuple(sets)


class _Looked:
    """What is known of the sets that were looked at; a control never raises a probability.

    Scenarios that the same controls act on are one block: a set only scales its frequencies, and
    its transforms are computed once for every reduction of its severities.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._inside: list[frozenset[str]] = []
        self._outside: list[frozenset[str]] = []
        alike: dict[tuple[str, ...], list[Scenario]] = {}
        for scenario in question.scenarios:
            acting = tuple(one.name for one in question.controls if one.acts_on(scenario.name))
            alike.setdefault(acting, []).append(scenario)
        self._acting = tuple(frozenset(acting) for acting in alike)
        self._alike = tuple(tuple(scenarios) for scenarios in alike.values())
        self._blocks: dict[tuple[int, float], Block] = {}
        self._means: dict[int, float] = {}

    def enters(self, chosen: Sequence[Control]) -> bool:
        """Whether the appetite is kept with these controls in place."""
        names = _names(chosen)
        if any(names >= smaller for smaller in self._inside):
            return True
        if any(names <= larger for larger in self._outside):
            return False
        question = self._question
        parts = [self._part(i, chosen) for i in range(len(self._alike))]
        portfolio = Portfolio(parts=parts, affordable=AFFORDABLE)
        inside = decide(portfolio, question.appetite, question.exposure) is Verdict.INSIDE
        (self._inside if inside else self._outside).append(names)
        return inside

    def mean(self, chosen: Sequence[Control]) -> float:
        """The expected annual loss at full exposure with these controls in place."""
        parts = (self._part(i, chosen) for i in range(len(self._alike)))
        return sum(factor * self._means[id(block)] for block, factor in parts)

    def _part(self, index: int, chosen: Sequence[Control]) -> tuple[Block, float]:
        """A block with its severities reduced, and what its frequencies are multiplied with."""
        scenarios = self._alike[index]
        name = scenarios[0].name
        acting = self._acting[index]
        chosen = [control for control in chosen if control.name in acting]
        key = index, round(severity_factor(name, chosen), 12)
        if key not in self._blocks:
            replaced = replace(self._question, scenarios=scenarios)
            risks = replaced.risks(_names(chosen), frequencies=False)
            self._blocks[key] = Block(risks)
            self._means[id(self._blocks[key])] = compound.mean(risks)
        return self._blocks[key], frequency_factor(name, chosen)


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
