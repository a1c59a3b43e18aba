"""Money at the API's edge. Rules and exponents: domain.md, Budget ("ours")."""

import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from investiture.casework.money import INT64_MAX, Amount, exponent, from_money, to_money
from investiture.chassis.refusal import InvalidArgument


@pytest.mark.parametrize(("currency", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_exponents_come_from_the_iso_table(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@given(st.integers(min_value=0, max_value=INT64_MAX), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_an_amount_survives_the_way_out_and_back(minor: int, currency: str) -> None:
    amount = Amount(minor, currency)
    assert from_money(to_money(amount), "amount", positive=False) == amount


@pytest.mark.parametrize(
    ("money", "why"),
    [
        (Money(currency_code="EUR", units=1, nanos=-10_000_000), "same sign"),
        (Money(currency_code="EUR", units=-1, nanos=10_000_000), "same sign"),
        (Money(currency_code="EUR", nanos=1_000_000_000), "999,999,999"),
        (Money(currency_code="EUR", units=1, nanos=1_000_000), "2 decimals"),
        (Money(currency_code="JPY", units=1, nanos=10_000_000), "0 decimals"),
        (Money(currency_code="EUR"), "more than zero"),
        (Money(currency_code="EUR", units=-5), "more than zero"),
        (Money(currency_code="EUR", units=INT64_MAX), "64 bits"),
        (Money(currency_code="XYZ", units=1), "ISO 4217"),
        (Money(units=1), "ISO 4217"),
        (Money(currency_code="XAU", units=1), "ISO 4217"),  # gold has no minor unit
    ],
    ids=[
        "plus minus",
        "minus plus",
        "nanos",
        "tenth of a cent",
        "tenth of a yen",
        "zero",
        "negative",
        "overflow",
        "unknown",
        "missing",
        "gold",
    ],
)
def test_what_is_no_amount_is_refused_with_its_field(money: Money, why: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        from_money(money, "amount")
    assert refused.value.reason == "INVALID_AMOUNT"
    assert refused.value.violations[0].field.startswith("amount")
    assert why in refused.value.violations[0].description


def test_an_amount_is_written_as_people_read_it() -> None:
    assert str(Amount(123_456_789, "EUR")) == "1,234,567.89 EUR"
    assert str(Amount(-5, "KWD")) == "-0.005 KWD"
    assert str(Amount(1_000, "JPY")) == "1,000 JPY"
