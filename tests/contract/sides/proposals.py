"""What people of a made-up enterprise propose."""

from random import Random
from typing import Any

from tests.contract.sides.houses import ENVELOPE, TIER_MINOR, Enterprise
from tests.support.facts import revision

from investiture.casework.facts import Revision


def proposed(
    made: Enterprise, chance: Random, name: str, number: int, *, urgent: bool, **changes: Any
) -> Revision:
    """A revision by anybody, sponsored by whoever has a limit; an urgent one fits an emergency."""
    business = [unit for unit in made.units if unit.side == "business"]
    people, chiefs = made.people, sorted(made.chiefs)
    values: dict[str, Any] = {
        "program": name,
        "proposer": chance.choice(people),
        "sponsor": chance.choice(chiefs or people),
        "counter_sponsor": chance.choice(people) if chance.random() < 0.3 else "",
        "owning_unit": chance.choice(business).name,
        "amount_minor": chance.choice((1, TIER_MINOR - 1, TIER_MINOR, TIER_MINOR * 10)),
        "audiences": tuple(
            f"a-{unit.name.removeprefix('units/')}" for unit in chance.sample(business, 2)
        ),
        "channels": ("web",),
        "data_classes": ("open",),
        "envelope": ENVELOPE if chance.random() < 0.5 else "",
        **(_urgently(made, chance) if urgent else {}),
        **changes,
    }
    return revision(number, **values)


def _urgently(made: Enterprise, chance: Random) -> dict[str, Any]:
    """What makes an emergency likely: the house still has all its ways to refuse it."""
    path = made.path
    assert path is not None
    elsewhere = {*path.closers, *path.fund, *path.knight}
    fit = [p for p in made.people if made.side(p) == "business" and p not in elsewhere]
    able = [p for p in fit if p in made.chiefs and {*path.countersigners} - {p}]
    sponsor = chance.choice(able or fit or made.people)
    named = elsewhere | {*path.countersigners}
    spare = [sponsor, *(p for p in made.people if p not in named)]
    blocked = [p for p in spare if made.home[p] in made.owed and chance.random() < 0.2]
    anybody = chance.random() < 0.2
    return {
        "proposer": chance.choice(made.people if anybody else blocked or spare),
        "sponsor": sponsor,
        "counter_sponsor": "",
        "envelope": ENVELOPE,
        "amount_minor": chance.choice((1, min(path.caps.amount_minor, TIER_MINOR))),
    }
