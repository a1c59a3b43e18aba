"""One business transaction: the row, its audit leaf, its outbox messages and its answer together.

``Mutations.run`` gives every RPC that changes something the same guarantee: what was acknowledged
is kept, and what is repeated is harmless. The request id is claimed first, so that of two equal
calls at once one runs and the other gets its answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa
from google.protobuf.message import Message

from investiture.chassis import idempotency, outbox
from investiture.chassis.audit import leaf, rfc3339
from investiture.chassis.call import Call
from investiture.chassis.clock import Clock, SystemClock
from investiture.chassis.database import Database
from investiture.chassis.idempotency import Key
from investiture.chassis.outbox import Lease, OutboxMessage, OutboxRow
from investiture.chassis.prepared import Prepared
from investiture.chassis.tables import CHASSIS

M = TypeVar("M", bound=Message)
T = TypeVar("T")

_INSERT_EVENT = Prepared(
    CHASSIS.event.insert().inline(),
    ("kind", "resource", "version", "program", "at", "document", "leaf"),
)


class Delivery(Protocol):
    """What a transaction needs of the relay."""

    @property
    def source(self) -> str:
        """The CloudEvents source of this service."""
        ...

    def lease(self) -> Lease:
        """Return the lease that rows inserted now carry."""
        ...

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        """Take committed rows, leased to this process, for delivery at once."""
        ...


class NoDelivery:
    """In place of a relay: rows wait in the table for a process that has one."""

    def __init__(self, source: str) -> None:
        """Keep the CloudEvents source of this service."""
        self.source = source

    def lease(self) -> Lease:
        """Return no lease: the row is due at once."""
        now = SystemClock().now()
        return Lease(owner="", now=now, until=now)

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        """Leave the rows in the table."""


@dataclass(slots=True)
class Transaction:
    """What an operation works with: its connection, its one instant and the call it serves.

    Events and messages are kept until the operation has ended and are then written together, so
    they can be recorded in any order and cost one statement a table.
    """

    connection: sa.Connection
    now: datetime
    """The business time of everything in this transaction."""
    call: Call
    request_id: str = ""
    writable: bool = True
    _events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _messages: list[OutboxMessage] = field(default_factory=list[OutboxMessage])
    _afterwards: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    def record(
        self, kind: str, resource: str, version: int, payload: Mapping[str, Any], program: str = ""
    ) -> None:
        """Add an event to the audit trail: what happened to which version of a resource.

        ``payload`` is canonical JSON's types only: money as integer minor units, no floats, and
        ids rather than personal data. Raises ``TypeError`` or ``ValueError`` otherwise.
        """
        self._must_write("record")
        made = leaf(
            {
                "kind": kind,
                "resource": resource,
                "program": program,
                "version": version,
                "actor": self.call.principal.subject,
                "at": rfc3339(self.now),
                "method": self.call.method,
                "request_id": self.request_id,
                "traceparent": self.call.traceparent,
                "payload": payload,
            }
        )
        self._events.append(
            {
                "kind": kind,
                "resource": resource,
                "version": version,
                "program": program,
                "at": self.now,
                "document": made.document,
                "leaf": made.hash,
            }
        )

    def post(self, message: OutboxMessage) -> None:
        """Send a message to a workflow, at least once, if and only if this commits."""
        self._must_write("post")
        self._messages.append(message)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call ``act`` on the event loop once this is durable; never if it does not commit.

        For what may be lost with the process, such as waking who waits for a change.
        """
        self._must_write("commit")
        self._afterwards.append(act)

    @property
    def afterwards(self) -> Sequence[Callable[[], None]]:
        """What to call once this is durable."""
        return self._afterwards

    def flush(self, delivery: Delivery) -> Sequence[OutboxRow]:
        """Write what was recorded and posted; return the outbox rows."""
        if self._events:
            _INSERT_EVENT.execute(self.connection, self._events)
        if not self._messages:
            return ()
        lease = delivery.lease()
        rows = [
            outbox.row_of(
                message,
                source=delivery.source,
                time=self.now,
                traceparent=self.call.traceparent,
                lease=lease,
            )
            for message in self._messages
        ]
        outbox.insert(self.connection, rows, lease.owner)
        return rows

    def _must_write(self, verb: str) -> None:
        if not self.writable:
            raise RuntimeError(f"a read does not {verb}")


