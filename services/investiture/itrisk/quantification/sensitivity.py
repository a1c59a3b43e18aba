"""Which estimate moves the verdict most: each a quarter higher and a fifth lower, by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from investiture.itrisk.quantification.blocks import Block
from investiture.itrisk.quantification.compound import lattice_for
from investiture.itrisk.quantification.frequency import Rate
from investiture.itrisk.quantification.lattice import Lattice
from investiture.itrisk.quantification.quantiles import Below
from investiture.itrisk.quantification.scenarios import Question, Scenario

HIGHER, LOWER = 1.25, 0.8
MOST = 10
"""Scenarios of which every estimate is moved."""
RESOLUTION = 1 << 12


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


def swings(
    question: Question, loss: float, proceed: Callable[[], None] = lambda: None
) -> tuple[Swing, ...]:
    """The swing of every estimate at one loss, the largest first.

    Of more than ten scenarios the ten with the largest expected loss, one estimate at a time. The
    numbers of an estimate move together: a frequency to 1.25 and 0.8 of itself, an amount the
    same, a probability no higher than 1.
    """
    ordered = sorted(question.scenarios, key=_expected, reverse=True)
    moved, exposure = ordered[:MOST], question.exposure
    each = [_block(question, [scenario]) for scenario in moved]
    rest = _block(question, ordered[MOST:])
    lattice = _lattice(question, moved, loss)
    found: list[Swing] = []
    for scenario, block in zip(moved, each, strict=True):
        others = [rest, *(other for other in each if other is not block)]
        for part in _parts(scenario):
            lower, higher = (
                _at(
                    [*others, _block(question, [_with(scenario, part, factor)])],
                    lattice,
                    loss,
                    exposure,
                )
                for factor in (LOWER, HIGHER)
            )
            found.append(Swing(f"{scenario.name}.{part}", lower, higher))
        proceed()
    return tuple(sorted(found, key=lambda swing: -swing.size))


def _block(question: Question, scenarios: Sequence[Scenario]) -> Block:
    return Block(replace(question, scenarios=tuple(scenarios)).risks())


def _lattice(question: Question, moved: Sequence[Scenario], loss: float) -> Lattice:
    """One lattice for all, so that transforms are computed once: known amounts, moved or not."""
    further = [
        _with(scenario, part, factor)
        for scenario in moved
        for part in _parts(scenario)
        for factor in (LOWER, HIGHER)
    ]
    every = replace(question, scenarios=(*question.scenarios, *further)).risks()
    return lattice_for(every, loss, RESOLUTION, RESOLUTION)


def _at(blocks: Sequence[Block], lattice: Lattice, loss: float, exposure: float) -> float:
    below = Below([(block, 1.0) for block in blocks], lattice, exposure)
    return float(np.clip(1.0 - below.at(np.array([loss]))[0], 0.0, 1.0))


def _parts(scenario: Scenario) -> tuple[str, ...]:
    every = ("frequency", "primary", "secondary.probability", "secondary.loss")
    return every if scenario.severity.probability > 0.0 else every[:2]


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
