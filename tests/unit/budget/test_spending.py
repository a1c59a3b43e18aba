"""Reservations and commitments: held once, spent at most, given back whole."""

from dataclasses import replace

import pytest
from tests.support.facts import revision

from investiture.budget import spending
from investiture.budget.holdings import Hold, Reservation, Tranche
from investiture.budget.ledger import Account, Kind
from investiture.budget.spending import Spent
from investiture.casework.amounts import Amount
from investiture.casework.facts import Revision
from investiture.chassis.refusal import InvalidArgument, PreconditionFailed

A = "envelopes/a"
B = "envelopes/b"
CASE = "programs/community/budgetRequests/1"
NEXT = "programs/community/budgetRequests/2"


def eur(minor: int) -> Amount:
    return Amount(minor, "EUR")


def held(minor: int = 123, **changes: int) -> tuple[Reservation, Revision]:
    facts = revision(amount_minor=minor, **changes)
    return spending.hold(CASE, facts, A, None).reservation, facts


def committed(minor: int = 123) -> tuple[Spent, Revision]:
    reservation, facts = held(minor)
    return spending.commit(reservation, (), facts, eur(minor), Tranche.PILOT, "Vendor"), facts


def test_a_reservation_holds_the_cumulative_total() -> None:
    made = spending.hold(CASE, revision(amount_minor=500), A, None)
    assert (made.reservation.reserved_minor, made.reservation.remaining_minor) == (500, 500)
    assert [(p.kind, p.debit, p.credit, p.amount_minor) for p in made.postings] == [
        (Kind.RESERVE, Account.AVAILABLE, Account.RESERVED, 500)
    ]


def test_a_program_that_asks_for_nothing_posts_nothing() -> None:
    made = spending.hold(CASE, revision(amount_minor=0), A, None)
    assert (made.reservation.state, made.postings) == (Hold.HELD, ())


def test_a_final_actual_returns_the_remainder_to_the_reservation() -> None:
    """Two-phase transfers: pending 123, post 100 → posted 100, pending 0."""
    made, _ = committed(123)
    done = spending.record_actual(made.reservation, made.commitment, eur(100), "2027-1", final=True)
    assert (done.commitment.actual_minor, done.commitment.open_minor) == (100, 0)
    left = done.reservation
    assert (left.actual_minor, left.committed_minor, left.remaining_minor) == (100, 0, 23)
    assert [(p.kind, p.amount_minor, p.reference) for p in done.postings] == [
        (Kind.ACTUAL, 100, "2027-1"),
        (Kind.UNCOMMIT, 23, made.commitment.name),
    ]


def test_more_than_the_commitment_is_refused_with_the_figures() -> None:
    made, _ = committed(123)
    with pytest.raises(PreconditionFailed) as refused:
        spending.record_actual(made.reservation, made.commitment, eur(124), "", final=False)
    assert refused.value.reason == "FUNDS_INSUFFICIENT"
    assert refused.value.metadata["available"] == "123"
    assert refused.value.legs[0].type == "COMMITMENT"


def test_a_hold_resolves_exactly_once() -> None:
    made, _ = committed(123)
    done = spending.record_actual(made.reservation, made.commitment, eur(0), "", final=True)
    assert done.commitment.closed
    with pytest.raises(PreconditionFailed) as refused:
        spending.record_actual(done.reservation, done.commitment, eur(1), "", final=False)
    assert refused.value.reason == "WRONG_STATE"


def test_no_more_is_committed_than_remains() -> None:
    reservation, facts = held(100)
    first = spending.commit(reservation, (), facts, eur(60), Tranche.PILOT, "Vendor")
    with pytest.raises(PreconditionFailed) as refused:
        spending.commit(
            first.reservation, (first.commitment,), facts, eur(41), Tranche.PILOT, "Vendor"
        )
    assert refused.value.reason == "FUNDS_INSUFFICIENT"
    assert (refused.value.metadata["available"], refused.value.metadata["asked"]) == ("40", "41")
    second = spending.commit(
        first.reservation, (first.commitment,), facts, eur(40), Tranche.PILOT, ""
    )
    assert (second.reservation.remaining_minor, second.commitment.number) == (0, 2)


