"""The FUND gate's desk: what opening, escalating and ending a case of the money side means."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from investiture.budget import domain, spending
from investiture.budget.asked_store import AskedStore
from investiture.budget.domain import APPROVER, Funding
from investiture.budget.holdings import provisional_name
from investiture.budget.holds import Holds
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.rounds import Rounds
from investiture.budget.store import FundingStore
from investiture.budget.trial_lane import FundLane
from investiture.casework.approvals import lines_of, missing
from investiture.casework.case import Candidate, Case, Holder, as_of
from investiture.casework.conflicts import require_independent
from investiture.casework.emergencies import shown, spoken
from investiture.casework.facts import Authority, Ending, Evidence, Revision, Warrant
from investiture.casework.openings import Weighed
from investiture.casework.standing import Part, anybodys
from investiture.casework.statements import recalled
from investiture.casework.store import CaseStore
from investiture.casework.trial_lane import Covered, Lane
from investiture.casework.words import CaseState, Gate, Purpose
from investiture.charter.authority import NoTier, tier_for
from investiture.charter.model import Charter
from investiture.charter.ownership import GOVERNANCE, escalation_chain
from investiture.charter.ownership import Holder as ChainHolder
from investiture.charter.policy import FundingTier
from investiture.charter.vocabulary import Side
from investiture.chassis.refusal import InvalidArgument
from investiture.chassis.transaction import Transaction

PROPOSER = "proposer"


class FundDesk:
    """What the FUND gate does differently. Raises ValueError for a charter without finance."""

    gate = Gate.FUND
    collection = "budgetRequests"
    required = (Gate.PLEDGE,)

    def __init__(
        self, charter: Charter, cases: CaseStore, fundings: FundingStore, ledger: LedgerStore
    ) -> None:
        self._charter = charter
        self._cases = cases
        self._fundings = fundings
        self._ledger = ledger
        self._holds = Holds(fundings)
        self.rounds = Rounds(charter, cases, fundings, AskedStore(), ledger)
        self._trial = FundLane(charter, fundings, ledger, self.rounds)
        self._finance = tuple(unit for unit in charter.units if unit.side is Side.MONEY)
        if not self._finance:
            raise ValueError(
                f"charter {charter.id}: no unit is on the money side, so that nobody could "
                "confirm funding; give finance `side: money`"
            )

    @property
    def hold_timeout(self) -> timedelta:
        """How long what a funding reserves is held."""
        return self._charter.hold_timeout.elapsed

    def admit(self, tx: Transaction, evidence: Evidence) -> None:
        """Refuses what no tier covers, and a pledge by somebody who decided on the money."""
        facts = evidence.revision
        if facts.currency != self._charter.currency:
            raise InvalidArgument.of(
                "revision_statement.amount.currency_code",
                f"the delegation-of-authority table is in {self._charter.currency}; "
                f"the revision asks for {facts.currency}",
                reason="INVALID_AMOUNT",
            )
        try:
            self._tier(facts)
        except NoTier as error:
            raise InvalidArgument.of("revision_statement.category", str(error)) from None
        business = domain.business_people(facts, evidence.warrants[Gate.PLEDGE])
        present = self._cases.newest(tx, facts.program, Gate.FUND)
        if present is not None:
            domain.check_standing_apart(shown(as_of(present, tx.now), tx.now), facts, business)
            self._hear_of(tx, present, business)

    def same_tier(self, decided: Revision, revision: Revision) -> bool:
        """Whether the table has one row for both totals, floors of conditions included."""
        try:
            return self._tier(decided) == self._tier(revision)
        except NoTier:  # the charter in force knows the older category no more
            return False

    def holders(self, tx: Transaction, case: Case, evidence: Evidence) -> Sequence[Holder]:
        """The first level's people, or finance's; the levels are kept as the charter has them."""
        business = domain.business_people(evidence.revision, evidence.warrants[Gate.PLEDGE])
        funding = self.rounds.open(tx, case, evidence.revision, business)
        self._fundings.insert(tx, funding)
        return domain.holders(case, funding, self.confirmers(tx, case, funding), tx.now)

    def signer(self, evidence: Evidence) -> str:
        """Who signed for the money what the pledge stands by."""
        return self._trial.signer(evidence)

    def lane(self, tx: Transaction, case: Case, evidence: Evidence) -> Lane:
        """Whether a standing decision covers it, and the envelope has the money."""
        return self._trial.lane(tx, evidence)

    def fits(self, tx: Transaction, present: Case, evidence: Evidence) -> bool:
        """Whether a later revision keeps the caps."""
        return self._trial.fits(present, evidence)

    def by_standing_decision(
        self, tx: Transaction, case: Case, evidence: Evidence, covered: Covered
    ) -> Case:
        """The funding confirmed in advance, its money held."""
        return self._trial.funded(tx, case, evidence, covered)

    def acting(self, tx: Transaction, authority: Authority) -> Authority:
        """Who decides provisionally, as the directory answered a moment ago."""
        return authority

    def may_decide(self, tx: Transaction, case: Case, authority: Authority) -> None:
        """Neither of the two is of the business side, or reports to it; the envelope is open."""
        people = (*spoken(case), *authority.people)
        domain.check_sides(case, self._fundings.load(tx, case.name), people)
        require_independent(case.facts, authority)
        chosen = self._ledger.envelope(tx, case.facts.envelope)
        domain.require_open_year(chosen)
        domain.require_currency(chosen, case.facts.currency)

    def decided_provisionally(self, tx: Transaction, case: Case) -> None:
        """Holds the money for as long as the provisional decision stands, and no longer."""
        made = case.provisional
        assert made is not None, "two have decided"
        facts, funding = case.facts, self._fundings.load(tx, case.name)
        self._fundings.save(tx, replace(funding, ceiling_minor=facts.amount_minor))
        name, older = provisional_name(case.name), self._holds.taken_over(tx, case.program)
        until = made.standing_until
        self._holds.take(tx, self._ledger, name, facts, facts.envelope, older, until)

    def weigh(self, tx: Transaction, present: Case, evidence: Evidence) -> Weighed:
        """Carries a funding to a revision inside its ceiling; the reservation follows."""
        return self.rounds.weigh(tx, present, evidence)

    def reason(self, tx: Transaction, case: Case) -> str:
        """Why a round is asked at this tier, or of finance alone."""
        return self._fundings.load(tx, case.name).opened.reason

    def confirmers(self, tx: Transaction, case: Case, funding: Funding) -> tuple[Holder, ...]:
        """Who can confirm: the named envelope's owner, then finance's heads and deputies."""
        named = self._ledger.find(tx, case.facts.envelope) if case.facts.envelope else None
        found = [(named.owner, "")] if named else []
        for unit in self._finance:
            found += [(person, f"units/{unit.id}") for person in (unit.head, unit.deputy) if person]
        out = domain.conflicted(case, funding)
        units: dict[str, str] = {}
        for person, unit_name in found:
            if person not in out:
                units[person] = units.get(person) or unit_name
        return tuple(Holder(person, APPROVER, tx.now, unit) for person, unit in units.items())

    def chain(self, tx: Transaction, case: Case) -> Sequence[Candidate]:
        """The line above whom the case waits for, then governance; never the business side.

        Whom a later level cannot do without comes after the others: an approval here would leave
        that level without its voice.
        """
        funding = self._fundings.load(tx, case.name)
        if case.state is CaseState.CHANGES_REQUESTED:
            line = escalation_chain(self._charter, case.facts.owning_unit.removeprefix("units/"))
            return _candidates(line, PROPOSER, "", frozenset())
        level = domain.present_level(case, funding)
        if level is None:
            unit = f"units/{self._finance[0].id}"
            return _candidates(self._line(), APPROVER, unit, domain.conflicted(case, funding))
        out = domain.conflicted(case, funding) | case.people
        own = [
            Candidate(person, APPROVER, level.unit)
            for person in domain.eligible(case, funding, level)
        ]
        line = self._line(level.unit.removeprefix("units/"))
        above = _candidates(line, APPROVER, level.unit, out)
        needed_later = domain.indispensable_later(case, funding)
        able = [c for c in above if c.role != GOVERNANCE]
        spared = [c for c in able if c.person not in needed_later]
        needed = [c for c in able if c.person in needed_later]
        return [*own, *spared, *needed, *(c for c in above if c.role == GOVERNANCE)]

    def parts(self, tx: Transaction, case: Case) -> Sequence[Part]:
        """What the present level lacks, or one confirmation; the business side decides neither."""
        funding = self._fundings.load(tx, case.name)
        out = domain.conflicted(case, funding)
        lacking = missing(funding.levels, len(domain.approvals(case)))
        if lacking:
            return (anybodys(Purpose.FUND, lacking, out | case.people),)
        return (anybodys(Purpose.FUND, 1, out),)

    def more_time(self, tx: Transaction, case: Case) -> None:
        """The money side has no dates of its own."""

    def superseded(self, tx: Transaction, old: Case, new: Case) -> None:
        """What the older round reserved stays held: the new round's Reserve takes it over.

        Its timeout goes on meanwhile, so that a round nobody decides ties up no money.
        """

    def voided(self, tx: Transaction, case: Case) -> None:
        """What was reserved stays held for the next round, at most until its timeout."""

    def released(self, tx: Transaction, case: Case, ending: Ending) -> None:
        """Gives back what remains and what is committed; what is spent stays spent."""
        self._fundings.lock_case(tx, case.name)
        held = self._fundings.held(tx, case.program)
        self.rounds.ended(tx, case.program, held.actual_minor if held else 0)
        if held is None:
            return
        now = self._holds.settled(tx, held)
        back = spending.release(now.reservation, self._fundings.commitments(tx, case.program))
        self._ledger.post(tx, (*now.postings, *back.postings))
        self._fundings.save_reservation(tx, back.reservation)
        self._fundings.save_commitments(tx, back.commitments)

    def evidence(self, tx: Transaction, case: Case) -> Evidence:
        """The revision, and of the pledge's warrant the business side."""
        business = self._fundings.load(tx, case.name).business_people
        return Evidence(case.facts, {Gate.PLEDGE: recalled(case, Gate.PLEDGE, business=business)})

    def terms(self, tx: Transaction, case: Case) -> Sequence[str]:
        """The levels that approve, and the contingency."""
        funding = self._fundings.load(tx, case.name)
        return (
            *(f"approved by {line}" for line in lines_of(funding.levels)),
            f"contingency {funding.contingency_bps / 100:g} %",
        )

    def warrant(self, tx: Transaction, case: Case, warrant: Warrant) -> Warrant:
        """The warrant with the approved ceiling."""
        funding = self._fundings.load(tx, case.name)
        return replace(
            warrant,
            ceiling_minor=funding.ceiling_minor or 0,
            ceiling_currency=case.facts.currency,
        )

    def _tier(self, facts: Revision) -> FundingTier:
        return tier_for(self._charter, facts.category, facts.amount_minor, facts.spend_conditions)

    def _hear_of(self, tx: Transaction, present: Case, business: Sequence[str]) -> None:
        """Keeps who pledged since: a case that goes on for a revision is decided without them."""
        funding = self._fundings.load(tx, present.name)
        everyone = tuple(sorted({*funding.business_people, *business}))
        if everyone != funding.business_people:
            self._fundings.save(tx, replace(funding, business_people=everyone))

    def _line(self, unit: str = "") -> tuple[ChainHolder, ...]:
        """The escalation chain of a unit, of the first finance unit where the level names none."""
        return escalation_chain(self._charter, unit or self._finance[0].id)


def _candidates(
    line: Iterable[ChainHolder], role: str, unit: str, out: frozenset[str]
) -> tuple[Candidate, ...]:
    """Who of a line may hold the case, in `role` for `unit`: the part that is asked, not theirs."""
    return tuple(
        Candidate(
            one.person,
            GOVERNANCE if one.role == GOVERNANCE else role,
            "" if one.role == GOVERNANCE else unit,
        )
        for one in line
        if one.person not in out
    )
