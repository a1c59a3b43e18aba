"""A scenario file, and the answer as a document: plain mappings, as YAML and JSON hold them.

```yaml
scenarios:
  - name: account takeover
    frequency: {pert: [0.1, 0.5, 2]}        # events a year at full exposure
    primary: {pert: [50000, 150000, 900000]}
    secondary: {probability: 0.3, loss: {lognormal90: [100000, 3000000]}}
controls: [{name: MFA, frequency_effectiveness: 0.35, cost: 40000}] # or severity_reduction
insurance: {deductible: 100000, limit: 1000000, premium: 20000}
appetite: [[250000, 0.25], [1000000, 0.10], [5000000, 0.01]]
exposure: 1
value: {benefits: [400000, 400000], operating: [5000, 5000], discount_rate: 0.08, launch_cost: 0}
```

Amounts are in the currency's major unit. A frequency is `{poisson: r}`,
`{pert: [min, mode, max, gamma?]}` or `{tef: …, vulnerability: …}`, where a vulnerability is a
probability or `{threat: …, resistance: …}`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar, cast

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk.quantification import estimates, frequency, ratings
from investiture.itrisk.quantification.estimates import DEFAULT_GAMMA, Constant, Estimate, Pert
from investiture.itrisk.quantification.scenarios import (
    MOST_CONTROLS,
    Control,
    Question,
    Scenario,
    Tolerance,
)
from investiture.itrisk.quantification.severity import NOTHING, Insurance, Severity
from investiture.itrisk.quantification.value import Value

Read = TypeVar("Read")

MOST_SCENARIOS = 1_000
MOST_TOLERANCES = 10
MOST_UNCERTAIN, WIDE = 60, 50.0
"""Scenarios whose frequency is a range; one of up to 50 events a year counts once, a wider one as
often as it holds 50. These four keep the longest answer within seconds on one core."""
MOST_GROUPS = 32
"""Groups of scenarios that different controls act on."""
MOST_YEARS = 30
SMALLEST_TOLERANCE = 1e-7
"""Below it a tolerance is a matter of the last digits of a double, not of an appetite."""
WITHOUT_DOT = re.compile(r"[-+]?[0-9]{1,20}[eE][-+]?[0-9]{1,3}")
WHAT_A_FILE_HOLDS = (
    "scenarios",
    "controls",
    "insurance",
    "appetite",
    "exposure",
    "value",
    "rating",
)


def question_of(document: object) -> Question:
    """The question that a document asks.

    Raises InvalidArgument with the path of the first field that is wrong, and what to write there.
    """
    top = _mapping(document, "file", WHAT_A_FILE_HOLDS)
    if top.get("rating") is not None:
        ratings.rated(top["rating"])
    scenarios = _each(top.get("scenarios"), "scenarios", _scenario)
    if not scenarios:
        raise InvalidArgument.of("scenarios", "name at least one way to lose money")
    if len(scenarios) > MOST_SCENARIOS:
        raise InvalidArgument.of("scenarios", f"at most {MOST_SCENARIOS:,}, not {len(scenarios):,}")
    _different("scenarios", (scenario.name for scenario in scenarios))
    names = {scenario.name for scenario in scenarios}
    controls = _each(top.get("controls", []), "controls", lambda one, at: _control(one, at, names))
    if len(controls) > MOST_CONTROLS:
        raise InvalidArgument.of(
            "controls",
            f"{len(controls)} are offered; every set of them is looked at, so at most "
            f"{MOST_CONTROLS}: put together what is bought together",
        )
    _different("controls", (control.name for control in controls))
    _bearable(scenarios, controls)
    return Question(
        scenarios=scenarios,
        appetite=appetite_of(top.get("appetite", []), "appetite"),
        controls=controls,
        insurance=_optional(top.get("insurance"), "insurance", _insurance),
        exposure=_share(top.get("exposure", 1.0), "exposure"),
        value=_optional(top.get("value"), "value", _value),
    )


def appetite_of(document: object, at: str) -> tuple[Tolerance, ...]:
    """An appetite. Raises unless losses ascend and probabilities descend, strictly."""
    points: list[Tolerance] = []
    for index, pair in enumerate(_sequence(document, at)):
        place = f"{at}[{index}]"
        values = _sequence(pair, place)
        if len(values) != 2:
            raise InvalidArgument.of(place, "a point is [loss, probability]")
        loss = _number(values[0], f"{place}[0]")
        if not 0.0 < loss <= estimates.LARGEST:
            raise InvalidArgument.of(f"{place}[0]", f"a loss above 0 and up to 1e18, not {loss:g}")
        tolerated = _share(values[1], f"{place}[1]")
        if tolerated < SMALLEST_TOLERANCE:
            raise InvalidArgument.of(
                f"{place}[1]",
                f"at least {SMALLEST_TOLERANCE:g}; who tolerates less does not launch",
            )
        points.append(Tolerance(loss, tolerated))
    if len(points) > MOST_TOLERANCES:
        raise InvalidArgument.of(at, f"at most {MOST_TOLERANCES} points")
    for index, (one, next_) in enumerate(pairwise(points), start=1):
        if next_.loss <= one.loss:
            raise InvalidArgument.of(f"{at}[{index}][0]", "losses ascend from point to point")
        if next_.probability >= one.probability:
            raise InvalidArgument.of(
                f"{at}[{index}][1]", "a larger loss has a strictly smaller probability"
            )
    return tuple(points)


def estimate_of(document: object, at: str) -> Estimate:
    """{constant: x}, {pert: [min, mode, max, gamma?]} or {lognormal90: [low, high]}."""
    form, value = _form(document, at, ("constant", "pert", "lognormal90"))
    place = f"{at}.{form}"
    if form == "constant":
        return estimates.constant(_number(value, place), place)
    if form == "pert":
        return _pert(value, place)
    low, high = _numbers(value, place, (2,), "[low, high]")
    return estimates.lognormal90(low, high, place)


def _bearable(scenarios: Sequence[Scenario], controls: Sequence[Control]) -> None:
    """Refuse what takes minutes: no answer at all is worse than one to a smaller question."""
    uncertain = sum(
        max(1.0, (one.rate.high - one.rate.low) / WIDE)
        for one in scenarios
        if isinstance(one.rate, Pert)
    )
    if uncertain > MOST_UNCERTAIN:
        raise InvalidArgument.of(
            "scenarios",
            f"too many frequencies are ranges, or too wide ones ({uncertain:,.0f} of at most "
            f"{MOST_UNCERTAIN}): give poisson for the smaller scenarios, or put some together",
        )
    groups = {tuple(control.acts_on(one.name) for control in controls) for one in scenarios}
    if len(groups) > MOST_GROUPS:
        raise InvalidArgument.of(
            "controls",
            f"they act on {len(groups)} different groups of scenarios, at most {MOST_GROUPS}: name "
            "fewer scenarios in a control, or put scenarios together",
        )


def _scenario(document: object, at: str) -> Scenario:
    parts = _mapping(document, at, ("name", "frequency", "primary", "secondary"))
    for name in ("name", "frequency", "primary"):
        if name not in parts:
            raise InvalidArgument.of(f"{at}.{name}", "is missing")
    probability, secondary = 0.0, NOTHING
    second: Estimate = secondary
    if parts.get("secondary") is not None:
        more = _mapping(parts["secondary"], f"{at}.secondary", ("probability", "loss"))
        for name in ("probability", "loss"):
            if name not in more:
                raise InvalidArgument.of(f"{at}.secondary.{name}", "is missing")
        probability = _share(more["probability"], f"{at}.secondary.probability")
        second = estimate_of(more["loss"], f"{at}.secondary.loss")
    return Scenario(
        _name(parts["name"], f"{at}.name"),
        _frequency(parts["frequency"], f"{at}.frequency"),
        Severity(estimate_of(parts["primary"], f"{at}.primary"), probability, second),
    )


def _frequency(document: object, at: str) -> frequency.Rate:
    parts = _mapping(document, at, ("poisson", "pert", "tef", "vulnerability"))
    if "tef" in parts or "vulnerability" in parts:
        if set(parts) != {"tef", "vulnerability"}:
            raise InvalidArgument.of(at, "give tef and vulnerability together, and nothing else")
        threats = _events(parts["tef"], f"{at}.tef")
        weakness = _vulnerability(parts["vulnerability"], f"{at}.vulnerability")
        return frequency.loss_event_frequency(threats, weakness)
    return _events(document, at)


def _events(document: object, at: str) -> frequency.Rate:
    if not _is_mapping(document):
        return frequency.rate(estimates.constant(_number(document, at), at), at)
    form, value = _form(document, at, ("poisson", "constant", "pert"))
    place = f"{at}.{form}"
    if form == "pert":
        return frequency.rate(_pert(value, place), place)
    return frequency.rate(estimates.constant(_number(value, place), place), place)


def _vulnerability(document: object, at: str) -> float:
    if not _is_mapping(document):
        return _share(document, at)
    parts = _mapping(document, at, ("threat", "resistance"))
    if set(parts) != {"threat", "resistance"}:
        raise InvalidArgument.of(at, "give threat and resistance, or one probability")
    both = [_strength(parts[name], f"{at}.{name}") for name in ("threat", "resistance")]
    return frequency.vulnerability(*both)


def _strength(document: object, at: str) -> Constant | Pert:
    if not _is_mapping(document):
        return estimates.constant(_share(document, at), at)
    estimate = estimate_of(document, at)
    if not isinstance(estimate, Constant | Pert):
        raise InvalidArgument.of(at, "a strength is a constant or a pert between 0 and 1")
    _share(estimate.value if isinstance(estimate, Constant) else estimate.high, at)
    return estimate


def _control(document: object, at: str, scenarios: set[str]) -> Control:
    parts = _mapping(
        document,
        at,
        ("name", "frequency_effectiveness", "severity_reduction", "cost", "scenarios"),
    )
    if "name" not in parts:
        raise InvalidArgument.of(f"{at}.name", "is missing")
    if "frequency_effectiveness" not in parts and "severity_reduction" not in parts:
        raise InvalidArgument.of(at, "say its frequency_effectiveness or its severity_reduction")
    named = _sequence(parts.get("scenarios", []), f"{at}.scenarios")
    for index, one in enumerate(named):
        if not isinstance(one, str) or one not in scenarios:
            raise InvalidArgument.of(f"{at}.scenarios[{index}]", f"there is no scenario {one!r}")
    return Control(
        name=_name(parts["name"], f"{at}.name"),
        frequency_effectiveness=_share(
            parts.get("frequency_effectiveness", 0.0), f"{at}.frequency_effectiveness"
        ),
        severity_reduction=_share(parts.get("severity_reduction", 0.0), f"{at}.severity_reduction"),
        cost=_amount(parts.get("cost", 0.0), f"{at}.cost"),
        scenarios=tuple(str(one) for one in named),
    )


def _insurance(document: object, at: str) -> Insurance:
    parts = _mapping(document, at, ("deductible", "limit", "premium"))
    if "limit" not in parts:
        raise InvalidArgument.of(f"{at}.limit", "is missing: what it pays for an event at the most")
    return Insurance(
        *(
            _amount(parts.get(name, 0.0), f"{at}.{name}")
            for name in ("deductible", "limit", "premium")
        )
    )


def _value(document: object, at: str) -> Value:
    parts = _mapping(document, at, ("benefits", "operating", "discount_rate", "launch_cost"))
    benefits = _amounts(parts.get("benefits"), f"{at}.benefits")
    if not 1 <= len(benefits) <= MOST_YEARS:
        raise InvalidArgument.of(f"{at}.benefits", f"1 to {MOST_YEARS} years")
    operating = _amounts(parts.get("operating", [0.0] * len(benefits)), f"{at}.operating")
    if len(operating) != len(benefits):
        raise InvalidArgument.of(f"{at}.operating", "as many years as the benefits have")
    if "discount_rate" not in parts:
        raise InvalidArgument.of(f"{at}.discount_rate", "is missing, for instance 0.08")
    return Value(
        benefits,
        operating,
        _share(parts["discount_rate"], f"{at}.discount_rate"),
        _amount(parts.get("launch_cost", 0.0), f"{at}.launch_cost"),
    )


def _pert(value: object, at: str) -> Estimate:
    numbers = _numbers(value, at, (3, 4), "[min, mode, max] or [min, mode, max, gamma]")
    gamma = numbers[3] if len(numbers) == 4 else DEFAULT_GAMMA
    return estimates.pert(numbers[0], numbers[1], numbers[2], gamma, at)


def _form(document: object, at: str, forms: Sequence[str]) -> tuple[str, object]:
    parts = _mapping(document, at, forms)
    if len(parts) != 1:
        raise InvalidArgument.of(at, f"one of {', '.join(forms)}")
    ((form, value),) = parts.items()
    return form, value


def _is_mapping(document: object) -> bool:
    return isinstance(document, Mapping)


def _mapping(document: object, at: str, allowed: Sequence[str]) -> dict[str, object]:
    if not isinstance(document, Mapping):
        raise InvalidArgument.of(at, f"is to be a mapping with {', '.join(allowed)}")
    given = cast("Mapping[object, object]", document)
    for key in given:
        if key not in allowed:
            raise InvalidArgument.of(
                f"{at}.{key}", f"is not known here; known: {', '.join(allowed)}"
            )
    return {str(key): value for key, value in given.items()}


def _sequence(document: object, at: str) -> Sequence[object]:
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise InvalidArgument.of(at, "is to be a list")
    return cast("Sequence[object]", document)


def _each(document: object, at: str, read: Callable[[object, str], Read]) -> tuple[Read, ...]:
    return tuple(read(one, f"{at}[{i}]") for i, one in enumerate(_sequence(document, at)))


def _optional(document: object, at: str, read: Callable[[object, str], Read]) -> Read | None:
    return None if document is None else read(document, at)


def _name(document: object, at: str) -> str:
    if not isinstance(document, str) or not document.strip() or len(document) > 80:
        raise InvalidArgument.of(at, "a name of 1 to 80 characters")
    return document


def _number(document: object, at: str) -> float:
    """A number; `1e5` too, which YAML 1.1 reads as text because it has no dot."""
    if isinstance(document, str) and WITHOUT_DOT.fullmatch(document):
        return float(document)
    if isinstance(document, bool) or not isinstance(document, int | float):
        raise InvalidArgument.of(at, f"is to be a number, not {document!r}")
    if abs(document) > estimates.LARGEST:
        raise InvalidArgument.of(at, "numbers go up to 1e18")
    return float(document)


def _numbers(document: object, at: str, counts: Sequence[int], form: str) -> list[float]:
    values = _sequence(document, at)
    if len(values) not in counts:
        raise InvalidArgument.of(at, f"is to be {form}")
    return [_number(one, at) for one in values]


def _amount(document: object, at: str) -> float:
    return estimates.constant(_number(document, at), at).value


def _amounts(document: object, at: str) -> tuple[float, ...]:
    return _each(document, at, _amount)


def _share(document: object, at: str) -> float:
    return estimates.probability(_number(document, at), at)


def _different(at: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise InvalidArgument.of(f"{at}[{index}].name", f"there are two called {name!r}")
        seen.add(name)
