"""What a person may write: a right answer within its bracket, or an error that names the field."""

import math
from typing import Any

import pytest
import yaml
from tests.unit.itrisk.quantification.references import APPETITE, CONTROLS, X

from investiture.chassis.refusal import InvalidArgument
from investiture.itrisk.quantification.assessment import assess
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.report import document_of
from investiture.itrisk.quantification.tipping import Verdict

NAN, INFINITE = float("nan"), float("inf")


def scenario(**changes: Any) -> dict[str, Any]:
    return {**X, **changes}


def refused(document: object) -> tuple[str, str]:
    with pytest.raises(InvalidArgument) as refusal:
        question_of(document)
    (violation,) = refusal.value.violations
    return violation.field, violation.description


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"primary": {"pert": [3, 2, 1]}}, "primary.pert"),
        ({"primary": {"pert": [1, 3, 2]}}, "primary.pert"),
        ({"primary": {"pert": [2, 1, 3]}}, "primary.pert"),
        ({"primary": {"pert": [2, 3, 1]}}, "primary.pert"),
        ({"primary": {"pert": [3, 1, 2]}}, "primary.pert"),
        ({"primary": {"pert": [1, 2, 3, 0]}}, "primary.pert"),
        ({"primary": {"pert": [1, 2, 3, -4]}}, "primary.pert"),
        ({"primary": {"pert": [1, 2, 3, NAN]}}, "primary.pert"),
        ({"primary": {"pert": [-1, 2, 3]}}, "primary.pert"),
        ({"primary": {"pert": [1, 2]}}, "primary.pert"),
        ({"primary": {"pert": [1, NAN, 3]}}, "primary.pert"),
        ({"primary": {"pert": [1, 2, INFINITE]}}, "primary.pert"),
        ({"primary": {"lognormal90": [0, 5]}}, "primary.lognormal90"),
        ({"primary": {"lognormal90": [-1, 5]}}, "primary.lognormal90"),
        ({"primary": {"lognormal90": [5, 1]}}, "primary.lognormal90"),
        ({"primary": {"lognormal90": [1e-9, 1e17]}}, "primary.lognormal90"),
        ({"primary": {"constant": -1}}, "primary.constant"),
        ({"primary": {"constant": NAN}}, "primary.constant"),
        ({"primary": {"constant": INFINITE}}, "primary.constant"),
        ({"primary": {"constant": 10**400}}, "primary.constant"),
        ({"primary": {"constant": True}}, "primary.constant"),
        ({"primary": {"constant": "many"}}, "primary.constant"),
        ({"primary": {"uniform": [1, 2]}}, "primary.uniform"),
        ({"primary": 5}, "primary"),
        ({"frequency": {"poisson": -1}}, "frequency.poisson"),
        ({"frequency": {"poisson": INFINITE}}, "frequency.poisson"),
        ({"frequency": {"poisson": 1e7}}, "frequency.poisson"),
        ({"frequency": {"pert": [0, 1, 3000]}}, "frequency.pert"),
        ({"frequency": {"tef": 5}}, "frequency"),
        ({"frequency": {"tef": 5, "vulnerability": 1.5}}, "frequency.vulnerability"),
        (
            {"frequency": {"tef": 5, "vulnerability": {"threat": 2, "resistance": 0.5}}},
            "frequency.vulnerability.threat",
        ),
        ({"secondary": {"probability": 1.1, "loss": {"constant": 1}}}, "secondary.probability"),
        ({"secondary": {"probability": -0.1, "loss": {"constant": 1}}}, "secondary.probability"),
        ({"secondary": {"probability": NAN, "loss": {"constant": 1}}}, "secondary.probability"),
        ({"secondary": {"probability": 0.1}}, "secondary.loss"),
        ({"name": ""}, "name"),
    ],
)
def test_a_scenario_that_cannot_be_meant_is_refused_by_its_field(
    changes: dict[str, Any], field: str
) -> None:
    found, description = refused({"scenarios": [scenario(**changes)]})
    assert found == f"scenarios[0].{field}"
    assert description


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"appetite": [[1, 0.1], [1, 0.05]]}, "appetite[1][0]"),
        ({"appetite": [[2, 0.1], [1, 0.05]]}, "appetite[1][0]"),
        ({"appetite": [[1, 0.1], [2, 0.1]]}, "appetite[1][1]"),
        ({"appetite": [[1, 0.1], [2, 0.2]]}, "appetite[1][1]"),
        ({"appetite": [[0, 0.1]]}, "appetite[0][0]"),
        ({"appetite": [[1, 1.1]]}, "appetite[0][1]"),
        ({"appetite": [[1, 0]]}, "appetite[0][1]"),
        ({"appetite": [[NAN, 0.1]]}, "appetite[0][0]"),
        ({"appetite": [[1]]}, "appetite[0]"),
        (
            {"controls": [{"name": f"c{i}", "severity_reduction": 0.1} for i in range(13)]},
            "controls",
        ),
        (
            {"controls": [{"name": "a", "frequency_effectiveness": 1.2}]},
            "controls[0].frequency_effectiveness",
        ),
        ({"controls": [{"name": "a"}]}, "controls[0]"),
        (
            {"controls": [{"name": "a", "severity_reduction": 0.1, "scenarios": ["b"]}]},
            "controls[0].scenarios[0]",
        ),
        (
            {"controls": [{"name": "a", "severity_reduction": 0.1, "scenarios": [["b"]]}]},
            "controls[0].scenarios[0]",
        ),
        ({"controls": [CONTROLS[0], CONTROLS[0]]}, "controls[1].name"),
        ({"insurance": {"deductible": 5}}, "insurance.limit"),
        ({"insurance": {"limit": -5}}, "insurance.limit"),
        ({"exposure": 1.5}, "exposure"),
        ({"exposure": NAN}, "exposure"),
        ({"scenarios": []}, "scenarios"),
        ({"scenarios": [X, X]}, "scenarios[1].name"),
        ({"scenarios": [scenario(name=f"s{i}") for i in range(61)]}, "scenarios"),
        ({"value": {"benefits": [1], "discount_rate": -1}}, "value.discount_rate"),
        ({"appetit": []}, "file.appetit"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_by_its_field(
    changes: dict[str, Any], field: str
) -> None:
    assert refused({"scenarios": [X], "appetite": APPETITE, **changes})[0] == field


@pytest.mark.parametrize("document", [None, [], "text", 5, {"scenarios": {}}, {"scenarios": [5]}])
def test_what_is_no_scenario_file_is_refused(document: object) -> None:
    assert refused(document)[0]


def test_a_power_of_ten_without_a_dot_is_the_number_that_it_looks_like() -> None:
    """YAML 1.1 reads 1e5 as text."""
    text = "scenarios: [{name: a, frequency: {poisson: 1e-2}, primary: {lognormal90: [1e5, 1E+6]}}]"
    document = yaml.safe_load(text)
    assert document["scenarios"][0]["frequency"]["poisson"] == "1e-2"
    question = question_of(document)
    assert question.scenarios[0].rate.mean == 0.01
    assert question.scenarios[0].severity.primary.second_moment > 1e10


EXTREME = {
    "one event in a billion years": scenario(frequency={"poisson": 1e-9}),
    "never": scenario(frequency={"poisson": 0}),
    "a hundred thousand a year": scenario(frequency={"poisson": 1e5}),
    "a million a year": scenario(frequency={"poisson": 1e6}, secondary=None),
    "a wide range": scenario(frequency={"pert": [0, 10, 400]}),
    "twelve orders of magnitude": scenario(primary={"lognormal90": [1e-3, 1e9]}),
    "a pert from nothing to a trillion": scenario(primary={"pert": [0, 1, 1e12]}),
    "costs nothing": scenario(primary={"constant": 0}, secondary=None),
    "one number but for a cent": scenario(primary={"pert": [249_999.99, 250_000, 250_000.01]}),
    "a sharp lognormal": scenario(primary={"lognormal90": [249_999.99, 250_000.01]}),
    "an odd constant": scenario(primary={"constant": 1234.567891}, secondary=None),
    "a pert that is nearly sure of its mode": scenario(primary={"pert": [0, 1e5, 1e6, 1000]}),
    "always a secondary loss": scenario(secondary={"probability": 1, "loss": {"constant": 1e5}}),
}


@pytest.mark.parametrize("one", EXTREME.values(), ids=EXTREME.keys())
@pytest.mark.parametrize(
    "more",
    [{}, {"insurance": {"deductible": 1e5, "limit": 1e9}, "exposure": 0.1}],
    ids=["plain", "insured"],
)
def test_what_is_accepted_is_answered_with_brackets_and_finite_numbers(
    one: dict[str, Any], more: dict[str, Any]
) -> None:
    found = assess(
        question_of({"scenarios": [one], "appetite": APPETITE, "controls": CONTROLS, **more})
    )
    document = document_of(found)
    assert all(0.0 <= each.found.lower <= each.found.upper <= 1.0 for each in found.exceedance)
    numbers = [found.mean, found.standard_deviation, found.no_loss, found.shortfall]
    numbers += [loss for _, loss in found.quantiles]
    assert all(math.isfinite(number) and number >= 0.0 for number in numbers)
    assert [loss for _, loss in found.quantiles] == sorted(loss for _, loss in found.quantiles)
    assert found.verdict in set(Verdict)
    assert document["sentence"]


def test_no_exposure_is_no_loss() -> None:
    found = assess(question_of({"scenarios": [X], "appetite": APPETITE, "exposure": 0}))
    assert (found.mean, found.no_loss, found.verdict) == (0.0, 1.0, Verdict.INSIDE)
