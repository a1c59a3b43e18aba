"""Whoever commits first has decided: a demotion or a revocation against a pledge under way.

Issue 3, must show 4: tested by interleaving. A lock that the test holds stops the first transaction
in its middle; the second is seen to wait for it before the lock is given back.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from tests.contract.sponsorship.house import SAM, SARA, VERA, House, community, refused
from tests.contract.sponsorship.test_delegations import lent, revoking
from tests.contract.sponsorship.test_objections import SALES
from tests.contract.sponsorship.test_succession import HANA, changed, warrant

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb


@pytest.fixture
def server(database_url: str) -> str:
    """Where PostgreSQL is; on SQLite a write waits for the one before it to end, whatever it is."""
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing interleaves")
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@asynccontextmanager
async def locked(server: str, query: str) -> AsyncGenerator[psycopg.AsyncConnection[Any]]:
    """Rows that nobody else changes until the block ends."""
    async with await psycopg.AsyncConnection.connect(server) as holding:
        await holding.execute(query.encode())
        yield holding


async def waiting(server: str, *calls: asyncio.Future[Any]) -> None:
    """Returns once so many transactions wait for a lock; with the error of one that does not."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as looking:
        # PostgreSQL tells nobody who waits: it has to be asked.
        while (await (await looking.execute(query.encode())).fetchone()) != (len(calls),):
            for call in calls:
                assert not call.done(), f"did not wait: {call.result()}"
            await asyncio.sleep(0.01)


async def one_after_the_other(
    server: str, lock: str, first: Awaitable[Any], second: Awaitable[Any]
) -> tuple[Any, Any]:
    """The answers of two calls, the second of which comes while the first is stopped half-way."""
    async with locked(server, lock) as holding:
        one = asyncio.ensure_future(first)
        await waiting(server, one)
        two = asyncio.ensure_future(second)
        await waiting(server, one, two)
        await holding.rollback()
        return await one, await two


CASE = "SELECT 1 FROM gate_case FOR UPDATE"
SARAS_ROW = f"SELECT 1 FROM person WHERE name = '{SARA}' FOR UPDATE"


async def test_a_demotion_that_comes_during_a_pledge_takes_it_back(
    house: House, server: str
) -> None:
    case = await house.opened()
    agreed = await house.say(VERA, case, SALES, "CONSENT")
    pledged, imported = await one_after_the_other(
        server,
        CASE,
        house.pledge(SARA, agreed.gate_case),
        changed(house, SARA, grade="specialist"),
    )
    assert pledged.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert list(imported.transfers) == [case.name]
    assert (await house.read(case)).gate_case.state == gate_pb2.CASE_STATE_VOIDED


async def test_a_pledge_that_comes_during_a_demotion_is_refused(house: House, server: str) -> None:
    case = await house.opened()
    agreed = await house.say(VERA, case, SALES, "CONSENT")
    imported, problem = await one_after_the_other(
        server,
        SARAS_ROW,
        changed(house, SARA, grade="specialist"),
        refused(house.pledge(SARA, agreed.gate_case)),
    )
    assert not imported.transfers
    assert problem.reason == "AUTHORITY_INSUFFICIENT"


async def test_a_last_endorsement_does_not_stand_on_a_sponsor_who_is_being_demoted(
    house: House, server: str
) -> None:
    case = await house.opened()
    pledged = await house.pledge(SARA, case)
    imported, problem = await one_after_the_other(
        server,
        SARAS_ROW,
        changed(house, SARA, grade="specialist"),
        refused(house.say(VERA, pledged.gate_case, SALES, "CONSENT")),
    )
    assert list(imported.transfers) == [case.name]
    assert problem.reason == "STALE_ETAG"
    assert (await refused(warrant(house))).reason == "WRONG_STATE"


async def borrowing(house: House) -> tuple[gate_pb2.GateCase, pb.Delegation]:
    """Everything is said but the pledge of Sam, whose own limit does not reach; Hana lends hers."""
    await changed(house, SAM, grade="manager")
    made = await lent(house, HANA)
    case = await house.opened(community(sponsor=SAM))
    agreed = await house.say(VERA, case, SALES, "CONSENT")
    last = await house.say(SARA, agreed.gate_case, "units/support", "CONSENT")
    return last.gate_case, made


async def revoke(house: House, made: pb.Delegation) -> pb.Delegation:
    """A coroutine, because a call of a stub begins at once."""
    revoked: pb.Delegation = await house.of(HANA).RevokeDelegation(revoking(made))
    return revoked


async def test_a_delegation_revoked_during_the_pledge_it_carries_takes_it_back(
    house: House, server: str
) -> None:
    case, made = await borrowing(house)
    pledged, _ = await one_after_the_other(
        server,
        CASE,
        house.pledge(SAM, case, on_behalf_of=HANA),
        revoke(house, made),
    )
    assert pledged.gate_case.state == gate_pb2.CASE_STATE_STANDING
    after = (await house.read(case)).gate_case
    assert (after.state, after.amber) == (gate_pb2.CASE_STATE_VOIDED, gate_pb2.AMBER_TRANSFER)


async def test_a_pledge_during_the_revocation_of_what_carries_it_is_refused(
    house: House, server: str
) -> None:
    case, made = await borrowing(house)
    _, problem = await one_after_the_other(
        server,
        "SELECT 1 FROM delegation FOR UPDATE",
        revoke(house, made),
        refused(house.pledge(SAM, case, on_behalf_of=HANA)),
    )
    assert problem.reason == "NOT_A_HOLDER"
    assert "delegated nothing of this kind" in problem.message
