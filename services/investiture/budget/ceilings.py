"""What an approval reaches: its ceiling, and which revisions need no, one or every approval.

Pure. An approval sets a ceiling, the total with the tier's contingency, inside the tier: up to it
the decision is carried, whoever draws on it. Beyond it an increase up to the charter's share of
what the levels saw is confirmed by finance alone, inside the same tier; else every level is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from investiture.budget.holdings import Reservation
from investiture.budget.ledger import INT64_MAX, Account, Kind, Posting
from investiture.budget.splits import Other
from investiture.casework.amounts import Amount
from investiture.casework.facts import Revision
from investiture.casework.openings import changed_fields

BPS = 10_000
_MONEY_FIELDS = frozenset({"amount", "tranches"})


@dataclass(frozen=True, slots=True)
class Opened:
    """How a round was opened: the row of the table, what was counted with it, who is asked.

    `tier_to_minor` None has no upper bound; `tier_from_minor` None is a round of before this was
    kept. Where `approved_in` names a round, its levels are not asked again and its ceiling,
    `kept_ceiling_minor`, goes on; finance alone confirms.
    """

    tier_from_minor: int | None = None
    tier_to_minor: int | None = None
    cost_centre: str = ""
    others: tuple[Other, ...] = ()
    approved_in: str = ""
    kept_ceiling_minor: int | None = None
    reason: str = ""

    @property
    def own_end_minor(self) -> int | None:
        """From which own total on the sum lies in a higher row; None for the highest."""
        if self.tier_to_minor is None:
            return None
        return self.tier_to_minor - sum(other.amount_minor for other in self.others)


@dataclass(frozen=True, slots=True)
class Approved:
    """What the levels of a round approved, and how far that reaches."""

    case_name: str
    decided: Revision
    ceiling_minor: int
    people: frozenset[str]


class Course(StrEnum):
    """What a revision needs of a gate that was approved before."""

    CARRIED = "CARRIED"
    CONFIRM = "CONFIRM"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class Judged:
    """The course, and why in a sentence; no sentence for what is carried."""

    course: Course
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resized:
    """A reservation that follows a program's total, the postings, and what to tell the deciders."""

    reservation: Reservation
    postings: tuple[Posting, ...]
    note: str


def ceiling(total_minor: int, contingency_bps: int, opened: Opened) -> int:
    """What may be spent without a new approval: the total and its contingency.

    It stays inside the tier, and 64 bits. A round that finance alone confirms adds no contingency
    of its own.
    """
    if opened.approved_in:
        return max(total_minor, opened.kept_ceiling_minor or 0)
    reach = min(INT64_MAX, total_minor + total_minor * contingency_bps // BPS)
    end = opened.own_end_minor
    return reach if end is None else max(total_minor, min(reach, end - 1))


def judge(
    approved: Approved,
    facts: Revision,
    *,
    material: frozenset[str],
    confirm_bps: int,
    business: Iterable[str],
    same_tier: bool,
) -> Judged:
    """What a revision needs, measured from what the levels saw.

    `same_tier` says whether the revision's total, with all that counts together, still lies in
    the row that was approved; it matters beyond the ceiling only.
    """
    seen = Amount(approved.decided.amount_minor, approved.decided.currency)
    other = set(changed_fields(approved.decided, facts, material)) - _MONEY_FIELDS
    if other:
        fields = ", ".join(sorted(other))
        return Judged(Course.FULL, f"{fields} changed since {approved.case_name} was approved")
    if facts.currency != seen.currency:
        return Judged(Course.FULL, f"the currency was {seen.currency} and is {facts.currency}")
    both = sorted(approved.people & set(business))
    if both:
        who = ", ".join(both)
        return Judged(Course.FULL, f"{who} approved and now stands on the business side")
    if facts.amount_minor <= approved.ceiling_minor:
        return Judged(Course.CARRIED)
    total, limit = (Amount(m, seen.currency) for m in (facts.amount_minor, approved.ceiling_minor))
    beyond = f"{total} is beyond the ceiling of {limit}"
    if not same_tier:
        return Judged(Course.FULL, f"{beyond} and in another tier than the {seen} approved")
    share = f"{confirm_bps / 100:g} %"
    grown = facts.amount_minor - seen.minor
    if grown * BPS > seen.minor * confirm_bps:
        return Judged(Course.FULL, f"{beyond} and more than {share} above the {seen} approved")
    return Judged(
        Course.CONFIRM,
        f"{beyond}, at most {share} above the {seen} approved and in the same tier: finance "
        f"confirms, the levels of {approved.case_name} are not asked again",
    )


def resize(held: Reservation, total: Amount) -> Resized:
    """The reservation with the program's new total; never below what is committed or spent."""
    kept = held.committed_minor + held.actual_minor
    delta = max(total.minor, kept) - held.remaining_minor - kept
    if not delta:
        return Resized(held, (), "")
    moved = Amount(abs(delta), held.currency)
    after = replace(
        held,
        reserved_minor=held.reserved_minor + max(delta, 0),
        remaining_minor=held.remaining_minor + delta,
        released_minor=held.released_minor + max(-delta, 0),
        version=held.version + 1,
    )
    grows = delta > 0
    giving, taking = Account.AVAILABLE, Account.RESERVED
    posting = Posting(
        envelope=held.envelope,
        kind=Kind.RESERVE if grows else Kind.RELEASE,
        debit=giving if grows else taking,
        credit=taking if grows else giving,
        amount_minor=moved.minor,
        program=held.program,
        reference=held.name,
    )
    note = f"{moved} {'more reserved in' if grows else 'given back to'} {held.envelope}"
    if total.minor < kept:
        note += f"; {Amount(kept, held.currency)} is committed or spent and stays"
    return Resized(after, (posting,), note)
