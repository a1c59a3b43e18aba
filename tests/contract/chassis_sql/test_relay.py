"""The relay against a real Temporal: at least once, whatever goes away meanwhile."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import event
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker
from tests.contract.chassis_sql import temporal
from tests.contract.chassis_sql.ground import TABLES, TRACEPARENT, FixedClock, call
from tests.contract.chassis_sql.temporal import connector, signals_of, until

from investiture.chassis.database import Database
from investiture.chassis.delivery import Forward, to_nobody
from investiture.chassis.outbox import OutboxMessage
from investiture.chassis.relay import Pace, Relay
from investiture.chassis.settings import TemporalSettings
from investiture.chassis.temporal import connect
from investiture.chassis.transaction import Mutations, Transaction

PACE = Pace(
    # Long, so that a busy machine does not make a call look lost and repeat it.
    lease=timedelta(seconds=60),
    call=timedelta(seconds=30),
    poll=timedelta(seconds=0.05),
    coalesce=timedelta(seconds=0.02),
    first_backoff=timedelta(seconds=0.05),
    longest_backoff=timedelta(seconds=0.2),
    longest_outage_pause=timedelta(seconds=0.2),
)
HASTY = replace(PACE, lease=timedelta(seconds=2), call=timedelta(seconds=1))
"""For what comes and goes: what looks lost is repeated, so a ring may come twice."""


@asynccontextmanager
async def relaying(
    store: Database,
    connect: Callable[[], Awaitable[Client]],
    pace: Pace = PACE,
    forward: Forward = to_nobody,
) -> AsyncGenerator[Relay]:
    relay = Relay(store, connect, source="/investiture/test", pace=pace, forward=forward)
    relay.start()
    try:
        yield relay
    finally:
        await relay.close()


@pytest.fixture
async def relay(store: Database, temporal_address: str) -> AsyncIterator[Relay]:
    async with relaying(store, connector(temporal_address)) as running:
        yield running


@pytest.fixture
def path() -> str:
    """The id of a workflow of this test's own."""
    return f"launch-path/{uuid4()}"


def ring(path: str) -> OutboxMessage:
    return OutboxMessage(
        workflow_id=path,
        kind="case.decided",
        subject="cases/1",
        signal="ring",
        argument=StringValue(value="ring"),
    )


def ring_or_start(path: str, summary: str = "") -> OutboxMessage:
    return OutboxMessage(
        workflow_id=path,
        kind="program.submitted",
        subject="programs/p",
        workflow_type="LaunchPath",
        task_queue="nobody-listens",
        signal="ring",
        argument=StringValue(value="ring"),
        start_argument=StringValue(value="p"),
        summary=summary,
    )


def start(path: str) -> OutboxMessage:
    return OutboxMessage(
        workflow_id=path,
        kind="program.launched",
        subject="programs/p",
        workflow_type="ProveReturn",
        task_queue="nobody-listens",
        start_argument=StringValue(value="p"),
    )


async def post(store: Database, relay: Relay | None, *messages: OutboxMessage) -> None:
    def unit(tx: Transaction) -> None:
        for message in messages:
            tx.post(message)

    await Mutations(store, FixedClock(), relay).run_own(call(), unit)


async def row(store: Database) -> tuple[int, str]:
    """Attempts and note of the one row."""
    chosen = sa.select(TABLES.outbox.c.attempts, TABLES.outbox.c.note)
    attempts, note = await store.read(lambda connection: connection.execute(chosen).one())
    return attempts, note


async def delivered(store: Database) -> None:
    """Wait until the table is empty."""
    count = sa.select(sa.func.count()).select_from(TABLES.outbox)

    async def empty() -> bool:
        return bool(await store.read(lambda c: c.execute(count).scalar_one()) == 0)

    await until(empty)


async def test_a_ring_starts_the_workflow_once_and_rings_it_ever_after(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, ring_or_start(path, summary="programs/p, class standard"))
    await delivered(store)
    first = await client.get_workflow_handle(path).describe()
    await post(store, relay, ring_or_start(path), ring(path))
    await delivered(store)
    described = await client.get_workflow_handle(path).describe()
    assert described.run_id == first.run_id
    assert described.workflow_type == "LaunchPath"
    assert await described.static_summary() == "programs/p, class standard"
    assert await signals_of(client, path) == ["ring", "ring", "ring"]


async def test_history_shows_the_messages_as_readable_json(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, ring_or_start(path))
    await delivered(store)
    history = await client.get_workflow_handle(path).fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    (payload,) = started.input.payloads
    assert payload.metadata["encoding"] == b"json/protobuf"
    assert payload.metadata["messageType"] == b"google.protobuf.StringValue"
    assert payload.data == b'"p"'


