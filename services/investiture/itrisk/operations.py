"""Reviews: load → decide → save, each inside one transaction."""

from dataclasses import dataclass, replace

from investiture.casework import appeals
from investiture.casework import case as cases
from investiture.casework.case import Case
from investiture.casework.conflicts import require_independent
from investiture.casework.directory import require_able
from investiture.casework.facts import Authority, Gap
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.words import CaseState
from investiture.charter import timetable as dates
from investiture.chassis.refusal import Stale
from investiture.chassis.transaction import Transaction
from investiture.itrisk import domain
from investiture.itrisk.acceptances import TREAT, Acceptance, require_neutral, with_ground
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
from investiture.itrisk.desk import KnightDesk
from investiture.itrisk.graces import Grace
from investiture.itrisk.profiles import ProfileStore
from investiture.itrisk.store import Review, ReviewStore


@dataclass(frozen=True, slots=True)
class ReviewReading:
    """A review with its case."""

    case: Case
    review: Review
    rounds_of_changes: int
    acceptance: Acceptance | None
    grace: Grace | None


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
        if after.state is CaseState.STANDING:
            self._bounds.watch(tx, acceptance)
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
