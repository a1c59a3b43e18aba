"""The tables are those of the migrations, and a second replica tells what the first one changed."""

from tests.support.clock import SettableClock
from tests.support.launches import Watched, front
from tests.support.services import Realm

from investiture.chassis import migrate
from investiture.launch.__main__ import NAME


def test_the_migrations_make_exactly_the_tables_of_the_code(empty_database_url: str) -> None:
    migrate.upgrade(NAME, empty_database_url)
    assert migrate.check(NAME, empty_database_url) == []


async def test_a_watch_at_one_replica_tells_what_another_one_changed(
    realm: Realm, clock: SettableClock, postgres_name: str
) -> None:
    async with (
        front(realm, clock, postgres_name) as one,
        front(realm, clock, postgres_name) as other,
    ):
        program = await one.submitted()
        watched = Watched(other, program.name)
        assert (await watched.next()).path.program == program
        await one.revised(program, title="Another title")
        assert (await watched.next()).path.program.revision == 2
        watched.call.cancel()


async def test_a_watch_resumes_after_a_restart_by_the_version_it_has_seen(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with front(realm, clock, database_url) as before:
        program = await before.submitted()
    async with front(realm, clock, database_url) as after:
        await after.revised(program, title="Another title")
        resumed = await Watched(after, program.name, program.version).next()
        assert resumed.path.program.revision == 2
