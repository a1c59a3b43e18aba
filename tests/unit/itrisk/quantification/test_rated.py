"""A rating in a scenario file: what it comes to, and each way to get it wrong."""

from typing import Any

import pytest

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk.quantification.ratings import rated

LIKELIHOOD = [5, 2, 7, 1, 3, 6, 9, 2]


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"owasp": {"likelihood": LIKELIHOOD, "technical_impact": [9, 7, 5, 8]}}, "HIGH"),
        (
            {
                "owasp": {
                    "likelihood": LIKELIHOOD,
                    "technical_impact": [9, 7, 5, 8],
                    "business_impact": [1, 2, 1, 5],
                }
            },
            "LOW",
        ),
        ({"nist": {"likelihood": "VERY_HIGH", "impact": "MODERATE"}}, "MODERATE"),
        ({"nist": {"likelihood": "LOW", "impact": "VERY_HIGH"}}, "MODERATE"),
    ],
)
def test_a_rating_comes_to_a_level(said: dict[str, Any], level: str) -> None:
    assert rated(said) == level


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "rating"),
        ({"cvss": {}}, "rating"),
        ({"owasp": [1]}, "rating.owasp"),
        ({"owasp": {"skill": 3}}, "rating.owasp.skill"),
        ({"owasp": {"likelihood": [1], "technical_impact": [1] * 4}}, "likelihood"),
        (
            {"owasp": {"likelihood": ["x"] * 8, "technical_impact": [1] * 4}},
            "rating.owasp.likelihood[0]",
        ),
        ({"owasp": {"likelihood": [1] * 8, "technical_impact": [10] * 4}}, "technical_impact[0]"),
        ({"nist": {"likelihood": "EXTREME", "impact": "LOW"}}, "rating.nist.likelihood"),
        ({"nist": {"likelihood": "LOW"}}, "rating.nist.impact"),
    ],
)
def test_a_wrong_rating_is_told_by_its_field(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rated(said)
    assert [one.field for one in refused.value.violations] == [field]
