"""The rule that every id which is used is declared."""

from collections.abc import Collection, Iterable, Iterator

from investiture.charter.document import At
from investiture.charter.model import Charter
from investiture.charter.policy import Approval
from investiture.charter.rules import Check, Report

_Use = tuple[At, str, str]
"""Where an id is used, the kind of thing it names, the id."""


def ids_are_declared(charter: Charter, report: Report) -> None:
    """Report ids that the charter uses and does not declare."""
    known: dict[str, Collection[str]] = {
        "unit": {one.id for one in charter.units},
        "relationship": {one.id for one in charter.relationships},
        "audience": {one.id for one in charter.audiences},
        "channel": {one.id for one in charter.channels},
        "data class": {one.id for one in charter.data_classes},
        "committee": {one.id for one in charter.committees},
        "calendar": {one.id for one in charter.calendars},
        "category": set(charter.categories),
    }
    for at, kind, name in _uses(charter):
        if name not in known[kind]:
            among = ", ".join(sorted(known[kind])) or "none at all"
            report.add("unknown-id", at, f"there is no {kind} `{name}`", f"declared are: {among}")


def _uses(charter: Charter) -> Iterator[_Use]:
    yield from _of_the_organisation(charter)
    yield from _of_the_authorities(charter)
    yield from _of_the_policies(charter)
    for wait, sla in charter.slas.items():
        yield ("slas", wait.value, "calendar"), "calendar", sla.calendar
    if charter.emergency is not None:
        at: At = ("emergency", "review", "calendar")
        yield at, "calendar", charter.emergency.review.calendar


def _of_the_organisation(charter: Charter) -> Iterator[_Use]:
    for place, unit in enumerate(charter.units):
        if unit.parent is not None:
            yield ("units", place, "parent"), "unit", unit.parent
        if unit.committee is not None:
            yield ("units", place, "committee"), "committee", unit.committee
    for place, committee in enumerate(charter.committees):
        at: At = ("committees", place, "meets", "calendar")
        yield at, "calendar", committee.meets.calendar
    if charter.oversight is not None:
        yield ("oversight",), "committee", charter.oversight
    for place, relationship in enumerate(charter.relationships):
        at = ("relationships", place)
        yield (*at, "owner"), "unit", relationship.owner
        yield from _list((*at, "contributors"), "unit", relationship.contributors)
    for place, channel in enumerate(charter.channels):
        at = ("channels", place, "relationships")
        yield from _list(at, "relationship", channel.relationships)
    for place, touch in enumerate(charter.touches):
        at = ("touches", place)
        yield (*at, "audience"), "audience", touch.audience
        yield (*at, "channel"), "channel", touch.channel
        yield from _list((*at, "relationships"), "relationship", touch.relationships)
    for place, informed in enumerate(charter.informed):
        at = ("informed", place)
        yield (*at, "unit"), "unit", informed.unit
        yield from _list((*at, "audiences"), "audience", informed.audiences)
        yield from _list((*at, "channels"), "channel", informed.channels)


def _of_the_authorities(charter: Charter) -> Iterator[_Use]:
    for place, tier in enumerate(charter.funding_tiers):
        yield from _approvals(("funding_tiers", place, "approvals"), tier.approvals)
    yield ("review", "unit"), "unit", charter.review.unit
    for depth, approvals in charter.review.approvals.items():
        yield from _approvals(("review", "approvals", depth.value), approvals)
    yield from _approvals(("launch", "go_roles"), charter.launch.go_roles)


def _of_the_policies(charter: Charter) -> Iterator[_Use]:
    for place, rule in enumerate(charter.triage.rules):
        at: At = ("triage", "rules", place)
        yield from _list((*at, "data_classes"), "data class", rule.data_classes)
        yield from _list((*at, "audiences"), "audience", rule.audiences)
        yield from _list((*at, "channels"), "channel", rule.channels)
    for place, decision in enumerate(charter.standing_decisions):
        at = ("standing_decisions", place)
        yield from _list((*at, "audiences"), "audience", decision.audiences)
        yield from _list((*at, "channels"), "channel", decision.channels)
        yield from _list((*at, "data_classes"), "data class", decision.data_classes)
        yield from _list((*at, "categories"), "category", decision.categories)
    for place, standard in enumerate(charter.standard_classes):
        at = ("standard_classes", place)
        yield from _list((*at, "audiences"), "audience", standard.audiences)
        yield from _list((*at, "channels"), "channel", standard.channels)
        yield from _list((*at, "data_classes"), "data class", standard.data_classes)


def _approvals(at: At, approvals: Iterable[Approval]) -> Iterator[_Use]:
    for place, approval in enumerate(approvals):
        if approval.unit is not None:
            yield (*at, place, "unit"), "unit", approval.unit


def _list(at: At, kind: str, names: Iterable[str]) -> Iterator[_Use]:
    for place, name in enumerate(names):
        yield (*at, place), kind, name


CHECKS: tuple[Check, ...] = (ids_are_declared,)
