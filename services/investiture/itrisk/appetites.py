"""Recomputes, in the background, what a new appetite changes; and asks for re-reviews in time.

Where nothing is to be done each is one indexed look-up a beat.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from structlog.typing import FilteringBoundLogger

from investiture.casework.case import Case
from investiture.casework.operations import CaseOperations
from investiture.casework.words import CaseState
from investiture.charter.model import Charter
from investiture.chassis.backoff import Pauses
from investiture.chassis.call import Call, Principal
from investiture.chassis.clock import Clock
from investiture.chassis.refusal import Refusal, Stale
from investiture.chassis.transaction import Mutations, Transaction
from investiture.itrisk.acceptance_store import Place
from investiture.itrisk.assessing import Assessing, Judged, Subject, appetite_of
from investiture.itrisk.bounds import Bounds
from investiture.itrisk.computing import Computer
from investiture.itrisk.profiles import ProfileStore, appetite_key
from investiture.itrisk.re_reviews import ReReviews

_log: FilteringBoundLogger = structlog.get_logger()
_OWN = Call(Principal("workloads/itrisk", frozenset({"service"})), "itrisk/recompute")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 600.0
"""Of what failed: a computation may take half a minute of the one process that all wait for."""


class Recomputing:
    """What the service does again and again about knightings that stand."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is wired with
        self,
        cases: CaseOperations,
        profiles: ProfileStore,
        assessing: Assessing,
        bounds: Bounds,
        re_reviews: ReReviews,
        computer: Computer,
        mutations: Mutations,
        charter: Charter,
        clock: Clock,
    ) -> None:
        self._cases = cases
        self._profiles = profiles
        self._assessing = assessing
        self._bounds = bounds
        self._re_reviews = re_reviews
        self._computer = computer
        self._mutations = mutations
        self._key = appetite_key(appetite_of(charter))
        self._pauses = Pauses(clock, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)

    async def tick(self) -> None:
        """Judge by the appetite in force whatever was judged by another; ask for re-reviews.

        One that fails is left alone for a while, and keeps no other from being looked at.
        """
        found: set[str] = set()
        last = ""
        while one := await self._mutations.read(_OWN, partial(self._otherwise, after=last)):
            last = one
            found.add(one)
            await self._try("appetite.not_recomputed", one, partial(self._recompute, one))
        place: Place | None = None
        while place := await self._mutations.read(_OWN, partial(self._re_reviews.due, after=place)):
            _, program, number = place
            name = f"{program}/riskAcceptances/{number}"
            found.add(name)
            await self._try("re_review.not_looked_at", name, partial(self._look, place))
        self._pauses.keep(found)

    async def _try(self, event: str, name: str, act: Callable[[], Awaitable[None]]) -> None:
        if self._pauses.resting(name):
            return
        try:
            await act()
        except Stale:
            return  # it changed meanwhile: the next beat looks at what it is now
        except Exception as error:  # noqa: BLE001 - one must not keep the others from being seen to
            again_at = self._pauses.failed(name).isoformat()
            known = isinstance(error, Refusal)
            _log.warning(event, of=name, again_at=again_at, why=str(error), exc_info=not known)
            return
        self._pauses.succeeded(name)

    async def _look(self, place: Place) -> None:
        await self._mutations.run_own(_OWN, partial(self._re_reviews.look, place=place))

    def _otherwise(self, tx: Transaction, after: str) -> str | None:
        return self._profiles.judged_otherwise(tx, self._key, after)

    async def _recompute(self, name: str) -> None:
        subject = await self._mutations.read(_OWN, partial(self._subject, name=name))
        if subject is None:
            return
        judged = Judged(subject, await self._computer.assess(subject.asked))
        await self._mutations.run_own(_OWN, partial(self._hold, name=name, judged=judged))

    def _subject(self, tx: Transaction, name: str) -> Subject | None:
        case = self._cases.find(tx, name)
        stands = case.state is CaseState.STANDING
        return self._assessing.of_standing(tx, case) if stands else None

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
