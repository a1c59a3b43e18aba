"""PostgreSQL: what may be tried again is tried again, and what is away is UNAVAILABLE."""

import asyncio
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from tests.contract.chassis_sql.ground import CASES, version_of
from tests.contract.chassis_sql.test_database import PATIENCE_S, add_one, insert

from investiture.chassis.database import Database
from investiture.chassis.postgresql import ATTEMPTS
from investiture.chassis.refusal import Unavailable

pytestmark = pytest.mark.postgresql


async def test_a_deadlock_is_tried_again(postgres_store: Database) -> None:
    await postgres_store.write(insert("cases/2"))
    both_hold_one = threading.Barrier(2)
    attempts: list[str] = []

    def advance_both(connection: sa.Connection, first: str, second: str) -> None:
        attempts.append(first)
        for name in (first, second):
            connection.execute(
                CASES.update().where(CASES.c.name == name).values(version=CASES.c.version + 1)
            )
            if name == first and len(attempts) <= 2:
                both_hold_one.wait(PATIENCE_S)

    await asyncio.gather(
        postgres_store.write(lambda c: advance_both(c, "cases/1", "cases/2")),
        postgres_store.write(lambda c: advance_both(c, "cases/2", "cases/1")),
    )
    assert len(attempts) == 3
    assert await postgres_store.read(version_of) == 3


async def test_a_serialization_failure_is_tried_again(postgres_store: Database) -> None:
    attempts: list[int] = []

    def fails_once(connection: sa.Connection) -> None:
        add_one(connection)
        attempts.append(1)
        if len(attempts) == 1:
            connection.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    await postgres_store.write(fails_once)
    assert len(attempts) == 2
    assert await postgres_store.read(version_of) == 2


async def test_what_stays_contended_is_unavailable(postgres_store: Database) -> None:
    attempts: list[int] = []

    def fails(connection: sa.Connection) -> None:
        attempts.append(1)
        connection.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$")

    with pytest.raises(Unavailable):
        await postgres_store.write(fails)
    assert len(attempts) == ATTEMPTS


async def test_who_is_overtaken_by_an_equal_insert_runs_again_and_sees_it(
    postgres_store: Database,
) -> None:
    both_saw_nothing = threading.Barrier(2)
    attempts: list[int] = []

    def find_or_insert(connection: sa.Connection) -> str:
        attempts.append(1)
        found = connection.execute(sa.select(CASES.c.name).where(CASES.c.name == "new")).scalar()
        if found is not None:
            return "found"
        if len(attempts) <= 2:
            both_saw_nothing.wait(PATIENCE_S)
        insert("new")(connection)
        return "inserted"

    both = await asyncio.gather(*[postgres_store.write(find_or_insert) for _ in range(2)])
    assert sorted(both) == ["found", "inserted"]
    assert len(attempts) == 3


async def test_what_collides_every_time_is_the_units_own_error(postgres_store: Database) -> None:
    with pytest.raises(IntegrityError):
        await postgres_store.write(insert("cases/1"))


async def test_a_connection_lost_before_the_commit_is_replaced(postgres_store: Database) -> None:
    attempts: list[int] = []

    def loses_its_connection_once(connection: sa.Connection) -> None:
        attempts.append(1)
        add_one(connection)
        if len(attempts) == 1:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    await postgres_store.write(loses_its_connection_once)
    assert len(attempts) == 2
    assert await postgres_store.read(version_of) == 2


async def test_connections_that_died_while_idle_are_replaced(postgres_store: Database) -> None:
    def end_the_others(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    await asyncio.gather(*[postgres_store.write(add_one) for _ in range(20)])
    await postgres_store.write(end_the_others)
    await asyncio.gather(*[postgres_store.write(add_one) for _ in range(20)])
    assert await postgres_store.read(version_of) == 41


async def test_a_server_that_is_away_is_unavailable(postgres_database: str) -> None:
    away = sa.make_url(postgres_database).update_query_dict({"host": "/nowhere"})
    store = Database(away.render_as_string(hide_password=False))
    with pytest.raises(Unavailable):
        await store.write(add_one)
    with pytest.raises(Unavailable):
        await store.read(add_one)
    await store.close()
