"""How a round of the FUND gate is opened, and how a standing one goes on for a revision."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from investiture.budget import ceilings, domain, splits
from investiture.budget.asked_store import AskedStore
from investiture.budget.ceilings import Approved, Course, Opened
from investiture.budget.domain import Envelope, Funding
from investiture.budget.holdings import Hold
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.splits import Asked, Sum
from investiture.budget.store import FundingStore
from investiture.casework.amounts import Amount
from investiture.casework.approvals import candidates, levels_of
from investiture.casework.case import Case
from investiture.casework.facts import Evidence, Revision
from investiture.casework.openings import Weighed
from investiture.casework.store import CaseStore
from investiture.casework.words import Basis, CaseState, Gate, Verdict
from investiture.charter.authority import NoTier, tier_approvals, tier_for
from investiture.charter.model import Charter
from investiture.charter.policy import FundingTier
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.chassis.transaction import Transaction

_TAKEN_BACK = (CaseState.VOIDED, CaseState.EXPIRED, CaseState.DECLINED, CaseState.RELEASED)


class Rounds:
    """Reads the charter's table for a request and what counts together with it."""

    def __init__(
        self,
        charter: Charter,
        cases: CaseStore,
        fundings: FundingStore,
        asked: AskedStore,
        ledger: LedgerStore,
    ) -> None:
        self._charter = charter
        self._cases = cases
        self._fundings = fundings
        self._asked = asked
        self._ledger = ledger

    def open(
        self, tx: Transaction, case: Case, facts: Revision, business: Sequence[str]
    ) -> Funding:
        """The funding of a new round: the tier's levels, or none where finance alone confirms."""
        asked = self._asked_by(tx, facts, self._cost_centre(tx, facts))
        self._asked.lock(tx, asked.cost_centre)
        found = self._read_together(tx, asked, facts)
        self._asked.keep(tx, asked)
        opened = Opened(
            tier_from_minor=found.tier.from_minor,
            tier_to_minor=found.tier.to_minor,
            cost_centre=asked.cost_centre,
            others=found.others,
        )
        approved = self._approved(tx, case)
        why = ""
        if approved is not None:
            judged = self._judge(tx, approved, facts, found.tier, business)
            why = judged.reason
            if judged.course is not Course.FULL:
                return self._confirm_only(case, facts, business, approved, opened, why)
        window = self._window
        if found.raised and window is not None:
            why = "; ".join(filter(None, (why, splits.explained(asked, found, window))))
        pairs = [(one, candidates(self._charter, one)) for one in tier_approvals(found.tier)]
        return Funding(
            case_name=case.name,
            program=case.program,
            category=facts.category,
            levels=levels_of(pairs, frozenset(business), self._charter.countersigner),
            contingency_bps=self._contingency_bps(found.tier),
            business_people=tuple(business),
            opened=replace(opened, reason=why),
        )

    def lock(self, tx: Transaction, facts: Revision) -> None:
        """Whoever asks at this cost centre waits; first of all locks, as everywhere here."""
        self._asked.lock(tx, self._cost_centre(tx, facts))

    def weigh(self, tx: Transaction, present: Case, evidence: Evidence) -> Weighed:
        """Carries a standing funding to a revision inside its ceiling: the reservation follows."""
        facts = evidence.revision
        business = domain.business_people(facts, evidence.warrants[Gate.PLEDGE])
        self._fundings.lock_case(tx, present.name)
        funding = self._fundings.load(tx, present.name)
        approved = self._approved_by(tx, present, funding)
        if approved is None or funding.ceiling_minor is None:
            return Weighed(carried=False)
        judged = ceilings.judge(
            approved,
            facts,
            material=self._material,
            confirm_bps=0,
            business={*business, *facts.business_people},
            same_tier=False,
        )
        if judged.course is not Course.CARRIED:
            return Weighed(carried=False)  # the new round says why
        asked = self._asked_by(tx, facts, funding.opened.cost_centre)
        self._asked.lock(tx, asked.cost_centre)
        held = self._fundings.held(tx, facts.program)
        held_now = held is not None and held.state is Hold.HELD
        if held is None or not held_now or held.currency != facts.currency:
            return Weighed(carried=False)
        resized = ceilings.resize(held, Amount(facts.amount_minor, facts.currency))
        try:
            with tx.connection.begin_nested():
                self._ledger.post(tx, resized.postings)
        except PreconditionFailed as refused:
            limit = Amount(funding.ceiling_minor, facts.currency)
            return Weighed(False, (f"inside the ceiling of {limit}, but {refused.message}",))
        if resized.postings:
            self._fundings.save_reservation(tx, resized.reservation)
        self._asked.keep(tx, asked)
        return Weighed(True, (resized.note,) if resized.note else ())

    def check_envelope(
        self, tx: Transaction, case: Case, funding: Funding, envelope: Envelope
    ) -> None:
        """Refuses to reserve in another cost centre, where more is asked for the same vendor.

        The levels approved at the tier of the cost centre that the request named.
        """
        if envelope.cost_centre == funding.opened.cost_centre:
            return
        asked = self._asked_by(tx, case.facts, envelope.cost_centre)
        self._asked.lock(tx, asked.cost_centre)
        found = self._read_together(tx, asked, case.facts)
        known, window = funding.opened.tier_from_minor, self._window
        if known is not None and window is not None and found.tier.from_minor > known:
            why = splits.explained(asked, found, window)
            raise PreconditionFailed(
                "AUTHORITY_INSUFFICIENT",
                f"{envelope.name} belongs to {envelope.cost_centre}, where this has to be {why}",
                legs=(
                    Leg(
                        type="SPLIT",
                        subject=envelope.name,
                        description=f"in {envelope.cost_centre} this has to be {why}",
                        remedy=f"have the proposer name {envelope.name} in a revision, so that the "
                        "levels of that tier are asked; or reserve in the cost centre asked for",
                    ),
                ),
            )
        self._asked.keep(tx, asked)

    def lock_vendors(self, tx: Transaction, program: str) -> str:
        """The cost centre in which a program spends, locked like every look at split requests."""
        asked = self._asked.find(tx, program)
        if asked is None:  # of before requests were kept
            return ""
        self._asked.lock(tx, asked.cost_centre)
        return asked.cost_centre

    def check_vendor(
        self,
        tx: Transaction,
        case: Case,
        funding: Funding,
        cost_centre: str,
        vendor: str,
        promised_minor: int,
    ) -> None:
        """Refuses a promise to a vendor that the request did not name, where a higher tier begins.

        `promised_minor` is all that the program promises that vendor. It counts with what others
        ask for it or promised it, and from now on with theirs; a vendor that the request named
        was counted with the program's whole total when the round was opened.
        """
        window, known = self._window, funding.opened.tier_from_minor
        if window is None or not cost_centre or splits.names(case.facts.vendors, vendor):
            return
        asked = replace(
            self._asked_by(tx, case.facts, cost_centre),
            amount_minor=promised_minor,
            vendors=(vendor,),
            whole=False,
        )
        found = self._read_together(tx, asked, case.facts)
        if known is not None and found.tier.from_minor > known:
            why = splits.explained(asked, found, window)
            raise PreconditionFailed(
                "AUTHORITY_INSUFFICIENT",
                f"{vendor} was not named when {case.name} was approved; this has to be {why}",
                legs=(
                    Leg(
                        type="SPLIT",
                        subject=vendor,
                        description=f"{vendor} was not named when the funding was approved; this "
                        f"has to be {why}",
                        remedy=f"have the proposer name {vendor} in a revision, so that the levels "
                        "of that tier are asked",
                    ),
                ),
            )
        self._asked.promise(tx, asked)

    def ended(self, tx: Transaction, program: str, spent_minor: int) -> None:
        """Of a program that has ended only what it spent counts towards later requests."""
        self._asked.ended(tx, program, spent_minor)

    def _confirm_only(
        self,
        case: Case,
        facts: Revision,
        business: Sequence[str],
        approved: Approved,
        opened: Opened,
        why: str,
    ) -> Funding:
        said = why or (
            f"inside the ceiling of {Amount(approved.ceiling_minor, facts.currency)}: finance "
            f"confirms, the levels of {approved.case_name} are not asked again"
        )
        return Funding(
            case_name=case.name,
            program=case.program,
            category=facts.category,
            levels=(),
            contingency_bps=0,
            business_people=tuple(business),
            opened=replace(
                opened,
                approved_in=approved.case_name,
                kept_ceiling_minor=approved.ceiling_minor,
                reason=said,
            ),
        )

    def _judge(
        self,
        tx: Transaction,
        approved: Approved,
        facts: Revision,
        tier: FundingTier,
        business: Sequence[str],
    ) -> ceilings.Judged:
        kept = self._fundings.load(tx, approved.case_name).opened.tier_from_minor
        if kept is None:  # of before the row was kept with the round
            kept = self._row_of(approved.decided)
        return ceilings.judge(
            approved,
            facts,
            material=self._material,
            confirm_bps=self._charter.funding.confirm_increase_bps,
            business={*business, *facts.business_people},
            same_tier=kept == tier.from_minor,
        )

    def _row_of(self, decided: Revision) -> int | None:
        try:
            return self._tier(decided, decided.amount_minor).from_minor
        except NoTier:  # the charter in force knows the older category no more
            return None

    def _approved(self, tx: Transaction, case: Case) -> Approved | None:
        """What the round before a new one still says; nothing where it was taken back."""
        before = self._cases.newest(tx, case.program, Gate.FUND) if case.round > 1 else None
        if before is None or before.state in _TAKEN_BACK:
            return None
        if before.basis is Basis.STANDING_DECISION:
            return None  # no level has approved anything: beyond the trial the full tier does
        return self._approved_by(tx, before, self._fundings.load(tx, before.name))

    def _approved_by(self, tx: Transaction, present: Case, funding: Funding) -> Approved | None:
        root = present
        if funding.opened.approved_in:
            root = self._cases.load(tx, funding.opened.approved_in)
        reach = funding.ceiling_minor or funding.opened.kept_ceiling_minor
        if root.decided is None or root.verdict is not Verdict.FUNDED or reach is None:
            return None
        over = root.standing_until is not None and root.standing_until <= tx.now
        if over and present.state is not CaseState.STANDING:
            return None
        return Approved(root.name, root.decided, reach, root.people | present.people)

    def _read_together(self, tx: Transaction, asked: Asked, facts: Revision) -> Sum:
        window = self._window
        counted: Sequence[Asked] = ()
        if window is not None and asked.vendors:
            recent = self._asked.since(tx, asked.cost_centre, tx.now - window)
            counted = splits.together(asked, recent, window)
        return splits.read_together(asked, counted, lambda total: self._tier(facts, total))

    def _asked_by(self, tx: Transaction, facts: Revision, cost_centre: str) -> Asked:
        return Asked(
            program=facts.program,
            category=facts.category,
            currency=facts.currency,
            amount_minor=facts.amount_minor,
            cost_centre=cost_centre,
            vendors=facts.vendors,
            asked_at=tx.now,
        )

    def _cost_centre(self, tx: Transaction, facts: Revision) -> str:
        named = self._ledger.find(tx, facts.envelope) if facts.envelope else None
        return named.cost_centre if named else facts.owning_unit

    def _tier(self, facts: Revision, total_minor: int) -> FundingTier:
        return tier_for(self._charter, facts.category, total_minor, facts.spend_conditions)

    def _contingency_bps(self, tier: FundingTier) -> int:
        """The tier's contingency, or the gate's tolerance where the charter has a larger one."""
        tolerance = self._charter.tolerance(Gate.FUND.value)
        return max(tier.contingency_bps, tolerance.amount_increase_bps)

    @property
    def _material(self) -> frozenset[str]:
        return self._charter.material_of(Gate.FUND.value)

    @property
    def _window(self) -> timedelta | None:
        window = self._charter.funding.split_window
        return None if window is None else window.elapsed
