"""What history would let through: caps from small programs that passed without a scratch. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import yaml

ENOUGH = 3
"""Programs that a suggestion rests on at the least: ours; two may be chance."""

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ended, as far as a suggestion needs it.

    Money in minor units of the charter's currency, exposure in basis points of the full audience.
    """

    program: str
    people: int
    days: int
    amount_minor: int
    exposure_bps: int
    audiences: Collection[str]
    channels: Collection[str]
    data_classes: Collection[str]
    category: str
    unchanged: bool
    incidents: int

    @property
    def clean(self) -> bool:
        """Whether it passed every gate in its first round and revision, without an incident."""
        return self.unchanged and not self.incidents and self.people > 0 and self.days > 0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is said, and the block where there is enough history."""

    said: str
    count: int
    block: str = ""

    @property
    def too_little(self) -> bool:
        """Whether history says too little."""
        return not self.block


def suggested(completed: Iterable[Completed], most_people: int, today: date) -> Suggestion:
    """A standing decision with the largest value of each cap that was seen, rounded up.

    It rests on programs of at most `most_people` people; fewer than ENOUGH of them propose nothing.
    """
    small = [one for one in completed if 0 < one.people <= most_people]
    clean = [one for one in small if one.clean]
    if len(clean) < ENOUGH:
        return Suggestion(
            f"too little history: {len(clean)} of {len(small)} completed programs of at most "
            f"{most_people} people passed every gate unchanged and without incident; "
            f"{ENOUGH} are needed",
            len(clean),
        )
    failed = len(small) - len(clean)
    block = {
        "id": "small-trials",
        "name": "Small trials",
        "signers": {"sponsor": "people/…", "fund_owner": "people/…", "knight": "people/…"},
        "valid_from": today.isoformat(),
        "expires": (today + _YEAR).isoformat(),
        "caps": {
            "people": rounded(max(one.people for one in clean)),
            "amount_minor": rounded(max(one.amount_minor for one in clean)),
            "exposure_bps": min(10_000, rounded(max(one.exposure_bps for one in clean))),
            "duration": f"P{max(one.days for one in clean)}D",
            "concurrent": 1,
        },
        "audiences": sorted({name for one in clean for name in one.audiences}),
        "channels": sorted({name for one in clean for name in one.channels}),
        "data_classes": sorted({name for one in clean for name in one.data_classes}),
        "categories": sorted({one.category for one in clean}),
    }
    names = ", ".join(sorted(one.program.removeprefix("programs/") for one in clean))
    other = f"; {failed} more did not" if failed else ""
    return Suggestion(
        f"rests on {len(clean)} programs that passed every gate unchanged and without incident "
        f"({names}){other}. Name its signers, then propose it with the charter:",
        len(clean),
        yaml.safe_dump([block], sort_keys=False, allow_unicode=True),
    )


def rounded(value: int) -> int:
    """The next figure of two digits that count, upwards: 1,234 becomes 1,300."""
    step: int = 10 ** max(0, len(str(value)) - 2)
    return -(-value // step) * step
