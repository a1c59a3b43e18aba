"""Units of work: each commits or rolls back as a whole, alone, and exactly as its caller learns."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.contract.chassis_sql.ground import CASES, version_of

from investiture.chassis.database import Database
from investiture.chassis.refusal import Unavailable

PATIENCE_S = 30


def add_one(connection: sa.Connection) -> None:
    connection.execute(CASES.update().values(version=CASES.c.version + 1))


def insert(name: str) -> Callable[[sa.Connection], str]:
    def unit(connection: sa.Connection) -> str:
        connection.execute(CASES.insert(), {"name": name, "version": 1, "note": ""})
        return name

    return unit


def names(connection: sa.Connection) -> list[str]:
    return list(connection.execute(sa.select(CASES.c.name).order_by(CASES.c.name)).scalars())


class Held:
    """A unit that waits inside its transaction until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._go = threading.Event()

    def __call__(self, connection: sa.Connection) -> str:
        insert("held")(connection)
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self._go.wait(PATIENCE_S)
        return "held"

    async def begin_in(self, store: Database) -> "asyncio.Task[str]":
        """Write it and return once it has begun; raises what keeps it from beginning."""
        written = asyncio.create_task(store.write(self))
        begun = asyncio.create_task(self.begun.wait())
        await asyncio.wait((written, begun), return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            begun.cancel()
            await written
        return written

    def let_go(self) -> None:
        self._go.set()


async def test_a_read_sees_every_write_acknowledged_before(store: Database) -> None:
    for number in range(20):
        await store.write(add_one)
        assert await store.read(version_of) == number + 2


async def test_a_unit_that_raises_rolls_back_alone(store: Database) -> None:
    held = Held()
    first = await held.begin_in(store)

    def fails(connection: sa.Connection) -> None:
        insert("fails")(connection)
        raise LookupError("no")

    # On SQLite these queue up behind the held unit and share one transaction.
    others = [
        asyncio.create_task(store.write(unit))
        for unit in (insert("a"), fails, insert("b"), fails, insert("cases/1"), insert("c"))
    ]
    await asyncio.sleep(0)
    held.let_go()
    results: list[object] = [*await asyncio.gather(first, *others, return_exceptions=True)]
    assert [result for result in results if isinstance(result, str)] == ["held", "a", "b", "c"]
    assert isinstance(results[2], LookupError)
    assert isinstance(results[4], LookupError)
    assert isinstance(results[5], IntegrityError)
    assert await store.read(names) == ["a", "b", "c", "cases/1", "held"]


async def test_two_hundred_writers_at_once_meet_no_lock_error(store: Database) -> None:
    await asyncio.gather(*[store.write(add_one) for _ in range(200)])
    assert await store.read(version_of) == 201


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StopIteration])
async def test_no_error_of_a_unit_ends_the_thread(
    store: Database, error: type[BaseException]
) -> None:
    def fails(_connection: sa.Connection) -> None:
        raise error

    with pytest.raises(RuntimeError) as caught:
        await store.write(fails)
    assert isinstance(caught.value.__cause__, error)
    await store.write(add_one)
    assert await store.read(version_of) == 2


async def test_a_caller_that_gives_up_does_not_break_a_unit_that_has_begun(store: Database) -> None:
    held, committed = Held(), asyncio.Event()
    waiting = asyncio.create_task(store.write(held, committed=lambda _: committed.set()))
    await held.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    held.let_go()
    await asyncio.wait_for(committed.wait(), PATIENCE_S)
    assert "held" in await store.read(names)


@pytest.mark.sqlite
async def test_a_unit_that_has_not_begun_is_left_out_when_its_caller_gives_up(
    sqlite_store: Database,
) -> None:
    held = Held()
    first = await held.begin_in(sqlite_store)
    second = asyncio.create_task(sqlite_store.write(insert("never")))
    await asyncio.sleep(0)
    second.cancel()
    held.let_go()
    await first
    assert "never" not in await sqlite_store.read(names)


async def test_a_read_cannot_write(store: Database) -> None:
    with pytest.raises(DBAPIError):
        await store.read(add_one)
    assert await store.read(version_of) == 1


async def test_a_read_sees_one_snapshot(store: Database) -> None:
    loop = asyncio.get_running_loop()
    between, written = asyncio.Event(), threading.Event()

    def looks_twice(connection: sa.Connection) -> tuple[int, int]:
        first = version_of(connection)
        loop.call_soon_threadsafe(between.set)
        assert written.wait(PATIENCE_S)
        return first, version_of(connection)

    looking = asyncio.create_task(store.read(looks_twice))
    await between.wait()
    await store.write(add_one)
    written.set()
    assert await looking == (1, 1)
    assert await store.read(version_of) == 2


async def test_closing_finishes_what_waits_and_refuses_the_rest(store: Database) -> None:
    held = Held()
    first = await held.begin_in(store)
    second = asyncio.create_task(store.write(insert("queued")))
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await store.write(insert("late"))
    held.let_go()
    await closing
    assert [await first, await second] == ["held", "queued"]


async def test_a_unit_runs_in_its_callers_context(store: Database) -> None:
    """So that the spans and log lines of a unit belong to the call."""
    caller: ContextVar[str] = ContextVar("caller")

    async def who(name: str) -> tuple[str, str]:
        caller.set(name)
        return await store.write(lambda _: caller.get()), await store.read(lambda _: caller.get())

    seen = await asyncio.gather(who("ada"), who("bob"))
    assert [*seen] == [("ada", "ada"), ("bob", "bob")]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite"):
        Database(url)
