"""Which estimate moves the verdict most: each a quarter higher and a fifth lower, by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from investiture.itrisk.quantification.compound import Risk
from investiture.itrisk.quantification.frequency import Rate
from investiture.itrisk.quantification.quantiles import curve
from investiture.itrisk.quantification.scenarios import Question, Scenario

HIGHER, LOWER = 1.25, 0.8
MOST = 10
"""Scenarios of which every estimate is moved."""


@dataclass(frozen=True, slots=True)
class Swing:
    """P(L > loss) with one estimate lower and higher; `estimate` is its path, `scenario.part`."""

    estimate: str
    lower: float
    higher: float

    @property
    def size(self) -> float:
        """How far the probability moves."""
        return abs(self.higher - self.lower)


def swings(question: Question, loss: float) -> tuple[Swing, ...]:
    """The swing of every estimate at one loss, the largest first.

    Of more than ten scenarios the ten with the largest expected loss, one estimate at a time. The
    numbers of an estimate move together: a frequency to 1.25 and 0.8 of itself, an amount the
    same, a probability no higher than 1.
    """
    found = [
        Swing(path, _at(question, lower, loss), _at(question, higher, loss))
        for path, lower, higher in _moved(question.scenarios)
    ]
    return tuple(sorted(found, key=lambda swing: -swing.size))


def _at(question: Question, scenarios: Sequence[Scenario], loss: float) -> float:
    risks: list[Risk] = replace(question, scenarios=tuple(scenarios)).risks()
    return float(curve(risks, np.array([loss]), question.exposure)[0])


def _moved(
    scenarios: Sequence[Scenario],
) -> Iterator[tuple[str, list[Scenario], list[Scenario]]]:
    largest = sorted(range(len(scenarios)), key=lambda index: -_expected(scenarios[index]))
    for index in sorted(largest[:MOST]):
        scenario = scenarios[index]
        for part in ("frequency", "primary", "secondary.probability", "secondary.loss"):
            if part.startswith("secondary") and scenario.severity.probability == 0.0:
                continue
            lower, higher = list(scenarios), list(scenarios)
            lower[index] = _with(scenario, part, LOWER)
            higher[index] = _with(scenario, part, HIGHER)
            yield f"{scenario.name}.{part}", lower, higher


def _expected(scenario: Scenario) -> float:
    return scenario.rate.mean * scenario.severity.mean


def _with(scenario: Scenario, part: str, factor: float) -> Scenario:
    severity = scenario.severity
    if part == "frequency":
        return replace(scenario, rate=cast("Rate", scenario.rate.scaled(factor)))
    if part == "primary":
        changed = replace(severity, primary=severity.primary.scaled(factor))
    elif part == "secondary.loss":
        changed = replace(severity, secondary=severity.secondary.scaled(factor))
    else:
        changed = replace(severity, probability=min(1.0, severity.probability * factor))
    return replace(scenario, severity=changed)
