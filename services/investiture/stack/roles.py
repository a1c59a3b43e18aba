"""Which roles a person's token gets in the embedded stack, where no identity provider says so.

In production the roles come with the token. Here they follow from the charter: the unit's side,
who heads it, who approves, who governs. They only open the doors; what a person may decide is the
directory's and the charter's to say.
"""

from collections.abc import Iterable, Iterator

from investiture.charter.model import Charter
from investiture.charter.policy import Approval
from investiture.charter.vocabulary import Side

_EVERYBODY = ("proposer", "pilot-owner", "benefit-owner")
_HEAD = ("sponsor", "endorser")
_BY_SIDE = {
    Side.BUSINESS: ("sponsor", "endorser"),
    Side.MONEY: ("finance",),
    Side.IT: ("reviewer", "on-call"),
}
_COUNTERSIGNER = ("endorser", "finance", "reviewer")
"""From outside, for whichever side lacks a person."""
_COMMITTEE = "committee"
_OPERATIONS = "operations"


def roles_of(person: str, unit: str, *, guest: bool, charter: Charter) -> tuple[str, ...]:
    """Return a person's roles, sorted.

    Args:
        person: ``people/…``.
        unit: the bare id of the person's unit; empty for none.
        guest: whether the person comes from an agency or a vendor.
        charter: the charter in force.
    """
    if person == charter.countersigner:
        return tuple(sorted({*_COUNTERSIGNER, *_named(person, charter)}))
    if guest:
        return ("agency",)
    return tuple(sorted({*_EVERYBODY, *_of_unit(person, unit, charter), *_named(person, charter)}))


def _of_unit(person: str, unit: str, charter: Charter) -> Iterator[str]:
    for known in charter.units:
        if known.id == unit:
            yield from _BY_SIDE[known.side]
            if known.id == "legal":
                yield "legal"
        if person in (known.head, known.deputy):
            yield from _HEAD
    if any(person in committee.seats for committee in charter.committees):
        yield "endorser"


def _named(person: str, charter: Charter) -> Iterator[str]:
    if person in (charter.governance.owner, charter.governance.deputy):
        yield from ("governance", "auditor")
    tiers = (approval for tier in charter.funding_tiers for approval in tier.approvals)
    for approval in _naming(person, tiers):
        yield "finance"
        if approval.role.endswith(_COMMITTEE):
            yield "budget-committee"
    reviews = (approval for level in charter.review.approvals.values() for approval in level)
    for _ in _naming(person, reviews):
        yield "reviewer"
    for approval in _naming(person, charter.launch.go_roles):
        yield "sponsor"  # the role that may answer to go; the service looks who is asked
        if approval.role == _OPERATIONS:
            yield "operator"


def _naming(person: str, approvals: Iterable[Approval]) -> Iterator[Approval]:
    return (one for one in approvals if one.of is not None and person in one.of)
