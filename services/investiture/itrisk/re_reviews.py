"""Re-reviews: a knighting whose acceptance ends soon is looked at again, and not silently.

Who reviews it is asked, and the wait has the timetable of a review: reminded, warned, then the line
above is asked too. The knighting stands meanwhile, at most as long as the acceptance holds.
"""

from collections.abc import Mapping
from dataclasses import replace

from investiture.casework.case import Case
from investiture.casework.escalating import recorded
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.words import CaseState, Gate
from investiture.chassis.refusal import PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.itrisk.acceptance_store import AcceptanceStore, Place
from investiture.itrisk.acceptances import Acceptance, ReReview, re_review
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.desk import KnightDesk


class ReReviews:
    """Asks for them when they are due, and escalates where nothing comes of it."""

    def __init__(
        self,
        cases: CaseOperations,
        desks: Pinned[KnightDesk],
        acceptances: AcceptanceStore,
        bounds: Bounds,
    ) -> None:
        self._cases = cases
        self._desks = desks
        self._acceptances = acceptances
        self._bounds = bounds

    def due(self, tx: Transaction, after: Place | None) -> Place | None:
        """The next acceptance whose date to be looked at has come."""
        return self._acceptances.due(tx, after)

    def look(self, tx: Transaction, place: Place) -> None:
        """Asks for a re-review, takes the step that is due, or ends it; harmless where none is."""
        _, program, number = place
        acceptance = self._acceptances.find(tx, program, number)
        case = self._cases.newest(tx, program, Gate.KNIGHT)
        if case is None or case.state is not CaseState.STANDING:
            self._acceptances.look(tx, acceptance, None)  # knighted on it anew, it is watched anew
            return
        resting, inside = self._bounds.resting(tx, case), self._bounds.inside(tx, case)
        act = re_review(acceptance, resting, tx.now, inside=inside, asked=case.asked)
        if act is ReReview.ASK:
            self._ask(tx, case, acceptance)
        elif act is ReReview.GO_ON:
            self._escalate(tx, case, acceptance)
        else:
            at = acceptance.review_at if act is ReReview.LATER else None
            self._acceptances.look(tx, acceptance, at)

    def _ask(self, tx: Transaction, case: Case, acceptance: Acceptance) -> None:
        moved = self._cases.asked(tx, case, self._desks.of(tx, case).first_to_review(tx, case))
        if not moved.asked:
            raise PreconditionFailed(
                "WRONG_STATE",
                f"nobody is left who may review {case.name} again: all stand on another side; "
                "change who governs or who reviews",
            )
        reason = f"{acceptance.name} ends on {acceptance.until:%Y-%m-%d}: review the risk again"
        payload = {"acceptance": acceptance.name, "until": acceptance.until.isoformat()}
        after = replace(moved, reason=reason)
        self._saved(tx, (case, after), acceptance, "knight.re_review_due", payload)

    def _escalate(self, tx: Transaction, case: Case, acceptance: Acceptance) -> None:
        moved, taken = self._cases.escalated(tx, case)
        if not taken:
            self._look_at_next_step(tx, case, acceptance)
            return
        payload = {**recorded(taken), "acceptance": acceptance.name}
        self._saved(tx, (case, moved), acceptance, "knight.re_review_escalated", payload)

    def _saved(
        self,
        tx: Transaction,
        change: tuple[Case, Case],
        acceptance: Acceptance,
        kind: str,
        payload: Mapping[str, object],
    ) -> None:
        saved = self._cases.store.save(tx, *change, kind, payload)
        self._look_at_next_step(tx, saved, acceptance)

    def _look_at_next_step(self, tx: Transaction, case: Case, acceptance: Acceptance) -> None:
        following = self._cases.reading(tx, case).following
        self._acceptances.look(tx, acceptance, following.at if following else None)
