"""Reservations per second on one envelope, over bare SQL that updates it and inserts the entry.

Ours is twice there: `Reserve` of the real service over a socket, sixteen at a time, acknowledged;
and its transaction alone, in this process, on tables of its own. Bare is the driver in this
process, one statement after the other: UPDATE of the envelope, INSERT of the entry, COMMIT.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice

import sqlalchemy as sa
from pydantic import TypeAdapter
from tests.bench.bare.query import Bare, bare
from tests.bench.calls import Call, timed
from tests.bench.company import CHARTER, FAY, new_id
from tests.bench.figures import Bound, Findings, Row, Target
from tests.bench.scale import Run
from tests.bench.treasury import ENGINES, ENVELOPE_NAME, approved, treasury
from tests.support.copied import copy_case

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.budget.desk import FundDesk
from investiture.budget.ledger import Account, Kind
from investiture.budget.ledger_store import LedgerStore
from investiture.budget.operations import FundingOperations
from investiture.budget.store import FundingStore
from investiture.budget.tables import CASES, ENTRY
from investiture.casework.case import Case
from investiture.casework.charters import Charters
from investiture.casework.doorbell import ring_path
from investiture.casework.facts import Authority
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned, Rules
from investiture.casework.store import CaseStore
from investiture.casework.words import Side
from investiture.charter.load import load
from investiture.chassis.call import Call as Served
from investiture.chassis.call import Principal
from investiture.chassis.clock import SystemClock
from investiture.chassis.database import Database
from investiture.chassis.transaction import Mutations, Transaction

TOGETHER = 16
_STEPS_EACH = 2
_TARGET = Target(0.5, Bound.AT_LEAST)
_MODEL = "programs/model"
_AMOUNT = 900_000

_RAN = (
    "reservations, {engine}: Reserve of programs that were approved, all in one envelope; the"
    " service as a process with sponsorship, launch, itrisk and Temporal beside it, {together}"
    " calls at any time; alone: its transaction in the bench's process, as many at a time."
    " Bare: one connection of the driver in the bench's process, UPDATE of the envelope, INSERT of"
    " the entry, COMMIT, on the same tables with their indexes; neither case nor reservation, audit"
    " leaf, request id and outbox, which ours commits too."
)


def steps_of(rounds: int) -> int:
    """Return how many steps a measurement takes."""
    return len(ENGINES) * (_STEPS_EACH + rounds)


async def measure(run: Run) -> Findings:
    """Measure both engines."""
    findings = Findings()
    for engine in ENGINES:
        await _engine(run, engine, findings)
    return findings


async def _engine(run: Run, engine: str, findings: Findings) -> None:
    scale, steps = run.scale, run.steps
    call, alone = _rows(engine)
    findings.rows += (call, alone)
    findings.ran.append(_RAN.format(engine=engine, together=TOGETHER))
    steps.begin(f"reservations, {engine}: starting")
    async with (
        treasury(run.folder / f"reservations-{engine}", engine) as money,
        AsyncExitStack() as closing,
    ):
        await approved(money.company, _MODEL.removeprefix("programs/"))
        steps.end()
        steps.begin(f"reservations, {engine}: preparing")
        names = [f"programs/p{n}" for n in range(TOGETHER + scale.rounds * scale.reservations)]
        copies = await money.fill(partial(copy_case, model=_MODEL, names=names), "alone", "bare")
        cases = _cases(money.url, names)
        twin = Twin(copies[0])
        closing.push_async_callback(twin.close)
        query = closing.enter_context(bare(copies[1]))
        ours = Way("call", (partial(money.company.reserve, case) for case in cases), TOGETHER)
        inside = Way("alone", (partial(twin.reserve, case) for case in cases), TOGETHER)
        sides = [ours, inside, Way("bare", _statements(query), 1)]
        for side in (ours, inside):
            await timed(islice(side.calls, TOGETHER), TOGETHER)
        steps.end()
        for number in range(scale.rounds):
            steps.begin(f"reservations, {engine}: round {number + 1}")
            order = sides if number % 2 else sides[::-1]
            rates = {side.key: await side.rate(scale.reservations) for side in order}
            call.add(rates["call"], rates["bare"])
            alone.add(rates["alone"], rates["bare"])
            steps.end()


def _rows(engine: str) -> tuple[Row, Row]:
    key, what = f"reservations.{engine}", f"reservations on one envelope, {engine}"
    return (
        Row(f"{key}.call", f"{what}, acknowledged, c = {TOGETHER}", "/s", _TARGET),
        Row(f"{key}.alone", f"{what}, the transaction alone", "/s", _TARGET),
    )


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reserve, again and again."""

    key: str
    calls: Iterator[Call]
    at_a_time: int

    async def rate(self, calls: int) -> float:
        """Return how many it made in a second."""
        began = time.perf_counter()
        made = await timed(islice(self.calls, calls), self.at_a_time)
        took = time.perf_counter() - began
        await asyncio.sleep(0.5)  # what ours still has to deliver is not the next one's to bear
        return len(made.milliseconds) / took


