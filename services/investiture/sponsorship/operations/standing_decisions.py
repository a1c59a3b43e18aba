"""Standing decisions: signing and revoking them, and letting a program through by one."""

from collections.abc import Sequence

from investiture.casework import trial_lane
from investiture.casework.case import Case
from investiture.casework.facts import Evidence, StandingIncident, StandingRef
from investiture.casework.trial_lane import Covered, Lane
from investiture.casework.words import Purpose, Side
from investiture.charter.model import Charter
from investiture.charter.policy import StandingDecision
from investiture.chassis.refusal import InvalidArgument, NotFound
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain import standing_decisions as rules
from investiture.sponsorship.domain.standing_decisions import Revocation, Signature, Signed
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.store.standing_decisions import StandingDecisionStore

_PURPOSES = {Side.BUSINESS: Purpose.PLEDGE, Side.MONEY: Purpose.FUND, Side.IT: Purpose.KNIGHT}


class StandingDecisions:
    """The standing decisions of one charter."""

    def __init__(
        self, charter: Charter, store: StandingDecisionStore, directory: DirectoryOperations
    ) -> None:
        self._charter = charter
        self._store = store
        self._directory = directory

    def every(self, tx: Transaction) -> Sequence[Signed]:
        """How each decision of the charter stands, in its order."""
        return [self._signed(tx, one) for one in self._charter.standing_decisions]

    def sign(self, tx: Transaction, decision_id: str, digest: str) -> Signed:
        """The caller's signature under a text, for the side for which the charter names them."""
        self._directory.hold_still(tx)
        decision = self._decision(decision_id)
        person = self._directory.decider(tx, Purpose.HOLD).person
        side = rules.side_to_sign(decision, person)
        self._store.lock(tx, decision_id)
        before = self._signed(tx, decision)
        if digest != before.ref.digest:
            raise InvalidArgument.of(
                "digest", f"{decision_id} has another text by now; read it again, then sign that"
            )
        if side in before.signatures:
            return before
        member = self._directory.person(tx, person)
        rules.require_signable(before, person, side, self._directory.side(member))
        self._store.sign(tx, before.ref, Signature(side, person, tx.now))
        self._record(tx, before.ref, "signed", {"person": person, "side": side.value})
        return self._signed(tx, decision)

    def revoke(self, tx: Transaction, decision_id: str, reason: str) -> Signed:
        """Ends a decision at once, by one of its signers or governance; once is enough."""
        decision = self._decision(decision_id)
        actor = tx.call.principal
        if "governance" not in actor.roles:
            rules.side_to_sign(decision, actor.subject)
        ref = trial_lane.ref_of(self._charter, decision)
        self._end(tx, ref, Revocation(actor.subject, reason, tx.now))
        return self._signed(tx, decision)

    def note(self, tx: Transaction, one: StandingIncident) -> StandingRef:
        """Ends a decision because of an incident that launch has signed."""
        said = f"an incident of {one.program}: {one.incident}"
        self._end(tx, one.standing, Revocation("workloads/launch", said, one.at))
        return one.standing

    def ended(self, tx: Transaction, ref: StandingRef) -> str:
        """Why a text was ended; empty where it was not."""
        found = self._store.revocation(tx, ref.digest)
        return "" if found is None else str(found)

    def lane(self, tx: Transaction, case: Case, evidence: Evidence) -> Lane:
        """Which decision covers a new round of the pledge; its place is taken with it.

        Where none does, the place that the program may have had is free again.
        """
        why: list[str] = []
        for decision in self._charter.standing_decisions:
            if not trial_lane.of_class(decision, evidence.revision):
                continue
            covered, reasons = self._covered(tx, decision, case, evidence)
            if covered is not None:
                return Lane(covered)
            why += trial_lane.says_why(decision, reasons)
        if case.round > 1:
            self._store.free(tx, case.program, tx.now)
        return Lane(why=tuple(why))

    def free(self, tx: Transaction, program: str) -> None:
        """Frees the place of a program that has ended."""
        self._store.free(tx, program, tx.now)

    def _covered(
        self, tx: Transaction, decision: StandingDecision, case: Case, evidence: Evidence
    ) -> tuple[Covered | None, Sequence[str]]:
        facts = evidence.revision
        self._directory.hold_still(tx)
        self._store.lock(tx, decision.id)
        signed, place = self._signed(tx, decision), self._store.place(tx, case.program)
        reasons = (
            *trial_lane.exceeded(decision, facts, self._charter.currency),
            *trial_lane.out_of_term(decision, tx.now),
            *signed.why_not(),
            # Launch may have told of it already: then it is said once.
            *(() if signed.revocation else trial_lane.ended_by_incident(signed.ref, evidence)),
            *self._unfit(tx, decision, evidence),
            *rules.over(signed, place, tx.now),
            *rules.full(signed, case.program),
        )
        if reasons:
            return None, reasons
        again = place is not None and place.ref.id == decision.id
        since = place.since if place is not None and again else tx.now
        self._store.take(tx, case.program, signed.ref, since)
        return Covered(decision, signed.ref, since + decision.caps.duration.elapsed), ()

    def _unfit(
        self, tx: Transaction, decision: StandingDecision, evidence: Evidence
    ) -> Sequence[str]:
        found: list[str] = []
        for side, purpose in _PURPOSES.items():
            person = trial_lane.signer_of(decision, side)
            known = self._directory.find(tx, person) is not None
            authority = self._directory.resolve(tx, person, purpose) if known else None
            found += trial_lane.unfit(person, side, authority, evidence.revision)
        return found

    def _signed(self, tx: Transaction, decision: StandingDecision) -> Signed:
        ref = trial_lane.ref_of(self._charter, decision)
        return Signed(
            decision,
            ref,
            self._store.signatures(tx, ref.digest),
            self._store.revocation(tx, ref.digest),
            self._store.programs(tx, decision.id),
        )

    def _end(self, tx: Transaction, ref: StandingRef, made: Revocation) -> None:
        self._store.lock(tx, ref.id)
        if self._store.revocation(tx, ref.digest) is None:
            self._store.revoke(tx, ref, made)
            self._record(tx, ref, "revoked", {"person": made.person, "reason": made.reason})

    def _decision(self, decision_id: str) -> StandingDecision:
        for one in self._charter.standing_decisions:
            if one.id == decision_id:
                return one
        raise NotFound(f"standingDecisions/{decision_id}")

    def _record(
        self, tx: Transaction, ref: StandingRef, what: str, payload: dict[str, object]
    ) -> None:
        name = f"standingDecisions/{ref.id}"
        tx.record(f"standing_decision.{what}", name, 0, {"digest": ref.digest, **payload})
