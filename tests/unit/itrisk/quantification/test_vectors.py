"""The vectors of the design page, each with its source."""

from typing import Any

import numpy as np
import pytest
from tests.unit.itrisk.quantification.references import APPETITE, CONTROLS, E1, E2, E5, LN, X

from investiture.itrisk.quantification import compound, frequency
from investiture.itrisk.quantification.assessment import Assessment, assess
from investiture.itrisk.quantification.blocks import Risk
from investiture.itrisk.quantification.compound import Point, Portfolio
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.estimates import Constant, Lognormal90, Pert
from investiture.itrisk.quantification.quantiles import quantile
from investiture.itrisk.quantification.ratings import Level, Rating, Severity, level_of, nist, owasp
from investiture.itrisk.quantification.tipping import Verdict

RELATIVE, ABSOLUTE = 2e-4, 1e-4
"""Of quantiles, and of probabilities: what the design page asks."""


def exceedance(risks: list[Risk], loss: float) -> float:
    """The middle of a bracket that is narrower than what is asked of a probability."""
    found = Portfolio(risks).exceedance(loss, lambda bracket: bracket.width < ABSOLUTE / 4)
    assert found.width < ABSOLUTE / 2
    return found.middle


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    document: dict[str, Any] = {"scenarios": [X], "appetite": APPETITE, "controls": CONTROLS}
    return assess(question_of(document))


def test_r1_the_annualised_loss_that_riskquants_readme_and_tests_give() -> None:
    assert compound.mean(E1) == pytest.approx(40_400.128269457266, rel=1e-12)


def test_r2_the_mean_of_a_lognormal_that_riskquants_tests_give() -> None:
    assert Lognormal90(635_000, 19_000_000).mean == pytest.approx(5_922_706.83351131, rel=1e-12)


@pytest.mark.parametrize(("tef", "vulnerability", "lef"), [(0.5, 0.5, 0.25), (200, 0.25, 50)])
def test_r3_the_loss_event_frequencies_of_pyfairs_documentation(
    tef: float, vulnerability: float, lef: float
) -> None:
    document = {
        "scenarios": [
            {
                "name": "a",
                "frequency": {"tef": tef, "vulnerability": vulnerability},
                "primary": {"constant": 1},
            }
        ]
    }
    assert question_of(document).scenarios[0].rate == Constant(lef)


def test_r3_the_vulnerability_of_pyfairs_documentation() -> None:
    capabilities, strengths = np.array([0.60, 0.10, 0.30]), np.array([0.50, 0.50, 0.40])
    assert frequency.share_overcome(capabilities, strengths) == pytest.approx(1 / 3)


def test_r4_the_example_of_owasps_risk_rating_methodology() -> None:
    rating = owasp((5, 2, 7, 1, 3, 6, 9, 2), (9, 7, 5, 8), (1, 2, 1, 5))
    assert (rating.likelihood, rating.technical, rating.business) == (4.375, 7.25, 2.25)
    levels = [level_of(score) for score in (rating.likelihood, rating.technical, rating.impact)]
    assert levels == [Rating.MEDIUM, Rating.HIGH, Rating.LOW]
    assert rating.overall is Severity.LOW
    assert owasp((5, 2, 7, 1, 3, 6, 9, 2), (9, 7, 5, 8)).overall is Severity.HIGH


def test_owasps_levels_change_at_three_and_at_six() -> None:
    assert [level_of(score) for score in (0, 2.999, 3, 5.999, 6, 9)] == [
        *(Rating.LOW,) * 2,
        *(Rating.MEDIUM,) * 2,
        *(Rating.HIGH,) * 2,
    ]


def test_nist_sp_800_30_table_i_2() -> None:
    rows = ["".join(str(int(nist(one, other))) for other in Level) for one in Level]
    assert rows == ["00011", "01112", "01223", "01234", "01234"]


def test_e1_a_rare_lognormal() -> None:
    assert compound.no_loss(E1) == pytest.approx(0.904837, abs=1e-6)
    assert quantile(E1, 0.95) == pytest.approx(314_179, rel=RELATIVE)
    assert quantile(E1, 0.99) == pytest.approx(809_772, rel=RELATIVE)
    assert exceedance(E1, 250_000) == pytest.approx(0.061722, abs=ABSOLUTE)
    assert exceedance(E1, 1_000_000) == pytest.approx(0.005739, abs=ABSOLUTE)
    assert compound.variance(E1) ** 0.5 == pytest.approx(163_217, rel=1e-5)


def test_e2_the_same_twice_a_year() -> None:
    wanted = {0.5: 643_397, 0.9: 1_778_547, 0.95: 2_213_821, 0.99: 3_198_733}
    for probability, loss in wanted.items():
        assert quantile(E2, probability) == pytest.approx(loss, rel=RELATIVE)
    assert exceedance(E2, 1_000_000) == pytest.approx(0.316274, abs=ABSOLUTE)
    assert compound.mean(E2) == pytest.approx(808_002.57, abs=0.005)


def test_e5_the_full_tree() -> None:
    assert compound.mean(E5) == pytest.approx(368_142.84, abs=0.005)
    for loss, probability in ((250_000, 0.343651), (1_000_000, 0.103594), (5_000_000, 0.005046)):
        assert exceedance(E5, loss) == pytest.approx(probability, abs=ABSOLUTE)
    assert quantile(E5, 0.95) == pytest.approx(1_684_355, rel=RELATIVE)
    assert quantile(E5, 0.99) == pytest.approx(3_799_244, rel=RELATIVE)


def test_e5b_the_bracket_at_a_step_of_1000() -> None:
    found = Point(Portfolio(E5).parts, 1_000_000, 1_000).bracket()
    assert found.lower == pytest.approx(0.103359, abs=1e-6)
    assert found.upper == pytest.approx(0.103703, abs=1e-6)


def test_e6_where_scenario_x_tips(assessed: Assessment) -> None:
    assert [reading.verdict for reading in assessed.readings] == [
        Verdict.OUTSIDE,
        Verdict.OUTSIDE,
        Verdict.INSIDE,
    ]
    assert assessed.tipping is not None
    needed = assessed.tipping.control_effectiveness
    assert needed == pytest.approx(0.317469, abs=1e-4)
    assert assessed.tipping.binding_loss == 250_000
    at = [risk.scaled(1.0 - needed) for risk in E5]
    for loss, probability in ((250_000, 0.25), (1_000_000, 0.066396), (5_000_000, 0.003144)):
        assert exceedance(at, loss) == pytest.approx(probability, abs=ABSOLUTE)
    assert compound.mean(at) == pytest.approx(251_268.9, rel=1e-4)


def test_e7_the_cheapest_set_that_enters_is_mfa_alone(assessed: Assessment) -> None:
    assert assessed.cheapest is not None
    assert (assessed.cheapest.names, assessed.cheapest.cost) == (("MFA",), 40_000)


def test_e9_vulnerability_of_two_perts() -> None:
    found = frequency.vulnerability(Pert(0.5, 0.75, 0.98, 3.0), Pert(0.5, 0.70, 0.84))
    assert found == pytest.approx(0.673532, abs=1e-6)


def test_the_mean_of_the_severity_that_the_vectors_share() -> None:
    assert LN.mean == pytest.approx(404_001.28269457266, rel=1e-12)
