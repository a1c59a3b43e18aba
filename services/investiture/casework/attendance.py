"""Sees to it that no case waits for somebody who is not there.

A service hears from sponsorship's directory who left, who is away and who lends authority, notices
what begins or ends at a date, and looks again at the cases of those whom it concerns: one
transaction a case, and a queue that outlives the process.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import grpc
import structlog
from structlog.typing import FilteringBoundLogger

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.casework import wire
from investiture.casework.operations import CaseOperations
from investiture.casework.standing import Away, Loan, Standing
from investiture.casework.standing_store import Published
from investiture.casework.words import Purpose
from investiture.chassis.backoff import backoff
from investiture.chassis.call import Call, Principal
from investiture.chassis.refusal import Stale
from investiture.chassis.transaction import Mutations, Transaction

_log: FilteringBoundLogger = structlog.get_logger()

_BATCH = 100
_CHANGES = 500
_ATTEMPTS = 3
_LONGEST_PAUSE_S = 30.0
_TIMEOUT_S = 5.0


class Feed(Protocol):
    """What the directory says has changed."""

    async def changes(self, after: int) -> tuple[Sequence[Published], int]:
        """Standings after a position, some at a time, and the newest position there is."""
        ...


class RemoteFeed:
    """The feed of sponsorship's directory."""

    def __init__(self, stub: SponsorshipServiceStub) -> None:
        self._stub = stub

    async def changes(self, after: int) -> tuple[Sequence[Published], int]:
        """Standings after a position; a gRPC error where sponsorship does not answer."""
        request = pb.ListDirectoryChangesRequest(after_position=after, limit=_CHANGES)
        answer = await self._stub.ListDirectoryChanges(request, timeout=_TIMEOUT_S)
        return [published_of(one) for one in answer.people], answer.newest_position


class Attendance:
    """What a service does again and again; `feed` is None where the directory is its own."""

    def __init__(
        self,
        service: str,
        mutations: Mutations,
        cases: CaseOperations,
        feed: Feed | None,
        interval: timedelta,
    ) -> None:
        self._call = Call(
            Principal(f"workloads/{service}", frozenset({"service"})), f"{service}/attend"
        )
        self._mutations = mutations
        self._cases = cases
        self._standings = cases.store.standings
        self._feed = feed
        self._interval = interval
        self._failures = 0
        self._next_try = 0.0

    async def tick(self) -> None:
        """Hear what is new, notice what is due, and attend to whom it concerns."""
        if self._feed is not None and time.monotonic() >= self._next_try:
            await self._hear(self._feed)
        while await self._mutations.read(self._call, self._any_due):
            await self._mutations.run_own(self._call, self._turn)
        after = ""
        while queued := await self._mutations.read(
            self._call, partial(self._standings.queued, after=after)
        ):
            after = queued[0]
            await self._attend(*queued)

    async def _hear(self, feed: Feed) -> None:
        """Keep everything that was published since; a directory that is away is tried later."""
        more = True
        while more:
            known = await self._mutations.read(self._call, self._standings.newest)
            try:
                heard, newest = await feed.changes(known)
            except grpc.aio.AioRpcError as error:
                self._missed(error)
                return
            if newest < known:
                _log.warning("attendance.directory_restored", known=known, newest=newest)
                await self._mutations.run_own(self._call, self._standings.forget)
                continue
            if heard:
                keep = partial(self._standings.keep, heard=heard)
                await self._mutations.run_own(self._call, keep)
            more = len(heard) >= _CHANGES
        if self._failures:
            _log.info("attendance.directory_back", failures=self._failures)
        self._failures = 0

    def _missed(self, error: grpc.aio.AioRpcError) -> None:
        self._failures += 1
        pause_s = backoff(
            self._failures, first_s=self._interval.total_seconds(), longest_s=_LONGEST_PAUSE_S
        )
        self._next_try = time.monotonic() + pause_s
        if self._failures == 1:
            _log.warning("attendance.directory_away", code=error.code().name)

    def _any_due(self, tx: Transaction) -> bool:
        return bool(self._standings.due(tx, 1))

    def _turn(self, tx: Transaction) -> None:
        for one in self._standings.due(tx, _BATCH):
            self._standings.turned(tx, one.standing)

    async def _attend(self, person: str, times: int) -> None:
        """Look at a person's cases; who could not be seen to whole stays in the queue."""
        whole = True
        after: tuple[datetime, str] | None = None
        while page := await self._mutations.read(
            self._call,
            partial(self._cases.store.held, people=(person,), unit="", after=after, limit=_BATCH),
        ):
            for case, _ in page:
                whole = await self._look_at(case.name) and whole
            after = (page[-1][1], page[-1][0].name)
        if whole:
            await self._mutations.run_own(
                self._call, partial(self._attended, person=person, times=times)
            )

    async def _look_at(self, name: str) -> bool:
        for _ in range(_ATTEMPTS):
            try:
                await self._mutations.run_own(self._call, partial(self._cases.attend, name=name))
            except Stale:
                continue  # somebody was faster: what they left is looked at
            except Exception:  # noqa: BLE001 - one case must not keep the others from being seen to
                _log.exception("attendance.failed", case=name)
                return False
            return True
        return False

    def _attended(self, tx: Transaction, person: str, times: int) -> None:
        """Takes a person off the queue, after whom what governance holds may have takers again."""
        self._standings.attended(tx, person, times)
        governing = self._cases.governing
        if person not in governing:
            self._standings.queue(tx, governing)


def published_of(message: pb.PersonStanding) -> Published:
    """A standing from the directory's feed."""
    standing = Standing(
        person=message.person,
        able=message.able,
        guest=message.guest,
        absences=tuple(
            Away(
                starts_at=wire.required_instant(one, "starts_at"),
                ends_at=wire.instant(one, "ends_at"),
                deputy=one.deputy,
            )
            for one in message.absences
        ),
        loans=tuple(
            Loan(
                delegate=one.delegate,
                purpose=Purpose(pb.Purpose.Name(one.purpose).removeprefix("PURPOSE_")),
                starts_at=wire.required_instant(one, "starts_at"),
                ends_at=wire.required_instant(one, "ends_at"),
            )
            for one in message.loans
        ),
    )
    return Published(standing, message.position)
