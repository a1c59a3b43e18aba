"""Recomputes, in the background, what a new appetite changes; and asks for re-reviews in time.

Where nothing is to be done each is one indexed look-up a beat.
"""

from dataclasses import replace
from functools import partial

import structlog
from structlog.typing import FilteringBoundLogger

from investiture.casework.case import Case
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.words import CaseState, Gate
from investiture.charter import timetable as dates
from investiture.charter.model import Charter
from investiture.chassis.call import Call, Principal
from investiture.chassis.refusal import Refusal
from investiture.chassis.transaction import Mutations, Transaction
from investiture.itrisk import domain
from investiture.itrisk.acceptance_store import AcceptanceStore
from investiture.itrisk.assessing import Assessing, Judged, Subject, appetite_of
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.computing import Computer
from investiture.itrisk.desk import KnightDesk
from investiture.itrisk.profiles import ProfileStore, appetite_key
from investiture.itrisk.store import ReviewStore

_log: FilteringBoundLogger = structlog.get_logger()
_OWN = Call(Principal("workloads/itrisk", frozenset({"service"})), "itrisk/recompute")


class Recomputing:
    """What the service does again and again about knightings that stand."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is wired with
        self,
        cases: CaseOperations,
        desks: Pinned[KnightDesk],
        reviews: ReviewStore,
        profiles: ProfileStore,
        acceptances: AcceptanceStore,
        assessing: Assessing,
        bounds: Bounds,
        computer: Computer,
        mutations: Mutations,
        charter: Charter,
    ) -> None:
        self._cases = cases
        self._desks = desks
        self._reviews = reviews
        self._profiles = profiles
        self._acceptances = acceptances
        self._assessing = assessing
        self._bounds = bounds
        self._computer = computer
        self._mutations = mutations
        self._charter = charter
        self._key = appetite_key(appetite_of(charter))

    async def tick(self) -> None:
        """Judge by the appetite in force whatever was judged by another; ask for re-reviews."""
        after = ""
        while found := await self._mutations.read(_OWN, partial(self._next, after=after)):
            after, subject = found
            if subject is not None:
                await self._judge(after, subject)
        while await self._mutations.read(_OWN, self._acceptances.due):
            await self._mutations.run_own(_OWN, self._ask_again)

    def _next(self, tx: Transaction, after: str) -> tuple[str, Subject | None] | None:
        name = self._profiles.judged_otherwise(tx, self._key, after)
        if name is None:
            return None
        case = self._cases.find(tx, name)
        stands = case.state is CaseState.STANDING
        return name, self._assessing.of_standing(tx, case) if stands else None

    async def _judge(self, name: str, subject: Subject) -> None:
        try:
            answer = await self._computer.assess(subject.asked)
            judged = Judged(subject, answer)
            await self._mutations.run_own(_OWN, partial(self._hold, name=name, judged=judged))
        except Refusal as refusal:  # one program must not keep the others from being looked at
            _log.warning("appetite.not_recomputed", case=name, why=str(refusal))

    def _hold(self, tx: Transaction, name: str, judged: Judged) -> None:
        """Holds a knighting against the appetite in force: it is reconfirmed, or has 30 days."""
        case = self._cases.find(tx, name)
        subject, answer = judged.subject, judged.answer
        now = self._assessing.of_standing(tx, case)
        if (
            case.state is not CaseState.STANDING
            or now is None
            or now.asked.digest != subject.asked.digest
            or self._is_judged(tx, case)
        ):
            return  # it changed meanwhile: the next beat looks at what it is now
        self._bounds.hold(tx, case, subject, answer)

    def _is_judged(self, tx: Transaction, case: Case) -> bool:
        judged = self._profiles.judgement(tx, case.name)
        return judged is not None and judged.appetite == self._key

    def _ask_again(self, tx: Transaction) -> None:
        """Puts a knighting whose acceptance ends soon into the reviewers' hands."""
        acceptance = self._acceptances.due(tx)
        if acceptance is None:
            return
        self._acceptances.told(tx, acceptance)
        case = self._cases.newest(tx, acceptance.program, Gate.KNIGHT)
        if case is None or case.state is not CaseState.STANDING:
            return
        levels = self._desks.of(tx, case).levels(case, self._reviews.load(tx, case.name))
        after = replace(
            case,
            holders=domain.holders_of(levels[0], tx.now) if levels else (),
            timetable=dates.timetable(self._charter, case.gate.value, tx.now),
            steps_in_wait=0,
            reason=f"{acceptance.name} ends on {acceptance.until:%Y-%m-%d}: review the risk again",
        )
        payload = {"acceptance": acceptance.name, "until": acceptance.until.isoformat()}
        self._cases.store.save(tx, case, after, "knight.re_review_due", payload)
