"""Who decides an appeal against IT's decline, and who of a program never does."""

from collections.abc import Callable, Sequence

from investiture.casework import appeals
from investiture.casework.approvals import Level
from investiture.casework.case import ARBITER, GOVERNANCE, Candidate, Case
from investiture.casework.store import CaseStore
from investiture.charter.model import Charter
from investiture.chassis.transaction import Transaction
from investiture.itrisk.store import Review, ReviewStore


def never_for_it(case: Case, review: Review) -> frozenset[str]:
    """Who never decides for IT: the other two sides, and whom an appeal has barred."""
    return frozenset({*review.business_people, *review.money_people}) | appeals.barred(case)


class Arbiters:
    """Finds them by one charter; `levels` is who may knight."""

    def __init__(
        self,
        charter: Charter,
        cases: CaseStore,
        reviews: ReviewStore,
        levels: Callable[[Case, Review], Sequence[Level]],
    ) -> None:
        self._charter = charter
        self._cases = cases
        self._reviews = reviews
        self._levels = levels

    def took_part(self, tx: Transaction, case: Case) -> frozenset[str]:
        """Who stands on one of the three sides; for IT who may knight, or spoke in any round."""
        review = self._reviews.load(tx, case.name)
        it = (person for level in self._levels(case, review) for person in level.eligible)
        spoke = self._reviews.spoke(tx, case.program)
        return frozenset({*never_for_it(case, review), *it, *spoke, *case.people})

    def line(
        self, tx: Transaction, case: Case, superiors: Sequence[Sequence[str]]
    ) -> tuple[str, ...]:
        """Who may decide an appeal, nearest first."""
        return appeals.line_of(self._charter, superiors, self.took_part(tx, case))

    def chain(self, tx: Transaction, case: Case) -> Sequence[Candidate]:
        """The line of a case's appeal; where nobody of it is there, who is asked after them."""
        line = case.appeal.line if case.appeal else ()
        roll = self._cases.standings.roll(tx, self._charter.countersigner)
        gone = frozenset(one for one in line if not roll.there(one, None))
        out = self.took_part(tx, case)
        governance = self._charter.governance
        governing = (governance.owner, governance.deputy)
        return (
            *(Candidate(p, ARBITER) for p in appeals.line_of(self._charter, [line], out | gone)),
            *(Candidate(p, GOVERNANCE) for p in governing if p not in out),
        )
