"""The relay: takes committed outbox rows to Temporal, at least once, for as long as it takes.

A row is handed over in memory right after its commit, so that the happy path is one call to
Temporal and a share of one batched delete. A poll picks up what that missed: rows of a process
that died, rows that failed, rows that came while Temporal was away. No lock and no transaction is
held across a call. Order is not kept: a message is a doorbell, the record is the truth.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import sqlalchemy as sa
import structlog
from opentelemetry import metrics
from structlog.typing import FilteringBoundLogger
from temporalio.client import Client

from investiture.chassis import outbox
from investiture.chassis.backoff import backoff, jittered
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.database import Database
from investiture.chassis.delivery import Forward, NobodyHome, OutOfReach, deliver, to_nobody
from investiture.chassis.link import Link
from investiture.chassis.outbox import Backlog, Failure, Lease, OutboxRow, Terminal
from investiture.chassis.refusal import Unavailable

MOST_IN_MEMORY = 1000
MOST_CLAIMED = 100

_log: FilteringBoundLogger = structlog.get_logger()
_METER = metrics.get_meter(__name__)
_DELIVERED = _METER.create_counter("investiture.outbox.delivered", description="Rows delivered")
_FAILED = _METER.create_counter("investiture.outbox.failed", description="Attempts that failed")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a relay takes for what; tests take less."""

    lease: timedelta = timedelta(seconds=10)
    """How long a row is this process's to deliver; another may take it afterwards."""
    call: timedelta = timedelta(seconds=5)
    """How long connecting and delivering may take: less than a lease, so two do not overlap."""
    poll: timedelta = timedelta(seconds=1)
    """How often the table is looked at for rows that are due."""
    coalesce: timedelta = timedelta(seconds=0.2)
    """How long outcomes are collected before they are written in one transaction."""
    first_backoff: timedelta = timedelta(seconds=1)
    longest_backoff: timedelta = timedelta(seconds=60)
    """The longest a row waits for its next attempt."""
    longest_outage_pause: timedelta = timedelta(seconds=15)
    """How often at least one row is tried while Temporal is away."""
    keep_ended: timedelta = timedelta(days=7)
    """How long a row that ended undelivered can still be looked at."""


@dataclass(slots=True)
class _Outcomes:
    """What became of rows and is not written down yet."""

    delivered: list[str] = field(default_factory=list[str])
    failed: list[Failure] = field(default_factory=list[Failure])
    terminal: list[Terminal] = field(default_factory=list[Terminal])

    def __bool__(self) -> bool:
        return bool(self.delivered or self.failed or self.terminal)

    def extend(self, other: "_Outcomes") -> None:
        self.delivered += other.delivered
        self.failed += other.failed
        self.terminal += other.terminal


