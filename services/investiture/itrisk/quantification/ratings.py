"""Triage at the door: how deep IT looks. Never the verdict where there are numbers.

The OWASP risk rating methodology (owasp.org/www-community/OWASP_Risk_Rating_Methodology) and the
matrix of five levels by five of NIST SP 800-30 revision 1, table I-2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import cast

from investiture.chassis.refusal import InvalidArgument

FACTORS = 8
"""Of a likelihood: four of the threat agent, four of the vulnerability."""
IMPACTS = 4
"""Of an impact, technical or on the business."""
OWASP_PARTS = ("likelihood", "technical_impact", "business_impact")
NIST_PARTS = ("likelihood", "impact")


class Rating(StrEnum):
    """OWASP's levels of a score from 0 to 9: low below 3, medium below 6, high from 6 on."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Severity(StrEnum):
    """OWASP's overall severity of a risk."""

    NOTE = "NOTE"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


_SEVERITY = {
    Rating.LOW: (Severity.NOTE, Severity.LOW, Severity.MEDIUM),
    Rating.MEDIUM: (Severity.LOW, Severity.MEDIUM, Severity.HIGH),
    Rating.HIGH: (Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL),
}
"""By impact, then by likelihood."""


@dataclass(frozen=True, slots=True)
class Owasp:
    """A rating: the scores are means of factors from 0 to 9.

    `business` is None where nobody knows the impact on the business; where it is known, it counts
    in place of the technical one.
    """

    likelihood: float
    technical: float
    business: float | None

    @property
    def impact(self) -> float:
        """The score that counts."""
        return self.technical if self.business is None else self.business

    @property
    def overall(self) -> Severity:
        """By the levels of likelihood and impact."""
        return _SEVERITY[level_of(self.impact)][list(Rating).index(level_of(self.likelihood))]


def level_of(score: float) -> Rating:
    """The level of a score from 0 to 9."""
    return Rating.LOW if score < 3.0 else Rating.MEDIUM if score < 6.0 else Rating.HIGH


def owasp(
    likelihood: Sequence[float], technical: Sequence[float], business: Sequence[float] = ()
) -> Owasp:
    """The rating of eight likelihood factors and four of each impact, all from 0 to 9.

    Raises InvalidArgument where a factor is missing or outside its range.
    """
    return Owasp(
        _mean(likelihood, FACTORS, "likelihood"),
        _mean(technical, IMPACTS, "technical_impact"),
        _mean(business, IMPACTS, "business_impact") if business else None,
    )


def _mean(factors: Sequence[float], count: int, field: str) -> float:
    if len(factors) != count:
        raise InvalidArgument.of(field, f"{count} factors, not {len(factors)}")
    for index, factor in enumerate(factors):
        if not 0.0 <= factor <= 9.0:
            raise InvalidArgument.of(f"{field}[{index}]", f"a factor is 0 to 9, not {factor:g}")
    return sum(factors) / count


class Level(IntEnum):
    """NIST's five levels of likelihood, impact and risk."""

    VERY_LOW = 0
    LOW = 1
    MODERATE = 2
    HIGH = 3
    VERY_HIGH = 4


_NIST = ("00011", "01112", "01223", "01234", "01234")
"""Table I-2: a row for each likelihood and a column for each impact, both from very low up."""


def nist(likelihood: Level, impact: Level) -> Level:
    """The level of risk."""
    return Level(int(_NIST[likelihood][impact]))


def rated(document: object, at: str = "rating") -> str:
    """The level that a rating comes to: OWASP's severity or NIST's level of risk, by its name.

    `{owasp: {likelihood: [8 factors], technical_impact: [4], business_impact: [4]}}` or
    `{nist: {likelihood: HIGH, impact: LOW}}`. Raises InvalidArgument with the field.
    """
    if not isinstance(document, Mapping) or len(cast("Mapping[str, object]", document)) != 1:
        raise InvalidArgument.of(at, "give one of owasp, nist")
    ((method, said),) = cast("Mapping[str, object]", document).items()
    parts = _named(said, f"{at}.{method}")
    if method == "owasp":
        factors = [_factors(parts.get(name, ()), f"{at}.owasp.{name}") for name in OWASP_PARTS]
        return owasp(*factors).overall.value
    if method == "nist":
        return nist(*(_level(parts.get(name), f"{at}.nist.{name}") for name in NIST_PARTS)).name
    raise InvalidArgument.of(at, f"{method} is not known here; known: owasp, nist")


def _named(said: object, at: str) -> Mapping[str, object]:
    known = OWASP_PARTS if at.endswith("owasp") else NIST_PARTS
    if not isinstance(said, Mapping):
        raise InvalidArgument.of(at, f"is to be a mapping with {', '.join(known)}")
    parts = cast("Mapping[str, object]", said)
    for name in parts:
        if name not in known:
            raise InvalidArgument.of(
                f"{at}.{name}", f"is not known here; known: {', '.join(known)}"
            )
    return parts


def _factors(said: object, at: str) -> list[float]:
    if not isinstance(said, Sequence) or isinstance(said, str):
        raise InvalidArgument.of(at, "is to be a list of factors from 0 to 9")
    factors = list(cast("Sequence[object]", said))
    for index, one in enumerate(factors):
        if isinstance(one, bool) or not isinstance(one, int | float):
            raise InvalidArgument.of(f"{at}[{index}]", f"is to be a number, not {one!r}")
    return [float(one) for one in factors if isinstance(one, int | float)]


def _level(said: object, at: str) -> Level:
    try:
        return Level[str(said)]
    except KeyError:
        raise InvalidArgument.of(at, f"one of {', '.join(Level.__members__)}") from None
