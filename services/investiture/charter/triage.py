"""How deep IT looks: the triage at the door, from what a revision says."""

from collections.abc import Iterable
from dataclasses import dataclass

from investiture.charter.model import Charter
from investiture.charter.policy import TriageRule
from investiture.charter.vocabulary import Depth, RatedAs

_ORDER = tuple(Depth)


@dataclass(frozen=True, slots=True)
class Facts:
    """What triage looks at; the amount in minor units, the exposure in basis points."""

    audiences: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    exposure_bps: int = 0
    amount_minor: int = 0
    rating: str = ""
    """What the proposer's rating comes to, where there is one."""


@dataclass(frozen=True, slots=True)
class ReviewDepth:
    """The depth, and the ids of the rules that ask for it; none of them means the default."""

    depth: Depth
    rules: tuple[str, ...]


def review_depth(charter: Charter, facts: Facts) -> ReviewDepth:
    """Return the deepest review that a rule asks for; the charter's default where none holds."""
    asking = [(rule.depth, rule.id) for rule in charter.triage.rules if _holds(rule, facts)]
    asked = charter.triage.by_rating.get(RatedAs(facts.rating)) if facts.rating else None
    if asked is not None:
        asking.append((asked, f"rated {facts.rating}"))
    if not asking:
        return ReviewDepth(charter.triage.default, ())
    deepest = max((depth for depth, _ in asking), key=_ORDER.index)
    return ReviewDepth(deepest, tuple(why for depth, why in asking if depth is deepest))


def _holds(rule: TriageRule, facts: Facts) -> bool:
    return (
        _any_of(rule.data_classes, facts.data_classes)
        and _any_of(rule.audiences, facts.audiences)
        and _any_of(rule.channels, facts.channels)
        and (rule.vendors is None or rule.vendors == bool(facts.vendors))
        and (rule.exposure_from_bps is None or facts.exposure_bps >= rule.exposure_from_bps)
        and (rule.amount_from_minor is None or facts.amount_minor >= rule.amount_from_minor)
    )


def _any_of(asked: Iterable[str], given: Iterable[str]) -> bool:
    asked = set(asked)
    return not asked or not asked.isdisjoint(given)