class Twin:
    """The service's transaction without its socket: its store and operations in this process."""

    def __init__(self, url: str) -> None:
        charter = load(CHARTER)
        store, fundings, ledger = CaseStore(CASES, ring_path), FundingStore(), LedgerStore()
        rules = Rules(Charters.only(charter, SystemClock().now()), charter)
        desks = Pinned(rules, lambda charter: FundDesk(charter, store, fundings, ledger))
        cases = CaseOperations(store, rules, [desks])
        self._fundings = FundingOperations(cases, desks, fundings, ledger)
        self._database = Database(url)
        self._mutations = Mutations(self._database, SystemClock())
        self._call = Served(Principal(FAY, frozenset({"finance"})), "bench/Reserve")

    async def reserve(self, case: gate_pb2.GateCase) -> None:
        """Reserve and commit; the answer is the reservation's name, to be kept as any answer."""
        request = pb.ReserveRequest(request_id=new_id(), name=case.name, etag=case.etag)

        def unit(tx: Transaction) -> pb.Funding:
            fay = Authority(
                person=FAY,
                active=True,
                side=Side.MONEY,
                unit="units/finance",
                grade="",
                limit_minor=None,
                limit_currency="",
                unlimited=True,
                resolved_at=tx.now,
            )
            reading = self._fundings.reserve(tx, case.name, case.etag, "", fay)
            return pb.Funding(gate_case=gate_pb2.GateCase(name=reading.case.name))

        await self._mutations.run(self._call, request, unit)

    async def close(self) -> None:
        """Close its database."""
        await self._database.close()


def _statements(query: Bare) -> Iterator[Call]:
    """The bare side: the same two rows of the ledger, by hand."""
    update = (
        "UPDATE envelope SET available = available - ?, reserved = reserved + ?,"
        " version = version + 1 WHERE name = ?"
    )
    names = [column.name for column in ENTRY.c if column.name != "corrects"]
    insert = f"INSERT INTO ledger_entry ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"

    async def reserve(sequence: int) -> None:
        now = datetime.now(UTC)
        row: dict[str, object] = {
            **dict.fromkeys(names, 0),
            "sequence": sequence,
            "posted_at": now if query.postgres else now.isoformat(timespec="microseconds"),
            "envelope": ENVELOPE_NAME,
            "program": f"programs/p{sequence}",
            "debit": Account.AVAILABLE.value,
            "credit": Account.RESERVED.value,
            "amount": _AMOUNT,
            "kind": Kind.RESERVE.value,
            "actor": FAY,
            "reference": f"programs/p{sequence}/budgetRequests/1",
            "commitment": "",
            "after_reserved": _AMOUNT * sequence,
            "program_reserved": _AMOUNT,
        }
        query.change(
            (update, (_AMOUNT, _AMOUNT, ENVELOPE_NAME)),
            (insert, [row[name] for name in names]),
        )

    return (partial(reserve, sequence) for sequence in count(1_000))


def _cases(url: str, names: Sequence[str]) -> list[gate_pb2.GateCase]:
    """What a caller knows of each case before deciding: its name and its etag."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            documents = connection.execute(
                sa.select(CASES.cases.c.document).where(CASES.cases.c.program.in_(names))
            )
            found = [TypeAdapter(Case).validate_json(document) for (document,) in documents]
    finally:
        engine.dispose()
    return [gate_pb2.GateCase(name=case.name, etag=case.etag) for case in found]
