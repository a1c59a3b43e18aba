"""Rules about units, relationships, audiences and people."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from investiture.charter.authority import candidates
from investiture.charter.document import At
from investiture.charter.model import Charter
from investiture.charter.rules import Check, Report
from investiture.charter.vocabulary import Side


class _Named(Protocol):
    @property
    def id(self) -> str: ...


def ids_are_unique(charter: Charter, report: Report) -> None:
    """Report ids that name two things of one kind; two owners have a rule of their own."""
    kinds: dict[str, Sequence[_Named]] = {
        "units": charter.units,
        "audiences": charter.audiences,
        "channels": charter.channels,
        "data_classes": charter.data_classes,
        "grades": charter.grades,
        "committees": charter.committees,
        "calendars": charter.calendars,
        "freeze_windows": charter.freeze_windows,
        "pilot_templates": charter.pilot_templates,
        "standing_decisions": charter.standing_decisions,
        "standard_classes": charter.standard_classes,
    }
    for kind, things in kinds.items():
        seen: set[str] = set()
        for place, thing in enumerate(things):
            if thing.id in seen:
                message = f"{kind} has two entries `{thing.id}`"
                report.add("duplicate-id", (kind, place, "id"), message, "rename or remove one")
            seen.add(thing.id)


def relationships_have_one_owner(charter: Charter, report: Report) -> None:
    """Report relationships that come twice, have an owner off the business side, or no scope."""
    sides = {unit.id: unit.side for unit in charter.units}
    owners: dict[str, str] = {}
    for place, one in enumerate(charter.relationships):
        at: At = ("relationships", place)
        if owners.setdefault(one.id, one.owner) != one.owner:
            report.add(
                "relationship-contested",
                (*at, "owner"),
                f"`{one.id}` is owned by {owners[one.id]} and by {one.owner}",
                "keep one owner and list the other among its contributors",
            )
        elif any(other.id == one.id for other in charter.relationships[:place]):
            message = f"relationships has two entries `{one.id}`"
            report.add("duplicate-id", (*at, "id"), message, "rename or remove one")
        if sides.get(one.owner, Side.BUSINESS) is not Side.BUSINESS:
            report.add(
                "relationship-owner-side",
                (*at, "owner"),
                f"`{one.id}` is owned by {one.owner}, which is on the {sides[one.owner]} side",
                "let a business unit own it: who funds or knights has no veto on the pledge",
            )
        if one.owner in one.contributors:
            report.add(
                "contributor-owns",
                (*at, "contributors", one.contributors.index(one.owner)),
                f"{one.owner} owns `{one.id}` and contributes to it",
                "remove it from the contributors: an owner agrees, and is not asked for input too",
            )


def audiences_are_answered(charter: Charter, report: Report) -> None:
    """Report audiences that belong to no relationship of the charter."""
    known = {one.id for one in charter.relationships}
    for place, audience in enumerate(charter.audiences):
        if audience.relationship not in known:
            report.add(
                "audience-unanswered",
                ("audiences", place, "relationship"),
                f"no unit answers for `{audience.id}`: there is no relationship "
                f"`{audience.relationship}`",
                "name one of the relationships, or declare it with its owner",
            )


def units_form_a_tree(charter: Charter, report: Report) -> None:
    """Report circles among the units, and none or several at the top."""
    parents = {unit.id: unit.parent for unit in charter.units}
    roots = 0
    for place, unit in enumerate(charter.units):
        if unit.parent is None:
            roots += 1
            if roots > 1:
                report.add(
                    "unit-root",
                    ("units", place, "parent"),
                    f"`{unit.id}` is a second unit without a parent",
                    "put it under another unit: an objection is overridden one level above both",
                )
        elif _above_itself(unit.id, parents):
            report.add(
                "unit-circle",
                ("units", place, "parent"),
                f"`{unit.id}` stands above itself through `{unit.parent}`",
                "break the circle",
            )
    if not roots:
        message = "every unit has a parent, so escalation has no top"
        report.add("unit-root", ("units",), message, "leave the parent of the top unit out")


def _above_itself(unit: str, parents: dict[str, str | None]) -> bool:
    here, seen = parents.get(unit), set[str]()
    while here is not None and here not in seen:
        if here == unit:
            return True
        seen.add(here)
        here = parents.get(here)
    return False


def units_are_led(charter: Charter, report: Report) -> None:
    """Report units without a deputy, led twice by one person, or with no ground to object."""
    owners = {one.owner for one in charter.relationships}
    for place, unit in enumerate(charter.units):
        if unit.deputy is None:
            report.add(
                "unit-without-deputy",
                ("units", place, "deputy"),
                f"`{unit.id}` has no deputy: when its head is away or recused the case goes up",
                "name a deputy",
            )
        if unit.deputy == unit.head:
            report.add(
                "unit-deputy-is-head",
                ("units", place, "deputy"),
                f"{unit.head} is head and deputy of `{unit.id}`",
                "name another person, or none",
            )
        if unit.id in owners and not unit.scope:
            report.add(
                "unit-without-scope",
                ("units", place, "scope"),
                f"`{unit.id}` owns a relationship but has no ground on which it may object",
                "name its scope, for instance [reputation]",
            )


def governance_is_two(charter: Charter, report: Report) -> None:
    """Report a governance owner who is their own deputy."""
    if charter.governance.owner == charter.governance.deputy:
        report.add(
            "governance-one-person",
            ("governance", "deputy"),
            f"{charter.governance.owner} is governance owner and deputy",
            "name another deputy: every escalation ends with these two",
        )


def sides_are_separate(charter: Charter, report: Report) -> None:
    """Report people who approve money and also knight or head a unit on the IT side."""
    reviewers = {
        person: "knights programs"
        for approvals in charter.review.approvals.values()
        for approval in approvals
        for person in candidates(charter, approval)
    }
    for unit in charter.units:
        if unit.side is Side.IT or unit.id == charter.review.unit:
            for person in (unit.head, unit.deputy):
                if person is not None:
                    reviewers.setdefault(person, f"leads the IT review unit {unit.id}")
    for number, tier in enumerate(charter.funding_tiers):
        for place, approval in enumerate(tier.approvals):
            at: At = ("funding_tiers", number, "approvals", place)
            for person in candidates(charter, approval):
                if person in reviewers:
                    report.add(
                        "sides-not-separate",
                        (*at, "of", approval.of.index(person)) if approval.of else at,
                        f"{person} approves {tier.category} and {reviewers[person]}",
                        "let somebody else approve the money",
                    )


def people_are_enough(charter: Charter, report: Report) -> None:
    """Report a charter of fewer than three people, and a countersigner from within."""
    people = set(people_of(charter))
    countersigner = charter.countersigner
    if countersigner is None and len(people) < 3:
        report.add(
            "people-too-few",
            ("units",),
            f"the charter knows {len(people)} people; three sides need three",
            "name an outside `countersigner`",
        )
    if countersigner is not None and countersigner in people:
        report.add(
            "countersigner-inside",
            ("countersigner",),
            f"{countersigner} is the countersigner and holds something else in the charter",
            "name somebody from outside",
        )


def people_of(charter: Charter) -> Iterator[str]:
    """Yield everybody the charter names, the countersigner left out; some more than once."""
    for unit in charter.units:
        yield unit.head
        if unit.deputy is not None:
            yield unit.deputy
    yield from (charter.governance.owner, charter.governance.deputy)
    levels = [
        *(approval for tier in charter.funding_tiers for approval in tier.approvals),
        *(one for approvals in charter.review.approvals.values() for one in approvals),
        *charter.launch.go_roles,
    ]
    for approval in levels:
        yield from approval.of or ()
    for committee in charter.committees:
        yield from committee.seats
    yield charter.appetite.owner
    for decision in charter.standing_decisions:
        signers = decision.signers
        yield from (signers.sponsor, signers.fund_owner, signers.knight)
    if (path := charter.emergency) is not None:
        yield from (*path.countersigners, *path.fund, *path.knight, *path.closers)


CHECKS: tuple[Check, ...] = (
    ids_are_unique,
    relationships_have_one_owner,
    audiences_are_answered,
    units_form_a_tree,
    units_are_led,
    governance_is_two,
    sides_are_separate,
    people_are_enough,
)
