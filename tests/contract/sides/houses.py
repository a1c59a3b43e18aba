"""Made-up enterprises in which the three sides lie as close together as they can.

Few people, who head several units, on several sides, sit in the tables of approval beside that,
govern, decide emergencies, and lend each other their authority.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from pydantic import ValidationError
from tests.support.facts import MATERIAL

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.charter.document import Document
from investiture.charter.model import Charter
from investiture.charter.policy import EmergencyPath
from investiture.charter.rules import Report
from investiture.charter.rules.risk import emergencies_are_bounded

_SOUND = Path(__file__).resolve().parents[2] / "unit" / "charter" / "small.yaml"
ENVELOPE = "envelopes/all"
TIER_MINOR = 100_000
"""Totals from here on need a second level of approval."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as the oracle knows it."""

    name: str
    side: str
    head: str
    deputy: str


@dataclass(slots=True)
class Owed:
    """A review that a team is owed, as the oracle knows it: its emergency, and who asked for it."""

    name: str
    team: str
    asking: frozenset[str]
    voices: set[str] = field(default_factory=set[str])
    """Who decided provisionally, at whichever gate."""


@dataclass(slots=True)
class Enterprise:
    """A charter, its people, and who may act in whose name."""

    charter: Charter
    units: tuple[Unit, ...]
    home: dict[str, str]
    """The unit in which each person works."""
    chiefs: frozenset[str]
    """Who pledges without limit; nobody else pledges at all."""
    owner: str
    """Of the one envelope."""
    lent: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Delegator, delegate, purpose."""
    owed: dict[str, Owed] = field(default_factory=dict[str, Owed])
    """The reviews that are not closed, by team."""

    @property
    def path(self) -> EmergencyPath | None:
        """What the charter says of emergencies; nothing where the lint would not let it pass."""
        return self.charter.emergency

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(self.home)

    def side(self, person: str) -> str:
        return next(unit.side for unit in self.units if unit.name == self.home[person])

    def speaks_for(self, unit: str) -> tuple[str, ...]:
        return next((one.head, one.deputy) for one in self.units if one.name == unit)

    def names(self, person: str, purpose: str) -> Iterator[str]:
        """In whose name a person acts: their own, and everybody's who lent to them."""
        yield ""
        for delegator, delegate, lent_for in sorted(self.lent):
            if delegate == person and lent_for == purpose:
                yield delegator

    def directory(self) -> list[pb.Person]:
        return [
            pb.Person(
                name=person,
                display_name=person,
                unit=unit,
                grade="chief" if person in self.chiefs else "clerk",
                active=True,
            )
            for person, unit in self.home.items()
        ]


def enterprise(number: int, least: int, most: int) -> Enterprise:
    """One enterprise of that many people; the same number makes the same one."""
    chance = Random(number)
    people = [f"people/p{place:02}" for place in range(chance.randint(least, most))]
    sides = ["business"] * chance.randint(3, 4) + ["money"] * chance.randint(1, 2) + ["it"] * 2
    leading = chance.sample(people, chance.randint(5, 8))  # fewer than posts: some hold several
    units: list[Unit] = []
    for place, side in enumerate(sides):
        head, deputy = chance.sample(leading, 2)
        units.append(Unit(f"units/u{place}", side, head, deputy))
    home = {person: chance.choice(units).name for person in people}
    chiefs = {person for person in people if chance.random() < 0.7}
    charter = _charter(number, units, people, chance)
    urgent = _emergency(Random(f"emergency {number}"), units, home)
    return Enterprise(
        charter=_sounding(charter, urgent),
        units=tuple(units),
        home=home,
        chiefs=frozenset(chiefs),
        owner=chance.choice(people),
    )


