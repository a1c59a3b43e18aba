"""The delegation-of-authority table, reviewers, and the depth of a review."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.charter.seattle_pacific import (
    BOARD_MAJORITY,
    LIMITS,
    SEATTLE_PACIFIC,
    SIGNERS,
)
from tests.unit.charter.small import ROOT, small

from investiture.charter.authority import (
    NoTier,
    candidates,
    review_approvals,
    tier_approvals,
    tier_for,
)
from investiture.charter.load import load
from investiture.charter.policy import Approval, FundingTier
from investiture.charter.triage import Facts, review_depth
from investiture.charter.vocabulary import Depth, Purpose

CHARTER = small()
HALDEN = load(ROOT / "deploy" / "charters" / "default.yaml")

SEATTLE = CHARTER.model_copy(update={"funding_tiers": SEATTLE_PACIFIC})


@pytest.mark.parametrize(
    ("category", "limit", "signs", "beyond"),
    [
        *(
            (category, limit, role, following)
            for category in ("operating", "capital")
            for limit, role, following in zip(
                LIMITS, SIGNERS, (*SIGNERS[1:], "president"), strict=True
            )
        ),
        ("capital", 250_000, "president", "board"),
    ],
)
def test_a_position_signs_up_to_its_limit_and_the_next_from_one_minor_unit_above(
    category: str, limit: int, signs: str, beyond: str
) -> None:
    """Seattle Pacific University, thresholds from 2023-07-17 (domain.md, "Budget")."""
    below = tier_for(SEATTLE, category, limit * 100 - 1)
    on = tier_for(SEATTLE, category, limit * 100)
    above = tier_for(SEATTLE, category, limit * 100 + 1)
    assert below is on
    assert [one.role for one in on.approvals] == [signs]
    assert tier_approvals(above)[0].role == beyond
    assert on.to_minor == above.from_minor == limit * 100 + 1


def test_the_president_signs_any_operating_total_and_capital_after_the_board() -> None:
    operating = tier_for(SEATTLE, "operating", 2**62)
    assert [one.role for one in operating.approvals] == ["president"]
    capital = tier_for(SEATTLE, "capital", 2**62)
    assert [(one.level, one.role, one.needed) for one in tier_approvals(capital)] == [
        (1, "board", BOARD_MAJORITY),
        (2, "president", 1),
    ]


@pytest.mark.parametrize("category", ["operating", "capital"])
@given(total=st.integers(0, 2**63 - 1))
def test_every_total_of_the_table_has_exactly_one_row(category: str, total: int) -> None:
    found = [one for one in SEATTLE_PACIFIC if one.category == category and one.contains(total)]
    assert found == [tier_for(SEATTLE, category, total)]


@given(st.sampled_from(HALDEN.categories), st.integers(0, 2**63 - 1))
def test_every_total_has_exactly_one_tier(category: str, total: int) -> None:
    found = [t for t in HALDEN.funding_tiers if t.category == category and t.contains(total)]
    assert found == [tier_for(HALDEN, category, total)]


def test_a_novel_spend_goes_up_whatever_it_costs() -> None:
    """domain.md, "Budget": novel or contentious goes up regardless of amount."""
    plain = tier_for(HALDEN, "opex", 500_00)
    novel = tier_for(HALDEN, "opex", 500_00, ["novel"])
    assert plain.from_minor == 0
    assert novel.from_minor == 50_000_00
    assert tier_for(HALDEN, "opex", 300_000_00, ["novel"]).from_minor == 250_000_00
    assert tier_for(HALDEN, "opex", 500_00, ["contractual"]).from_minor == 10_000_00


@pytest.mark.parametrize(
    ("total", "conditions", "from_minor"),
    [
        (9_999_99, ["contractual"], 10_000_00),  # the floor itself is the bound of a row
        (10_000_00, ["contractual"], 10_000_00),
        (50_000_00, ["contractual"], 50_000_00),  # the total, where it is above the floor
        (49_999_99, ["novel"], 50_000_00),
        (1, ["contractual", "unbudgeted"], 50_000_00),  # of two floors the higher
        (1, ["unbudgeted", "contractual"], 50_000_00),
        (250_000_00, ["contractual", "novel", "unbudgeted"], 250_000_00),
    ],
)
def test_a_condition_reads_a_total_as_at_least_its_floor(
    total: int, conditions: list[str], from_minor: int
) -> None:
    assert tier_for(HALDEN, "opex", total, conditions).from_minor == from_minor


@pytest.mark.parametrize(
    ("category", "total", "conditions"),
    [("apex", 1, []), ("opex", -1, []), ("opex", 1, ["odd"])],
)
def test_what_the_table_does_not_know_is_refused(
    category: str, total: int, conditions: list[str]
) -> None:
    with pytest.raises(NoTier):
        tier_for(CHARTER, category, total, conditions)


def test_approvers_are_those_named_or_head_and_deputy() -> None:
    named, chief = tier_for(CHARTER, "opex", 0), tier_for(CHARTER, "opex", 1000)
    assert candidates(CHARTER, named.approvals[0]) == ("people/eve", "people/fred")
    assert candidates(CHARTER, chief.approvals[0]) == ("people/eve", "people/fred")
    assert candidates(CHARTER, Approval(role="sponsor")) == ()


def test_levels_come_in_their_order() -> None:
    tier = FundingTier(
        category="x",
        from_minor=0,
        to_minor=None,
        approvals=(Approval(level=2, role="b"), Approval(level=1, role="a")),
    )
    assert [one.role for one in tier_approvals(tier)] == ["a", "b"]


def test_limits_reach_up_to_and_including_themselves() -> None:
    boss, clerk = CHARTER.grade("boss"), CHARTER.grade("clerk")
    assert boss.covers(Purpose.PLEDGE, 100_00)
    assert not boss.covers(Purpose.PLEDGE, 100_01)
    assert boss.covers("FUND", 2**62)
    assert not boss.covers(Purpose.KNIGHT, 0)
    assert not clerk.covers(Purpose.PLEDGE, 0)
    assert not boss.covers("POSITION", 0)


@pytest.mark.parametrize(
    ("facts", "depth", "rules"),
    [
        (Facts(), Depth.LIGHT, ()),
        (Facts(vendors=("Brightside",)), Depth.STANDARD, ("a-vendor",)),
        (Facts(exposure_bps=2499), Depth.LIGHT, ()),
        (Facts(exposure_bps=2500), Depth.STANDARD, ("many-people",)),
        (Facts(amount_minor=250_000_00), Depth.DEEP, ("much-money",)),
        (
            Facts(data_classes=("contact", "sensitive"), vendors=("x",)),
            Depth.DEEP,
            ("data-that-hurts",),
        ),
    ],
)
def test_the_deepest_rule_that_holds_says_how_deep(
    facts: Facts, depth: Depth, rules: tuple[str, ...]
) -> None:
    found = review_depth(HALDEN, facts)
    assert (found.depth, found.rules) == (depth, rules)
    assert review_approvals(HALDEN, found.depth)


def test_the_conditions_of_one_triage_rule_all_have_to_hold() -> None:
    rule = HALDEN.triage.rules[0].model_copy(
        update={"audiences": ("employees",), "depth": Depth.DEEP}
    )
    triage = HALDEN.triage.model_copy(update={"rules": (rule,)})
    charter = HALDEN.model_copy(update={"triage": triage})
    much = 25_000_00
    assert review_depth(charter, Facts(amount_minor=much)).depth is Depth.LIGHT
    both = Facts(amount_minor=much, audiences=("employees",))
    assert review_depth(charter, both).depth is Depth.DEEP
