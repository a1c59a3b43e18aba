"""10,000 reservations from 64 clients on one envelope of a real service process.

domain.md, Budget, invariants: of k concurrent reservations of a from A exactly ⌊A/a⌋ succeed,
also where the process is killed in their midst and the clients repeat what was not answered.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from pydantic import TypeAdapter
from tests.contract.budget.test_concurrency import assert_balanced
from tests.support.budget import ENVELOPE, MoneySide, money_side
from tests.support.clock import SettableClock
from tests.support.copied import copy_program
from tests.support.directory import scripted_directory
from tests.support.facts import revision
from tests.support.records import rows
from tests.support.services import CHARTER, NOBODY_LISTENS, Realm, Served, new_request_id

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.casework.case import Case
from investiture.chassis.client import explain
from investiture.chassis.settings import PREFIX
from investiture.stack import readiness
from investiture.stack.part import Blueprint, Event, Part, Phase
from investiture.stack.ports import LOOPBACK, choose

CLIENTS, AMOUNT = 64, 9_000
SAMPLE = 400
"""So many requests are sent once more at the end."""

RESERVE = "/investiture.api.budget.v1.BudgetService/Reserve"
CONNECTION = (
    ("grpc.use_local_subchannel_pool", 1),  # a connection each: others with the address share one
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)

LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
"""What a client sees of a process that died: nobody knows whether it had committed."""

MODEL = "programs/model"
CASES = TypeAdapter(Case)


class Killable:
    """The budget service as a process, which may be killed once and is started again."""

    def __init__(self, blueprint: Blueprint, address: str) -> None:
        self.part = Part(blueprint, self._tell, supervise=False)
        self.address = address
        self.serving = asyncio.Event()
        self.died = asyncio.Event()

    def _tell(self, event: Event) -> None:
        if event.phase is Phase.DIED:
            self.died.set()

    async def start(self) -> None:
        await self.part.start()
        self.serving.set()

    async def kill_and_restart(self) -> None:
        self.serving.clear()
        os.kill(self.part.pid, signal.SIGKILL)
        await self.died.wait()
        await self.start()


def process(folder: Path, realm: Realm, database_url: str, directory: str) -> Killable:
    """How the service is started, with the realm's keys and the test's directory."""
    port = choose({"budget": 0})["budget"]
    address = f"{LOOPBACK}:{port}"
    ours = {
        "HOST": LOOPBACK,
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "CHARTER": str(CHARTER),
        "KEY_FOLDER": str(realm.key_folder),
        "ISSUER_KEY_FILE": str(realm.folder / "issuer.jwk"),
        "TOKEN_SUBJECT": "workloads/budget",
        "TOKEN_ROLES": "service",
        "TEMPORAL_ADDRESS": NOBODY_LISTENS,
        "SPONSORSHIP_ADDRESS": directory,
        "LOG_LEVEL": "ERROR",
    }
    blueprint = Blueprint(
        name="budget",
        command=(sys.executable, "-m", "investiture.budget"),
        environment={**os.environ, **{f"{PREFIX}{name}": value for name, value in ours.items()}},
        log=folder / "budget.log",
        probe=lambda _: readiness.service_serves(address),
    )
    return Killable(blueprint, address)


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many programs ask, for how many there is money, and after how many the service dies."""

    programs: int
    killed_after: int = 0

    @property
    def held(self) -> int:
        return self.programs * 2 // 5

    @property
    def appropriated(self) -> int:
        return self.held * AMOUNT + 1_000


async def prepared(
    crowd: Crowd, realm: Realm, clock: SettableClock, database_url: str
) -> Sequence[Case]:
    """Approved fundings that wait for Reserve, stored before the process starts.

    They name their envelope: so no lock but its own puts their reservations in a row.
    """
    async with money_side(realm, clock, database_url) as money:
        await money.issue(crowd.appropriated)
        facts = revision(program=MODEL, amount_minor=AMOUNT * 100, envelope=ENVELOPE)
        await money.approve(await money.open(facts), "fiona")
    names = [f"programs/p{number:05}" for number in range(crowd.programs)]
    await asyncio.to_thread(copy_program, database_url, MODEL, names)
    found = rows(database_url, "SELECT document FROM gate_case WHERE program <> 'programs/model'")
    return [CASES.validate_json(document) for (document,) in found]


class Client:
    """One of those who ask at once: a bare channel, over which messages go as they were built."""

    def __init__(self, address: str, token: str) -> None:
        self.channel = grpc.aio.insecure_channel(address, options=CONNECTION)
        self._reserve: Any = self.channel.unary_unary(RESERVE)
        self._said = (("authorization", f"Bearer {token}"),)

    async def reserve(self, request: bytes) -> bytes:
        answer: bytes = await self._reserve(request, metadata=self._said, timeout=60)
        return answer


