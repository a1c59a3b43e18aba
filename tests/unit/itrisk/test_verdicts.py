"""Which verdict a yes is, and when a no is allowed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.facts import NOW, open_case, revision

from investiture.casework.approvals import Level, open_level
from investiture.casework.facts import Authority, Condition, Gap
from investiture.casework.words import CaseState, Gate, Side, Verdict
from investiture.chassis.refusal import InvalidArgument, PreconditionFailed
from investiture.itrisk import domain

CONDITION = Condition("", "rota is staffed", "people/bea", Gate.PILOT, NOW + timedelta(days=9))
ONE_LEVEL = (Level(1, "it-reviewer", "units/it", 1, ("people/ines", "people/ralf")),)


def authority(person: str = "people/ines", on_behalf_of: str = "") -> Authority:
    return Authority(
        person=person,
        on_behalf_of=on_behalf_of,
        active=True,
        side=Side.IT,
        unit="units/it",
        grade="director",
        limit_minor=None,
        limit_currency="",
        unlimited=True,
        resolved_at=NOW,
    )


@pytest.mark.parametrize(
    ("limit_bps", "conditions", "verdict"),
    [
        (5_000, (), Verdict.KNIGHTED),
        (5_000, (CONDITION,), Verdict.KNIGHTED_WITH_CONDITIONS),
        (4_999, (), Verdict.KNIGHTED_FOR_EXPOSURE),
        (4_999, (CONDITION,), Verdict.KNIGHTED_FOR_EXPOSURE),
    ],
)
def test_a_yes_is_named_by_what_limits_it(
    limit_bps: int, conditions: tuple[Condition, ...], verdict: Verdict
) -> None:
    assert domain.verdict_of(5_000, limit_bps, conditions) is verdict


def test_a_second_level_keeps_the_conditions_and_the_narrower_limit_of_the_first() -> None:
    levels = (*ONE_LEVEL, Level(2, "security-reviewer", "units/it-security", 1, ("people/kai",)))
    case = open_case(revision(), Gate.KNIGHT)
    day = timedelta(days=1)
    narrow = domain.Knighting((CONDITION,), 2_000, "")
    first = domain.knight(case, levels, narrow, authority(), NOW, day)
    assert first.state is CaseState.OPEN
    assert [h.person for h in first.holders] == ["people/kai"]
    wide = domain.Knighting((CONDITION,), 0, "fine")
    second = domain.knight(first, levels, wide, authority("people/kai"), NOW, day)
    assert second.verdict is Verdict.KNIGHTED_FOR_EXPOSURE
    assert second.exposure_limit_bps == 2_000
    assert [c.id for c in second.conditions] == ["c1", "c2"]
    assert second.standing_until == NOW + day


def test_one_reviewer_is_one_voice_on_both_levels() -> None:
    levels = (*ONE_LEVEL, Level(2, "security-reviewer", "", 1, ("people/ines",)))
    yes = domain.Knighting((), 0, "")
    case = open_case(revision(), Gate.KNIGHT)
    first = domain.knight(case, levels, yes, authority(), NOW, timedelta(1))
    with pytest.raises(PreconditionFailed, match="one person is one voice"):
        domain.knight(first, levels, yes, authority("people/del", "people/ines"), NOW, timedelta(1))


@pytest.mark.parametrize(
    ("rounds", "no_exposure_fits", "allowed"),
    [(0, False, False), (1, False, False), (2, False, True), (0, True, True)],
)
def test_a_decline_needs_two_rounds_or_an_empty_window(
    rounds: int, no_exposure_fits: bool, allowed: bool
) -> None:
    if allowed:
        domain.check_decline(rounds, 2, no_exposure_fits=no_exposure_fits)
    else:
        with pytest.raises(PreconditionFailed) as refused:
            domain.check_decline(rounds, 2, no_exposure_fits=no_exposure_fits)
        assert refused.value.reason == "VERDICT_NOT_ALLOWED"


@pytest.mark.parametrize("name", ["risk", "tolerance", "excess", "remedy"])
def test_a_gap_without_one_of_its_words_is_a_bare_no(name: str) -> None:
    gap = Gap("abuse", "none", "all", "moderate")
    blank: dict[str, Any] = {name: " "}
    domain.check_gaps([gap])
    with pytest.raises(InvalidArgument) as refused:
        domain.check_gaps([replace(gap, **blank)])
    assert [v.field for v in refused.value.violations] == [f"gaps[0].{name}"]


def test_a_condition_says_what_who_when_and_which_gate() -> None:
    domain.check_conditions([CONDITION], NOW)
    bare = Condition("", "", "bea", Gate.KNIGHT, NOW)
    with pytest.raises(InvalidArgument) as refused:
        domain.check_conditions([CONDITION, bare], NOW)
    fields = [v.field.rpartition(".")[2] for v in refused.value.violations]
    assert fields == ["text", "owner", "due_at", "blocks"]


@given(st.lists(st.integers(min_value=1, max_value=4), max_size=5), st.integers(0, 25))
def test_levels_are_passed_in_order_and_only_when_each_has_its_number(
    needed: list[int], given_: int
) -> None:
    levels = [Level(i, "r", "", n, ()) for i, n in enumerate(needed, start=1)]
    at = open_level(levels, given_)
    before = 0
    for level in levels:
        if given_ < before + level.needed:
            assert at is level
            return
        before += level.needed
    assert at is None