class Mutations:
    """Runs the operations of one service, with everything a mutation owes its caller."""

    def __init__(self, database: Database, clock: Clock, relay: Delivery | None = None) -> None:
        """Work on a database; ``clock`` is asked from the database's threads.

        Without a relay nothing is delivered from here: messages wait in the outbox.
        """
        self._database = database
        self._clock = clock
        self._delivery: Delivery = relay or NoDelivery("investiture")

    async def run(self, call: Call, request: Message, unit: Callable[[Transaction], M]) -> M:
        """Run a mutation at most once per request id and return its answer.

        The unit may run more than once before it commits once, so it has no effect outside its
        transaction. What it raises is raised here and nothing is stored: a refused request may be
        repeated under the same id. With ``validate_only`` set it runs and is rolled back.

        Raises:
            InvalidArgument: the request id is missing or malformed.
            AlreadyExists: the request id was used for another request.
            Unavailable: the database is away.
        """
        if getattr(request, "validate_only", False):
            return await self.rehearse(call, unit)
        key = idempotency.key_of(call, request)
        effect = await self._database.write(
            partial(self._perform, call, key, unit), committed=self._deliver
        )
        return effect.answer

    async def answered(self, call: Call, request: Message) -> Any:
        """Return what a repeated mutation was answered, else None: for who computes before it.

        Raises as ``run`` does. Another call may still answer it first: ``run`` asks again.
        """
        if getattr(request, "validate_only", False):
            return None
        key = idempotency.key_of(call, request)
        return await self._database.read(partial(idempotency.answer_to, key=key))

    async def run_own(self, call: Call, unit: Callable[[Transaction], T]) -> T:
        """Run work the service sets itself (a sweep, a heartbeat), which nobody repeats by id."""
        effect = await self._database.write(
            partial(self._perform_own, call, unit), committed=self._deliver
        )
        return effect.answer

    async def read(self, call: Call, unit: Callable[[Transaction], T]) -> T:
        """Run a read over one snapshot; its transaction refuses to record or post."""
        return await self._database.read(
            lambda connection: unit(
                Transaction(connection, self._clock.now(), call, writable=False)
            )
        )

    async def rehearse(self, call: Call, unit: Callable[[Transaction], T]) -> T:
        """Run an operation as it would run, and roll it back: zero writes."""
        rehearsed: list[T] = []

        def perform(connection: sa.Connection) -> None:
            rehearsed.append(unit(Transaction(connection, self._clock.now(), call)))
            raise _Rehearsed

        try:
            await self._database.write(perform)
        except _Rehearsed:
            return rehearsed[-1]
        raise AssertionError("a rehearsal always raises")

    def _perform(
        self, call: Call, key: Key, unit: Callable[[Transaction], M], connection: sa.Connection
    ) -> "_Effect[M]":
        now = self._clock.now()
        if not idempotency.claim(connection, key, now):
            answered: M = idempotency.answer_to(connection, key)
            return _Effect(answered, (), ())
        transaction = Transaction(connection, now, call, key.request_id)
        answer = unit(transaction)
        rows = transaction.flush(self._delivery)
        idempotency.keep(connection, key, answer)
        return _Effect(answer, rows, transaction.afterwards)

    def _perform_own(
        self, call: Call, unit: Callable[[Transaction], T], connection: sa.Connection
    ) -> "_Effect[T]":
        transaction = Transaction(connection, self._clock.now(), call)
        answer = unit(transaction)
        return _Effect(answer, transaction.flush(self._delivery), transaction.afterwards)

    def _deliver(self, effect: "_Effect[Any]") -> None:
        if effect.rows:
            self._delivery.hand_over(effect.rows)
        for act in effect.afterwards:
            act()


@dataclass(frozen=True, slots=True)
class _Effect(Generic[T]):
    """What a committed transaction answered and has to deliver."""

    answer: T
    rows: Sequence[OutboxRow]
    afterwards: Sequence[Callable[[], None]]


class _Rehearsed(Exception):
    """Rolls a rehearsal back."""
