"""Amounts inside: integer minor units of an ISO 4217 currency; pure, so domains may use it."""

from dataclasses import dataclass

import iso4217

from investiture.chassis.refusal import InvalidArgument


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in minor units of its currency."""

    minor: int
    currency: str

    def __str__(self) -> str:
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, rest = divmod(abs(self.minor), 10**digits)
        fraction = f".{rest:0{digits}d}" if digits else ""
        return f"{sign}{whole:,}{fraction} {self.currency}"


def exponent(currency: str, field: str = "currency_code") -> int:
    """Decimals of a currency's minor unit: USD 2, JPY 0, KWD 3, CLF 4 (ISO 4217 table)."""
    try:
        digits = iso4217.Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise InvalidArgument.of(
            field,
            f"{currency!r} is no ISO 4217 currency with minor units; use a code such as EUR",
            reason="INVALID_AMOUNT",
        )
    return digits