async def test_a_started_workflow_can_be_searched_for(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, replace(start(path), search_attributes={temporal.GATE.name: "PLEDGE"}))
    await delivered(store)
    described = await client.get_workflow_handle(path).describe()
    assert described.typed_search_attributes[temporal.GATE] == "PLEDGE"


async def test_a_delivery_belongs_to_the_trace_of_the_call_that_posted_it(
    store: Database, temporal_address: str, client: Client, path: str
) -> None:
    settings = TemporalSettings(temporal_address=temporal_address)
    async with relaying(store, partial(connect, settings)) as relay:
        await post(store, relay, ring_or_start(path))
        await delivered(store)
    history = await client.get_workflow_handle(path).fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    trace_id = TRACEPARENT.split("-")[1]
    assert trace_id.encode() in started.header.SerializeToString()


async def test_a_workflow_that_was_stopped_is_started_again(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, ring_or_start(path))
    await delivered(store)
    first = await client.get_workflow_handle(path).describe()
    await client.get_workflow_handle(path).terminate()
    await post(store, relay, ring_or_start(path))
    await delivered(store)
    second = await client.get_workflow_handle(path).describe()
    assert second.run_id != first.run_id
    assert second.status is WorkflowExecutionStatus.RUNNING


async def test_a_plain_start_is_delivered_when_it_runs_already(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, start(path), start(path))
    await delivered(store)
    described = await client.get_workflow_handle(path).describe()
    assert described.workflow_type == "ProveReturn"


@workflow.defn(name="ProveReturn", sandboxed=False)
class Done:
    """Completes at once."""

    @workflow.run
    async def run(self) -> str:
        return "done"


