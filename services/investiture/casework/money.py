"""Money at the API's edge (`google.type.Money`) and inside (integer minor units, ISO 4217)."""

from google.type.money_pb2 import Money

from investiture.casework.amounts import Amount, exponent
from investiture.chassis.refusal import InvalidArgument

NANOS = 1_000_000_000
INT64_MAX = 2**63 - 1


def from_money(money: Money, field: str, *, positive: bool = True) -> Amount:
    """Minor units of `money`.

    Refuses with INVALID_AMOUNT: mixed signs, |nanos| > 999,999,999, nanos that are no multiple of
    the minor unit,
    more than int64 of minor units, and, where `positive`, zero and less.
    """

    def refuse(why: str) -> InvalidArgument:
        return InvalidArgument.of(field, why, reason="INVALID_AMOUNT")

    digits = exponent(money.currency_code, f"{field}.currency_code")
    if abs(money.nanos) >= NANOS:
        raise refuse("nanos must lie between -999,999,999 and 999,999,999")
    if money.units and money.nanos and (money.units < 0) != (money.nanos < 0):
        raise refuse("units and nanos must have the same sign")
    unit_nanos = NANOS // 10**digits
    if money.nanos % unit_nanos:
        raise refuse(f"{money.currency_code} has {digits} decimals; there are more than that")
    minor = money.units * 10**digits + money.nanos // unit_nanos
    if abs(minor) > INT64_MAX:
        raise refuse("the amount does not fit 64 bits of minor units")
    if positive and minor <= 0:
        raise refuse("the amount must be more than zero")
    if minor < 0:
        raise refuse("the amount must not be negative")
    return Amount(minor, money.currency_code)


def to_money(amount: Amount) -> Money:
    """The API's form of `amount`."""
    scale = 10 ** exponent(amount.currency)
    whole, rest = divmod(abs(amount.minor), scale)
    sign = -1 if amount.minor < 0 else 1
    return Money(
        currency_code=amount.currency,
        units=sign * whole,
        nanos=sign * rest * (NANOS // scale),
    )


__all__ = ["INT64_MAX", "NANOS", "Amount", "exponent", "from_money", "to_money"]
