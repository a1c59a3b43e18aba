"""The outbox table: a row belongs to one owner at a time, and leaves when it is delivered."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from google.protobuf.wrappers_pb2 import StringValue
from tests.contract.chassis_sql.ground import NOW, TABLES

from investiture.chassis import outbox
from investiture.chassis.database import Database
from investiture.chassis.outbox import Failure, Lease, OutboxMessage, OutboxRow, Terminal, row_of

SECOND = timedelta(seconds=1)


def lease(owner: str, *, after: int = 0, seconds: int = 10) -> Lease:
    now = NOW + after * SECOND
    return Lease(owner, now, now + seconds * SECOND)


def a_row(under: Lease) -> OutboxRow:
    message = OutboxMessage(
        workflow_id="launch-path/p",
        kind="case.decided",
        subject="cases/1",
        workflow_type="LaunchPath",
        task_queue="launch",
        signal="ring",
        argument=StringValue(value="ring"),
        start_argument=StringValue(value="p"),
        summary="programs/p",
        search_attributes={"InvGate": "PLEDGE"},
    )
    return row_of(message, source="/test", time=NOW, traceparent="", lease=under)


async def insert(store: Database, count: int, under: Lease) -> list[OutboxRow]:
    made = [a_row(under) for _ in range(count)]
    await store.write(lambda connection: outbox.insert(connection, made, under.owner))
    return made


async def claim(store: Database, under: Lease, limit: int = 100) -> list[OutboxRow]:
    return await store.write(lambda connection: outbox.claim(connection, under, limit))


def ids(rows: Sequence[OutboxRow]) -> set[str]:
    return {row.id for row in rows}


async def test_a_leased_row_is_not_claimed_before_its_lease_ends(store: Database) -> None:
    (inserted,) = await insert(store, 1, lease("a"))
    assert not await store.read(lambda c: outbox.any_due(c, NOW + 9 * SECOND))
    assert await claim(store, lease("b", after=9)) == []
    assert await store.read(lambda c: outbox.any_due(c, NOW + 10 * SECOND))
    (claimed,) = await claim(store, lease("b", after=10))
    assert claimed.id == inserted.id
    assert claimed.data == inserted.data
    assert claimed.start_options == inserted.start_options
    assert claimed.time == NOW
    assert claimed.next_attempt_at == NOW + 20 * SECOND
    assert await claim(store, lease("c", after=19)) == []


async def test_the_longest_due_is_claimed_first(store: Database) -> None:
    late = await insert(store, 3, lease("a", after=5))
    early = await insert(store, 3, lease("a"))
    assert ids(await claim(store, lease("b", after=20), limit=3)) == ids(early)
    assert ids(await claim(store, lease("b", after=20), limit=3)) == ids(late)


async def test_two_owners_never_claim_the_same_row(store: Database) -> None:
    inserted = await insert(store, 40, lease("dead"))
    owners = [lease(f"owner-{number}", after=10) for number in range(8)]
    claimed = await asyncio.gather(*[claim(store, owner, limit=5) for owner in owners])
    flat = [row.id for rows in claimed for row in rows]
    assert len(flat) == len(set(flat)) == 40
    assert set(flat) == ids(inserted)


@pytest.mark.postgresql
async def test_a_claim_passes_over_rows_that_another_is_claiming(postgres_store: Database) -> None:
    inserted = await insert(postgres_store, 4, lease("dead"))
    loop, begun, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def claims_slowly(connection: sa.Connection) -> list[OutboxRow]:
        mine = outbox.claim(connection, lease("slow", after=10), 2)
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(30)
        return mine

    slow = asyncio.create_task(postgres_store.write(claims_slowly))
    await begun.wait()
    quick = await claim(postgres_store, lease("quick", after=10))
    go.set()
    assert ids(await slow) | ids(quick) == ids(inserted)
    assert len(quick) == 2


async def finish(store: Database, owner: str, **outcomes: Any) -> None:
    await store.write(
        lambda connection: outbox.finish(connection, owner=owner, now=NOW, **outcomes)
    )


async def test_what_is_delivered_leaves_whoever_owns_it_now(store: Database) -> None:
    inserted = await insert(store, 3, lease("a"))
    await claim(store, lease("b", after=10), limit=1)
    await finish(store, "a", delivered=[row.id for row in inserted])
    assert (await store.read(lambda c: outbox.backlog(c, NOW))).count == 0


async def test_a_failure_counts_only_for_the_owner(store: Database) -> None:
    (inserted,) = await insert(store, 1, lease("a"))
    await finish(store, "other", failed=[Failure(inserted.id, NOW)])
    assert await claim(store, lease("b", after=1)) == []
    await finish(store, "a", failed=[Failure(inserted.id, NOW + 3 * SECOND)])
    assert await claim(store, lease("b", after=2)) == []
    (claimed,) = await claim(store, lease("b", after=3))
    assert claimed.attempts == 1


async def test_a_row_that_ended_undelivered_says_why_until_it_is_forgotten(
    store: Database,
) -> None:
    (inserted,) = await insert(store, 1, lease("a"))
    await finish(store, "a", terminal=[Terminal(inserted.id, "nobody home")])
    assert await claim(store, lease("b", after=100)) == []
    assert (await store.read(lambda c: outbox.backlog(c, NOW))).count == 0

    def note(connection: sa.Connection) -> str:
        note: str = connection.execute(sa.select(TABLES.outbox.c.note)).scalar_one()
        return note

    assert await store.read(note) == "nobody home"
    assert await store.write(lambda c: outbox.forget(c, NOW)) == 0
    assert await store.write(lambda c: outbox.forget(c, NOW + SECOND)) == 1


async def test_a_process_that_ends_gives_its_leases_up(store: Database) -> None:
    mine = await insert(store, 2, lease("a"))
    await insert(store, 2, lease("b"))
    await store.write(lambda c: outbox.release(c, "a", NOW))
    assert ids(await claim(store, lease("c"))) == ids(mine)


async def test_the_backlog_counts_and_ages(store: Database) -> None:
    assert await store.read(lambda c: outbox.backlog(c, NOW)) == outbox.Backlog(0, timedelta())
    await insert(store, 2, lease("a"))
    await insert(store, 1, lease("a", after=5))
    found = await store.read(lambda c: outbox.backlog(c, NOW + 7 * SECOND))
    assert found == outbox.Backlog(3, 7 * SECOND)
