"""IT's part of the trial lane: a knighting signed in advance."""

from investiture.casework import trial_lane
from investiture.casework.case import Case
from investiture.casework.facts import Evidence
from investiture.casework.sides import business_side
from investiture.casework.trial_lane import Covered, Lane
from investiture.casework.words import Gate, Side, Verdict
from investiture.charter.model import Charter
from investiture.chassis.transaction import Transaction
from investiture.itrisk.domain import REVIEWER


class KnightLane:
    """Follows the pledge's warrant, and reads the caps and the knight's standing itself."""

    def __init__(self, charter: Charter) -> None:
        self._charter = charter

    def signer(self, evidence: Evidence) -> str:
        """Who signed for IT what the pledge stands by."""
        pledge = evidence.warrants.get(Gate.PLEDGE)
        return trial_lane.signer_by(self._charter, Side.IT, pledge)

    def lane(self, tx: Transaction, evidence: Evidence) -> Lane:
        """Whether the standing decision holds for IT as well."""
        pledge, fund = (evidence.warrants[gate] for gate in (Gate.PLEDGE, Gate.FUND))
        others = business_side(evidence.revision, pledge) | fund.people
        return trial_lane.followed(self._charter, Side.IT, evidence, others, tx.now)

    def fits(self, present: Case, evidence: Evidence) -> bool:
        """Whether a later revision keeps the caps."""
        return trial_lane.still_fits(self._charter, present, evidence.revision)

    def knighted(self, tx: Transaction, case: Case, covered: Covered) -> Case:
        """The case knighted as the knight signed in advance: for the exposure that is asked."""
        validity = self._charter.validity(Gate.KNIGHT.value).elapsed
        return trial_lane.decided(
            case, Verdict.KNIGHTED, REVIEWER, Side.IT, covered, tx.now, validity
        )
