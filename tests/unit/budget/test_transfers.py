"""Transfers: two owners agree, nothing appears or vanishes, and every rounding is on record."""

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investiture.budget import transfers
from investiture.budget.domain import Envelope, posted
from investiture.budget.ledger import INT64_MAX, Account, Balances
from investiture.budget.transfers import Quote, Rounding, Seat, State, Transfer
from investiture.casework.amounts import Amount
from investiture.casework.facts import Authority
from investiture.chassis.refusal import Denied, InvalidArgument, PreconditionFailed

NOW = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
QUOTE = Quote("1.0842", "ECB reference rate", date(2027, 1, 4), Rounding.HALF_EVEN)


def envelope(name: str, **changes: Any) -> Envelope:
    made = Envelope(
        f"envelopes/{name}",
        name,
        2027,
        "4711",
        "launches",
        f"people/{name}",
        "EUR",
        Balances(1_000, 1_000),
    )
    return replace(made, **changes)


A, B = envelope("ann"), envelope("bob")


def proposed(
    giver: Envelope = A,
    taker: Envelope = B,
    minor: int = 400,
    currency: str = "EUR",
    quote: Quote | None = None,
) -> Transfer:
    return transfers.propose(
        "transfers/1",
        giver,
        taker,
        Amount(minor, currency),
        quote,
        "more of it",
        "people/pat",
        NOW,
    )


def authority(person: str, on_behalf_of: str = "", **changes: Any) -> Authority:
    made = Authority(
        person=f"people/{person}",
        active=True,
        side=None,
        unit="",
        grade="",
        limit_minor=None,
        limit_currency="",
        unlimited=True,
        resolved_at=NOW,
        on_behalf_of=on_behalf_of and f"people/{on_behalf_of}",
    )
    return replace(made, **changes)


def approved(
    transfer: Transfer,
    who: Authority,
    giver: Envelope = A,
    taker: Envelope = B,
    *,
    committee: bool = False,
) -> Transfer:
    return transfers.approve(transfer, giver, taker, who, NOW, committee=committee)


def test_both_owners_approve_in_any_order() -> None:
    for first, second in (("ann", "bob"), ("bob", "ann")):
        half = approved(proposed(), authority(first))
        assert (half.state, len(half.awaited)) == (State.PROPOSED, 1)
        whole = approved(half, authority(second))
        assert (whole.state, whole.awaited, whole.ended_by) == (
            State.POSTED,
            (),
            f"people/{second}",
        )


def test_who_owns_neither_has_no_voice_not_even_on_the_committee() -> None:
    for committee in (False, True):
        with pytest.raises(Denied) as refused:
            approved(proposed(), authority("eve"), committee=committee)
        assert refused.value.reason == "NOT_A_HOLDER"
        assert "people/ann and people/bob" in refused.value.message


def test_who_owns_both_needs_a_second_voice_from_the_committee() -> None:
    both = replace(B, owner="people/ann")
    half = approved(proposed(taker=both), authority("ann"), taker=both)
    assert (half.voices[0].seats, half.awaited) == ((Seat.GIVER, Seat.TAKER), (Seat.COMMITTEE,))
    with pytest.raises(PreconditionFailed) as again:
        approved(half, authority("ann"), taker=both, committee=True)
    assert again.value.legs[0].type == "ONE_VOICE"
    with pytest.raises(Denied):
        approved(half, authority("eve"), taker=both)
    done = approved(half, authority("ada"), taker=both, committee=True)
    assert (done.state, [v.person for v in done.voices]) == (
        State.POSTED,
        ["people/ann", "people/ada"],
    )


def test_a_delegate_of_both_owners_is_one_voice() -> None:
    half = approved(proposed(), authority("dee", "ann"))
    with pytest.raises(PreconditionFailed) as again:
        approved(half, authority("dee", "bob"))
    assert (again.value.reason, again.value.legs[0].type) == ("WRONG_STATE", "ONE_VOICE")
    assert approved(half, authority("bob")).state is State.POSTED


