"""What a service keeps of who is there, on each database: nothing older wins, nothing is lost."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from tests.support.clock import SettableClock
from tests.support.services import migrated

from investiture.budget.tables import CASES
from investiture.casework.standing import Away, Loan, Standing
from investiture.casework.standing_store import Published, StandingStore
from investiture.casework.words import Purpose
from investiture.chassis.call import Call, Principal
from investiture.chassis.database import Database
from investiture.chassis.transaction import Mutations, Transaction

T = TypeVar("T")
Run = Callable[[Callable[[Transaction], T]], Any]
CALL = Call(Principal("workloads/budget", frozenset({"service"})), "budget/attend")
STORE = StandingStore(CASES.standing)
FAY, FINN, ADA = "people/fay", "people/finn", "people/ada"
DAY = timedelta(days=1)


@pytest.fixture
async def run(database_url: str, clock: SettableClock) -> AsyncIterator[Run[Any]]:
    """Runs a unit of work on the budget's database."""
    migrated("budget", database_url)
    database = Database(database_url)
    mutations = Mutations(database, clock)
    yield lambda unit: mutations.run_own(CALL, unit)
    await database.close()


def gone(person: str, position: int) -> Published:
    return Published(Standing(person, able=False), position)


def queue(tx: Transaction) -> list[str]:
    found: list[str] = []
    while one := STORE.queued(tx, found[-1] if found else ""):
        found.append(one[0])
    return found


async def test_an_older_word_never_replaces_a_newer_one(run: Run[Any]) -> None:
    await run(lambda tx: STORE.keep(tx, [gone(FAY, 5)]))
    await run(lambda tx: STORE.keep(tx, [Published(Standing(FAY), 3), gone(FINN, 4)]))
    kept = await run(lambda tx: STORE.published(tx, 0, 10))
    assert [(one.standing.person, one.standing.able) for one in kept] == [
        (FINN, False),
        (FAY, False),
    ]
    assert await run(STORE.newest) == 5


async def test_who_is_queued_again_while_attended_to_stays_in_the_queue(run: Run[Any]) -> None:
    await run(lambda tx: STORE.keep(tx, [gone(FAY, 1)]))
    person, times = await run(STORE.queued)
    await run(lambda tx: STORE.keep(tx, [Published(Standing(FAY), 2)]))
    await run(lambda tx: STORE.attended(tx, person, times))
    assert await run(queue) == [FAY]
    person, times = await run(STORE.queued)
    await run(lambda tx: STORE.attended(tx, person, times))
    assert await run(queue) == []


async def test_only_what_changed_is_looked_at_and_a_delegate_concerns_the_delegator(
    run: Run[Any], clock: SettableClock
) -> None:
    now = clock.now()
    loan = Loan(FINN, Purpose.FUND, now - DAY, now + 9 * DAY)
    await run(lambda tx: STORE.keep(tx, [Published(Standing(ADA), 1)]))
    assert await run(queue) == []  # there is nothing to say of her
    await run(lambda tx: STORE.keep(tx, [Published(Standing(FAY, True, (), (loan,)), 2)]))
    await run(lambda tx: STORE.attended(tx, FAY, 1))
    away = Standing(FINN, True, (Away(now + DAY, now + 2 * DAY),))
    await run(lambda tx: STORE.keep(tx, [Published(away, 3)]))
    assert await run(queue) == [FAY, FINN]
    for one in (FAY, FINN):
        await run(partial(STORE.attended, person=one, times=1))
    assert [one for one, _ in await run(lambda tx: STORE.lent(tx, FINN))] == [FAY]

    def turn(tx: Transaction) -> list[str]:
        due = STORE.due(tx, 10)
        for one in due:
            STORE.turned(tx, one.standing)
        return [one.standing.person for one in due]

    assert await run(turn) == []
    clock.advance(DAY)
    assert await run(turn) == [FINN]  # his absence begins, and he is Fay's delegate
    assert await run(queue) == [FAY, FINN]
    assert await run(turn) == []
    clock.advance(DAY)
    assert await run(turn) == [FINN]
    clock.advance(7 * DAY)
    assert await run(turn) == [FAY]  # the loan ends
    assert await run(lambda tx: STORE.lent(tx, FINN)) == []
