"""Mutations: what was acknowledged is kept, what is repeated is harmless."""

import asyncio
import json
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from google.protobuf.wrappers_pb2 import StringValue
from tests.contract.chassis_sql.ground import (
    ADA,
    CASES,
    NOW,
    TABLES,
    TRACEPARENT,
    Decide,
    FixedClock,
    Listener,
    advance,
    call,
    decide,
    rows,
    version_of,
)

from investiture.chassis.audit import canonical_json, leaf_hash
from investiture.chassis.call import Principal
from investiture.chassis.database import Database
from investiture.chassis.outbox import OutboxMessage
from investiture.chassis.refusal import AlreadyExists, InvalidArgument, Stale
from investiture.chassis.transaction import Mutations, Transaction

PATIENCE_S = 30
RING = OutboxMessage(
    workflow_id="launch-path/p",
    kind="case.decided",
    subject="cases/1",
    signal="ring",
    argument=StringValue(value="cases/1"),
)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def mutations(store: Database, listener: Listener) -> Mutations:
    return Mutations(store, FixedClock(), listener)


async def run(mutations: Mutations, request: Any, *, principal: Principal = ADA) -> Any:
    """Decide a case and ring for it."""

    def unit(tx: Transaction) -> Any:
        tx.post(RING)
        return advance(tx, request)

    return await mutations.run(call(principal), request, unit)


