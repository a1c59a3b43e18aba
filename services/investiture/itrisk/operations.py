"""Reviews: load → decide → save, each inside one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from investiture.casework import appeals
from investiture.casework import case as cases
from investiture.casework.approvals import Level, candidates, levels_of, lines_of, missing
from investiture.casework.case import Candidate, Case, Holder
from investiture.casework.conflicts import require_independent
from investiture.casework.directory import require_able
from investiture.casework.emergencies import shown, spoken
from investiture.casework.facts import Authority, Ending, Evidence, Gap, Revision, Warrant
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.sides import business_side, shared_people
from investiture.casework.standing import Part, anybodys
from investiture.casework.statements import recalled
from investiture.casework.store import CaseStore
from investiture.casework.trial_lane import ON_FOOT, Covered, Lane
from investiture.casework.words import CaseState, Gate, Purpose
from investiture.charter import timetable as dates
from investiture.charter.authority import review_approvals
from investiture.charter.model import Charter
from investiture.charter.ownership import GOVERNANCE, escalation_chain
from investiture.charter.triage import Facts, review_depth
from investiture.charter.vocabulary import Depth
from investiture.chassis.refusal import PreconditionFailed, Stale
from investiture.chassis.transaction import Transaction
from investiture.itrisk import domain
from investiture.itrisk.acceptances import TREAT, Acceptance, require_neutral, with_ground
from investiture.itrisk.accepters import Accepters
from investiture.itrisk.arbiters import Arbiters, never_for_it
from investiture.itrisk.assessing import (
    Assessing,
    Judged,
    Subject,
    gaps_of,
    require_empty_window,
    require_inside,
)
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.calibration import ForecastStore, forecast_of
from investiture.itrisk.duties import require_kept
from investiture.itrisk.duty_store import DutyStore
from investiture.itrisk.graces import Grace
from investiture.itrisk.profiles import ProfileStore
from investiture.itrisk.quantification.ratings import rated
from investiture.itrisk.store import Review, ReviewStore
from investiture.itrisk.trial_lane import KnightLane


@dataclass(frozen=True, slots=True)
class ReviewReading:
    """A review with its case."""

    case: Case
    review: Review
    rounds_of_changes: int
    acceptance: Acceptance | None
    grace: Grace | None


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
        require_kept(duties := self._duties.newest(tx, case.program), tx.now)
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


class ReviewOperations:
    """The verdicts, and reading a review."""

    def __init__(
        self,
        cases_: CaseOperations,
        desks: Pinned[KnightDesk],
        reviews: ReviewStore,
        assessing: Assessing,
        profiles: ProfileStore,
        bounds: Bounds,
        forecasts: ForecastStore,
    ) -> None:
        self._forecasts = forecasts
        self._assessing = assessing
        self._profiles = profiles
        self._bounds = bounds
        self._cases = cases_
        self._desks = desks
        self._reviews = reviews

    def read(self, tx: Transaction, name: str) -> ReviewReading:
        """The review called `name`."""
        return self.reading(tx, self._cases.find(tx, name))

    def knight(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        knighting: domain.Knighting,
        authority: Authority,
        judged: Judged | None = None,
        stated: float | None = None,
    ) -> ReviewReading:
        """One reviewer's yes; where the risk is known in numbers, only inside the appetite."""
        case, review = self._decidable(tx, name, etag, authority)
        self._require_current(tx, case, knighting.exposure_limit_bps, judged)
        self._bounds.require_duties(tx, case.program)
        acceptance = self._acceptance(tx, case, review, authority, judged)
        if judged is not None and acceptance is None:
            require_inside(judged.answer, judged.subject.currency)
        domain.check_conditions(knighting.conditions, tx.now)
        levels = self._desks.of(tx, case).levels(case, review)
        validity = self._bounds.validity(tx, case, acceptance)
        knighting = replace(knighting, rationale=with_ground(knighting.rationale, acceptance))
        knighted = domain.knight(case, levels, knighting, authority, tx.now, validity)
        if knighted.state is CaseState.STANDING:  # who spoke first may have changed sides since
            domain.require_apart(knighted.people, review.business_people, review.money_people)
        after = self._cases.governed(tx, knighted)
        payload: dict[str, object] = {
            "authority": authority.evidence(),
            "rationale": knighting.rationale,
        }
        payload.update(self._keep(tx, case, "KNIGHTED", judged))
        if stated is not None:
            self._forecasts.insert(tx, forecast_of(case, authority, judged, stated, tx.now))
        self._reviews.speak(tx, case, authority.people)
        return self.reading(tx, self._cases.store.save(tx, case, after, "knight.yes", payload))

    def request_changes(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        gaps: tuple[Gap, ...],
        authority: Authority,
        judged: Judged | None = None,
    ) -> ReviewReading:
        """The named gaps go to the proposer, whose clock runs; those of the numbers with them."""
        case, _ = self._decidable(tx, name, etag, authority)
        if judged is not None:
            self._require_current(tx, case, 0, judged)
            gaps = (*gaps, *gaps_of(judged.answer, judged.subject.currency))
        domain.check_gaps(gaps)
        timetable = self._cases.changes_timetable(tx, case)
        after = self._cases.governed(tx, cases.request_changes(case, gaps, timetable, tx.now))
        self._reviews.mark_changes_requested(tx, case.name)
        self._reviews.speak(tx, case, authority.people)
        payload: dict[str, object] = {
            "authority": authority.evidence(),
            "gaps": [gap.risk for gap in gaps],
        }
        payload.update(self._keep(tx, case, "CHANGES_REQUESTED", judged))
        saved = self._cases.store.save(tx, case, after, "knight.changes_requested", payload)
        return self.reading(tx, saved)

    def decline(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        gaps: tuple[Gap, ...],
        price: str,
        authority: Authority,
        judged: Judged | None = None,
        *,
        no_exposure_fits: bool,
    ) -> ReviewReading:
        """A no, with the price and what would flip it; the program ends once it is final.

        Where numbers exist they have to agree that no exposure fits, and no control on offer.
        """
        case, review = self._decidable(tx, name, etag, authority)
        domain.check_gaps(gaps)
        if no_exposure_fits:
            self._require_current(tx, case, 0, judged)
            if judged is not None:
                require_empty_window(judged.answer)
        rules = self._cases.rules(tx, case)
        domain.check_decline(
            self._reviews.rounds_of_changes(tx, case.program),
            rules.review.decline_after_rounds,
            no_exposure_fits=no_exposure_fits,
        )
        decided = cases.with_decider(case, domain.decider(case, authority, tx.now))
        declined = cases.decline(decided, gaps, tx.now, f"price: {price}")
        table = dates.appeal_timetable(rules, case.gate.value, tx.now)
        after = appeals.may_be_appealed(
            declined, domain.sponsors(case.facts, review.sponsors), table
        )
        self._reviews.speak(tx, case, authority.people)
        until = after.appealable_until
        payload = {
            "authority": authority.evidence(),
            "price": price,
            "appealable_until": "" if until is None else until.isoformat(),
        }
        saved = self._cases.store.save(tx, case, after, "knight.declined", payload)
        return self.reading(tx, saved)

    def _acceptance(
        self,
        tx: Transaction,
        case: Case,
        review: Review,
        authority: Authority,
        judged: Judged | None,
    ) -> Acceptance | None:
        """The acceptance that a knighting outside the appetite rests on; of nobody's side."""
        if judged is None or judged.answer["answer"] != TREAT:
            return None
        digest = judged.subject.asked.digest
        found = self._bounds.covering(tx, case.program, digest, judged.answer)
        if found is not None:
            it = (*case.people, *authority.people)
            require_neutral(sorted(found.people), review.business_people, review.money_people, it)
        return found

    def subject(self, tx: Transaction, name: str, limit_bps: int = 0) -> Subject | None:
        """What has to be computed before a verdict on a review; None where there are no numbers."""
        return self._assessing.of_review(tx, self._cases.find(tx, name), limit_bps)

    def _require_current(
        self, tx: Transaction, case: Case, limit_bps: int, judged: Judged | None
    ) -> None:
        """Refuses with STALE_ETAG what was computed of another profile or revision."""
        now = self._assessing.of_review(tx, case, limit_bps)
        known = judged.subject.asked.digest if judged is not None else ""
        if (now.asked.digest if now is not None else "") != known:
            raise Stale(case.name, case.etag, "the risk profile changed meanwhile; decide again")

    def _keep(
        self, tx: Transaction, case: Case, kind: str, judged: Judged | None
    ) -> dict[str, object]:
        """Keeps what was decided on; what the audit trail says of it."""
        if judged is None:
            return {}
        subject = judged.subject
        self._profiles.judge(
            tx, case.name, kind, subject.asked, subject.profile_version, judged.answer
        )
        return {
            "risk": {
                "verdict": str(judged.answer["verdict"]),
                "digest": subject.asked.digest,
                "profile_version": subject.profile_version,
            }
        }

    def _decidable(
        self, tx: Transaction, name: str, etag: str, authority: Authority
    ) -> tuple[Case, Review]:
        case = self._cases.find(tx, name, etag)
        cases.require_state(case, CaseState.OPEN)
        require_able(authority)
        review = self._reviews.load(tx, case.name)
        domain.check_sides(authority, review.business_people, review.money_people)
        require_independent(case.facts, authority)
        appeals.require_others(case, authority.people)
        cases.require_holder(case, *authority.people)
        return case, review

    def reading(self, tx: Transaction, case: Case) -> ReviewReading:
        """The review of a case, as it reads with what stands beside it."""
        review = self._reviews.load(tx, case.name)
        return ReviewReading(
            case,
            review,
            self._reviews.rounds_of_changes(tx, case.program),
            self._bounds.acceptance(tx, case.program),
            self._bounds.grace(tx, case),
        )
