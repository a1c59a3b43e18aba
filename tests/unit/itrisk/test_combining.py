"""What several people said: median, spread, and where it goes in a scenario."""

import pytest

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk import combining

SCENARIO = {
    "name": "x",
    "frequency": {"tef": {"constant": 4.0}, "vulnerability": 0.5},
    "primary": {"constant": 1.0},
    "secondary": {"probability": 0.1, "loss": {"lognormal90": [1.0, 2.0]}},
}


def test_the_median_keeps_the_form_and_the_spread_is_number_by_number() -> None:
    said: list[dict[str, list[float]]] = [
        {"pert": [1.0, 2.0, 9.0, 4.0]},
        {"pert": [2.0, 3.0, 4.0, 4.0]},
        {"pert": [0, 5, 6, 4]},
    ]
    assert combining.combined_of(said, "x") == {"pert": [1.0, 3.0, 6.0, 4.0]}
    assert combining.spread_of(said)[2] == combining.Spread("max", 4.0, 6.0, 9.0)
    assert combining.combined_of([{"constant": 1.0}, {"constant": 2.0}], "x") == {"constant": 1.5}
    ends = combining.combined_of([{"lognormal90": [1.0, 4.0]}, {"lognormal90": [3.0, 8.0]}], "x")
    assert ends == {"lognormal90": [2.0, 6.0]}
    assert combining.spread_of([{"constant": 1.0}, {"lognormal90": [1.0, 4.0]}]) == ()


@pytest.mark.parametrize(
    ("part", "estimate", "path", "expected"),
    [
        ("frequency", {"constant": 3.0}, ("frequency", "tef"), {"constant": 3.0}),
        ("primary", {"pert": [1, 2, 3, 4]}, ("primary", "pert"), [1, 2, 3, 4]),
        ("secondary.probability", {"constant": 0.4}, ("secondary", "probability"), 0.4),
        ("secondary.loss", {"constant": 7.0}, ("secondary", "loss"), {"constant": 7.0}),
    ],
)
def test_an_estimate_goes_to_its_part_and_leaves_the_others(
    part: str, estimate: dict[str, object], path: tuple[str, str], expected: object
) -> None:
    changed = combining.with_part(SCENARIO, part, estimate)
    assert changed[path[0]][path[1]] == expected
    untouched = {"name", "frequency", "primary", "secondary"} - {path[0]}
    assert all(changed[name] == SCENARIO[name] for name in untouched)


def test_a_constant_frequency_without_a_vulnerability_is_a_rate() -> None:
    plain = {**SCENARIO, "frequency": {"pert": [1, 2, 3, 4]}}
    assert combining.with_part(plain, "frequency", {"constant": 3.0})["frequency"] == {
        "poisson": 3.0
    }


@pytest.mark.parametrize(
    ("part", "estimate"),
    [
        ("frequency", {"lognormal90": [1.0, 2.0]}),
        ("secondary.probability", {"constant": 1.5}),
        ("secondary.probability", {"pert": [0.1, 0.2, 0.3]}),
        ("primary", {"pert": [3, 2, 1]}),
        ("primary", {"lognormal90": [0.0, 1.0]}),
    ],
)
def test_what_cannot_be_a_part_is_refused(part: str, estimate: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        combining.read(part, estimate, "here")