@dataclass(slots=True)
class Ended:
    """What was answered, by request: the funding's bytes, or the reason of a refusal."""

    answers: dict[bytes, bytes | str] = field(default_factory=dict[bytes, bytes | str])
    repeated: int = 0

    def outcomes(self) -> Counter[str]:
        return Counter("OK" if isinstance(a, bytes) else a for a in self.answers.values())


async def outcome(client: Client, request: bytes) -> bytes | str | None:
    """The answer or the reason of the refusal; nothing where nobody answered."""
    try:
        return await client.reserve(request)
    except grpc.aio.AioRpcError as error:
        return None if error.code() in LOST else explain(error).reason


async def reserve_all(
    service: Killable, clients: Sequence[Client], cases: Sequence[Case], killed_after: int
) -> Ended:
    """Every case is reserved for by one client or the other, each with one request id."""
    waiting = [
        pb.ReserveRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, envelope=ENVELOPE
        ).SerializeToString()
        for case in cases
    ]
    ended = Ended()
    restarting: list[asyncio.Task[None]] = []

    async def work(client: Client) -> None:
        while waiting:
            request = waiting.pop()
            await service.serving.wait()
            while (answer := await outcome(client, request)) is None:
                ended.repeated += 1
                await asyncio.sleep(0.05)  # not to spin while the process is started again
                await service.serving.wait()
            ended.answers[request] = answer
            if 0 < killed_after <= len(ended.answers) and not restarting:
                restarting.append(asyncio.create_task(service.kill_and_restart()))

    await asyncio.gather(*(work(client) for client in clients))
    await asyncio.gather(*restarting)
    return ended


# The whole number takes a minute: each rule and each database has it, not every pair.
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("database", "crowd"),
    [
        ("sqlite", Crowd(10_000)),
        ("sqlite", Crowd(2_500, killed_after=800)),
        ("postgresql", Crowd(2_500)),
        ("postgresql", Crowd(10_000, killed_after=3_000)),
    ],
    ids=["sqlite-undisturbed", "sqlite-killed", "postgresql-undisturbed", "postgresql-killed"],
)
async def test_of_10_000_reservations_exactly_as_many_succeed_as_there_is_money_for(
    tmp_path: Path, database_url: str, crowd: Crowd
) -> None:
    clock = SettableClock(datetime.now(UTC))  # the process has the machine's
    realm = Realm(tmp_path / "realm", clock)
    cases = await prepared(crowd, realm, clock, database_url)
    async with scripted_directory(clock) as (directory, at), AsyncExitStack() as closing:
        service = process(tmp_path, realm, database_url, at)
        closing.push_async_callback(service.part.stop, 10)
        await service.start()
        token = realm.token("people/fay", "finance").value
        clients = [Client(service.address, token) for _ in range(CLIENTS)]
        for client in clients:
            closing.push_async_callback(client.channel.close)
        ended = await reserve_all(service, clients, cases, crowd.killed_after)
        assert ended.outcomes() == {
            "OK": crowd.held,
            "FUNDS_INSUFFICIENT": crowd.programs - crowd.held,
        }
        assert (ended.repeated > 0) == bool(crowd.killed_after)

        served = Served(service.address, realm, closing)
        auditor = BudgetServiceStub(served.channel("people/axel", "auditor"))
        worker = CaseServiceStub(served.channel("workloads/worker", "worker"))
        money = MoneySide(realm, clock, directory, served, worker, auditor, auditor)
        before = await assert_held_once(crowd, money, database_url)
        for number, (request, answer) in enumerate(ended.answers.items()):
            if number % (crowd.programs // SAMPLE) == 0:
                assert await outcome(clients[number % CLIENTS], request) == answer
        assert await assert_held_once(crowd, money, database_url) == before


async def assert_held_once(crowd: Crowd, money: MoneySide, database_url: str) -> int:
    """The ledger agrees with the reservations, and each left one leaf, one message, one answer."""
    await assert_balanced(money)
    balances = await money.balances()
    assert balances["reserved"] == crowd.held * AMOUNT * 100
    assert balances["available"] == (crowd.appropriated - crowd.held * AMOUNT) * 100
    entries = await money.entries()
    held = Counter(entry.program for entry in entries if entry.kind == "reserve")
    assert len(held) == crowd.held
    assert set(held.values()) == {1}

    def count(what: str) -> int:
        ((number,),) = rows(database_url, f"SELECT count(*) FROM {what}")
        return int(number)

    assert count("reservation WHERE state = 'HELD'") == crowd.held
    assert count("event WHERE kind = 'fund.reserved'") == crowd.held
    assert count("event WHERE kind = 'envelope.posted'") == crowd.held + 1
    assert count("idempotency WHERE method LIKE '%/Reserve'") == crowd.held
    assert count("outbox WHERE workflow_id <> 'launch-path/model'") == crowd.held
    return len(entries)
