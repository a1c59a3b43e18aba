"""What an approval reaches, at its bounds and one minor unit beyond them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.facts import MATERIAL, NOW, revision

from investiture.budget.ceilings import Approved, Course, Opened, ceiling, judge, resize
from investiture.budget.holdings import Reservation
from investiture.budget.ledger import Account
from investiture.budget.splits import Other
from investiture.casework.amounts import Amount
from investiture.casework.facts import Revision

APPROVED = 300_000_00
CEILING = 315_000_00
"""A tier with 5 % contingency, so that the charter's 10 % reach beyond it."""


def approved(**changes: Any) -> Approved:
    seen = revision(amount_minor=APPROVED, **changes)
    return Approved("programs/community/budgetRequests/1", seen, CEILING, frozenset({"people/fay"}))


def course(facts: Revision, *, same_tier: bool = True, business: tuple[str, ...] = ()) -> Course:
    judged = judge(
        approved(),
        facts,
        material=frozenset({*MATERIAL["FUND"], "vendors", "envelope"} & set(facts.field_digests)),
        confirm_bps=1_000,
        business=business,
        same_tier=same_tier,
    )
    assert bool(judged.reason) is (judged.course is not Course.CARRIED)
    return judged.course


@pytest.mark.parametrize(
    ("total", "bps", "reach"), [(100_00, 1_000, 110_00), (99, 500, 103), (0, 1_000, 0)]
)
def test_the_ceiling_is_the_total_and_its_contingency(total: int, bps: int, reach: int) -> None:
    assert ceiling(total, bps, Opened()) == reach


@pytest.mark.parametrize(
    ("total", "to", "others", "reach"),
    [
        (45_000_00, 50_000_00, 0, 49_500_00),
        (48_000_00, 50_000_00, 0, 49_999_99),  # 52,800 would lie in the next row
        (49_999_99, 50_000_00, 0, 49_999_99),
        (20_000_00, 50_000_00, 28_000_00, 21_999_99),  # with the others one below the bound
        (20_000_00, None, 28_000_00, 22_000_00),
    ],
)
def test_the_ceiling_ends_with_the_tier_others_included(
    total: int, to: int | None, others: int, reach: int
) -> None:
    counted = (Other("programs/other", others, NOW),) if others else ()
    assert ceiling(total, 1_000, Opened(10_000_00, to, others=counted)) == reach


def test_a_round_of_finance_alone_adds_no_contingency() -> None:
    opened = Opened(
        approved_in="programs/community/budgetRequests/1", kept_ceiling_minor=315_000_00
    )
    assert ceiling(330_000_00, 0, opened) == 330_000_00
    assert ceiling(310_000_00, 0, opened) == 315_000_00


@pytest.mark.parametrize(
    ("total", "same_tier", "expected"),
    [
        (1, True, Course.CARRIED),
        (APPROVED, True, Course.CARRIED),
        (CEILING, False, Course.CARRIED),  # the ceiling lies inside the tier as it was approved
        (CEILING + 1, True, Course.CONFIRM),
        (CEILING + 1, False, Course.FULL),
        (330_000_00, True, Course.CONFIRM),  # exactly 10 % above what the levels saw
        (330_000_01, True, Course.FULL),
    ],
)
def test_a_total_is_carried_confirmed_or_asked_anew(
    total: int, same_tier: bool, expected: Course
) -> None:
    """domain.md, "Budget": ceiling, a cumulative increase of at most 10 %, beyond the full tier."""
    assert course(revision(2, amount_minor=total), same_tier=same_tier) is expected


@pytest.mark.parametrize(
    "changes", [{"category": "capex"}, {"vendors": ("Acme",)}, {"currency": "USD"}]
)
def test_another_category_vendor_or_currency_is_asked_anew(changes: dict[str, Any]) -> None:
    assert course(revision(2, amount_minor=APPROVED - 1, **changes)) is Course.FULL


def test_money_may_move_between_tranches_inside_the_ceiling() -> None:
    assert course(revision(2, amount_minor=APPROVED, pilot_minor=1)) is Course.CARRIED


def test_who_approved_and_joined_the_business_side_carries_nothing() -> None:
    assert course(revision(2, amount_minor=1), business=("people/fay",)) is Course.FULL


def held(**parts: int) -> Reservation:
    amounts: dict[str, Any] = {"remaining_minor": 0, **parts}
    return Reservation(
        "programs/community/budgetRequests/1",
        "programs/community",
        "envelopes/one",
        "EUR",
        reserved_minor=sum(parts.values()),
        **amounts,
    )


@pytest.mark.parametrize(
    ("total", "remaining", "moved", "said"),
    [
        (100, 60, 0, ""),
        (130, 90, 30, "0.30 EUR more reserved in envelopes/one"),
        (70, 30, -30, "0.30 EUR given back to envelopes/one"),
        (40, 0, -60, "0.60 EUR given back to envelopes/one"),
        (39, 0, -60, "0.40 EUR is committed or spent and stays"),
    ],
)
def test_a_reservation_follows_the_total_down_to_what_is_promised(
    total: int, remaining: int, moved: int, said: str
) -> None:
    resized = resize(
        held(remaining_minor=60, committed_minor=30, actual_minor=10), Amount(total, "EUR")
    )
    assert resized.reservation.remaining_minor == remaining
    assert said in resized.note
    signed = [
        posting.amount_minor if posting.credit is Account.RESERVED else -posting.amount_minor
        for posting in resized.postings
    ]
    assert signed == ([moved] if moved else [])


@given(
    parts=st.tuples(*(st.integers(0, 10**9) for _ in range(4))),
    totals=st.lists(st.integers(0, 2 * 10**9), min_size=1, max_size=8),
)
def test_whatever_the_totals_what_is_held_is_the_last_or_what_is_promised(
    parts: tuple[int, ...], totals: list[int]
) -> None:
    names = ("remaining_minor", "committed_minor", "actual_minor", "released_minor")
    reservation = held(**dict(zip(names, parts, strict=True)))
    promised = reservation.committed_minor + reservation.actual_minor
    for total in totals:
        reservation = resize(reservation, Amount(total, "EUR")).reservation
        assert reservation.remaining_minor + promised == max(total, promised)
        again = resize(reservation, Amount(total, "EUR"))
        assert (again.postings, again.note) == ((), "")
