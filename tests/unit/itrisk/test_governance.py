"""Who has to accept how much, what counts as smaller, and when a duty fails."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.services import CHARTER

from investiture.charter.load import load_text
from investiture.chassis.refusal import Denied, InvalidArgument, PreconditionFailed
from investiture.itrisk import acceptances, duties
from investiture.itrisk.acceptances import Acceptance, ReReview, Voice
from investiture.itrisk.assessing import require_empty_window
from investiture.itrisk.calibration import Forecast, score, score_of_all
from investiture.itrisk.comparing import why_worse
from investiture.itrisk.duties import Duty, DutyKind, DutyState
from investiture.itrisk.evidence import lowered

NOW = datetime(2027, 1, 4, 15, 0, tzinfo=UTC)


def answer(*points: tuple[float, float, float], shortfall: float = 0.0, **more: Any) -> Any:
    """An answer of points (loss, chance, tolerance)."""
    outside = any(chance > tolerance for _, chance, tolerance in points)
    return {
        "exceedance": [{"loss": loss, "lower": p, "upper": p} for loss, p, _ in points],
        "slack": [{"loss": loss, "tolerance": t, "slack": t - p} for loss, p, t in points],
        "expected_shortfall": {"0.95": shortfall},
        "verdict": "OUTSIDE" if outside else "INSIDE",
        "sentence": "…",
        **more,
    }


def test_authority_is_read_for_the_shortfall_or_the_largest_loss_that_exceeds() -> None:
    """A catastrophe at 0.04 a year: its VaR95 is 0, and 5 M is what somebody answers for."""
    rare = answer((250_000, 0.04, 0.25), (5_000_000, 0.04, 0.01), shortfall=4_000_000.004)
    assert acceptances.at_stake(rare) == 5_000_000
    often = answer((250_000, 0.30, 0.25), (5_000_000, 0.001, 0.01), shortfall=1_000_000.001)
    assert acceptances.at_stake_minor(often, "EUR") == 1_000_000_01
    assert acceptances.at_stake_minor(often, "JPY") == 1_000_001


def test_an_acceptance_covers_its_own_appetite_only() -> None:
    voice = Voice("people/finn", "", 1, "controller", NOW, "worth it")
    seen = answer((250_000, 0.3, 0.25))
    made = Acceptance(
        "programs/p", 1, "d", 1, 1, 100, "EUR", NOW + timedelta(days=9), seen, (voice,), NOW
    )
    same = answer((250_000, 0.3, 0.25))
    assert not acceptances.why_not_covered(made, "other", same, NOW)
    worse = answer((250_000, 0.31, 0.25))
    assert "rose from 30.00%" in acceptances.why_not_covered(made, "other", worse, NOW)
    stricter = answer((250_000, 0.3, 0.12))
    assert "appetite" in acceptances.why_not_covered(made, "other", stricter, NOW)
    assert "ended" in acceptances.why_not_covered(made, "d", seen, made.until)
    assert made.review_at == NOW + timedelta(days=4, hours=12), "half way of a short one"


def _until(number: int, days: int) -> Acceptance:
    """One of NOW that ends in so many days."""
    voice = Voice("people/finn", "", 1, "controller", NOW, "worth it")
    until = NOW + timedelta(days=days)
    return Acceptance("programs/p", number, "d", 1, 1, 100, "EUR", until, {}, (voice,), NOW)


FIRST, SECOND = _until(1, 60), _until(2, 90)


@pytest.mark.parametrize(
    ("resting", "inside", "asked", "days", "act"),
    [
        (FIRST, False, False, 29, ReReview.LATER),
        (FIRST, False, False, 30, ReReview.ASK),
        (FIRST, False, True, 30, ReReview.GO_ON),
        (None, False, True, 30, ReReview.GO_ON),  # in a grace
        (None, False, False, 30, ReReview.OVER),
        (None, True, True, 30, ReReview.OVER),
        (SECOND, False, True, 30, ReReview.OVER),
        (SECOND, False, False, 30, ReReview.OVER),
    ],
)
def test_a_re_review_is_asked_for_near_the_end_and_goes_on_until_nothing_rests_on_it(
    resting: Acceptance | None, inside: bool, asked: bool, days: int, act: ReReview
) -> None:
    now = NOW + timedelta(days=days)
    assert acceptances.re_review(FIRST, resting, now, inside=inside, asked=asked) is act


def test_a_risk_that_only_a_stricter_appetite_does_not_hold_is_no_worse() -> None:
    before, after = answer((250_000, 0.2, 0.25)), answer((250_000, 0.2, 0.12))
    assert not why_worse(before, after)
    assert why_worse(before, answer((250_000, 0.26, 0.25)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ()),
        ({"frequency": {"poisson": 0.5}}, ("leak: events a year from 1 to 0.5",)),
        ({"frequency": {"poisson": 2.0}}, ()),
        ({"primary": {"constant": 9.0}}, ("leak: mean loss of an event from 10 to 9",)),
        ({"name": "other"}, ("leak is left out",)),
    ],
)
def test_what_is_lower_is_named(changed: Any, said: tuple[str, ...]) -> None:
    scenario = {"name": "leak", "frequency": {"poisson": 1.0}, "primary": {"constant": 10.0}}
    assert lowered({"scenarios": [scenario]}, {"scenarios": [{**scenario, **changed}]}) == said


def test_an_exception_fails_from_its_end_on() -> None:
    until = NOW + timedelta(days=1)
    kind, state = DutyKind.LEGAL, DutyState.EXCEPTION
    one = Duty("programs/p", 1, kind, "units/legal", state, "asked", until, "people/lena", NOW)
    duties.require_kept([one], NOW)
    with pytest.raises(PreconditionFailed, match="its exception ended on 2027-01-05"):
        duties.require_kept([one], until)


def test_a_duty_belongs_to_the_unit_in_whose_scope_it_is() -> None:
    charter = load_text(CHARTER.read_text(), "the default charter")
    for kind in DutyKind:
        duties.require_owner(charter, kind, "units/legal", "people/luis")
    duties.require_owner(charter, DutyKind.PRIVACY, "units/support", "people/sara")
    with pytest.raises(InvalidArgument):
        duties.require_owner(charter, DutyKind.CONTRACT, "units/support", "people/sara")
    with pytest.raises(Denied):
        duties.require_owner(charter, DutyKind.PRIVACY, "units/support", "people/lena")


def test_that_no_exposure_fits_is_said_only_where_the_numbers_show_none() -> None:
    point = (250_000.0, 0.3, 0.25)
    require_empty_window(answer(point, tipping={"exposure": 0.00009}, control_sets=[]))
    for tipping, sets in (({"exposure": 0.2}, []), ({"exposure": 0.0}, [{"controls": ["MFA"]}])):
        with pytest.raises(PreconditionFailed) as refused:
            require_empty_window(answer(point, tipping=tipping, control_sets=sets))
        assert refused.value.reason == "VERDICT_NOT_ALLOWED"


def test_the_score_of_all_is_that_of_three_people_at_least() -> None:
    """Brier 1950: one half always gives 0.25, and who is sure and right 0."""

    def said(person: str, stated: float, happened: bool | None) -> Forecast:
        return Forecast(f"c/{person}", person, "p", 100, "EUR", stated, NOW, happened)

    known = [said("people/a", 0.5, True), said("people/b", 1.0, True), said("people/c", 0.1, None)]
    assert score(known).brier == pytest.approx(0.125)
    assert score_of_all(known) is None
    third = [*known, said("people/d", 0.0, False)]
    every = score_of_all(third)
    assert every is not None
    assert every.settled == 3
    assert every.brier == pytest.approx(0.25 / 3)
    assert every.stated == 0.5
    assert every.happened == pytest.approx(2 / 3)
