"""Estimates of several people: what a part may be, their median and spread, and a profile of them.

Pure: estimates are plain values as a scenario file holds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk.quantification import estimates, frequency
from investiture.itrisk.quantification.document import estimate_of
from investiture.itrisk.quantification.estimates import Constant, Estimate, Lognormal90, Pert

FREQUENCY, PRIMARY = "frequency", "primary"
SECONDARY_PROBABILITY, SECONDARY_LOSS = "secondary.probability", "secondary.loss"
PARTS = (FREQUENCY, PRIMARY, SECONDARY_PROBABILITY, SECONDARY_LOSS)

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spread:
    """One number of an estimate over all who said it."""

    number: str
    least: float
    median: float
    most: float


def read(part: str, document: Document, at: str) -> Estimate:
    """An estimate of a part. Raises InvalidArgument where it cannot be one of it."""
    estimate = estimate_of(document, at)
    if part == FREQUENCY:
        if isinstance(estimate, Lognormal90):
            raise InvalidArgument.of(at, "a frequency is a constant or a pert")
        frequency.rate(estimate, at)
    if part == SECONDARY_PROBABILITY:
        if not isinstance(estimate, Constant):
            raise InvalidArgument.of(at, "a probability is a constant")
        estimates.probability(estimate.value, at)
    return estimate


def form_of(document: Document) -> str:
    """`constant`, `pert` or `lognormal90`."""
    ((form, _),) = document.items()
    return str(form)


def spread_of(said: Sequence[Document]) -> tuple[Spread, ...]:
    """Median and spread of each number; none where people used different forms."""
    read_ = [list(estimate_of(one, "estimates").numbers()) for one in said]
    names = [[name for name, _ in numbers] for numbers in read_]
    if not names or any(one != names[0] for one in names):
        return ()
    columns = [[numbers[index][1] for numbers in read_] for index in range(len(names[0]))]
    return tuple(
        Spread(name, min(column), float(median(column)), max(column))
        for name, column in zip(names[0], columns, strict=True)
    )


def combined_of(said: Sequence[Document], at: str) -> Document:
    """The median of what several people said, as a document."""
    middle = estimates.combined([estimate_of(one, at) for one in said])
    if isinstance(middle, Pert):
        return {"pert": [middle.low, middle.mode, middle.high, middle.gamma]}
    if isinstance(middle, Lognormal90):
        return {"lognormal90": [middle.low, middle.high]}
    assert isinstance(middle, Constant)
    return {"constant": middle.value}


def with_part(scenario: Document, part: str, estimate: Document) -> dict[str, Any]:
    """A scenario with another estimate of one part."""
    if part == FREQUENCY:
        given = scenario["frequency"]
        if "tef" in given:
            return {**scenario, "frequency": {**given, "tef": estimate}}
        plain = {"poisson": estimate["constant"]} if "constant" in estimate else dict(estimate)
        return {**scenario, "frequency": plain}
    if part == PRIMARY:
        return {**scenario, "primary": dict(estimate)}
    second = dict(scenario["secondary"])
    if part == SECONDARY_PROBABILITY:
        second["probability"] = estimate["constant"]
    else:
        second["loss"] = dict(estimate)
    return {**scenario, "secondary": second}
