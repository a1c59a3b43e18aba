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
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from pydantic import TypeAdapter
from tests.contract.budget.test_concurrency import assert_balanced
from tests.support.budget import ENVELOPE, MoneySide, money_side, refused
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
from investiture.chassis.client import dial, explain
from investiture.chassis.settings import PREFIX
from investiture.stack import readiness
from investiture.stack.part import Blueprint, Event, Part, Phase
from investiture.stack.ports import LOOPBACK, choose

PROGRAMS, CLIENTS = 10_000, 64
AMOUNT, APPROPRIATED = 9_000, 36_001_000
HELD = APPROPRIATED // AMOUNT
KILLED_AFTER = 3_000
SAMPLE = 400
"""So many requests are sent once more at the end."""

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


async def prepared(realm: Realm, clock: SettableClock, database_url: str) -> Sequence[Case]:
    """Approved fundings that wait for Reserve, stored before the process starts."""
    async with money_side(realm, clock, database_url) as money:
        await money.issue(APPROPRIATED)
        opened = await money.open(revision(program=MODEL, amount_minor=AMOUNT * 100))
        await money.approve(opened, "fiona")
    names = [f"programs/p{number:05}" for number in range(PROGRAMS)]
    await asyncio.to_thread(copy_program, database_url, MODEL, names)
    found = rows(database_url, "SELECT document FROM gate_case WHERE program <> 'programs/model'")
    return [CASES.validate_json(document) for (document,) in found]


async def reserve_all(
    service: Killable, stubs: Sequence[BudgetServiceStub], cases: Sequence[Case], *, killed: bool
) -> tuple[Counter[str], int, list[tuple[pb.ReserveRequest, pb.Funding | None]]]:
    """How the requests ended, how often one was repeated, and each request with its answer."""
    waiting = [
        pb.ReserveRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, envelope=ENVELOPE
        )
        for case in cases
    ]
    ended: list[tuple[pb.ReserveRequest, pb.Funding | None]] = []
    outcomes: Counter[str] = Counter()
    repeated = 0
    restarting: list[asyncio.Task[None]] = []

    async def answered(stub: BudgetServiceStub, request: pb.ReserveRequest) -> None:
        nonlocal repeated
        while True:
            await service.serving.wait()
            try:
                answer = await stub.Reserve(request)
            except grpc.aio.AioRpcError as error:
                if error.code() not in LOST:
                    ended.append((request, None))
                    outcomes[explain(error).reason] += 1
                    return
            else:
                ended.append((request, answer))
                outcomes["OK"] += 1
                return
            repeated += 1
            await asyncio.sleep(0.05)  # not to spin while the process is started again

    async def client(stub: BudgetServiceStub) -> None:
        while waiting:
            await answered(stub, waiting.pop())
            if killed and len(ended) >= KILLED_AFTER and not restarting:
                restarting.append(asyncio.create_task(service.kill_and_restart()))

    await asyncio.gather(*(client(stub) for stub in stubs))
    await asyncio.gather(*restarting)
    return outcomes, repeated, ended


# Each takes a minute of the whole run: both rules and both databases, but not every pair.
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("database", "killed"),
    [("sqlite", False), ("postgresql", True)],
    ids=["sqlite-undisturbed", "postgresql-killed"],
)
async def test_of_10_000_reservations_exactly_as_many_succeed_as_there_is_money_for(
    tmp_path: Path, database_url: str, killed: bool
) -> None:
    clock = SettableClock(datetime.now(UTC))  # the process has the machine's
    realm = Realm(tmp_path / "realm", clock)
    cases = await prepared(realm, clock, database_url)
    async with scripted_directory(clock) as (directory, at), AsyncExitStack() as closing:
        service = process(tmp_path, realm, database_url, at)
        closing.push_async_callback(service.part.stop, 10)
        await service.start()

        def channel(subject: str, *roles: str) -> grpc.aio.Channel:
            made = dial(service.address, tokens=realm.token(subject, *roles), deadline_seconds=60)
            closing.push_async_callback(made.close)
            return made

        stubs = [BudgetServiceStub(channel("people/fay", "finance")) for _ in range(CLIENTS)]
        outcomes, repeated, ended = await reserve_all(service, stubs, cases, killed=killed)
        assert outcomes == {"OK": HELD, "FUNDS_INSUFFICIENT": PROGRAMS - HELD}
        assert (repeated > 0) == killed

        served = Served(service.address, realm, closing)
        auditor = BudgetServiceStub(channel("people/axel", "auditor"))
        money = MoneySide(
            realm,
            clock,
            directory,
            served,
            CaseServiceStub(channel("workloads/worker", "worker")),
            auditor,
            auditor,
        )
        before = await assert_held_once(money, database_url)
        for number, (request, answer) in enumerate(ended[:: PROGRAMS // SAMPLE]):
            again = stubs[number % CLIENTS].Reserve(request)
            if answer is not None:
                assert await again == answer
            else:
                assert (await refused(again)).reason == "FUNDS_INSUFFICIENT"
        assert await assert_held_once(money, database_url) == before


async def assert_held_once(money: MoneySide, database_url: str) -> int:
    """The ledger agrees with the reservations, and each left one leaf, one message, one answer."""
    await assert_balanced(money)
    balances = await money.balances()
    assert balances["reserved"] == HELD * AMOUNT * 100
    assert balances["available"] == (APPROPRIATED - HELD * AMOUNT) * 100
    entries = await money.entries()
    held = Counter(entry.program for entry in entries if entry.kind == "reserve")
    assert len(held) == HELD
    assert set(held.values()) == {1}

    def count(what: str) -> int:
        ((number,),) = rows(database_url, f"SELECT count(*) FROM {what}")
        return int(number)

    assert count("reservation WHERE state = 'HELD'") == HELD
    assert count("event WHERE kind = 'fund.reserved'") == HELD
    assert count("event WHERE kind = 'envelope.posted'") == HELD + 1
    assert count("idempotency WHERE method LIKE '%/Reserve'") == HELD
    assert count("outbox WHERE workflow_id <> 'launch-path/model'") == HELD
    return len(entries)
