"""What the FUND desk reads in the charter."""

import pytest
from tests.support.facts import revision
from tests.support.services import CHARTER

from investiture.budget.desk import FundDesk
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.store import FundingStore
from investiture.budget.tables import CASES
from investiture.casework.doorbell import ring_path
from investiture.casework.facts import Revision
from investiture.casework.store import CaseStore
from investiture.charter.load import load
from investiture.charter.model import Charter
from investiture.charter.vocabulary import Side


def desk(charter: Charter) -> FundDesk:
    return FundDesk(charter, CaseStore(CASES, ring_path), FundingStore(), LedgerStore())


def test_a_charter_without_finance_stops_the_start() -> None:
    charter = load(CHARTER)
    others = tuple(unit for unit in charter.units if unit.side is not Side.MONEY)
    with pytest.raises(ValueError, match="no unit is on the money side"):
        desk(charter.model_copy(update={"units": others}))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (revision(amount_minor=10_000_00), revision(amount_minor=49_999_99), True),
        (revision(amount_minor=10_000_00), revision(amount_minor=50_000_00), False),
        (revision(amount_minor=1), revision(amount_minor=1, category="capex"), False),
        (
            revision(amount_minor=1, spend_conditions=("contractual",)),
            revision(amount_minor=49_999_99),
            True,
        ),
        (
            revision(amount_minor=1, spend_conditions=("novel",)),
            revision(amount_minor=49_999_99),
            False,
        ),
        (revision(category="of an older charter"), revision(), False),
    ],
    ids=["inside", "at the limit", "category", "floor", "higher floor", "unknown"],
)
def test_two_totals_lie_in_one_tier_or_not(before: Revision, after: Revision, same: bool) -> None:
    assert desk(load(CHARTER)).same_tier(before, after) is same
