"""What follows a commit happens once it is durable, and never for what was not stored."""

from typing import Any

import pytest
from tests.contract.chassis_sql.ground import FixedClock, Listener, advance, call, decide

from investiture.chassis.database import Database
from investiture.chassis.refusal import Stale
from investiture.chassis.transaction import Mutations, Transaction


@pytest.fixture
def mutations(store: Database) -> Mutations:
    return Mutations(store, FixedClock(), Listener())


async def run(
    mutations: Mutations, told: list[str], request: Any, *, seen: int | None = None
) -> None:
    def unit(tx: Transaction) -> Any:
        tx.after_commit(lambda: told.append(request.name))
        return advance(tx, request, seen=seen)

    await mutations.run(call(), request, unit)


async def test_a_commit_is_followed_once_also_when_the_request_is_repeated(
    mutations: Mutations,
) -> None:
    told: list[str] = []
    request = decide()
    await run(mutations, told, request)
    await run(mutations, told, request)
    assert told == ["cases/1"]


async def test_what_the_service_does_itself_is_followed_too(mutations: Mutations) -> None:
    told: list[str] = []

    def unit(tx: Transaction) -> None:
        tx.after_commit(lambda: told.append("own"))

    await mutations.run_own(call(), unit)
    assert told == ["own"]


async def test_nothing_follows_a_refusal_or_a_rehearsal(mutations: Mutations) -> None:
    told: list[str] = []
    with pytest.raises(Stale):
        await run(mutations, told, decide(), seen=99)
    await run(mutations, told, decide(validate_only=True))
    assert told == []


async def test_a_read_has_no_commit_to_follow(mutations: Mutations) -> None:
    def unit(tx: Transaction) -> None:
        tx.after_commit(lambda: None)

    with pytest.raises(RuntimeError):
        await mutations.read(call(), unit)
