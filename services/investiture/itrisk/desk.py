"""The KNIGHT gate's desk: who reviews, at which depth, and what its warrant says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from investiture.casework import case as cases
from investiture.casework.approvals import Level, candidates, levels_of, lines_of, missing
from investiture.casework.case import Candidate, Case, Holder
from investiture.casework.conflicts import require_independent
from investiture.casework.emergencies import shown, spoken
from investiture.casework.facts import Authority, Ending, Evidence, Revision, TrialRun, Warrant
from investiture.casework.sides import business_side, shared_people
from investiture.casework.standing import Part, anybodys
from investiture.casework.statements import recalled
from investiture.casework.store import CaseStore
from investiture.casework.trial_lane import ON_FOOT, Covered, Lane
from investiture.casework.words import CaseState, Gate, Purpose
from investiture.charter.authority import review_approvals
from investiture.charter.model import Charter
from investiture.charter.ownership import GOVERNANCE, escalation_chain
from investiture.charter.triage import Facts, review_depth
from investiture.charter.vocabulary import Depth
from investiture.chassis.refusal import PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.itrisk import domain
from investiture.itrisk.accepters import Accepters
from investiture.itrisk.arbiters import Arbiters, never_for_it
from investiture.itrisk.duties import require_kept
from investiture.itrisk.duty_store import DutyStore
from investiture.itrisk.profiles import ProfileStore
from investiture.itrisk.quantification.ratings import rated
from investiture.itrisk.store import Review, ReviewStore
from investiture.itrisk.trial_lane import KnightLane


class KnightDesk:
    """What the KNIGHT gate does differently."""

    gate = Gate.KNIGHT
    collection = "riskReviews"
    required = (Gate.PLEDGE, Gate.FUND)

    def __init__(
        self,
        charter: Charter,
        cases_: CaseStore,
        reviews: ReviewStore,
        accepters: Accepters,
        profiles: ProfileStore,
        duties: DutyStore,
    ) -> None:
        self._charter = charter
        self._duties = duties
        self._profiles = profiles
        self._accepters = accepters
        self._cases = cases_
        self._reviews = reviews
        self._trial = KnightLane(charter)
        self.arbiters = Arbiters(charter, cases_, reviews, self.levels)

    def signer(self, evidence: Evidence) -> str:
        """Who signed for IT what the pledge stands by."""
        return self._trial.signer(evidence)

    def lane(self, tx: Transaction, case: Case, evidence: Evidence) -> Lane:
        """Whether a standing decision covers it; people decide what an appeal has reopened."""
        return ON_FOOT if case.appeal else self._trial.lane(tx, evidence)

    def fits(self, tx: Transaction, present: Case, evidence: Evidence) -> bool:
        """Whether a later revision keeps the caps."""
        return self._trial.fits(present, evidence)

    def by_standing_decision(
        self, tx: Transaction, case: Case, evidence: Evidence, covered: Covered
    ) -> Case:
        """The review on record, knighted in advance."""
        self.holders(tx, case, evidence)
        return self._trial.knighted(tx, case, covered)

    def acting(self, tx: Transaction, authority: Authority) -> Authority:
        """Who decides provisionally, as the directory answered a moment ago."""
        return authority

    def may_decide(self, tx: Transaction, case: Case, authority: Authority) -> datetime | None:
        """Neither of the two is of another side; no duty fails, and an exception of one ends it."""
        review = self._reviews.load(tx, case.name)
        people = (*spoken(case), *authority.people)
        domain.require_apart(people, review.business_people, review.money_people)
        require_independent(case.facts, authority)
        duties = self._duties.newest(tx, case.program)
        require_kept(duties, tx.now)
        return min((one.until for one in duties if one.until is not None), default=None)

    def decided_provisionally(self, tx: Transaction, case: Case) -> None:
        """A review holds nothing."""

    def admit(self, tx: Transaction, evidence: Evidence) -> None:
        """Nobody stands on two of the sides whose warrants came; otherwise IT is not asked.

        A knighting that stands is not carried to a revision that puts who knighted on another side.
        """
        fund = evidence.warrants[Gate.FUND]
        business = business_side(evidence.revision, evidence.warrants[Gate.PLEDGE])
        legs = shared_people(fund.people, business, "money", "business")
        if legs:
            raise PreconditionFailed("SIDES_NOT_SEPARATE", legs=legs)
        present = self._cases.newest(tx, evidence.revision.program, Gate.KNIGHT)
        if present is not None:
            self._hear_of(tx, present, evidence, business)

    def _hear_of(
        self, tx: Transaction, present: Case, evidence: Evidence, business: frozenset[str]
    ) -> None:
        """Keeps who pledged or funded since: a case that goes on is decided without them."""
        facts, review = evidence.revision, self._reviews.load(tx, present.name)
        heard = replace(
            review,
            business_people=tuple(sorted({*review.business_people, *business})),
            money_people=tuple(
                sorted({*review.money_people, *evidence.warrants[Gate.FUND].people})
            ),
            sponsors=domain.pledged(evidence.warrants[Gate.PLEDGE]),
        )
        read = shown(cases.as_of(present, tx.now), tx.now)
        standing = read.state is CaseState.STANDING
        if standing and present.gate_digest == facts.gate_digest(self.gate):
            it = read.people | self._accepters.of(tx, present)
            domain.require_apart(it, heard.business_people, heard.money_people)
        if heard != review:
            self._reviews.hear_of(tx, present.name, heard)

    def same_tier(self, decided: Revision, revision: Revision) -> bool:
        """Tiers are money's; a knighting has none."""
        return True

    def holders(self, tx: Transaction, case: Case, evidence: Evidence) -> Sequence[Holder]:
        """The first level of the review that triage asks for."""
        facts = evidence.revision
        self._take_over(tx, facts.program, evidence.trial_runs)
        depth = review_depth(
            self._charter,
            Facts(
                audiences=facts.audiences,
                channels=facts.channels,
                data_classes=facts.data_classes,
                vendors=facts.vendors,
                exposure_bps=facts.exposure_bps,
                amount_minor=facts.amount_minor,
                rating=self._rating(tx, facts.program),
            ),
        ).depth
        business = business_side(facts, evidence.warrants[Gate.PLEDGE])
        money = evidence.warrants[Gate.FUND].people
        sponsors = domain.pledged(evidence.warrants[Gate.PLEDGE])
        review = Review(depth.value, tuple(sorted(business)), tuple(sorted(money)), sponsors)
        self._reviews.insert(tx, case.name, case.program, review)
        levels = self.levels(case, review)
        return domain.holders_of(levels[0], tx.now) if levels else ()

    def _take_over(self, tx: Transaction, program: str, runs: Sequence[TrialRun]) -> None:
        """Begins with the risk profile of a trial, where the program has none of its own yet.

        It is the one that the trial ran with: what its proposer wrote afterwards was not tried.
        """
        if not runs or self._profiles.newest(tx, program) is not None:
            return
        for run in runs:
            before = self._profiles.as_of(tx, run.program, run.ended_at or tx.now)
            if before is None:
                continue
            profile = replace(
                before,
                program=program,
                version=1,
                saved_at=tx.now,
                reason=f"taken over from {before.name}, which {run.pilot} ran with",
                effect="",
                evidence=({"url": run.pilot, "sha256": run.digest},),
            )
            self._profiles.insert(tx, profile)
            payload = {"digest": profile.digest, "reason": profile.reason, "author": profile.author}
            tx.record("risk_profile.taken_over", profile.name, 1, payload, program=program)
            return

    def _rating(self, tx: Transaction, program: str) -> str:
        """What the proposer's rating at the door comes to; it is looked at as the review opens."""
        profile = self._profiles.newest(tx, program)
        said = None if profile is None else profile.content.get("rating")
        return "" if said is None else rated(said)

    def levels(self, case: Case, review: Review) -> tuple[Level, ...]:
        """The levels of the review, free of the other sides and of whom an appeal has barred."""
        approvals = review_approvals(self._charter, Depth(review.depth))
        conflicted = never_for_it(case, review)
        pairs = [(approval, candidates(self._charter, approval)) for approval in approvals]
        return levels_of(pairs, conflicted, self._charter.countersigner)

    def chain(self, tx: Transaction, case: Case) -> Sequence[Candidate]:
        """The line above the reviewing unit, then governance; never the other sides.

        Of a declined case it is who may decide its appeal.
        """
        review = self._reviews.load(tx, case.name)
        if case.under_appeal:
            return self.arbiters.chain(tx, case)
        if case.state is CaseState.CHANGES_REQUESTED:
            unit = case.facts.owning_unit.removeprefix("units/")
            people = escalation_chain(self._charter, unit)
        else:
            people = escalation_chain(self._charter, self._charter.review.unit)
        conflicted = never_for_it(case, review)
        return tuple(
            Candidate(
                holder.person,
                holder.role if holder.role == GOVERNANCE else self._role(case),
                f"units/{holder.unit}" if holder.unit else "",
            )
            for holder in people
            if holder.person not in conflicted
        )

    def parts(self, tx: Transaction, case: Case) -> Sequence[Part]:
        """What the present level lacks, from whom has said nothing yet and is of no other side."""
        review = self._reviews.load(tx, case.name)
        out = never_for_it(case, review) | case.people
        lacking = missing(self.levels(case, review), len(case.deciders))
        return (anybodys(Purpose.KNIGHT, max(lacking, 1), out),)

    def reviewing(self, tx: Transaction, case: Case) -> Part:
        """Who may knight looks again at what was, also who did; nobody of another side."""
        out = never_for_it(case, self._reviews.load(tx, case.name))
        return anybodys(Purpose.KNIGHT, 1, out)

    def first_to_review(self, tx: Transaction, case: Case) -> Sequence[Holder]:
        """The first level of the review, who look again at a knighting that stands."""
        levels = self.levels(case, self._reviews.load(tx, case.name))
        return domain.holders_of(levels[0], tx.now) if levels else ()

    def _role(self, case: Case) -> str:
        return "proposer" if case.state is CaseState.CHANGES_REQUESTED else domain.REVIEWER

    def more_time(self, tx: Transaction, case: Case) -> None:
        """IT has no dates of its own."""

    def superseded(self, tx: Transaction, old: Case, new: Case) -> None:
        """A review holds nothing."""

    def voided(self, tx: Transaction, case: Case) -> None:
        """A review holds nothing."""

    def released(self, tx: Transaction, case: Case, ending: Ending) -> None:
        """A review holds nothing."""

    def evidence(self, tx: Transaction, case: Case) -> Evidence:
        """The revision, and of the warrants before it who stands on which side."""
        review = self._reviews.load(tx, case.name)
        pledge = recalled(case, Gate.PLEDGE, business=review.business_people)
        fund = recalled(case, Gate.FUND, people=review.money_people)
        return Evidence(case.facts, {Gate.PLEDGE: pledge, Gate.FUND: fund})

    def terms(self, tx: Transaction, case: Case) -> Sequence[str]:
        """How deep IT looks, and who knights."""
        review = self._reviews.load(tx, case.name)
        levels = lines_of(self.levels(case, review))
        return (f"review {review.depth.lower()}", *(f"knighted by {line}" for line in levels))

    def warrant(self, tx: Transaction, case: Case, warrant: Warrant) -> Warrant:
        """A knighting adds nothing to its warrant."""
        return warrant