async def test_a_repeated_request_gets_its_first_answer_and_has_one_effect(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    request = decide()
    first = await run(mutations, request)
    assert first == Decide(name="cases/1", note="yes", etag="2")
    assert await run(mutations, request) == first
    assert await store.read(rows) == {"cases": 1, "idempotency": 1, "event": 1, "outbox": 1}
    assert len(listener.heard) == 1


async def test_the_etag_and_the_spelling_of_the_id_do_not_make_another_request(
    store: Database, mutations: Mutations
) -> None:
    request = decide(etag="1")
    first = await run(mutations, request)
    request.etag = "2"
    request.request_id = request.request_id.upper()
    assert await run(mutations, request) == first
    assert await store.read(version_of) == 2


async def test_an_id_is_not_taken_for_another_request(
    store: Database, mutations: Mutations
) -> None:
    request = decide()
    await run(mutations, request)
    request.note = "no"
    with pytest.raises(AlreadyExists) as refused:
        await run(mutations, request)
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert await store.read(version_of) == 2


async def test_ids_of_different_callers_and_methods_do_not_meet(
    store: Database, mutations: Mutations
) -> None:
    request = decide()
    await run(mutations, request)
    await run(mutations, request, principal=Principal("people/bob", frozenset()))
    await mutations.run(call(method="/test.Cases/Other"), request, lambda tx: advance(tx, request))
    assert await store.read(version_of) == 4


@pytest.mark.parametrize("request_id", ["", "42", "not-a-uuid"])
async def test_a_mutation_needs_a_request_id(
    store: Database, mutations: Mutations, request_id: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await run(mutations, decide(request_id=request_id))
    assert refused.value.violations[0].field == "request_id"
    assert await store.read(version_of) == 1


async def test_a_request_that_cannot_carry_an_id_is_a_mistake(mutations: Mutations) -> None:
    with pytest.raises(TypeError, match="StringValue"):
        await mutations.run(call(), StringValue(), lambda _: StringValue())


async def test_a_refusal_leaves_nothing_and_the_id_stays_free(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    request = decide()

    def refuses(tx: Transaction) -> Any:
        advance(tx, request)
        tx.post(RING)
        raise Stale("cases/1", "7")

    with pytest.raises(Stale):
        await mutations.run(call(), request, refuses)
    assert await store.read(rows) == {"cases": 1, "idempotency": 0, "event": 0, "outbox": 0}
    assert await store.read(version_of) == 1
    assert not listener.heard
    await run(mutations, request)
    assert await store.read(version_of) == 2


async def test_equal_requests_at_once_have_one_effect_and_one_answer(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    request = decide()
    answers = await asyncio.gather(*[run(mutations, request) for _ in range(20)])
    assert all(answer == answers[0] for answer in answers)
    assert await store.read(rows) == {"cases": 1, "idempotency": 1, "event": 1, "outbox": 1}
    assert len(listener.heard) == 1


async def test_an_equal_request_waits_for_the_first_rather_than_decide_on_its_effect(
    mutations: Mutations,
) -> None:
    """Run on its own the second would be stale: the first moves the version it names."""
    request = decide(etag="1")
    loop, begun, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def first_holds(tx: Transaction) -> Any:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(PATIENCE_S)
        return advance(tx, request, seen=1)

    first = asyncio.create_task(mutations.run(call(), request, first_holds))
    await begun.wait()
    second = asyncio.create_task(
        mutations.run(call(), request, lambda tx: advance(tx, request, seen=1))
    )
    await asyncio.sleep(0)
    go.set()
    assert await first == await second


async def test_an_equal_request_runs_when_the_first_is_refused(
    store: Database, mutations: Mutations
) -> None:
    request = decide()
    loop, begun, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def refuses(_tx: Transaction) -> Any:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(PATIENCE_S)
        raise Stale("cases/1", "7")

    first = asyncio.create_task(mutations.run(call(), request, refuses))
    await begun.wait()
    second = asyncio.create_task(run(mutations, request))
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(Stale):
        await first
    assert (await second).etag == "2"
    assert await store.read(version_of) == 2


async def test_validate_only_answers_and_leaves_no_row(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    before = await store.read(rows)
    for request in (decide(validate_only=True), decide(validate_only=True, request_id="")):
        assert (await run(mutations, request)).etag == "2"
    assert await store.read(rows) == before
    assert await store.read(version_of) == 1
    assert not listener.heard


async def test_validate_only_refuses_as_the_call_would(
    store: Database, mutations: Mutations
) -> None:
    with pytest.raises(Stale):
        await mutations.run(
            call(),
            request := decide(validate_only=True),
            lambda tx: advance(tx, request, seen=7),
        )
    assert await store.read(version_of) == 1


async def test_validate_only_does_not_take_the_id(store: Database, mutations: Mutations) -> None:
    request = decide(validate_only=True)
    await run(mutations, request)
    request.validate_only = False
    await run(mutations, request)
    assert await store.read(version_of) == 2


async def test_an_event_is_a_leaf_anyone_can_recompute(
    store: Database, mutations: Mutations
) -> None:
    request = decide()
    await run(mutations, request)

    def event(connection: sa.Connection) -> Any:
        return connection.execute(sa.select(TABLES.event)).one()

    found = await store.read(event)
    document = json.loads(found.document)
    assert document == {
        "kind": "case.decided",
        "resource": "cases/1",
        "program": "programs/p",
        "version": 2,
        "actor": "people/ada",
        "at": "2027-01-04T09:00:00.000000Z",
        "method": "/test.Cases/Decide",
        "request_id": request.request_id,
        "traceparent": TRACEPARENT,
        "payload": {"note": "yes"},
    }
    assert canonical_json(document) == found.document
    assert bytes(found.leaf) == leaf_hash(found.document)
    assert (found.kind, found.resource, found.version, found.program, found.at) == (
        "case.decided",
        "cases/1",
        2,
        "programs/p",
        NOW,
    )


async def test_a_message_is_a_cloud_event_leased_until_it_is_delivered(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    await run(mutations, decide())

    def row(connection: sa.Connection) -> Any:
        return connection.execute(sa.select(TABLES.outbox)).one()

    found = await store.read(row)
    assert (found.source, found.type, found.subject, found.time, found.datacontenttype) == (
        "/investiture/test",
        "case.decided",
        "cases/1",
        NOW,
        "application/protobuf",
    )
    assert StringValue.FromString(found.data) == StringValue(value="cases/1")
    assert found.dataschema == "google.protobuf.StringValue"
    assert (found.workflow_id, found.signal, found.traceparent) == (
        "launch-path/p",
        "ring",
        TRACEPARENT,
    )
    assert (found.lease_owner, found.next_attempt_at) == (
        "listener",
        NOW + timedelta(seconds=10),
    )
    (heard,) = listener.heard
    assert heard.id == found.id
    assert heard.data == found.data


async def test_many_events_and_messages_of_one_operation(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    def unit(tx: Transaction) -> Any:
        for version in range(5):
            tx.record("case.noted", "cases/1", version, {"number": version})
            tx.post(RING)
        return Decide()

    await mutations.run(call(), decide(), unit)
    assert await store.read(rows) == {"cases": 1, "idempotency": 1, "event": 5, "outbox": 5}
    assert len({row.id for row in listener.heard}) == 5


async def test_a_caller_that_gave_up_does_not_keep_its_message_from_being_handed_over(
    mutations: Mutations, store: Database, listener: Listener
) -> None:
    request = decide()
    loop, begun, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def held(tx: Transaction) -> Any:
        tx.post(RING)
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(PATIENCE_S)
        return advance(tx, request)

    waiting = asyncio.create_task(mutations.run(call(), request, held))
    await begun.wait()
    waiting.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    answer = await run(mutations, request)  # behind the first: the same id
    assert answer.etag == "2"
    assert await store.read(version_of) == 2
    assert len(listener.heard) == 1


async def test_the_services_own_work_needs_no_id(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    def beat(tx: Transaction) -> int:
        tx.record("case.expired", "cases/1", 1, {})
        tx.post(RING)
        return 7

    assert await mutations.run_own(call(), beat) == 7
    assert await store.read(rows) == {"cases": 1, "idempotency": 0, "event": 1, "outbox": 1}
    assert len(listener.heard) == 1


async def test_a_read_neither_records_nor_posts(mutations: Mutations) -> None:
    assert await mutations.read(call(), lambda tx: version_of(tx.connection)) == 1
    with pytest.raises(RuntimeError, match="record"):
        await mutations.read(call(), lambda tx: tx.record("x", "cases/1", 1, {}))
    with pytest.raises(RuntimeError, match="post"):
        await mutations.read(call(), lambda tx: tx.post(RING))


async def test_without_a_relay_messages_wait_in_the_table(store: Database) -> None:
    await run(Mutations(store, FixedClock()), decide())

    def owner(connection: sa.Connection) -> str:
        owner: str = connection.execute(sa.select(TABLES.outbox.c.lease_owner)).scalar_one()
        return owner

    assert await store.read(owner) == ""


async def test_a_hundred_decisions_on_a_hundred_cases_at_once(
    store: Database, mutations: Mutations, listener: Listener
) -> None:
    def more(connection: sa.Connection) -> None:
        connection.execute(
            CASES.insert(),
            [{"name": f"cases/{n}", "version": 1, "note": ""} for n in range(2, 102)],
        )

    await store.write(more)
    requests = [decide(name=f"cases/{n}", request_id=str(uuid4())) for n in range(2, 102)]
    answers = await asyncio.gather(*[run(mutations, request) for request in requests])
    assert [answer.name for answer in answers] == [request.name for request in requests]
    assert await store.read(rows) == {"cases": 101, "idempotency": 100, "event": 100, "outbox": 100}
    assert len(listener.heard) == 100