def test_an_owner_who_is_the_others_delegate_needs_the_committee() -> None:
    half = approved(proposed(), authority("bob", "ann"))
    assert half.awaited == (Seat.COMMITTEE,)
    with pytest.raises(PreconditionFailed):
        approved(half, authority("ann"))
    assert approved(half, authority("ada"), committee=True).state is State.POSTED


def test_a_delegate_approves_up_to_the_limit_of_the_delegation() -> None:
    limited = authority("dee", "ann", unlimited=False, limit_minor=399, limit_currency="EUR")
    with pytest.raises(PreconditionFailed) as refused:
        approved(proposed(), limited)
    assert refused.value.reason == "AUTHORITY_INSUFFICIENT"
    assert approved(proposed(), replace(limited, limit_minor=400)).voices


def test_an_owner_the_committee_and_the_proposer_decline_and_nobody_else() -> None:
    for who, committee in (("ann", False), ("bob", False), ("pat", False), ("ada", True)):
        done = transfers.decline(
            proposed(), A, B, authority(who), "not now", NOW, committee=committee
        )
        assert (done.state, done.ended_by, done.remark) == (
            State.DECLINED,
            f"people/{who}",
            "not now",
        )
        with pytest.raises(PreconditionFailed):
            approved(done, authority("ann"))
    with pytest.raises(Denied):
        transfers.decline(proposed(), A, B, authority("eve"), "no", NOW, committee=False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"taker": A}, "taker"),
        ({"taker": envelope("bob", fiscal_year=2028)}, "taker"),
        ({"currency": "USD"}, "amount.currency_code"),
        ({"quote": QUOTE}, "exchange"),
        ({"taker": envelope("bob", currency="USD")}, "exchange"),
        (
            {"taker": envelope("bob", currency="USD"), "quote": replace(QUOTE, rate="0.000")},
            "exchange.rate",
        ),
        (
            {
                "taker": envelope("bob", currency="USD"),
                "quote": replace(QUOTE, quoted_on=date(2027, 1, 5)),
            },
            "exchange.quoted_on",
        ),
        (
            {"taker": envelope("bob", currency="USD"), "quote": replace(QUOTE, rate="0.0001")},
            "amount",
        ),
        (
            {
                "taker": envelope("bob", currency="USD"),
                "quote": replace(QUOTE, rate="9999999999"),
                "giver": envelope("ann", balances=Balances(INT64_MAX, INT64_MAX)),
                "minor": INT64_MAX,
            },
            "amount",
        ),
        ({"taker": envelope("bob", balances=Balances(INT64_MAX, INT64_MAX))}, "amount"),
    ],
    ids=[
        "itself",
        "another year",
        "currency",
        "needless rate",
        "no rate",
        "zero rate",
        "tomorrow's rate",
        "comes to nothing",
        "64 bits by rate",
        "64 bits in all",
    ],
)
def test_what_cannot_be_a_transfer_is_refused_with_its_field(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        proposed(**changes)
    assert [v.field for v in refused.value.violations] == [field]


def test_what_is_not_available_or_of_a_closed_year_is_not_proposed() -> None:
    with pytest.raises(PreconditionFailed) as short:
        proposed(minor=1_001)
    assert (short.value.reason, short.value.metadata["available"]) == ("FUNDS_INSUFFICIENT", "1000")
    for giver, taker in ((replace(A, closed=True), B), (A, replace(B, closed=True))):
        with pytest.raises(PreconditionFailed) as closed:
            proposed(giver, taker)
        assert closed.value.legs[0].type == "FISCAL_YEAR"


@pytest.mark.parametrize(
    ("minor", "source", "target", "rate", "rounding", "booked", "residue"),
    [
        # Ours, computed by hand: minor × rate × 10^(target's exponent − source's).
        (10_000, "EUR", "USD", "1.0842", Rounding.HALF_EVEN, 10_842, "0"),
        (1, "EUR", "USD", "1.5", Rounding.HALF_EVEN, 2, "-0.5"),
        (3, "EUR", "USD", "1.5", Rounding.HALF_EVEN, 4, "0.5"),
        (1, "EUR", "USD", "2.5", Rounding.HALF_EVEN, 2, "0.5"),
        (1, "EUR", "USD", "2.5", Rounding.HALF_UP, 3, "-0.5"),
        (1, "EUR", "USD", "2.999", Rounding.DOWN, 2, "0.999"),
        (100, "JPY", "EUR", "0.00625", Rounding.HALF_EVEN, 62, "0.5"),
        (100, "EUR", "JPY", "161.37", Rounding.HALF_EVEN, 161, "0.37"),
        (1_000, "KWD", "EUR", "3.0123456", Rounding.HALF_EVEN, 301, "0.23456"),
        (100, "EUR", "CLF", "0.0249", Rounding.HALF_EVEN, 249, "0"),
        (INT64_MAX, "EUR", "USD", "1", Rounding.HALF_EVEN, INT64_MAX, "0"),
    ],
)
def test_an_amount_is_exchanged_exactly_and_its_rounding_recorded(
    minor: int, source: str, target: str, rate: str, rounding: Rounding, booked: int, residue: str
) -> None:
    quote = replace(QUOTE, rate=rate, rounding=rounding)
    assert transfers.convert(minor, source, target, quote) == (booked, residue)


def rate_of(whole: int, places: int, digits: int) -> str:
    """A rate with at most that many decimals, as the API takes it."""
    return f"{whole}.{f'{digits:012d}'[:places]}"


RATES = st.builds(rate_of, st.integers(0, 10**9), st.integers(1, 12), st.integers(0, 10**12 - 1))


@given(
    minor=st.integers(1, INT64_MAX),
    rate=RATES,
    rounding=st.sampled_from(Rounding),
    pair=st.sampled_from([("EUR", "USD"), ("JPY", "KWD"), ("CLF", "JPY"), ("KWD", "CLF")]),
)
def test_what_is_booked_and_what_is_left_are_the_exact_result(
    minor: int, rate: str, rounding: Rounding, pair: tuple[str, str]
) -> None:
    source, target = pair
    quote = replace(QUOTE, rate=rate, rounding=rounding)
    booked, residue = transfers.convert(minor, source, target, quote)
    digits = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3, "CLF": 4}
    exact = Fraction(minor) * Fraction(rate) * Fraction(10) ** (digits[target] - digits[source])
    assert Fraction(booked) + Fraction(residue) == exact
    if rounding is Rounding.DOWN:
        assert 0 <= Fraction(residue) < 1
    else:
        assert abs(Fraction(residue)) <= Fraction(1, 2)