class Relay:
    """Delivers one service's outbox.

    Temporal may be down when the service starts and at any time after: rows wait in the table,
    one of them is tried now and then, and the rest follows when it is back.
    """

    def __init__(
        self,
        database: Database,
        connect: Callable[[], Awaitable[Client]],
        *,
        source: str,
        clock: Clock | None = None,
        forward: Forward = to_nobody,
        concurrency: int = 16,
        pace: Pace | None = None,
    ) -> None:
        """Keep what to deliver from and to.

        Args:
            database: the service's.
            connect: makes a Temporal client; called when first needed and again after an outage.
            source: the CloudEvents source of this service, ``/investiture/sponsorship``.
            clock: times leases and back-off; the machine's, not the business's.
            forward: names who gets a plain signal whose workflow does not run.
            concurrency: how many calls to Temporal are under way at most.
            pace: how long things take.
        """
        self._source = source
        self._database = database
        self._clock: Clock = clock or SystemClock()
        self._pace = pace or Pace()
        self._owner = f"{socket.gethostname()}/{os.getpid()}/{uuid4().hex[:8]}"
        self._link = Link(
            connect,
            first_pause_s=self._pace.poll.total_seconds(),
            longest_pause_s=self._pace.longest_outage_pause.total_seconds(),
        )
        self._forward = forward
        self._concurrency = concurrency
        self._rows: asyncio.Queue[OutboxRow] = asyncio.Queue()
        self._outcomes = _Outcomes()
        self._something_to_write = asyncio.Event()
        self._look_now = asyncio.Event()
        self._running = False
        self._no_more_outcomes = False
        self._deliverers: list[asyncio.Task[None]] = []
        self._poller: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._forgot_at: datetime | None = None

    @property
    def source(self) -> str:
        """The CloudEvents source of this service."""
        return self._source

    @property
    def temporal_is_reachable(self) -> bool:
        """Whether the last call reached Temporal; true before the first."""
        return self._link.is_up

    def lease(self) -> Lease:
        """Return the lease of rows inserted now; called from the database's threads."""
        now = self._clock.now()
        return Lease(self._owner, now, now + self._pace.lease)

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        """Take rows committed under this process's lease, to deliver them at once.

        Those it cannot take now stay in the table and are picked up when their lease has ended.
        """
        if self._running:
            for row in rows[: self._room(MOST_IN_MEMORY)]:
                self._rows.put_nowait(row)

    async def backlog(self) -> Backlog:
        """Return what waits to be delivered, for health and metrics."""
        return await self._database.read(partial(outbox.backlog, now=self._clock.now()))

    def start(self) -> None:
        """Start delivering; does not need Temporal."""
        self._running = True
        self._poller = asyncio.create_task(self._poll(), name="outbox-poll")
        self._writer = asyncio.create_task(self._write(), name="outbox-write")
        self._deliverers = [
            asyncio.create_task(self._deliver(), name=f"outbox-deliver-{number}")
            for number in range(self._concurrency)
        ]

    async def close(self, grace: timedelta = timedelta(seconds=2)) -> None:
        """Stop: finish what is in memory within ``grace``, and give the rest up to the table."""
        if not self._running:
            return
        self._running = False
        await _end([self._poller])
        try:
            await asyncio.wait_for(self._rows.join(), grace.total_seconds())
        except TimeoutError:
            _log.warning("outbox.closed_undelivered", rows=self._rows.qsize())
        await _end(self._deliverers)
        self._no_more_outcomes = True
        self._something_to_write.set()
        if self._writer is not None:
            await self._writer
        try:
            await self._database.write(
                partial(outbox.release, owner=self._owner, now=self._clock.now())
            )
        except Unavailable:
            _log.warning("outbox.leases_left")  # they end by themselves

    async def _deliver(self) -> None:
        while True:
            row = await self._rows.get()
            try:
                await self._attempt(row)
            finally:
                self._rows.task_done()

    async def _attempt(self, row: OutboxRow) -> None:
        if row.next_attempt_at - self._clock.now() < self._pace.call:
            return  # it waited too long here: its lease may end under the call
        client: Client | None = None
        try:
            async with asyncio.timeout(self._pace.call.total_seconds()):
                client = await self._link.client()
                await deliver(client, row, self._forward)
        except OutOfReach as error:
            # The row keeps its lease and is due when that ends.
            self._link.broke(error, client)
        except TimeoutError as error:
            # The client retries by itself when Temporal goes away, and this is how that looks. It
            # may also be this row's fault: it goes behind the others.
            self._link.broke(error, client)
            self._failed(row, error)
        except NobodyHome as error:
            _log.info("outbox.nobody_home", **_names(row), note=str(error))
            self._note(_Outcomes(terminal=[Terminal(row.id, str(error))]))
            self._reached()
        except Exception as error:  # noqa: BLE001 - logged below with its stack
            # Whatever it is, the row is kept and tried again: a fault is not an answer.
            self._failed(row, error)
            self._reached()
        else:
            _DELIVERED.add(1)
            self._note(_Outcomes(delivered=[row.id]))
            self._reached()

    def _failed(self, row: OutboxRow, error: Exception) -> None:
        pause_s = backoff(
            row.attempts + 1,
            first_s=self._pace.first_backoff.total_seconds(),
            longest_s=self._pace.longest_backoff.total_seconds(),
        )
        next_attempt_at = self._clock.now() + timedelta(seconds=pause_s)
        _FAILED.add(1)
        _log.error(
            "outbox.delivery_failed", **_names(row), attempts=row.attempts + 1, exc_info=error
        )
        self._note(_Outcomes(failed=[Failure(row.id, next_attempt_at)]))

    def _reached(self) -> None:
        if self._link.works():
            self._look_now.set()

    def _note(self, outcomes: _Outcomes) -> None:
        self._outcomes.extend(outcomes)
        self._something_to_write.set()

    async def _write(self) -> None:
        """Write outcomes down, many in one transaction, until none is left and none can come."""
        while self._outcomes or not self._no_more_outcomes:
            await self._something_to_write.wait()
            if self._running:
                await asyncio.sleep(self._pace.coalesce.total_seconds())
            self._something_to_write.clear()
            outcomes, self._outcomes = self._outcomes, _Outcomes()
            if outcomes:
                await self._write_down(outcomes)

    async def _write_down(self, outcomes: _Outcomes) -> None:
        try:
            await self._database.write(partial(self._finish, outcomes))
        except Unavailable:
            if not self._no_more_outcomes:
                self._note(outcomes)  # else they are delivered again: a doorbell may ring twice
        except Exception:  # noqa: BLE001 - one broken batch must not end the writing
            _log.exception("outbox.not_written")

    def _finish(self, outcomes: _Outcomes, connection: sa.Connection) -> None:
        outbox.finish(
            connection,
            owner=self._owner,
            now=self._clock.now(),
            delivered=outcomes.delivered,
            failed=outcomes.failed,
            terminal=outcomes.terminal,
        )

    async def _poll(self) -> None:
        while True:
            try:
                more = await self._claim()
            except Unavailable:
                more = False  # the database has said so in the log
            except Exception:  # noqa: BLE001 - one broken look must not end the polling
                more = False
                _log.exception("outbox.poll_failed")
            pause_s = jittered(self._pace.poll.total_seconds(), 0.2)
            # After a full batch the next one comes as soon as this one is worked off.
            waiting = self._rows.join() if more else self._look_now.wait()
            try:
                await asyncio.wait_for(waiting, pause_s)
            except TimeoutError:
                continue
            finally:
                self._look_now.clear()

    async def _claim(self) -> bool:
        """Lease rows that are due and queue them; return whether there may be more."""
        await self._forget()
        most = self._room(MOST_CLAIMED)
        if most == 0:
            return False
        lease = self.lease()
        if not await self._database.read(partial(outbox.any_due, now=lease.now)):
            return False
        rows = await self._database.write(partial(outbox.claim, lease=lease, limit=most))
        for row in rows:
            self._rows.put_nowait(row)
        return len(rows) == most and self._link.is_up

    def _room(self, most: int) -> int:
        """Return how many rows may be taken into memory: while Temporal is away one, to try it."""
        if self._link.is_up:
            return max(0, min(most, MOST_IN_MEMORY - self._rows.qsize()))
        return 1 if self._link.may_try and self._rows.empty() else 0

    async def _forget(self) -> None:
        now = self._clock.now()
        if self._forgot_at is not None and now - self._forgot_at < timedelta(hours=1):
            return
        self._forgot_at = now
        await self._database.write(partial(outbox.forget, before=now - self._pace.keep_ended))


def _names(row: OutboxRow) -> dict[str, str]:
    """Return what tells a row from others in the log."""
    return {
        "outbox_id": row.id,
        "workflow_id": row.workflow_id,
        "workflow_type": row.workflow_type,
        "signal": row.signal,
    }


async def _end(tasks: Sequence[asyncio.Task[None] | None]) -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
