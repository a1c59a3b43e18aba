"""Levels of approval; architecture.md, law 7: the outside countersigner of a small company."""

import pytest

from investiture.casework.approvals import levels_of
from investiture.charter.policy import Approval

OUTSIDE = "people/zoe"
TWO = ("people/ann", "people/bob")


@pytest.mark.parametrize(
    ("needed", "conflicted", "eligible"),
    [
        (1, (), TWO),
        (2, (), TWO),
        (1, ("people/ann",), ("people/bob",)),  # there is somebody of its own
        (2, ("people/ann",), ("people/bob", OUTSIDE)),
        (1, TWO, (OUTSIDE,)),
        (1, (*TWO, OUTSIDE), ()),  # one person, one side
    ],
)
def test_who_countersigns_from_outside_is_eligible_where_the_company_has_too_few(
    needed: int, conflicted: tuple[str, ...], eligible: tuple[str, ...]
) -> None:
    approval = Approval(role="reviewer", needed=needed, of=TWO)
    (level,) = levels_of([(approval, TWO)], frozenset(conflicted), OUTSIDE)
    assert level.eligible == eligible
    (without,) = levels_of([(approval, TWO)], frozenset(conflicted))
    assert OUTSIDE not in without.eligible