def _charter(number: int, units: list[Unit], people: list[str], chance: Random) -> Charter:
    said = dict(_sound())
    ids = [unit.name.removeprefix("units/") for unit in units]
    business = [i for i, unit in zip(ids, units, strict=True) if unit.side == "business"]
    money = next(i for i, unit in zip(ids, units, strict=True) if unit.side == "money")
    tech = next(i for i, unit in zip(ids, units, strict=True) if unit.side == "it")
    owner, deputy = chance.sample(people, 2)

    def some(least: int) -> list[str]:
        return chance.sample(people, chance.randint(least, 4))

    second = {"level": 2, "role": "committee", "needed": 2, "of": some(3)}
    one, other = ({"level": 1, "role": "partner", "of": some(2)}, {"role": "c", "unit": money})
    review = {"level": 1, "role": "reviewer", "unit": tech}
    said |= {
        "id": f"made-{number}",
        "units": [
            {
                "id": i,
                "name": i,
                "side": unit.side,
                "head": unit.head,
                "deputy": unit.deputy,
                "parent": None if place == 0 else ids[chance.randrange(place)],
                "scope": ["harm"],
            }
            for place, (i, unit) in enumerate(zip(ids, units, strict=True))
        ],
        "governance": {"owner": owner, "deputy": deputy},
        "relationships": [{"id": f"r-{i}", "name": i, "owner": i} for i in business],
        "audiences": [{"id": f"a-{i}", "name": i, "relationship": f"r-{i}"} for i in business],
        "channels": [{"id": "web", "name": "Web"}],
        "touches": [],
        "informed": [],
        "grades": [
            {"id": "clerk", "name": "Clerk"},
            {"id": "chief", "name": "Chief", "limits": dict.fromkeys(("PLEDGE", "FUND"))},
        ],
        "funding_tiers": [
            _tier(0, TIER_MINOR, chance.choice((one, other))),
            _tier(TIER_MINOR, None, one, second),
        ],
        "review": {
            "unit": tech,
            "approvals": {
                "LIGHT": [review],
                "STANDARD": [{"level": 1, "role": "reviewer", "of": some(2)}],
                "DEEP": [review, {"level": 2, "role": "chief-reviewer", "of": some(2)}],
            },
        },
        "triage": {"default": chance.choice(("LIGHT", "STANDARD", "DEEP")), "rules": []},
        "calendars": [{"id": "always", "always_open": True}],
        "freeze_windows": [],
        "slas": {key: {"duration": "PT60S", "calendar": "always"} for key in said["slas"]},
        "material": MATERIAL,
        "tolerances": {},
        "standing_decisions": [],
        "standard_classes": [],
    }
    return Charter.model_validate(said)


def _emergency(chance: Random, units: list[Unit], home: dict[str, str]) -> dict[str, Any]:
    """Who decides an emergency: most of them of the right side, where they work then, not all."""
    side_of = {unit.name: unit.side for unit in units}
    free = list(home)
    chance.shuffle(free)

    def some(side: str, least: int, most: int) -> list[str]:
        twice = chance.random() < 0.05  # somebody has another place as well: no lint allows it
        among = [*home] if twice else free
        fit = [one for one in among if side_of[home[one]] == side or chance.random() < 0.15]
        found = [*fit, *(one for one in among if one not in fit)][: chance.randint(least, most)]
        free[:] = [one for one in free if one not in found]
        for one in found:
            if side and side_of[home[one]] != side and chance.random() < 0.7:
                home[one] = chance.choice([unit.name for unit in units if unit.side == side])
        return found

    hours, cap = chance.choice((72, 72, 20)), chance.choice((TIER_MINOR - 1, TIER_MINOR * 10))
    most = 3 if len(home) > 9 else 2
    return {
        "stands": f"PT{hours}H",
        "caps": {"amount_minor": cap, "exposure_bps": 5_000},
        "fund": some("money", 2, most),
        "knight": some("it", 2, most),
        "countersigners": some("business", 2, 2),
        "closers": [] if chance.random() < 0.1 else some("", 1, 2),
        "review": {"duration": "P90D", "calendar": "always"},
    }


def _sounding(charter: Charter, urgent: dict[str, Any]) -> Charter:
    """The charter with an emergency path that the lint lets pass, or without one."""
    try:
        path = EmergencyPath.model_validate(urgent)
    except ValidationError:  # nobody is left to countersign
        return charter
    made = charter.model_copy(update={"emergency": path})
    report = Report(Document(charter.id, {}, {}))
    emergencies_are_bounded(made, report)
    return charter if report.findings else made


def _tier(least: int, below: int | None, *approvals: dict[str, Any]) -> dict[str, Any]:
    return {"category": "opex", "from_minor": least, "to_minor": below, "approvals": approvals}


@cache
def _sound() -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(_SOUND.read_text(encoding="utf-8"))
    return said