def test_a_tranche_bounds_what_is_committed_from_it() -> None:
    reservation, facts = held(100, trial_minor=10, pilot_minor=30, general_minor=60)
    first = spending.commit(reservation, (), facts, eur(30), Tranche.PILOT, "Vendor")
    with pytest.raises(PreconditionFailed) as refused:
        spending.commit(
            first.reservation, (first.commitment,), facts, eur(1), Tranche.PILOT, "Vendor"
        )
    assert [leg.type for leg in refused.value.legs] == ["TRANCHE"]
    spent = spending.record_actual(first.reservation, first.commitment, eur(20), "", final=True)
    again = spending.commit(
        spent.reservation, (spent.commitment,), facts, eur(10), Tranche.PILOT, "Vendor"
    )
    assert again.commitment.amount_minor == 10


def test_another_currency_than_the_reservations_is_no_amount() -> None:
    reservation, facts = held(100)
    with pytest.raises(InvalidArgument) as refused:
        spending.commit(reservation, (), facts, Amount(1, "USD"), Tranche.PILOT, "Vendor")
    assert refused.value.violations[0].field == "amount.currency_code"


def test_a_new_round_gives_back_the_old_hold_and_keeps_what_is_committed() -> None:
    made, _ = committed(100)
    spent = spending.record_actual(made.reservation, made.commitment, eur(30), "", final=False)
    again = spending.hold(NEXT, revision(2, amount_minor=250), A, spent.reservation)
    assert again.reservation.reserved_minor == 250
    assert (again.reservation.committed_minor, again.reservation.actual_minor) == (70, 30)
    assert again.reservation.remaining_minor == 150
    assert again.replaced is not None
    assert (again.replaced.state, again.replaced.carried_minor) == (Hold.REPLACED, 100)
    assert [(p.kind, p.amount_minor) for p in again.postings] == [(Kind.RESERVE, 150)]


def test_a_new_total_covers_what_is_committed_and_spent() -> None:
    made, _ = committed(100)
    with pytest.raises(PreconditionFailed) as refused:
        spending.hold(NEXT, revision(2, amount_minor=99), A, made.reservation)
    assert (refused.value.reason, refused.value.legs[0].type) == ("WRONG_STATE", "COMMITTED")


def test_another_envelope_is_chosen_only_when_no_commitment_is_open_in_the_old_one() -> None:
    made, _ = committed(100)
    with pytest.raises(PreconditionFailed) as refused:
        spending.hold(NEXT, revision(2, amount_minor=200), B, made.reservation)
    assert refused.value.legs[0].type == "ENVELOPE"
    closed = spending.record_actual(made.reservation, made.commitment, eur(40), "", final=True)
    moved = spending.hold(NEXT, revision(2, amount_minor=200), B, closed.reservation)
    assert [(p.envelope, p.kind, p.amount_minor) for p in moved.postings] == [
        (A, Kind.RELEASE, 60),
        (B, Kind.RESERVE, 160),
    ]


def test_another_currency_never_takes_over_what_was_spent() -> None:
    made, _ = committed(100)
    with pytest.raises(PreconditionFailed) as refused:
        spending.hold(NEXT, revision(2, amount_minor=200, currency="USD"), A, made.reservation)
    assert refused.value.legs[0].type == "CURRENCY"


def test_a_release_gives_back_all_but_what_is_spent() -> None:
    reservation, facts = held(100)
    made = spending.commit(reservation, (), facts, eur(60), Tranche.PILOT, "Vendor")
    spent = spending.record_actual(made.reservation, made.commitment, eur(25), "", final=False)
    back = spending.release(spent.reservation, (spent.commitment,))
    assert (back.reservation.state, back.reservation.actual_minor) == (Hold.RELEASED, 25)
    assert (back.reservation.released_minor, back.reservation.committed_minor) == (75, 0)
    assert [(p.debit, p.credit, p.amount_minor) for p in back.postings] == [
        (Account.RESERVED, Account.AVAILABLE, 40),
        (Account.COMMITTED, Account.AVAILABLE, 35),
    ]
    assert [c.closed for c in back.commitments] == [True]


def test_a_reservation_whose_parts_do_not_add_up_cannot_exist() -> None:
    reservation, _ = held(100)
    with pytest.raises(ValueError, match="do not come to"):
        replace(reservation, remaining_minor=99)
    with pytest.raises(ValueError, match="do not come to"):
        replace(reservation, remaining_minor=101, committed_minor=-1)
