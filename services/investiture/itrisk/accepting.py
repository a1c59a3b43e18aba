"""Accepting a risk: load → decide → save, inside one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from investiture.casework.approvals import Level, candidates, levels_of, lines_of, open_level
from investiture.casework.case import Case
from investiture.casework.conflicts import require_independent
from investiture.casework.directory import require_able
from investiture.casework.facts import Authority
from investiture.casework.operations import CaseOperations
from investiture.casework.words import CaseState, Gate
from investiture.charter.authority import NoTier, tier_approvals, tier_for
from investiture.chassis.refusal import NotFound, PreconditionFailed, Stale
from investiture.chassis.transaction import Transaction
from investiture.itrisk import acceptances as rules
from investiture.itrisk.acceptance_store import AcceptanceStore
from investiture.itrisk.acceptances import Acceptance
from investiture.itrisk.assessing import Assessing, Judged, Subject
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.store import ReviewStore

_OVER = (CaseState.DECLINED, CaseState.RELEASED)


@dataclass(frozen=True, slots=True)
class Accepting:
    """What a person says: the assessment that they saw, why they accept, and until when."""

    program: str
    digest: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class AcceptanceReading:
    """An acceptance, and who has still to accept, a line a level."""

    acceptance: Acceptance
    lacking: Sequence[str]


class AcceptanceOperations:
    """Accepts risk above the appetite, and reads who did."""

    def __init__(
        self,
        cases: CaseOperations,
        reviews: ReviewStore,
        assessing: Assessing,
        store: AcceptanceStore,
        bounds: Bounds,
    ) -> None:
        self._cases = cases
        self._reviews = reviews
        self._assessing = assessing
        self._store = store
        self._bounds = bounds

    def subject(self, tx: Transaction, program: str) -> Subject:
        """What has to be computed before it can be accepted. NOT_FOUND without numbers."""
        return self._assessing.subject(tx, program)

    def accept(
        self, tx: Transaction, said: Accepting, authority: Authority, judged: Judged
    ) -> AcceptanceReading:
        """One person's acceptance, at the level of the table that is asked now."""
        require_able(authority)
        rules.check_until(said.until, tx.now)
        case = self._case(tx, said.program)
        subject = self.subject(tx, said.program)
        if {subject.asked.digest, said.digest} != {judged.subject.asked.digest}:
            raise Stale(
                said.program,
                subject.asked.digest,
                "the assessment is another one since; read it, then accept what it says now",
            )
        rules.require_acceptable(judged.answer)
        require_independent(case.facts, authority)
        business, money, it = self._sides(tx, case)
        rules.require_neutral(authority.people, business, money, it)
        begun = self._begun(tx, said, subject, judged.answer)
        levels = self._levels(tx, case, begun)
        after = rules.accept(begun, levels, authority, said.reason, said.until, tx.now)
        (self._store.save if begun.voices else self._store.insert)(tx, after)
        self._record(tx, after, authority, said.reason)
        if after.accepted_at is not None:
            self._settle(tx, case)
        return self._reading(levels, after)

    def list(self, tx: Transaction, program: str) -> list[AcceptanceReading]:
        """The acceptances of a program, the newest first."""
        case = self._cases.newest(tx, program, Gate.KNIGHT)
        if case is None:
            return []
        found = self._store.of(tx, program)
        return [self._reading(self._levels(tx, case, one), one) for one in found]

    def _case(self, tx: Transaction, program: str) -> Case:
        case = self._cases.newest(tx, program, Gate.KNIGHT)
        if case is None:
            raise NotFound(f"{program}/riskReviews/latest")
        if case.state in _OVER:
            raise PreconditionFailed(
                "WRONG_STATE", f"{program} has ended or was declined: there is nothing to accept"
            )
        return case

    def _sides(
        self, tx: Transaction, case: Case
    ) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        review = self._reviews.load(tx, case.name)
        return review.business_people, review.money_people, sorted(case.people)

    def _begun(
        self, tx: Transaction, said: Accepting, subject: Subject, answer: Mapping[str, object]
    ) -> Acceptance:
        """The acceptance that waits for further levels, or a new one."""
        newest = self._store.newest(tx, said.program)
        waits = newest is not None and newest.accepted_at is None and newest.until > tx.now
        if newest is not None and waits and newest.digest == said.digest:
            return newest
        return Acceptance(
            program=said.program,
            number=1 if newest is None else newest.number + 1,
            digest=said.digest,
            profile_version=subject.profile_version,
            appetite_version=subject.appetite_version,
            at_stake_minor=rules.at_stake_minor(answer, subject.currency),
            currency=subject.currency,
            until=said.until,
            answer=dict(answer),
        )

    def _levels(self, tx: Transaction, case: Case, acceptance: Acceptance) -> tuple[Level, ...]:
        """All levels of the tier of the delegation of authority, free of the three sides."""
        charter = self._cases.rules(tx, case)
        try:
            tier = tier_for(charter, case.facts.category, acceptance.at_stake_minor)
        except NoTier as why:
            raise PreconditionFailed("AUTHORITY_INSUFFICIENT", str(why)) from None
        pairs = [(one, candidates(charter, one)) for one in tier_approvals(tier)]
        out = frozenset(person for side in self._sides(tx, case) for person in side)
        return levels_of(pairs, out, charter.countersigner)

    def _settle(self, tx: Transaction, case: Case) -> None:
        """What an acceptance that is complete does to a knighting that stands."""
        if case.state is CaseState.STANDING:
            self._bounds.settle(tx, case)

    def _record(
        self, tx: Transaction, after: Acceptance, authority: Authority, reason: str
    ) -> None:
        payload = {
            "digest": after.digest,
            "at_stake_minor": str(after.at_stake_minor),
            "currency": after.currency,
            "until": after.until.isoformat(),
            "complete": after.accepted_at is not None,
            "reason": reason,
            "authority": authority.evidence(),
        }
        count = len(after.voices)
        tx.record("risk.accepted", after.name, count, payload, program=after.program)

    def _reading(self, levels: Sequence[Level], acceptance: Acceptance) -> AcceptanceReading:
        given = len(acceptance.voices)
        if acceptance.accepted_at is not None:
            return AcceptanceReading(acceptance, ())
        lacking: list[Level] = []
        while (level := open_level(levels, given)) is not None:
            before = given
            while open_level(levels, given) == level:
                given += 1
            said = {person for voice in acceptance.voices for person in voice.people}
            left = tuple(one for one in level.eligible if one not in said)
            lacking.append(replace(level, needed=given - before, eligible=left))
        return AcceptanceReading(acceptance, lines_of(lacking))
