"""The money side's part of the trial lane: confirmed in advance, and really reserved."""

from dataclasses import replace

from investiture.budget import domain
from investiture.budget.ceilings import ceiling
from investiture.budget.domain import CONFIRMER
from investiture.budget.holds import Holds
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.rounds import Rounds
from investiture.budget.store import FundingStore
from investiture.casework import trial_lane
from investiture.casework.amounts import Amount
from investiture.casework.case import Case
from investiture.casework.facts import Evidence, Revision
from investiture.casework.trial_lane import Covered, Lane
from investiture.casework.words import Gate, Side, Verdict
from investiture.charter.model import Charter
from investiture.charter.policy import StandingDecision
from investiture.chassis.transaction import Transaction


class FundLane:
    """Follows the pledge's warrant, reads the caps itself, and holds the trial's money."""

    def __init__(
        self, charter: Charter, fundings: FundingStore, ledger: LedgerStore, rounds: Rounds
    ) -> None:
        self._charter = charter
        self._fundings = fundings
        self._ledger = ledger
        self._holds = Holds(fundings)
        self._rounds = rounds

    def signer(self, evidence: Evidence) -> str:
        """Who signed for the money what the pledge stands by."""
        pledge = evidence.warrants.get(Gate.PLEDGE)
        return trial_lane.signer_by(self._charter, Side.MONEY, pledge)

    def lane(self, tx: Transaction, evidence: Evidence) -> Lane:
        """Whether the standing decision holds for the money as well, and its envelope has it."""
        business = domain.business_people(evidence.revision, evidence.warrants[Gate.PLEDGE])
        found = trial_lane.followed(self._charter, Side.MONEY, evidence, business, tx.now)
        if found.covered is None:
            return found
        short = self._short(tx, found.covered.decision, evidence.revision)
        if short:
            return Lane(why=trial_lane.says_why(found.covered.decision, (short,)))
        return found

    def fits(self, present: Case, evidence: Evidence) -> bool:
        """Whether a later revision keeps the caps."""
        return trial_lane.still_fits(self._charter, present, evidence.revision)

    def funded(self, tx: Transaction, case: Case, evidence: Evidence, covered: Covered) -> Case:
        """The case funded as the fund owner signed in advance; the money is held."""
        facts = evidence.revision
        business = domain.business_people(facts, evidence.warrants[Gate.PLEDGE])
        funding = self._rounds.open(tx, case, facts, business)
        reach = min(
            ceiling(facts.amount_minor, funding.contingency_bps, funding.opened),
            covered.decision.caps.amount_minor,
        )
        until = tx.now + self._charter.hold_timeout.elapsed
        validity = min(self._charter.validity(Gate.FUND.value).elapsed, until - tx.now)
        funded = trial_lane.decided(
            case, Verdict.FUNDED, CONFIRMER, Side.MONEY, covered, tx.now, validity
        )
        self._fundings.insert(tx, replace(funding, levels=(), ceiling_minor=reach))
        chosen = _envelope(covered.decision, facts)
        older = self._holds.taken_over(tx, facts.program)
        self._holds.take(tx, self._ledger, case.name, facts, chosen, older, until)
        return funded

    def _short(self, tx: Transaction, decision: StandingDecision, facts: Revision) -> str:
        """Why the envelope cannot hold the money; its row is locked until that is decided."""
        name = _envelope(decision, facts)
        if self._ledger.find(tx, name) is None:
            return f"envelope: there is no {name}"
        self._rounds.lock(tx, facts)
        older = self._fundings.taken_over(tx, facts.program)
        envelope = self._ledger.locked(tx, (name,))[name]
        if envelope.closed:
            return f"envelope: fiscal year {envelope.fiscal_year} of {name} is closed"
        asked = Amount(facts.amount_minor, facts.currency)
        left = Amount(envelope.balances.available, envelope.currency)
        mine = older.remaining_minor if older is not None and older.envelope == name else 0
        if envelope.currency != facts.currency or left.minor + mine < asked.minor:
            return f"envelope: {asked} asked, {name} has {left} available"
        return ""


def _envelope(decision: StandingDecision, facts: Revision) -> str:
    return facts.envelope or f"envelopes/{decision.envelope}"
