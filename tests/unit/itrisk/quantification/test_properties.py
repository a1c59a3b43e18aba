"""What has to hold whatever the numbers are."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.unit.itrisk.quantification.references import E5

from investiture.itrisk.quantification import compound, frequency
from investiture.itrisk.quantification.blocks import Risk
from investiture.itrisk.quantification.compound import Bracket, Point, Portfolio
from investiture.itrisk.quantification.controls import entering
from investiture.itrisk.quantification.estimates import Constant, Estimate, Lognormal90, Pert
from investiture.itrisk.quantification.portfolio import together
from investiture.itrisk.quantification.quantiles import tail
from investiture.itrisk.quantification.scenarios import Control, Question, Scenario, Tolerance
from investiture.itrisk.quantification.severity import NOTHING, Insurance, Severity
from investiture.itrisk.quantification.tipping import Verdict, decide, tipping_point

FEW = settings(max_examples=8, deadline=None)
NOISE = 1e-9
"""What doubles round, twice."""

amounts = st.floats(1.0, 1e7).map(lambda value: round(value, 2))
probabilities = st.floats(0.0, 1.0)


@st.composite
def perts(draw: st.DrawFn, top: float) -> Pert:
    low, width, place = (
        draw(st.floats(0.0, top / 2)),
        draw(st.floats(0.01, 0.5)),
        draw(probabilities),
    )
    return Pert(low, low + place * width * top, low + width * top, draw(st.floats(0.5, 20.0)))


@st.composite
def lognormals(draw: st.DrawFn) -> Lognormal90:
    low = draw(st.floats(1.0, 1e6))
    return Lognormal90(low, low * draw(st.floats(1.1, 1e4)))


estimates: st.SearchStrategy[Estimate] = st.one_of(amounts.map(Constant), perts(1e7), lognormals())
rates = st.one_of(st.floats(1e-9, 200.0).map(Constant), perts(20.0))


@st.composite
def severities(draw: st.DrawFn) -> Severity:
    primary = draw(estimates)
    if draw(st.booleans()):
        return Severity(primary)
    return Severity(primary, draw(probabilities), draw(estimates))


risks_ = st.lists(st.builds(Risk, rates, severities()), min_size=1, max_size=3)


def bracket(risks: list[Risk], loss: float, resolution: int = 256, scale: float = 1.0) -> Bracket:
    return Point(Portfolio(risks).parts, loss, resolution).bracket(scale)


def overlap(one: Bracket, other: Bracket) -> bool:
    return one.lower <= other.upper + NOISE and other.lower <= one.upper + NOISE


@FEW
@given(risks_, amounts)
def test_a_bracket_is_one(risks: list[Risk], loss: float) -> None:
    found = bracket(risks, loss)
    assert 0.0 <= found.lower <= found.upper <= 1.0


@FEW
@given(risks_, amounts, probabilities, probabilities)
def test_a_more_effective_control_never_raises_a_probability(
    risks: list[Risk], loss: float, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    before, after = (bracket(risks, loss, scale=1.0 - e) for e in (less, more))
    assert after.lower <= before.upper + NOISE
    events = sum(frequency.highest(risk.rate) for risk in risks)
    if events < compound.MANY_EVENTS:
        assert after.upper <= before.upper + NOISE
        assert after.lower <= before.lower + NOISE


@FEW
@given(risks_, amounts, probabilities, probabilities)
def test_a_stronger_reduction_of_damage_never_raises_a_probability(
    risks: list[Risk], loss: float, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    before, after = (
        bracket([replace(r, severity=r.severity.reduced(d)) for r in risks], loss)
        for d in (less, more)
    )
    assert after.lower <= before.upper + NOISE


@FEW
@given(risks_, amounts, st.sampled_from([0.001, 0.25, 7.0, 1e5]))
def test_money_in_another_unit_has_the_same_probabilities_and_quantiles(
    risks: list[Risk], loss: float, factor: float
) -> None:
    def scaled(severity: Severity) -> Severity:
        return replace(
            severity,
            primary=severity.primary.scaled(factor),
            secondary=severity.secondary.scaled(factor),
        )

    other = [replace(risk, severity=scaled(risk.severity)) for risk in risks]
    assert overlap(bracket(risks, loss), bracket(other, loss * factor))
    if not any(risk.severity.constants for risk in risks):
        one, two = tail(risks, 0.95), tail(other, 0.95)
        assert abs(two.quantile - factor * one.quantile) <= 2e-3 * factor * one.quantile + 1e-9


@FEW
@given(st.builds(Risk, st.floats(1e-6, 100.0).map(Constant), severities()), amounts)
def test_two_scenarios_at_half_the_rate_are_one(risk: Risk, loss: float) -> None:
    half = [risk.scaled(0.5)] * 2
    one, two = bracket([risk], loss), bracket(half, loss)
    assert abs(one.lower - two.lower) < NOISE
    assert abs(one.upper - two.upper) < NOISE


@FEW
@given(risks_, amounts, st.randoms(use_true_random=False))
def test_the_order_of_scenarios_does_not_matter(
    risks: list[Risk], loss: float, random: Random
) -> None:
    other = list(risks)
    random.shuffle(other)
    one, two = bracket(risks, loss), bracket(other, loss)
    assert abs(one.lower - two.lower) < NOISE
    assert abs(one.upper - two.upper) < NOISE


@FEW
@given(risks_, amounts)
def test_without_events_there_is_no_loss(risks: list[Risk], loss: float) -> None:
    none = [risk.scaled(0.0) for risk in risks]
    assert bracket(none, loss).upper < NOISE
    assert bracket(risks, loss, scale=0.0).upper < NOISE
    assert compound.mean(none) == compound.variance(none) == 0.0
    assert compound.no_loss(none) == 1.0
    assert tail(none, 0.99).quantile == 0.0


@FEW
@given(risks_, amounts)
def test_a_finer_lattice_has_a_bracket_that_agrees_and_is_not_wider(
    risks: list[Risk], loss: float
) -> None:
    coarse, fine = bracket(risks, loss, 256), bracket(risks, loss, 2_048)
    assert overlap(coarse, fine)
    assert fine.width <= coarse.width * 1.1 + NOISE


@FEW
@given(
    st.lists(
        st.builds(Risk, perts(20.0), st.builds(Severity, lognormals())), min_size=1, max_size=3
    ),
    amounts,
)
def test_a_lattice_that_halves_the_steps_lies_within_the_bracket(
    risks: list[Risk], loss: float
) -> None:
    events = sum(frequency.highest(risk.rate) for risk in risks)
    assume(events < compound.MANY_EVENTS)
    coarse, fine = bracket(risks, loss, 256), bracket(risks, loss, 512)
    assert coarse.lower - NOISE <= fine.lower
    assert fine.upper <= coarse.upper + NOISE


@FEW
@given(risks_, amounts, amounts, amounts)
def test_insurance_never_raises_a_probability_or_a_mean(
    risks: list[Risk], loss: float, deductible: float, limit: float
) -> None:
    cover = Insurance(deductible, limit)
    insured = [replace(r, severity=replace(r.severity, insurance=cover)) for r in risks]
    assert bracket(insured, loss).lower <= bracket(risks, loss).upper + NOISE
    assert compound.mean(insured) <= compound.mean(risks) * (1.0 + 1e-6) + NOISE
    assert compound.no_loss(insured) >= compound.no_loss(risks) - 1e-6


@FEW
@given(risks_)
def test_quantiles_and_shortfalls_ascend_and_the_mean_is_never_above_a_shortfall(
    risks: list[Risk],
) -> None:
    found = [tail(risks, p) for p in (0.5, 0.9, 0.99)]
    pairs = list(pairwise(found))
    assert all(one.quantile <= two.quantile * (1 + 1e-3) + 1e-9 for one, two in pairs)
    assert all(
        one.expected_shortfall <= two.expected_shortfall * (1 + 1e-3) + 1e-9 for one, two in pairs
    )
    assert compound.mean(risks) <= found[0].expected_shortfall * (1.0 + 1e-3) + 1e-9
    assert all(one.quantile <= one.expected_shortfall * (1.0 + 1e-9) for one in found)


@FEW
@given(risks_, risks_)
def test_contributions_sum_to_the_expected_shortfall(one: list[Risk], two: list[Risk]) -> None:
    found = together({"one": one, "two": two}, 0.9)
    total = sum(each.tail for each in found.contributions)
    assert abs(total - found.tail.expected_shortfall) <= 1e-9 * found.tail.expected_shortfall
    assert all(each.tail >= 0.0 for each in found.contributions)


@FEW
@given(risks_, amounts, st.floats(1e-4, 0.9))
def test_at_the_tipping_point_the_verdict_is_inside_and_above_it_is_not_much_further(
    risks: list[Risk], loss: float, tolerated: float
) -> None:
    appetite = [Tolerance(loss, tolerated)]
    found = tipping_point(Portfolio(risks), appetite)
    if found.scale is None:
        assert decide(Portfolio(risks), appetite, 100.0) is Verdict.INSIDE
    elif found.scale > 0.0:
        portfolio = Portfolio(risks)
        assert decide(portfolio, appetite, found.scale) is Verdict.INSIDE
        assert decide(portfolio, appetite, found.scale * 1.1) is not Verdict.INSIDE


@FEW
@given(
    st.lists(st.tuples(probabilities, st.floats(0.0, 1e5)), max_size=5),
    st.floats(0.02, 0.5),
)
def test_the_pareto_list_is_what_looking_at_every_set_finds(
    offered: list[tuple[float, float]], tolerated: float
) -> None:
    controls = tuple(
        Control(f"c{i}", effectiveness, cost=cost)
        for i, (effectiveness, cost) in enumerate(offered)
    )
    question = Question(
        (Scenario("x", E5[0].rate, E5[0].severity),), (Tolerance(2.5e5, tolerated),), controls
    )
    found = entering(question)
    tipped = tipping_point(Portfolio(E5), question.appetite).scale or 100.0
    left: dict[tuple[str, ...], float] = {}
    for mask in range(1 << len(controls)):
        chosen = [control for i, control in enumerate(controls) if mask >> i & 1]
        factor = float(np.prod([1.0 - control.frequency_effectiveness for control in chosen]))
        assume(abs(factor / tipped - 1.0) > 1e-2)
        if factor <= tipped:
            left[tuple(c.name for c in chosen)] = sum(c.cost for c in chosen)
    assert bool(found) is bool(left)
    if found:
        assert found[0].cost == min(left.values())
        losses = [one.expected_annual_loss for one in found]
        assert losses == sorted(losses, reverse=True)
        assert all(one.names in left for one in found)


@FEW
@given(severities(), amounts, amounts)
def test_insurance_of_known_amounts_is_exact(severity: Severity, one: float, two: float) -> None:
    severity = replace(severity, primary=Constant(one), secondary=NOTHING, probability=0.0)
    cover = Insurance(two, two)
    left = one - min(max(one - two, 0.0), two)
    insured = replace(severity, insurance=cover)
    assert abs(insured.mean - left) <= 1e-9 * one
    assert abs(insured.second_moment - left**2) <= 1e-9 * one**2
