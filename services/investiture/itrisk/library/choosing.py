"""Which scenarios a program starts from, and why; pure but for reading the files beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

import yaml

from investiture.chassis.refusal import InvalidArgument

CURRENCY = "EUR"
"""What the library's amounts are in."""
SOURCE = "assumption, to be replaced by your own incidents"

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a program says of itself, as ids of the charter."""

    audiences: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Why something was chosen, and where its numbers come from; `subject` is its name."""

    subject: str
    because: str
    source: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Scenarios and controls as a scenario file holds them, with a note on each."""

    content: Mapping[str, Any]
    notes: tuple[Note, ...]


def suggest(traits: Traits, currency: str, units_per_euro: float = 0.0) -> Suggestion:
    """The scenarios that fit, the controls that act on them, and why.

    `units_per_euro` turns the library's amounts into `currency`; 0 where that is the euro. Raises
    InvalidArgument where it is missing.
    """
    rate = _rate(currency, units_per_euro)
    chosen = [(entry, why) for entry in _scenarios() if (why := _why(entry, traits))]
    notes = [Note(entry["name"], why, _source(entry)) for entry, why in chosen]
    controls: list[Entry] = []
    for control in _controls():
        acting = [e["name"] for e, _ in chosen if control["name"] in e["controls"]]
        if acting:
            controls.append(_control(control, acting, rate))
            because = f"acts on: {'; '.join(acting)}"
            notes.append(Note(control["name"], because, _source(control)))
    content = {"scenarios": [_scenario(e, rate) for e, _ in chosen], "controls": controls}
    return Suggestion(content, tuple(notes))


def _rate(currency: str, units_per_euro: float) -> float:
    if currency == CURRENCY:
        return 1.0
    if units_per_euro <= 0.0:
        raise InvalidArgument.of(
            "units_per_euro",
            f"the library's amounts are in {CURRENCY}; say how many {currency} a euro is",
        )
    return units_per_euro


def _why(entry: Entry, traits: Traits) -> str:
    """What chose an entry, in words; empty where nothing did."""
    when, because = entry["when"], entry["because"]
    if "with_data" in entry and not _matching(traits.data_classes, entry["with_data"]):
        return ""
    if when.get("always"):
        return str(because)
    found = list(_reasons(when, traits))
    return f"{because} ({'; '.join(found)})" if found else ""


def _reasons(when: Mapping[str, Any], traits: Traits) -> Iterator[str]:
    for field, word in (
        ("audiences", "audience"),
        ("channels", "channel"),
        ("data_classes", "data class"),
    ):
        matching = _matching(getattr(traits, field), when.get(field, ()))
        if matching:
            yield f"{word} {', '.join(matching)}"
    if when.get("vendors") and traits.vendors:
        yield f"vendor {', '.join(traits.vendors)}"


def _matching(ids: Sequence[str], words: Sequence[str]) -> list[str]:
    return [one for one in ids if not set(one.split("-")).isdisjoint(words)]


def _source(entry: Entry) -> str:
    said = str(entry["rationale"]).strip().removeprefix("assumption: ")
    return f"{SOURCE}: {said}"


def _scenario(entry: Entry, rate: float) -> dict[str, Any]:
    scenario: dict[str, Any] = {"name": entry["name"], "frequency": _numbers(entry["frequency"])}
    scenario["primary"] = _numbers(entry["primary"], rate)
    if "secondary" in entry:
        second = entry["secondary"]
        scenario["secondary"] = {
            "probability": float(second["probability"]),
            "loss": _numbers(second["loss"], rate),
        }
    return scenario


def _control(entry: Entry, acting: list[str], rate: float) -> dict[str, Any]:
    return {
        "name": entry["name"],
        "frequency_effectiveness": float(entry.get("frequency_effectiveness", 0.0)),
        "severity_reduction": float(entry.get("severity_reduction", 0.0)),
        "cost": entry["cost"] * rate,
        "scenarios": acting,
    }


def _numbers(estimate: Mapping[str, Sequence[float]], rate: float = 1.0) -> dict[str, Any]:
    """An estimate as floats, its points times `rate`; a PERT's weight of the mode stays."""
    ((form, values),) = estimate.items()
    points = [float(value) * rate for value in values]
    return {form: [*points, 4.0] if form == "pert" else points}


@cache
def _scenarios() -> tuple[Entry, ...]:
    return _entries("scenarios.yaml")


@cache
def _controls() -> tuple[Entry, ...]:
    return _entries("controls.yaml")


def _entries(name: str) -> tuple[Entry, ...]:
    text = files("investiture.itrisk.library").joinpath(name).read_text(encoding="utf-8")
    return tuple(cast("list[Entry]", yaml.safe_load(text)))