def test_the_legs_are_linked_and_balance_in_each_currency() -> None:
    dollars = envelope("bob", currency="USD")
    done = proposed(taker=dollars, minor=333, quote=QUOTE)
    gives, takes = transfers.postings(done)
    assert (gives.debit, gives.credit, gives.amount_minor) == (
        Account.AVAILABLE,
        Account.EXCHANGE,
        333,
    )
    assert (takes.debit, takes.credit, takes.amount_minor) == (
        Account.EXCHANGE,
        Account.AVAILABLE,
        361,  # 333 × 1.0842 = 361.0386
    )
    assert gives.reference == takes.reference == "transfers/1"
    assert posted(A, gives).balances == Balances(667, 667)
    assert posted(dollars, takes).balances == Balances(1_361, 1_361)


@given(amounts=st.lists(st.integers(1, 700), max_size=30), ways=st.lists(st.booleans()))
def test_transfers_conserve_what_was_issued(amounts: list[int], ways: list[bool]) -> None:
    envelopes = {A.name: A, B.name: B}
    for minor, way in zip(amounts, ways, strict=False):
        giver, taker = (A.name, B.name) if way else (B.name, A.name)
        try:
            made = proposed(envelopes[giver], envelopes[taker], minor)
        except PreconditionFailed:
            assert envelopes[giver].balances.available < minor
            continue
        for posting in transfers.postings(made):
            envelopes[posting.envelope] = posted(envelopes[posting.envelope], posting)
        assert sum(one.balances.appropriated for one in envelopes.values()) == 2_000
        assert sum(one.balances.available for one in envelopes.values()) == 2_000
