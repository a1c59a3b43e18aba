"""Emergencies: declaring one at a pledge, and the review that it is owed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from investiture.casework import case as cases
from investiture.casework.case import Case, DueStep
from investiture.casework.emergencies import require_path
from investiture.casework.facts import Emergency
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Rules
from investiture.casework.words import CaseState, Step
from investiture.charter import timetable as dates
from investiture.charter.model import EMERGENCY_REVIEW
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain import emergencies as rules
from investiture.sponsorship.domain.emergencies import EmergencyState, Review
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.store.emergencies import EmergencyStore


@dataclass(frozen=True, slots=True)
class ReviewReading:
    """A review, who may close it, and the next step of its timetable."""

    review: Review
    closers: Sequence[str]
    following: DueStep | None


class EmergencyReviews:
    """The reviews that emergencies are owed; a case's charter dates them, today's says who closes.

    A review belongs to its team and not to a case: it goes on when the program has ended.
    """

    def __init__(
        self, charters: Rules, store: EmergencyStore, directory: DirectoryOperations
    ) -> None:
        self._charters = charters
        self._store = store
        self._directory = directory

    def opened(self, tx: Transaction, case: Case) -> None:
        """Opens the review of an emergency by which a pledge was just decided."""
        made = case.provisional
        assert made is not None, "two have decided"
        review = self._store.load(tx, rules.name_of(case.name))
        self.require_unblocked(tx, review.team)
        charter = self._charters.of(tx, review.charter_digest)
        table = dates.timetable(charter, EMERGENCY_REVIEW, tx.now)
        first = self._next(tx, review, table, 0).at
        found = self.closers(tx, review)
        after = rules.opened(review, made.voices, table, first, found, tx.now)
        self.save(tx, after, "opened", {"due_at": table.overdue_at.isoformat()})

    def decided_by(self, tx: Transaction, people: Collection[str]) -> list[str]:
        """Pledges under review that any of `people` decided in an emergency."""
        return [
            one.name.removesuffix("/emergency")
            for one in self._store.page(tx, "", EmergencyState.UNDER_REVIEW, None, None)
            if any(voice.decider.person in people for voice in one.voices)
        ]

    def require_unblocked(self, tx: Transaction, team: str) -> None:
        """Refuses a team that has a review which is not closed."""
        before = self._store.open_of(tx, team)
        rules.require_unblocked(team, before, self.closers(tx, before) if before else ())

    def closers(self, tx: Transaction, review: Review) -> list[str]:
        """Who may close a review today."""
        able = self._directory.able(tx)

        def of_team(name: str) -> bool:
            person = self._directory.find(tx, name)
            return person is None or person.unit == review.team

        named = filter(able, self._charters.in_force.emergency_closers)
        return rules.closers(review, named, of_team)

    def reading(self, tx: Transaction, review: Review) -> ReviewReading:
        """The review with what follows for it."""
        if review.state is not EmergencyState.UNDER_REVIEW or review.timetable is None:
            return ReviewReading(review, (), None)
        following = self._next(tx, review, review.timetable, review.steps)
        return ReviewReading(review, self.closers(tx, review), following)

    def escalate(self, tx: Transaction, name: str) -> None:
        """Takes the steps of a review that are due; harmless where none is."""
        review = self._store.load(tx, name)
        table = review.timetable
        if review.next_at is None or tx.now < review.next_at or table is None:
            return
        governance = self._charters.in_force.governance
        after = rules.escalated(
            review,
            lambda taken: self._next(tx, review, table, taken),
            self.closers(tx, review),
            (governance.owner, governance.deputy),
            tx.now,
        )
        taken = after.escalations[len(review.escalations) :]
        payload = {
            "steps": [step.step.value for step in taken],
            "added": [person for step in taken for person in step.added],
        }
        self.save(tx, after, "escalated", payload)

    def save(
        self, tx: Transaction, after: Review, what: str, payload: Mapping[str, object]
    ) -> Review:
        """Stores the next version of a review, and records what happened to it."""
        saved = self._store.save(tx, after)
        told = {"team": saved.team, **payload}
        tx.record(f"emergency.{what}", saved.name, saved.version, told, program=saved.program)
        return saved

    def _next(self, tx: Transaction, review: Review, table: Timetable, taken: int) -> DueStep:
        charter = self._charters.of(tx, review.charter_digest)
        due = dates.next_step(charter, EMERGENCY_REVIEW, table, taken, tx.now)
        return DueStep(Step(due.step.value), due.at, due.index)


class EmergencyOperations:
    """Declaring emergencies, reading them, and closing their reviews."""

    def __init__(
        self,
        cases_: CaseOperations,
        store: EmergencyStore,
        reviews: EmergencyReviews,
        directory: DirectoryOperations,
    ) -> None:
        self._cases = cases_
        self._store = store
        self._reviews = reviews
        self._directory = directory

    def declare(
        self, tx: Transaction, pledge: str, etag: str, reason: str, consequence: str
    ) -> ReviewReading:
        """Declares an emergency at an open pledge: its proposer may, where the team has none."""
        self._directory.hold_still(tx)
        case = self._cases.find(tx, pledge, etag)
        cases.require_state(case, CaseState.OPEN)
        actor, facts = tx.call.principal.subject, case.facts
        if actor != facts.proposer:
            raise Denied(
                "NOT_A_HOLDER",
                f"{actor} does not propose {case.program}; {facts.proposer} declares its emergency",
            )
        charter = self._cases.rules(tx, case)
        require_path(charter, facts)
        if case.emergency is not None:
            why = f"an emergency was declared for {case.name} already"
            leg = Leg("EMERGENCY", case.name, why, "have two people decide it provisionally")
            raise PreconditionFailed("WRONG_STATE", why, legs=(leg,))
        person = self._directory.find(tx, actor)
        review = Review(
            name=rules.name_of(case.name),
            program=case.program,
            team=(person.unit if person else "") or facts.owning_unit,
            emergency=Emergency(actor, tx.now, reason, consequence),
            charter_digest=case.charter_digest,
            barred=rules.barred(charter, facts),
        )
        self._reviews.require_unblocked(tx, review.team)
        rules.require_closers(review.team, self._reviews.closers(tx, review))
        self._store.insert(tx, review)
        after = replace(case, emergency=review.emergency)
        payload = {"team": review.team, "reason": reason, "consequence": consequence}
        self._cases.store.save(tx, case, after, "pledge.emergency_declared", payload)
        return self._reviews.reading(tx, review)

    def read(self, tx: Transaction, name: str) -> ReviewReading:
        """The emergency called `name`."""
        return self._reviews.reading(tx, self._store.load(tx, name))

    def page(
        self,
        tx: Transaction,
        team: str,
        state: EmergencyState | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[ReviewReading]:
        """Emergencies, the newest first."""
        rows = self._store.page(tx, team, state, after, limit)
        return [self._reviews.reading(tx, one) for one in rows]

    def close(self, tx: Transaction, name: str, etag: str, findings: str) -> ReviewReading:
        """Closes a review with its findings; the team may have another emergency."""
        self._directory.hold_still(tx)
        review = self._store.load(tx, name)
        found = self._reviews.closers(tx, review)
        actor = tx.call.principal.subject
        after = rules.closed(review, etag, actor, found, findings, tx.now)
        saved = self._reviews.save(tx, after, "closed", {"person": actor, "findings": findings})
        return self._reviews.reading(tx, saved)

    def due(self, tx: Transaction, limit: int) -> list[str]:
        """Reviews whose next step has come."""
        return self._store.due(tx, limit)
