"""Delegations in bulk: each row by the rules of one, and the rows together (issue, Bad input)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import halden
from tests.support.facts import NOW

from investiture.casework.amounts import Amount
from investiture.casework.words import Purpose
from investiture.chassis.refusal import InvalidArgument
from investiture.sponsorship.domain.delegations import Delegation
from investiture.sponsorship.domain.lending import Row, plan_lending, refuse_mutual

DAY = timedelta(days=1)
SARA, SAM, STELLA, BEN = "people/sara", "people/sam", "people/stella", "people/ben"


def row(delegator: str = SARA, delegate: str = SAM, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "purpose": Purpose.PLEDGE,
        "limit": None,
        "starts_at": None,
        "ends_at": NOW + 30 * DAY,
    }
    return Row(delegator, delegate, **{**values, **changes})


def lent(
    *rows: Row, present: tuple[Delegation, ...] = (), importer: str = "workloads/hr"
) -> tuple[Delegation, ...]:
    named = [(f"{one.delegator}/delegations/{place}", one) for place, one in enumerate(rows)]
    return plan_lending(halden.charter(), halden.directory(), present, named, importer, NOW)


def wrong(*rows: Row, **around: Any) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as refused:
        lent(*rows, **around)
    return {one.field: one.description for one in refused.value.violations}


def test_each_row_makes_one_delegation() -> None:
    made = lent(row(), row(delegate=STELLA), row("people/mira", "people/max"))
    assert [(one.delegator, one.delegate) for one in made] == [
        (SARA, SAM),
        (SARA, STELLA),
        ("people/mira", "people/max"),
    ]
    assert made[0].starts_at == NOW


@pytest.mark.parametrize(
    ("bad", "field", "said"),
    [
        (row(delegator="people/nobody"), "delegator", "not in the directory"),
        (row(delegate="people/nobody"), "delegate", "not in the directory"),
        (row(delegate=SARA), "delegate", "themselves"),
        (row(delegate="people/ivan"), "delegate", "another side"),
        (row(delegate="people/zoe"), "delegate", "guest"),
        (row(purpose=Purpose.HOLD), "purpose", "cannot be delegated"),
        (row(ends_at=NOW), "ends_at", "after the start"),
        (row(ends_at=NOW + 400 * DAY), "ends_at", "a year"),
        (row(limit=Amount(2_000_000_01, "EUR")), "limit", "above the own limit"),
        (row(limit=Amount(1, "USD")), "limit", "EUR"),
        (row(BEN, SAM), "delegator", "no authority of their own"),
        (row("people/zoe", SAM), "delegator", "lends nothing"),
    ],
)
def test_what_a_single_delegation_is_refused_for_is_named_by_its_row(
    bad: Row, field: str, said: str
) -> None:
    found = wrong(row("people/mira", "people/max"), bad)
    assert list(found) == [f"delegations[1].{field}"]
    assert said in found[f"delegations[1].{field}"]


def test_everything_wrong_is_said_at_once() -> None:
    found = wrong(row(delegate="people/nobody"), row(purpose=Purpose.HOLD), row(ends_at=NOW))
    assert len(found) == 3


def test_an_importer_gains_no_authority_by_importing() -> None:
    found = wrong(row(), importer=SAM)
    assert "gains no authority" in found["delegations[0].delegate"]
    assert lent(row(), importer=SARA)


def test_rows_of_one_pair_and_purpose_do_not_overlap() -> None:
    after = row(starts_at=NOW + 30 * DAY, ends_at=NOW + 60 * DAY)
    assert len(lent(row(), after, row(purpose=Purpose.POSITION))) == 3
    found = wrong(row(), row(starts_at=NOW + 29 * DAY))
    assert "overlaps with row 1" in found["delegations[1].delegate"]
    (present,) = lent(row())
    assert present.name in wrong(row(), present=(present,))["delegations[0].delegate"]


def test_delegations_in_a_circle_are_refused_with_the_way() -> None:
    """A → B → A, and the long way round; design: cyclic delegations."""
    found = wrong(row(SARA, SAM), row(SAM, SARA))
    assert "people/sara → people/sam → people/sara" in found["delegations[0].delegate"]
    long = (row(SARA, SAM), row(SAM, "people/mira"), row("people/mira", SARA))
    assert len(wrong(*long)) == 3
    (present,) = lent(row(SARA, SAM))
    assert list(wrong(row(SAM, SARA), present=(present,))) == ["delegations[0].delegate"]


def test_who_stands_in_for_each_other_at_different_times_or_purposes_is_no_circle() -> None:
    later = row(SAM, SARA, starts_at=NOW + 30 * DAY, ends_at=NOW + 60 * DAY)
    other = row("people/mira", SARA)
    assert len(lent(row(SARA, SAM), later, other)) == 3


def test_a_single_delegation_back_is_refused_while_the_first_holds() -> None:
    (there,), (back,) = lent(row(SARA, SAM)), lent(row(SAM, SARA))
    with pytest.raises(InvalidArgument, match="in a circle"):
        refuse_mutual(back, [there])
    refuse_mutual(back, [])


_PEOPLE = (SARA, SAM, "people/mira", "people/max", "people/vera")


def _days(start: int, length: int) -> tuple[datetime, datetime]:
    return NOW + start * DAY, NOW + (start + length) * DAY


@given(
    st.lists(
        st.tuples(
            st.sampled_from(_PEOPLE),
            st.sampled_from(_PEOPLE),
            st.integers(0, 20),
            st.integers(1, 20),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_taken_lends_no_pair_back_at_the_same_time(
    drawn: list[tuple[str, str, int, int]],
) -> None:
    rows = [
        row(one, other, starts_at=_days(start, length)[0], ends_at=_days(start, length)[1])
        for one, other, start, length in drawn
    ]
    try:
        made = lent(*rows)
    except InvalidArgument:
        return
    for one in made:
        for other in made:
            meet = one.starts_at < other.ends_at and other.starts_at < one.ends_at
            back = (one.delegator, one.delegate) == (other.delegate, other.delegator)
            assert not (meet and back)
