"""The ledger's arithmetic. Vectors: domain.md, Budget; two-phase holds after TigerBeetle's page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investiture.budget.ledger import (
    INT64_MAX,
    ROUTES,
    Account,
    Balances,
    Kind,
    Overdrawn,
    Overfull,
    Posting,
    apportion,
    balances_of,
)

ENVELOPE = "envelopes/community-2027"


def posting(kind: Kind, amount_minor: int, debit: Account | None = None) -> Posting:
    routes = sorted(route for route in ROUTES[kind] if debit in (None, route[0]))
    giving, taking = routes[-1]
    return Posting(ENVELOPE, kind, giving, taking, amount_minor)


def appropriated(amount_minor: int) -> Balances:
    return Balances().after(posting(Kind.APPROPRIATE, amount_minor))


def test_money_comes_in_by_an_appropriation_and_is_available() -> None:
    assert appropriated(100) == Balances(appropriated=100, available=100)


def test_a_hold_counts_at_once_and_what_is_posted_of_it_returns_the_rest() -> None:
    """Two-phase transfers: pending 123, post 100 → posted 100, pending 0."""
    held = balances_of(
        [
            posting(Kind.APPROPRIATE, 1_000),
            posting(Kind.RESERVE, 123),
            posting(Kind.COMMIT, 123),
        ]
    )
    assert (held.available, held.committed) == (877, 123)
    done = held.after(posting(Kind.ACTUAL, 100)).after(posting(Kind.UNCOMMIT, 23))
    assert (done.actual, done.committed, done.reserved) == (100, 0, 23)


def test_pending_holds_are_not_available_to_others() -> None:
    """Two-phase transfers: credits 100, debits 70, pending 50 → refused."""
    spent = balances_of(
        [
            posting(Kind.APPROPRIATE, 100),
            posting(Kind.RESERVE, 70),
            posting(Kind.COMMIT, 70),
            posting(Kind.ACTUAL, 70),
        ]
    )
    with pytest.raises(Overdrawn) as refused:
        spent.after(posting(Kind.RESERVE, 50))
    assert refused.value.has_minor == 30


def test_more_than_the_hold_is_never_posted() -> None:
    held = balances_of([posting(Kind.APPROPRIATE, 500), posting(Kind.RESERVE, 123)])
    with pytest.raises(Overdrawn):
        held.after(posting(Kind.COMMIT, 124))


@pytest.mark.parametrize("amount", [0, -1, INT64_MAX + 1])
def test_an_amount_to_post_is_more_than_zero_and_fits_64_bits(amount: int) -> None:
    with pytest.raises(ValueError, match="no amount"):
        posting(Kind.RESERVE, amount)


def test_a_kind_moves_money_along_its_own_route_only() -> None:
    with pytest.raises(ValueError, match="does not move"):
        Posting(ENVELOPE, Kind.COMMIT, Account.AVAILABLE, Account.COMMITTED, 1)


def test_balances_that_do_not_add_up_cannot_exist() -> None:
    with pytest.raises(ValueError, match="the accounts hold"):
        Balances(appropriated=100, available=99)
    with pytest.raises(ValueError, match="below zero"):
        Balances(appropriated=100, available=-1, reserved=101)
    with pytest.raises(ValueError, match="2\\^63"):
        Balances(appropriated=INT64_MAX + 1, available=INT64_MAX + 1)


def test_an_envelope_takes_no_more_than_64_bits_hold() -> None:
    with pytest.raises(Overfull):
        appropriated(INT64_MAX).after(posting(Kind.APPROPRIATE, 1))
    with pytest.raises(Overfull):
        appropriated(1).after(posting(Kind.APPROPRIATE, INT64_MAX))


def test_the_largest_remainders_get_what_is_left_over() -> None:
    """domain.md, Budget: 10000 by [1,1,1] → 3334, 3333, 3333."""
    assert apportion(10_000, [1, 1, 1]) == (3_334, 3_333, 3_333)
    assert apportion(100, [1, 2, 0, 4]) == (14, 29, 0, 57)
    assert apportion(0, [3, 1]) == (0, 0)


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_what_cannot_be_split_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="zero"):
        apportion(total, weights)


@given(
    st.integers(0, INT64_MAX),
    st.lists(st.integers(0, INT64_MAX), min_size=1, max_size=12).filter(any),
)
def test_a_split_keeps_the_sum_and_stays_within_one_unit_of_its_share(
    total: int, weights: list[int]
) -> None:
    shares = apportion(total, weights)
    assert sum(shares) == total
    whole = sum(weights)
    assert all(
        -whole < share * whole - total * weight < whole
        for share, weight in zip(shares, weights, strict=True)
    )
