"""The close of a fiscal year: by rule, conserved, and nobody's money vanishes silently."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investiture.budget import years
from investiture.budget.domain import Envelope, posted
from investiture.budget.holdings import Commitment, Hold, Reservation, Tranche
from investiture.budget.ledger import INT64_MAX, OUTSIDE, Account, Balances
from investiture.budget.years import Closed, Closing, ProgramHolding, Rule
from investiture.casework.amounts import Amount
from investiture.chassis.refusal import InvalidArgument, PreconditionFailed

OLD, NEW = "envelopes/a-2026", "envelopes/a-2027"


def envelope(name: str = OLD, year: int = 2026, currency: str = "EUR", **held: int) -> Envelope:
    balances = Balances(appropriated=sum(held.values()), **held)
    return Envelope(name, name, year, "4711", "launches", "people/fay", currency, balances)


def holding(
    program: str = "p", remaining: int = 0, promised: tuple[int, ...] = (), spent: int = 0
) -> ProgramHolding:
    """A program with a reservation in the old envelope; what it spent, it spent on the first."""
    commitments = tuple(
        Commitment(
            f"programs/{program}/commitments/{number}",
            f"programs/{program}",
            number,
            "Vendor",
            Tranche.PILOT,
            amount + (spent if number == 1 else 0),
            actual_minor=spent if number == 1 else 0,
        )
        for number, amount in enumerate(promised, start=1)
    )
    actual = spent if promised else 0
    reservation = Reservation(
        f"programs/{program}/budgetRequests/1",
        f"programs/{program}",
        OLD,
        "EUR",
        reserved_minor=remaining + sum(promised) + actual,
        remaining_minor=remaining,
        committed_minor=sum(promised),
        actual_minor=actual,
    )
    return ProgramHolding(reservation, commitments)


def of(available: int, *held: ProgramHolding) -> Envelope:
    return envelope(
        available=available,
        reserved=sum(one.reservation.remaining_minor for one in held),
        committed=sum(one.reservation.committed_minor for one in held),
        actual=sum(one.reservation.actual_minor for one in held),
    )


def closed(
    rule: Rule,
    available: int,
    *held: ProgramHolding,
    cap: int | None = None,
    into: Envelope | None = None,
) -> tuple[Closed, dict[str, Balances]]:
    """The close of one envelope into its successor, and the balances of both after it."""
    old, new = of(available, *held), into or envelope(NEW, 2027)
    amount = None if cap is None else Amount(cap, "EUR")
    successor = NEW if rule is not Rule.LAPSE or into else ""
    done = years.close(
        2026,
        {OLD: old},
        [Closing(OLD, rule, successor, amount)],
        {OLD: held},
        {NEW: new} if successor else {},
    )
    after = {OLD: old, NEW: new}
    for posting in done.postings:
        after[posting.envelope] = posted(after[posting.envelope], posting)
    return done, {name: one.balances for name, one in after.items()}


def test_by_lapse_everything_unspent_falls_back() -> None:
    done, after = closed(Rule.LAPSE, 100, holding(remaining=20, promised=(30, 5), spent=7))
    assert after[OLD] == Balances(appropriated=162, actual=7, lapsed=155)
    (figures,) = done.envelopes
    assert (figures.lapsed_minor, figures.carried_available_minor) == (155, 0)
    (reservation,) = done.reservations
    assert (reservation.state, reservation.released_minor) == (Hold.LAPSED, 55)
    assert (reservation.actual_minor, reservation.envelope) == (7, OLD)
    assert [(c.closed, c.lapsed_minor, c.lapsed_in) for c in done.commitments] == [
        (True, 30, OLD),
        (True, 5, OLD),
    ]
    assert [(p.program, p.lapsed_minor) for p in done.programs] == [("programs/p", 55)]


def test_a_program_that_had_nothing_left_to_lose_loses_nothing() -> None:
    done, after = closed(Rule.LAPSE, 100, holding(promised=(0,), spent=7))
    assert (done.reservations, done.commitments, done.programs) == ((), (), ())
    assert after[OLD] == Balances(appropriated=107, actual=7, lapsed=100)


def test_by_carry_committed_what_is_owed_goes_on_and_the_rest_lapses() -> None:
    done, after = closed(Rule.CARRY_COMMITTED, 100, holding(remaining=20, promised=(30,), spent=7))
    assert after[OLD] == Balances(appropriated=107, actual=7, lapsed=100)
    assert after[NEW] == Balances(appropriated=50, reserved=20, committed=30)
    (reservation,) = done.reservations
    assert (reservation.state, reservation.envelope) == (Hold.HELD, NEW)
    assert (reservation.remaining_minor, reservation.committed_minor) == (20, 30)
    assert not done.commitments
    assert [(p.carried_minor, p.lapsed_minor) for p in done.programs] == [(50, 0)]


@pytest.mark.parametrize(
    ("cap", "carried"), [(None, 100), (99, 99), (100, 100), (101, 100), (0, 0)]
)
def test_by_carry_all_what_is_available_goes_on_up_to_the_cap(
    cap: int | None, carried: int
) -> None:
    done, after = closed(Rule.CARRY_ALL, 100, holding(remaining=20), cap=cap)
    assert after[OLD] == Balances(appropriated=100 - carried, lapsed=100 - carried)
    assert after[NEW] == Balances(appropriated=20 + carried, available=carried, reserved=20)
    assert done.envelopes[0].carried_available_minor == carried


HOLDINGS = st.lists(
    st.tuples(
        st.integers(0, 500),
        st.lists(st.integers(0, 300), max_size=3).map(tuple),
        st.integers(0, 200),
    ),
    max_size=4,
)


@given(
    rule=st.sampled_from(Rule),
    available=st.integers(0, 1_000),
    cap=st.none() | st.integers(0, 1_200),
    holdings=HOLDINGS,
    present=st.integers(0, 1_000),
)
def test_a_rollover_conserves(
    rule: Rule,
    available: int,
    cap: int | None,
    holdings: list[tuple[int, tuple[int, ...], int]],
    present: int,
) -> None:
    """domain.md, Budget, invariants: rollover conserves."""
    held = [holding(f"p{n}", *one) for n, one in enumerate(holdings)]
    new = envelope(NEW, 2027, available=present)
    bound = cap if rule is Rule.CARRY_ALL else None
    done, after = closed(rule, available, *held, cap=bound, into=new)
    before = of(available, *held).balances
    old, new_after = after[OLD], after[NEW]
    assert old.appropriated + new_after.appropriated == before.appropriated + present
    assert (old.available, old.reserved, old.committed) == (0, 0, 0)
    assert old.actual == before.actual
    gone = old.lapsed + new_after.available - present + new_after.reserved + new_after.committed
    assert gone == before.available + before.reserved + before.committed
    transit: Counter[Account] = Counter()
    for posting in done.postings:
        transit[posting.debit] -= posting.amount_minor
        transit[posting.credit] += posting.amount_minor
    assert {account: transit[account] for account in OUTSIDE} == dict.fromkeys(OUTSIDE, 0)
    # What programs hold is what the envelopes hold for them.
    by_case = {one.reservation.case_name: one.reservation for one in held}
    by_case |= {one.case_name: one for one in done.reservations}
    assert sum(r.remaining_minor for r in by_case.values()) == new_after.reserved
    assert sum(r.committed_minor for r in by_case.values()) == new_after.committed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"envelope": "envelopes/none"}, "envelopes[0].envelope"),
        ({"rule": Rule.CARRY_COMMITTED, "successor": ""}, "envelopes[0].successor"),
        ({"rule": Rule.CARRY_ALL, "successor": "envelopes/none"}, "envelopes[0].successor"),
        ({"rule": Rule.CARRY_ALL, "successor": OLD}, "envelopes[0].successor"),
        ({"rule": Rule.CARRY_ALL, "successor": "envelopes/usd"}, "envelopes[0].successor"),
        ({"cap": Amount(1, "EUR")}, "envelopes[0].cap"),
        (
            {"rule": Rule.CARRY_ALL, "successor": NEW, "cap": Amount(1, "USD")},
            "envelopes[0].cap.currency_code",
        ),
    ],
)
def test_a_closing_that_cannot_be_done_is_refused_with_its_field(
    changes: dict[str, Any], field: str
) -> None:
    known = {
        OLD: envelope(available=5),
        NEW: envelope(NEW, 2027),
        "envelopes/usd": envelope("envelopes/usd", 2027, "USD"),
    }
    closing = replace(Closing(OLD, Rule.LAPSE), **changes)
    with pytest.raises(InvalidArgument) as refused:
        years.check_closings({OLD: known[OLD]}, [closing], known)
    assert [v.field for v in refused.value.violations] == [field]


def test_every_envelope_that_holds_something_is_named_and_once() -> None:
    empty, full = envelope(actual=5), envelope("envelopes/b-2026", available=5)
    every = {OLD: empty, full.name: full}
    with pytest.raises(InvalidArgument) as refused:
        years.check_closings(every, [], {})
    assert "envelopes/b-2026 holds 0.05 EUR" in refused.value.message
    once = Closing(full.name, Rule.LAPSE)
    years.check_closings(every, [once], {})
    with pytest.raises(InvalidArgument) as twice:
        years.check_closings(every, [once, once], {})
    assert twice.value.violations[0].field == "envelopes[1].envelope"


def test_a_successor_takes_no_more_than_64_bits_hold() -> None:
    full = envelope(NEW, 2027, available=INT64_MAX - 49)
    with pytest.raises(InvalidArgument) as refused:
        closed(Rule.CARRY_ALL, 50, into=full)
    assert (refused.value.reason, refused.value.violations[0].field) == (
        "INVALID_AMOUNT",
        "envelopes[0].successor",
    )
    closed(Rule.CARRY_ALL, 49, into=full)


def test_a_year_is_closed_after_its_last_day_and_after_those_before_it() -> None:
    years.require_ended(2026, date(2026, 12, 31), date(2027, 1, 1))
    with pytest.raises(PreconditionFailed) as early:
        years.require_ended(2026, date(2026, 12, 31), date(2026, 12, 31))
    assert early.value.legs[0].type == "FISCAL_YEAR"
    years.require_in_order(2026, None)
    with pytest.raises(PreconditionFailed) as order:
        years.require_in_order(2026, 2025)
    assert order.value.legs[0].remedy == "close 2025 first, then 2026"
