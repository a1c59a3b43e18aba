"""Who signs at Seattle Pacific University when somebody of the table asks: never who asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.charter.seattle_pacific import (
    BOARD,
    BOARD_MAJORITY,
    PEOPLE,
    PRESIDENT,
    SEATTLE_PACIFIC,
)
from tests.unit.charter.small import small

from investiture.casework.approvals import Level, candidates, levels_of, open_level
from investiture.charter.authority import tier_approvals, tier_for

SEATTLE = small().model_copy(update={"funding_tiers": SEATTLE_PACIFIC})
EVERYBODY = [*(person for people in PEOPLE.values() for person in people), PRESIDENT, *BOARD]


def levels(category: str, dollars: int, requester: str) -> tuple[Level, ...]:
    tier = tier_for(SEATTLE, category, dollars * 100)
    pairs = [(one, candidates(SEATTLE, one)) for one in tier_approvals(tier)]
    return levels_of(pairs, frozenset({requester}), SEATTLE.countersigner)


@given(
    category=st.sampled_from(["operating", "capital"]),
    dollars=st.integers(0, 10**9),
    requester=st.sampled_from(EVERYBODY),
)
def test_the_requester_is_never_an_approver(category: str, dollars: int, requester: str) -> None:
    for level in levels(category, dollars, requester):
        assert requester not in level.eligible


def test_a_vice_presidents_own_purchase_is_signed_by_another() -> None:
    (level,) = levels("operating", 60_000, "people/vice-president-1")
    assert (level.eligible, level.attainable) == (("people/vice-president-2",), True)


def test_what_the_president_asks_for_alone_nobody_of_the_level_can_sign() -> None:
    (level,) = levels("operating", 200_000, PRESIDENT)
    assert not level.attainable, "an escalation or governance finds somebody; never the president"


@pytest.mark.parametrize("given_", range(BOARD_MAJORITY + 2))
def test_the_board_votes_by_number_before_the_president_signs(given_: int) -> None:
    asked = levels("capital", 250_001, "people/level-4-1")
    present = open_level(asked, given_)
    expected = "board" if given_ < BOARD_MAJORITY else "president"
    if given_ > BOARD_MAJORITY:
        assert present is None
    else:
        assert present is not None
        assert present.role == expected
