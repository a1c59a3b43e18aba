"""What is asked: scenarios, the controls that are offered, insurance, appetite, exposure, value."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from investiture.itrisk.quantification.blocks import Risk
from investiture.itrisk.quantification.frequency import Rate
from investiture.itrisk.quantification.severity import Insurance, Severity
from investiture.itrisk.quantification.value import Value

MOST_CONTROLS = 12
"""Every set of the offered controls is looked at: 2^12 = 4,096."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to lose money: how often at full exposure (events a year), and how much an event."""

    name: str
    rate: Rate
    severity: Severity


@dataclass(frozen=True, slots=True)
class Control:
    """What would reduce a risk, Λ (1 − e) and X (1 − d), for `cost`.

    It acts on the `scenarios` named; on all where none is.
    """

    name: str
    frequency_effectiveness: float = 0.0
    severity_reduction: float = 0.0
    cost: float = 0.0
    scenarios: tuple[str, ...] = ()

    def acts_on(self, scenario: str) -> bool:
        """Whether it reduces that scenario."""
        return not self.scenarios or scenario in self.scenarios


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A yearly loss of more than `loss` may have at most this `probability`."""

    loss: float
    probability: float


@dataclass(frozen=True, slots=True)
class Question:
    """A program as risk sees it. `exposure` is the share of the full audience, 0 to 1.

    `controls` are offered, not yet in place: what is in place belongs into the estimates.
    """

    scenarios: tuple[Scenario, ...]
    appetite: tuple[Tolerance, ...] = ()
    controls: tuple[Control, ...] = ()
    insurance: Insurance | None = None
    exposure: float = 1.0
    value: Value | None = None

    def risks(self, chosen: Collection[str] = (), *, frequencies: bool = True) -> list[Risk]:
        """The scenarios at full exposure, with the `chosen` controls in place.

        Without `frequencies` these are as if no control were there.
        """
        controls = [control for control in self.controls if control.name in chosen]
        found = [_reduced(scenario, controls, self.insurance) for scenario in self.scenarios]
        if frequencies:
            return found
        pairs = zip(self.scenarios, found, strict=True)
        return [Risk(scenario.rate, risk.severity) for scenario, risk in pairs]

    def with_controls_in_place(self, chosen: Collection[str]) -> "Question":
        """The same question once the `chosen` controls are there; they are no longer offered."""
        controls = [control for control in self.controls if control.name in chosen]
        reduced = tuple(
            Scenario(scenario.name, risk.rate, risk.severity)
            for scenario in self.scenarios
            for risk in [_reduced(scenario, controls, None)]
        )
        left = tuple(control for control in self.controls if control.name not in chosen)
        return replace(self, scenarios=reduced, controls=left)


def frequency_factor(scenario: str, controls: Sequence[Control]) -> float:
    """Π (1 − e) of the controls that act on a scenario; their independence is an assumption."""
    factor = 1.0
    for control in controls:
        if control.acts_on(scenario):
            factor *= 1.0 - control.frequency_effectiveness
    return factor


def severity_factor(scenario: str, controls: Sequence[Control]) -> float:
    """Π (1 − d) of the controls that act on a scenario."""
    factor = 1.0
    for control in controls:
        if control.acts_on(scenario):
            factor *= 1.0 - control.severity_reduction
    return factor


def _reduced(scenario: Scenario, controls: Sequence[Control], insurance: Insurance | None) -> Risk:
    severity = scenario.severity.reduced(1.0 - severity_factor(scenario.name, controls))
    risk = Risk(scenario.rate, replace(severity, insurance=insurance))
    return risk.scaled(frequency_factor(scenario.name, controls))
