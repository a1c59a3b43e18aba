"""Money as people write it in files, ``48_000.00 EUR``, and as the API takes it."""

import re
from decimal import Decimal
from functools import lru_cache

from google.type.money_pb2 import Money

_WRITTEN = re.compile(r"(?P<amount>-?[0-9][0-9_]*(\.[0-9]+)?) (?P<currency>[A-Z]{3})")
_NANOS = 1_000_000_000


class AmountUnreadable(ValueError):
    """A text is no amount; the message says how one is written."""


def parse(text: str) -> Money:
    """Return the amount a text says.

    Raises:
        AmountUnreadable: it is not `<digits>[.<digits>] <ISO 4217 code>`, or has more decimals
            than its currency.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise AmountUnreadable("write an amount as 48_000 EUR or 48_000.50 EUR")
    currency = match["currency"]
    digits = decimals(currency)
    value = Decimal(match["amount"].replace("_", ""))
    if value != round(value, digits):
        raise AmountUnreadable(f"there are more decimals than the {digits} of {currency}")
    units = int(value)
    if abs(units) >= 2**63:
        raise AmountUnreadable("the amount is too large")
    return Money(currency_code=currency, units=units, nanos=int((value - units) * _NANOS))


def minor(money: Money) -> int:
    """Return the minor units of an amount that the API answered."""
    scale: int = 10 ** decimals(money.currency_code)
    return money.units * scale + money.nanos * scale // _NANOS


def shown(money: Money) -> str:
    """Return an amount as people read it: ``48,000.00 EUR``; a dash where there is none."""
    if not money.currency_code:
        return "–"
    digits = decimals(money.currency_code)
    value = money.units + Decimal(money.nanos) / _NANOS
    return f"{value:,.{digits}f} {money.currency_code}"


@lru_cache
def decimals(currency: str) -> int:
    """Return how many decimals a currency has: EUR 2, JPY 0, KWD 3 (the ISO 4217 table).

    Raises:
        AmountUnreadable: it is no currency with minor units.
    """
    import iso4217  # only here: reading its table takes longer than most commands do

    try:
        digits: int | None = iso4217.Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise AmountUnreadable(
            f"no ISO 4217 currency is called {currency}; write a code such as EUR"
        )
    return digits
