"""How long a knighting stands: its validity, cut short by what it rests on."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from investiture.casework import case as cases
from investiture.casework.case import Case
from investiture.casework.operations import CaseOperations
from investiture.casework.words import CaseState
from investiture.chassis.transaction import Transaction
from investiture.itrisk.acceptance_store import AcceptanceStore
from investiture.itrisk.acceptances import Acceptance, why_not_covered, with_ground
from investiture.itrisk.assessing import Subject
from investiture.itrisk.comparing import INSIDE
from investiture.itrisk.duties import require_kept
from investiture.itrisk.duty_store import DutyStore
from investiture.itrisk.graces import Grace, GraceStore
from investiture.itrisk.profiles import ProfileStore, appetite_key

RECONFIRMED, GRACE = "RECONFIRMED", "GRACE"


class Bounds:
    """Knows what a knighting rests on that ends: an acceptance, an exception, a grace."""

    def __init__(
        self,
        cases_: CaseOperations,
        profiles: ProfileStore,
        acceptances: AcceptanceStore,
        duties: DutyStore,
        graces: GraceStore,
    ) -> None:
        self._cases = cases_
        self._profiles = profiles
        self._acceptances = acceptances
        self._duties = duties
        self._graces = graces

    def covering(
        self, tx: Transaction, program: str, digest: str, answer: Mapping[str, Any]
    ) -> Acceptance | None:
        """The newest acceptance that covers a risk which is not inside; None where none does."""
        found = self._acceptances.of(tx, program)
        return next((o for o in found if not why_not_covered(o, digest, answer, tx.now)), None)

    def acceptance(self, tx: Transaction, program: str) -> Acceptance | None:
        """The newest acceptance of a program, whatever it covers."""
        return self._acceptances.newest(tx, program)

    def require_duties(self, tx: Transaction, program: str) -> None:
        """Refuses with VERDICT_NOT_ALLOWED while a duty of the program fails."""
        require_kept(self._duties.newest(tx, program), tx.now)

    def grace(self, tx: Transaction, case: Case) -> Grace | None:
        """The grace that runs for a case."""
        return self._graces.of(tx, case.name)

    def hold(self, tx: Transaction, case: Case, subject: Subject, answer: Mapping[str, Any]) -> str:
        """Judges a knighting that is no worse than before anew: RECONFIRMED, or in GRACE.

        It is in grace where the appetite is another one than it was judged by last, and does not
        hold it.
        """
        before = self._profiles.judgement(tx, case.name)
        digest = subject.asked.digest
        held = answer["verdict"] == INSIDE or self.covering(tx, case.program, digest, answer)
        key = appetite_key(subject.asked.document["appetite"])
        kind = GRACE if not held and before is not None and before.appetite != key else RECONFIRMED
        version = subject.profile_version
        self._profiles.judge(tx, case.name, kind, subject.asked, version, answer)
        payload = {
            "profile_version": version,
            "appetite_version": subject.appetite_version,
            "digest": digest,
        }
        if kind == GRACE:
            self._begin_grace(tx, case, subject.appetite_version, str(answer["sentence"]))
            return kind
        tx.record("knight.reconfirmed", case.name, case.version, payload, program=case.program)
        if held:
            self.settle(tx, case)
        return kind

    def _begin_grace(self, tx: Transaction, case: Case, appetite_version: int, why: str) -> Case:
        """Lets a knighting that a new appetite does not hold stand for some days more."""
        grace = self._graces.begin(tx, case.name, appetite_version, why)
        text = (
            f"appetite version {appetite_version}: {why} It stands until "
            f"{grace.ends_at:%Y-%m-%d %H:%M} UTC, unless it is brought inside or accepted by then"
        )
        return self.apply(tx, case, "knight.grace", text)

    def validity(self, tx: Transaction, case: Case, acceptance: Acceptance | None) -> timedelta:
        """How long a knighting that is decided now stands."""
        ends = [tx.now + self._cases.validity(tx, case), *self._exceptions(tx, case)]
        if acceptance is not None:
            ends.append(acceptance.until)
        return min(ends) - tx.now

    def settle(self, tx: Transaction, case: Case) -> Case:
        """Ends the grace of a case that is inside again, or accepted, and dates it anew.

        A re-review ends with it, unless what covers the risk is still what ends soon.
        """
        self._graces.end(tx, case.name)
        resting = self.resting(tx, case)
        self.watch(tx, resting)
        if not case.asked or (resting is not None and resting.to_be_reviewed(tx.now)):
            return self.apply(tx, case, "knight.dated", "")
        return self.reviewed(tx, case, resting)

    def reviewed(self, tx: Transaction, case: Case, resting: Acceptance | None) -> Case:
        """Ends the re-review of a case that is inside, or rests on an acceptance anew."""
        why = with_ground("", resting) or "the risk was reviewed and is inside the appetite"
        return self.apply(tx, case, "knight.re_reviewed", why, reviewed=True)

    def watch(self, tx: Transaction, resting: Acceptance | None) -> None:
        """Has what a knighting rests on from now on looked at in time."""
        if resting is not None:
            self._acceptances.look(tx, resting, resting.review_at)

    def inside(self, tx: Transaction, case: Case) -> bool:
        """Whether a case was judged to be inside the appetite last."""
        judged = self._profiles.judgement(tx, case.name)
        return judged is not None and judged.answer["verdict"] == INSIDE

    def resting(self, tx: Transaction, case: Case) -> Acceptance | None:
        """The acceptance that a case rests on; None where it is inside, or nothing holds it."""
        judged = self._profiles.judgement(tx, case.name)
        if judged is None or judged.answer["verdict"] == INSIDE:
            return None
        return self.covering(tx, case.program, judged.digest, judged.answer)

    def apply(
        self, tx: Transaction, case: Case, kind: str, reason: str, *, reviewed: bool = False
    ) -> Case:
        """Saves a knighting that stands with the date to which it does, where that changed.

        Whoever was asked to look at it again still is, unless it is `reviewed`.
        """
        if case.state is not CaseState.STANDING or case.decided_at is None:
            return case
        until = min((case.decided_at + self._cases.validity(tx, case), *self._ends(tx, case)))
        if until == case.standing_until and not reason:
            return case
        after = cases.answered(case) if reviewed else case
        after = replace(after, standing_until=until, reason=reason or case.reason)
        payload = {"standing_until": until.isoformat(), **({"reason": reason} if reason else {})}
        return self._cases.store.save(tx, case, after, kind, payload)

    def _ends(self, tx: Transaction, case: Case) -> Iterator[datetime]:
        yield from self._exceptions(tx, case)
        grace = self._graces.of(tx, case.name)
        if grace is not None:
            yield grace.ends_at
        resting = self.resting(tx, case)
        if resting is not None:
            yield resting.until

    def _exceptions(self, tx: Transaction, case: Case) -> Iterator[datetime]:
        duties = self._duties.newest(tx, case.program)
        return (one.until for one in duties if one.until is not None)
