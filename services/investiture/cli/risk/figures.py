"""How amounts, chances and names are written: the same in tables, pictures and texts."""

from collections.abc import Sequence

_MAGNITUDES = ((1e12, " tn"), (1e9, " bn"), (1e6, " M"), (1e3, " k"))
_LONGEST = 1e15
_MOST_NAMES = 28


def amount(value: float) -> str:
    """An amount to the unit, small ones to three digits: ``1,250,000``."""
    if value != 0.0 and (abs(value) < 100.0 or abs(value) >= _LONGEST):
        return f"{value:,.3g}"
    return f"{value:,.0f}"


def short_amount(value: float) -> str:
    """An amount in three digits and its magnitude: ``1.25 M``."""
    for size, word in _MAGNITUDES:
        if size <= abs(value) < _LONGEST:
            return f"{value / size:.3g}{word}"
    return f"{value:.3g}"


def chance(probability: float) -> str:
    """A probability in four digits, in percent: ``34.37 %``."""
    return f"{100.0 * probability:.4g} %"


def share(part: float) -> str:
    """A share in three digits, in percent: ``68.3 %``."""
    return f"{100.0 * part:.3g} %"


def printable(text: str) -> str:
    """A text from a file without what would move a cursor or break a picture."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def listed(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    """Names of controls in a row; their number where the row would be longer than `most`."""
    row = printable(" + ".join(names))
    return row if len(row) <= most else f"{len(names)} controls" if len(names) > 1 else row[:most]
