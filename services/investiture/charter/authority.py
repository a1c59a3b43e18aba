"""Who may approve what: the delegation-of-authority table, the reviewers, the poll for go."""

from collections.abc import Iterable

from investiture.charter.model import Charter
from investiture.charter.policy import Approval, FundingTier
from investiture.charter.vocabulary import Depth, SpendCondition


class NoTier(LookupError):
    """The table has no row for this category and total."""


def tier_for(
    charter: Charter, category: str, total_minor: int, conditions: Iterable[str] = ()
) -> FundingTier:
    """Return the row for a cumulative program total, in minor units of the charter's currency.

    A spend that is novel, contractual or unbudgeted is read as if it were at least the charter's
    floor for that condition.

    Raises:
        NoTier: the category is unknown, the total negative, or the condition unknown.
    """
    read_as = total_minor
    for condition in conditions:
        try:
            read_as = max(read_as, charter.spend_floors.get(SpendCondition(condition), read_as))
        except ValueError:
            known = ", ".join(SpendCondition)
            raise NoTier(f"{condition!r} is no spend condition; known are {known}") from None
    for tier in charter.funding_tiers:
        if tier.category == category and tier.contains(read_as):
            return tier
    known = ", ".join(charter.categories)
    raise NoTier(
        f"no tier for {total_minor} minor units of {category!r}; the categories are {known}"
    )


def candidates(charter: Charter, approval: Approval) -> tuple[str, ...]:
    """Return the people who may give one level's approval; none where a program names its own."""
    if approval.of is not None:
        return tuple(dict.fromkeys(approval.of))
    if approval.unit is None:
        return ()
    unit = next((one for one in charter.units if one.id == approval.unit), None)
    if unit is None:
        return ()
    return tuple(dict.fromkeys(p for p in (unit.head, unit.deputy) if p is not None))


def review_approvals(charter: Charter, depth: Depth) -> tuple[Approval, ...]:
    """Return the levels of approval after a review of this depth, the first level first."""
    return tuple(sorted(charter.review.approvals.get(depth, ()), key=lambda one: one.level))


def tier_approvals(tier: FundingTier) -> tuple[Approval, ...]:
    """Return the levels of approval that a row of the table asks for, the first level first."""
    return tuple(sorted(tier.approvals, key=lambda one: one.level))
