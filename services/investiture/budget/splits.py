"""Requests that stay under a tier one by one and reach it together. Pure.

What counts together: one category and currency, one cost centre, a vendor in common, asked or
funded within the charter's window before the new one. A vendor that no request named counts from
the first promise on, with what is promised to it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from investiture.casework.amounts import Amount
from investiture.charter.policy import FundingTier


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program asks of the money side, in minor units of `currency`.

    `cost_centre` is that of the envelope; the owning unit stands in while none is named. Where not
    `whole`, it is what was promised to one vendor that the program's request did not name.
    """

    program: str
    category: str
    currency: str
    amount_minor: int
    cost_centre: str
    vendors: tuple[str, ...]
    asked_at: datetime
    whole: bool = True

    @property
    def amount(self) -> Amount:
        """The amount with its currency."""
        return Amount(self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True)
class Other:
    """Another program that was counted together with a request."""

    program: str
    amount_minor: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Sum:
    """A request read together with the others; `tier` is the row for their sum.

    `raised` says that alone it would have been asked in a lower row.
    """

    tier: FundingTier
    raised: bool
    others: tuple[Other, ...]
    total_minor: int

    @property
    def others_minor(self) -> int:
        """What the others come to."""
        return sum(other.amount_minor for other in self.others)


def vendor_key(name: str) -> str:
    """What tells one vendor from another: neither capitals nor spaces do."""
    return " ".join(name.split()).casefold()


def names(vendors: Iterable[str], vendor: str) -> bool:
    """Whether a vendor is among those that a request named."""
    return vendor_key(vendor) in {vendor_key(one) for one in vendors}


def together(asked: Asked, others: Iterable[Asked], window: timedelta | None) -> tuple[Asked, ...]:
    """Those of `others` that count together with a request, by date; none without a window.

    The window is half-open: what was asked exactly that long ago no longer counts.
    """
    if window is None:
        return ()
    wanted = {vendor_key(vendor) for vendor in asked.vendors}
    found = [
        other
        for other in others
        if other.program != asked.program
        and (other.category, other.currency) == (asked.category, asked.currency)
        and other.cost_centre == asked.cost_centre
        and wanted & {vendor_key(vendor) for vendor in other.vendors}
        and other.asked_at > asked.asked_at - window
    ]
    merged = [_of_program(found, program) for program in {one.program for one in found}]
    return tuple(sorted(merged, key=lambda one: (one.asked_at, one.program)))


def _of_program(found: Iterable[Asked], program: str) -> Asked:
    """What counts of one program: its request, which has every promise in it, or its promises."""
    own = [one for one in found if one.program == program]
    whole = next((one for one in own if one.whole), None)
    if whole is not None:
        return whole
    last = max(own, key=lambda one: one.asked_at)
    return replace(last, amount_minor=sum(one.amount_minor for one in own))


def read_together(
    asked: Asked, counted: Iterable[Asked], tier_of: Callable[[int], FundingTier]
) -> Sum:
    """The row of the table for a request and all that counts with it."""
    others = tuple(Other(one.program, one.amount_minor, one.asked_at) for one in counted)
    total = asked.amount_minor + sum(other.amount_minor for other in others)
    alone, tier = tier_of(asked.amount_minor), tier_of(total)
    return Sum(tier, tier.from_minor > alone.from_minor, others, total)


def explained(asked: Asked, found: Sum, window: timedelta) -> str:
    """Why a request is asked at the tier of a sum: the others, the sum, the window, the vendor."""
    total, bound = Amount(found.total_minor, asked.currency), found.tier.from_minor
    named = [
        f"{one.program} ({Amount(one.amount_minor, asked.currency)}, {one.asked_at:%Y-%m-%d})"
        for one in found.others[:_NAMED]
    ]
    more = len(found.others) - len(named)
    return (
        f"asked at the tier from {Amount(bound, asked.currency)}: together with "
        f"{', '.join(named)}{f' and {more} more' if more > 0 else ''} it comes to {total} for "
        f"{', '.join(asked.vendors)} in {asked.cost_centre} within {window.days} days"
    )


_NAMED = 5
"""How many other programs a sentence names; the funding has all of them."""
