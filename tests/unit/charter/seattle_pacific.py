"""Seattle Pacific University's purchasing authority, thresholds from 2023-07-17, in cents.

The fixture of domain.md, "Budget": each position signs up to and including its limit, so that a row
begins one cent above the limit below it. "Capital" above 250,000 dollars has the Board's approval
before the President's. Requester and approver are never one person.
"""

from investiture.charter.policy import Approval, FundingTier

LIMITS = (2_000, 5_000, 10_000, 50_000, 75_000, 150_000)
"""Dollars up to which a position signs, the lowest first."""
SIGNERS = (
    "level-7",
    "level-6",
    "level-5",
    "level-4",
    "vice-president",
    "vice-president-finance",
)
PEOPLE = {role: (f"people/{role}-1", f"people/{role}-2") for role in SIGNERS}
PRESIDENT, BOARD = "people/president", tuple(f"people/trustee-{n}" for n in range(1, 6))
BOARD_MAJORITY = 3


def _row(category: str, lower: int, upper: int | None, *approvals: Approval) -> FundingTier:
    return FundingTier(
        category=category,
        from_minor=lower * 100 + 1 if lower else 0,
        to_minor=None if upper is None else upper * 100 + 1,
        approvals=approvals,
    )


def _signed(role: str) -> Approval:
    return Approval(role=role, of=PEOPLE[role])


def _below_the_president(category: str) -> tuple[FundingTier, ...]:
    bounds = zip((0, *LIMITS), LIMITS, SIGNERS, strict=False)
    return tuple(_row(category, lower, upper, _signed(role)) for lower, upper, role in bounds)


_PRESIDENT = Approval(role="president", of=(PRESIDENT,))
_BOARD = Approval(role="board", needed=BOARD_MAJORITY, of=BOARD)

SEATTLE_PACIFIC = (
    *_below_the_president("operating"),
    _row("operating", 150_000, None, _PRESIDENT),
    *_below_the_president("capital"),
    _row("capital", 150_000, 250_000, _PRESIDENT),
    _row("capital", 250_000, None, _BOARD, _PRESIDENT.model_copy(update={"level": 2})),
)
