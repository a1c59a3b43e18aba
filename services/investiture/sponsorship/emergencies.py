"""EmergencyService: proto in, operation, proto out; and the sweep that escalates its reviews."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

import structlog

from investiture.api.governance.v1 import emergencies_pb2 as pb
from investiture.casework import wire
from investiture.casework.vocabulary import Vocabulary
from investiture.chassis.call import Call, Principal
from investiture.chassis.pagination import KeyValue, Pager
from investiture.chassis.refusal import Refusal, Stale
from investiture.chassis.transaction import Mutations, Transaction
from investiture.sponsorship.domain.emergencies import EmergencyState
from investiture.sponsorship.operations.emergencies import (
    EmergencyOperations,
    EmergencyReviews,
    ReviewReading,
)

SERVICE = "investiture.api.governance.v1.EmergencyService"
STATES = Vocabulary(
    EmergencyState,
    pb.EmergencyState.Value,
    "EMERGENCY_STATE_",
    pb.EMERGENCY_STATE_UNSPECIFIED,
)

_log = structlog.get_logger()
_OWN = Call(Principal("workloads/sponsorship", frozenset({"service"})), "sponsorship/emergencies")
_BATCH = 100


class EmergencyHandlers:
    """Emergencies over gRPC."""

    def __init__(self, operations: EmergencyOperations, mutations: Mutations, pager: Pager) -> None:
        self._operations = operations
        self._mutations = mutations
        self._pager = pager

    async def DeclareEmergency(
        self, request: pb.DeclareEmergencyRequest, call: Call
    ) -> pb.EmergencyReview:
        """Declares an emergency at an open pledge."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: _message(
                self._operations.declare(
                    tx, request.pledge, request.etag, request.reason, request.consequence
                )
            ),
        )

    async def GetEmergency(self, request: pb.GetEmergencyRequest, call: Call) -> pb.EmergencyReview:
        """Reads an emergency and its review."""
        return await self._mutations.read(
            call, lambda tx: _message(self._operations.read(tx, request.name))
        )

    async def ListEmergencies(
        self, request: pb.ListEmergenciesRequest, call: Call
    ) -> pb.ListEmergenciesResponse:
        """Lists emergencies, the newest first."""
        page, state = self._pager.open(request), STATES.maybe(request.state)
        after = _position(page.after)

        def unit(tx: Transaction) -> pb.ListEmergenciesResponse:
            rows = self._operations.page(tx, request.team, state, after, page.limit)
            shown, token = page.cut(rows, _key)
            return pb.ListEmergenciesResponse(
                emergencies=[_message(one) for one in shown], next_page_token=token
            )

        return await self._mutations.read(call, unit)

    async def CloseEmergencyReview(
        self, request: pb.CloseEmergencyReviewRequest, call: Call
    ) -> pb.EmergencyReview:
        """Closes a review with its findings."""
        return await self._mutations.run(
            call,
            request,
            lambda tx: _message(
                self._operations.close(tx, request.name, request.etag, request.findings)
            ),
        )


class ReviewSweep:
    """Escalates the reviews whose date has come, one a transaction.

    A review outlives its program, whose path would escalate it otherwise.
    """

    INTERVAL: ClassVar[timedelta] = timedelta(seconds=2)

    def __init__(
        self, mutations: Mutations, operations: EmergencyOperations, reviews: EmergencyReviews
    ) -> None:
        self._mutations = mutations
        self._operations = operations
        self._reviews = reviews

    async def sweep(self) -> None:
        """Takes every step that is due; a review that changes meanwhile waits for the next."""
        for name in await self._mutations.read(_OWN, partial(self._operations.due, limit=_BATCH)):
            try:
                await self._mutations.run_own(_OWN, partial(self._reviews.escalate, name=name))
            except Stale:
                continue
            except Refusal:  # one review must not keep the others from being looked at
                _log.exception("emergencies.not_escalated", emergency=name)


def _message(reading: ReviewReading) -> pb.EmergencyReview:
    review = reading.review
    table = review.timetable
    return pb.EmergencyReview(
        name=review.name,
        program=review.program,
        team=review.team,
        emergency=wire.emergency_to(review.emergency),
        state=STATES.to(review.state),
        voices=[wire.voice_to(voice) for voice in review.voices],
        timetable=None if table is None else wire.timetable_to(table, reading.following),
        holders=[wire.holder_to(holder) for holder in review.holders],
        closers=reading.closers,
        escalations=[wire.escalation_to(step) for step in review.escalations],
        closed_by=review.closed_by,
        closed_at=wire.stamp(review.closed_at),
        findings=review.findings,
        etag=review.etag,
    )


def _key(reading: ReviewReading) -> Sequence[KeyValue]:
    return reading.review.emergency.declared_at.isoformat(), reading.review.name


def _position(after: tuple[KeyValue, ...] | None) -> tuple[datetime, str] | None:
    if after is None:
        return None
    return datetime.fromisoformat(str(after[0])), str(after[1])