async def test_a_plain_start_that_comes_twice_does_not_repeat_what_has_completed(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    message = replace(start(path), task_queue=path, start_argument=None)
    async with Worker(client, task_queue=path, workflows=[Done]):
        await post(store, relay, message)
        await delivered(store)
        handle = client.get_workflow_handle(path)
        assert await handle.result() == "done"
        first = await handle.describe()
        await post(store, relay, message)
        await delivered(store)
        assert (await handle.describe()).run_id == first.run_id


async def test_a_plain_start_begins_anew_what_was_stopped(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, start(path))
    await delivered(store)
    handle = client.get_workflow_handle(path)
    first = await handle.describe()
    await handle.terminate()
    await post(store, relay, start(path))
    await delivered(store)
    assert (await handle.describe()).run_id != first.run_id


async def ended(store: Database) -> str:
    """Wait until the one row has ended undelivered; return its note."""

    async def noted() -> bool:
        return bool((await row(store))[1])

    await until(noted)
    return (await row(store))[1]


async def test_a_signal_to_nobody_is_final_for_its_row(
    store: Database, relay: Relay, path: str
) -> None:
    await post(store, relay, ring(path))
    assert "not found" in await ended(store)
    assert (await relay.backlog()).count == 0


async def test_a_signal_to_a_closed_workflow_is_final_for_its_row(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, start(path))
    await delivered(store)
    await client.get_workflow_handle(path).terminate()
    await post(store, relay, ring(path))
    assert "already completed" in await ended(store)


async def test_a_signal_whose_workflow_has_ended_goes_to_the_one_that_is_named_for_it(
    store: Database, temporal_address: str, client: Client, path: str
) -> None:
    after, asked = f"{path}/after", list[str]()

    def forward(workflow_id: str) -> str | None:
        asked.append(workflow_id)
        return after if workflow_id == path else None

    async with relaying(store, connector(temporal_address), forward=forward) as relay:
        await post(store, relay, ring_or_start(path), ring_or_start(after))
        await delivered(store)
        await post(store, relay, ring(path))
        await delivered(store)
        assert asked == [], "nobody is asked while it runs"
        await client.get_workflow_handle(path).terminate()
        await post(store, relay, ring(path))
        await delivered(store)
        assert asked == [path]
        assert await signals_of(client, after) == ["ring", "ring"]
        await client.get_workflow_handle(after).terminate()
        await post(store, relay, ring(path))
        assert "already completed" in await ended(store), "neither runs: it is dropped"


async def tried(store: Database, times: int) -> None:
    """Wait until the one row was tried that often."""

    async def often() -> bool:
        return (await row(store))[0] >= times

    await until(often)


async def test_a_missing_namespace_is_a_fault_and_not_an_answer(
    store: Database, temporal_address: str, path: str
) -> None:
    async with relaying(store, connector(temporal_address, "no-such-namespace")) as relay:
        await post(store, relay, ring(path))
        await tried(store, 2)
        assert (await row(store))[1] == ""
        assert (await relay.backlog()).count == 1


async def test_the_limit_of_signals_of_a_run_is_waited_out(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, relay, ring_or_start(path))
    await delivered(store)
    handle = client.get_workflow_handle(path)
    for _ in range(temporal.MOST_SIGNALS - 1):
        await handle.signal("ring")
    await post(store, relay, ring_or_start(path))
    await tried(store, 2)
    # What continue-as-new does on a path: a new run takes signals again.
    await handle.terminate()
    await delivered(store)
    assert await signals_of(client, path) == ["ring"]


async def test_temporal_away_at_the_start_costs_nothing_but_time(
    store: Database, temporal_binary: Path, path: str
) -> None:
    port = temporal.free_port()
    async with relaying(store, connector(f"127.0.0.1:{port}"), HASTY) as relay:
        await post(store, relay, ring_or_start(path))

        async def noticed() -> bool:
            return not relay.temporal_is_reachable

        await until(noticed)
        await post(store, relay, *[ring(path) for _ in range(5)])
        assert (await relay.backlog()).count == 6
        environment = await temporal.start(temporal_binary, port)
        try:
            # Order is not kept: a ring may find nobody home before the start is delivered.
            async def nothing_waits() -> bool:
                return (await relay.backlog()).count == 0

            await until(nothing_waits)
            assert "ring" in await signals_of(environment.client, path)
            assert relay.temporal_is_reachable
        finally:
            await environment.shutdown()


async def test_temporal_going_away_and_coming_back_loses_nothing(
    store: Database, temporal_binary: Path, path: str
) -> None:
    environment = await temporal.start(temporal_binary)
    address = temporal.address_of(environment)
    try:
        async with relaying(store, connector(address), HASTY) as relay:
            await post(store, relay, ring_or_start(path))
            await delivered(store)
            await environment.shutdown()
            await post(store, relay, *[ring_or_start(f"{path}/{n}") for n in range(5)])

            async def noticed() -> bool:
                return not relay.temporal_is_reachable

            await until(noticed)
            environment = await temporal.start(temporal_binary, int(address.rpartition(":")[2]))
            await delivered(store)
            for number in range(5):
                assert "ring" in await signals_of(environment.client, f"{path}/{number}")
    finally:
        await environment.shutdown()


async def test_rows_of_a_process_that_died_are_delivered_by_the_next(
    store: Database, temporal_address: str, client: Client, path: str
) -> None:
    # Leases rows like a live relay and delivers none, as a process killed after the commit.
    dead = Relay(store, connector(temporal_address), source="/investiture/test", pace=HASTY)
    await post(store, dead, ring_or_start(path))
    async with relaying(store, connector(temporal_address)):
        await delivered(store)
    assert await signals_of(client, path) == ["ring"]


async def test_rows_posted_without_a_relay_are_delivered_by_one(
    store: Database, relay: Relay, client: Client, path: str
) -> None:
    await post(store, None, ring_or_start(path))
    await delivered(store)
    assert await signals_of(client, path) == ["ring"]


async def test_a_backlog_larger_than_a_batch_is_worked_off(
    store: Database, temporal_address: str, client: Client, path: str
) -> None:
    await post(store, None, *[ring_or_start(f"{path}/{number % 30}") for number in range(300)])
    async with relaying(store, connector(temporal_address)):
        await delivered(store)
    assert await signals_of(client, f"{path}/7") == ["ring"] * 10


@pytest.mark.sqlite
async def test_deliveries_share_their_commits(
    sqlite_store: Database, temporal_address: str, path: str
) -> None:
    slowly = Pace(coalesce=timedelta(seconds=0.5))
    async with relaying(sqlite_store, connector(temporal_address), slowly) as relay:
        await post(sqlite_store, relay, *[ring_or_start(f"{path}/{n}") for n in range(30)])
        commits: list[object] = []
        event.listen(sqlite_store.engine, "commit", commits.append)
        await delivered(sqlite_store)
        assert len(commits) < 5


async def test_what_is_left_at_the_end_is_free_for_the_next(
    store: Database, temporal_address: str, path: str
) -> None:
    away = f"127.0.0.1:{temporal.free_port()}"
    forever = Pace(lease=timedelta(hours=1), call=timedelta(seconds=1))
    async with relaying(store, connector(away), forever) as first:
        await post(store, first, ring_or_start(path))
    async with relaying(store, connector(temporal_address)):
        await delivered(store)


async def test_closing_delivers_what_is_in_memory(
    store: Database, temporal_address: str, client: Client, path: str
) -> None:
    async with relaying(store, connector(temporal_address)) as relay:
        await post(store, relay, *[ring_or_start(f"{path}/{n}") for n in range(5)])
    await delivered(store)
    for number in range(5):
        described = await client.get_workflow_handle(f"{path}/{number}").describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
