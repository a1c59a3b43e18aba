"""SQLite: one owner, commits shared by those who wait, faults that end no more than they must."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from tests.contract.chassis_sql.ground import version_of
from tests.contract.chassis_sql.test_database import Held, add_one, insert, names

from investiture.chassis.database import Database
from investiture.chassis.refusal import Unavailable
from investiture.chassis.sqlite import DatabaseInUse

pytestmark = pytest.mark.sqlite

OPEN = """
import sys
from investiture.chassis.database import Database
from investiture.chassis.sqlite import DatabaseInUse
try:
    Database(sys.argv[1])
except DatabaseInUse as error:
    sys.exit(str(error))
"""


def opened_by_another_process(url: str) -> str:
    """What another process says when it opens the database; empty when it could."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, url], capture_output=True, text=True, check=False
    )
    return done.stderr.strip()


async def test_a_second_process_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    first = Database(url)
    refused = await asyncio.to_thread(opened_by_another_process, url)
    assert "is in use by process" in refused
    with pytest.raises(DatabaseInUse):
        Database(url)
    await first.close()
    assert await asyncio.to_thread(opened_by_another_process, url) == ""


async def test_settings_of_every_connection(sqlite_store: Database) -> None:
    def settings(connection: sa.Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert await sqlite_store.write(settings) == expected
    assert await sqlite_store.read(settings) == expected


async def test_units_that_wait_share_a_commit(sqlite_store: Database) -> None:
    commits: list[object] = []
    held = Held()
    first = await held.begin_in(sqlite_store)
    event.listen(sqlite_store.engine, "commit", commits.append)
    waiting = [asyncio.create_task(sqlite_store.write(add_one)) for _ in range(50)]
    await asyncio.sleep(0)
    held.let_go()
    await asyncio.gather(first, *waiting)
    assert len(commits) == 2
    assert await sqlite_store.read(version_of) == 51


async def test_what_sqlite_rolls_back_is_not_acknowledged(sqlite_store: Database) -> None:
    def trap(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "CREATE TRIGGER trap BEFORE INSERT ON cases WHEN new.name = 'trap' "
            "BEGIN SELECT RAISE(ROLLBACK, 'sprung'); END"
        )

    await sqlite_store.write(trap)
    held = Held()
    first = await held.begin_in(sqlite_store)
    others = [
        asyncio.create_task(sqlite_store.write(insert(name))) for name in ("a", "trap", "b", "c")
    ]
    await asyncio.sleep(0)
    held.let_go()
    await first
    before, trapped, *after = await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(before, Unavailable)
    assert isinstance(trapped, IntegrityError)
    assert after == ["b", "c"]
    assert await sqlite_store.read(names) == ["b", "c", "cases/1", "held"]


async def test_a_commit_that_fails_acknowledges_nobody(sqlite_store: Database) -> None:
    def children(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "CREATE TABLE child (parent TEXT REFERENCES cases DEFERRABLE INITIALLY DEFERRED)"
        )

    def orphan(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO child VALUES ('nobody')")

    await sqlite_store.write(children)
    with pytest.raises(IntegrityError):
        await sqlite_store.write(orphan)
    held = Held()
    first = await held.begin_in(sqlite_store)
    others = [asyncio.create_task(sqlite_store.write(unit)) for unit in (insert("a"), orphan)]
    await asyncio.sleep(0)
    held.let_go()
    await first
    results = await asyncio.gather(*others, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert await sqlite_store.write(insert("b")) == "b"
    assert await sqlite_store.read(names) == ["b", "cases/1", "held"]


async def test_a_full_disk_is_unavailable_and_passes(sqlite_store: Database) -> None:
    def shrink(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def grow(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")

    await sqlite_store.write(shrink)
    with pytest.raises(Unavailable):
        await sqlite_store.write(insert("x" * 100_000))
    assert await sqlite_store.read(version_of) == 1
    await sqlite_store.write(grow)
    await sqlite_store.write(insert("x" * 100_000))


@pytest.mark.parametrize("misdeed", ["close", "commit", "rollback", "invalidate"])
async def test_a_unit_that_ends_the_transaction_itself_is_an_error_and_no_more(
    sqlite_store: Database, misdeed: str
) -> None:
    def misbehaves(connection: sa.Connection) -> None:
        getattr(connection, misdeed)()

    with pytest.raises((Unavailable, sqlite3.ProgrammingError, SQLAlchemyError)):
        await sqlite_store.write(misbehaves)
    await sqlite_store.write(add_one)
    assert await sqlite_store.read(version_of) == 2


@pytest.mark.parametrize("misdeed", ["close", "commit", "invalidate"])
async def test_nor_does_a_read_that_ends_its_transaction_end_the_reading(
    sqlite_store: Database, misdeed: str
) -> None:
    def misbehaves(connection: sa.Connection) -> str:
        getattr(connection, misdeed)()
        return "answered"

    assert await sqlite_store.read(misbehaves) == "answered"
    for _ in range(3):
        assert await sqlite_store.read(version_of) == 1
    with pytest.raises(SQLAlchemyError):
        await sqlite_store.read(add_one)
