"""An acknowledged decision over a bare service that commits one row.

Ours is `Pledge` of the real sponsorship service: token, roles, validation, authority test, case,
audit leaf, request id and outbox in one transaction; its relay rings real workflows at a real
Temporal server meanwhile. The worker is stopped: it has no part in an acknowledgement.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from itertools import islice
from pathlib import Path

import grpc
from tests.bench import processes
from tests.bench.bare import contract
from tests.bench.calls import Call, Timed, timed
from tests.bench.company import Company, new_id, options
from tests.bench.figures import Findings, Row, Target
from tests.bench.postgres import created, postgres
from tests.bench.scale import Run

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.api.workflows.v1.path_pb2 import GateInput, GateReading
from investiture.stack.embedded import Stack
from investiture.stack.plan import WORKER

ENGINES = ("sqlite", "postgresql")
STEPS_EACH = 3
"""Steps of an engine beside its rounds: start, prepare, warm up."""

TOGETHER = 16
_WARM_UP = 48
_PREPARING = 16
_THINK_SECONDS = 0.02
"""Between two decisions one at a time: long enough for the ring of the first to be delivered."""

_DOCUMENT = "x" * 200

_RAN = (
    "acknowledgement, {engine}: sponsorship (Pledge), launch, budget, itrisk and Temporal 1.32"
    " in memory, each a process; the relay rings each program's workflow; no worker. Bare: one"
    " grpc.aio process, {store}. The client is a third process; one at a time it pauses"
    " 20 ms between calls, on both sides."
)
_STORES = {
    "sqlite": "sqlite3 in a thread, WAL, synchronous FULL, one row a commit",
    "postgresql": "psycopg in eight threads, one row a commit, on the same PostgreSQL server",
}


async def measure(run: Run) -> Findings:
    """Measure both engines."""
    findings = Findings()
    for engine in ENGINES:
        database = postgres() if engine == "postgresql" else nullcontext("sqlite")
        with database as url:
            await _engine(run, engine, url, findings)
        findings.ran.append(_RAN.format(engine=engine, store=_STORES[engine]))
    return findings


def steps_of(rounds: int) -> int:
    """Return how many steps a measurement takes."""
    return len(ENGINES) * (STEPS_EACH + rounds)


async def _engine(run: Run, engine: str, url: str, findings: Findings) -> None:
    folder, scale, steps = run.folder / f"acknowledgement-{engine}", run.scale, run.steps
    rows = _rows(engine)
    findings.rows += rows
    steps.begin(f"acknowledgement, {engine}: starting")
    async with Stack(folder / "stack", options(folder, database=url)) as stack:
        await stack.stop(WORKER)
        company = Company(stack)
        store = str(folder / "bare.db") if engine == "sqlite" else created(url, "bench_bare")
        async with _bare(folder, store) as write, company.open():
            steps.end()
            steps.begin(f"acknowledgement, {engine}: preparing cases")
            needed = _WARM_UP + scale.rounds * (scale.alone + scale.together)
            cases = iter(await _prepared(company, needed))
            steps.end()
            ours, bare = _pledges(company, cases), _writes(write)
            steps.begin(f"acknowledgement, {engine}: warming up")
            await timed(islice(ours, _WARM_UP), TOGETHER)
            await timed(islice(bare, _WARM_UP), TOGETHER)
            steps.end()
            for number in range(scale.rounds):
                steps.begin(f"acknowledgement, {engine}: round {number + 1}")
                one = await _both(number, ours, bare, scale.alone, 1)
                many = await _both(number, ours, bare, scale.together, TOGETHER)
                for row, figures in zip(rows, _figures(one, many), strict=True):
                    row.add(*figures)
                steps.end()


def _rows(engine: str) -> list[Row]:
    targets = {"c1.p50": 2.5, "c1.p99": 3.0, "c16.p50": 3.0, "c16.p99": 3.0}
    return [
        Row(
            key=f"acknowledgement.{engine}.{key}",
            what=f"decision acknowledged, {engine}, {key.replace('c', 'c = ').replace('.', ', ')}",
            unit="ms",
            target=Target(limit),
        )
        for key, limit in targets.items()
    ]


Pair = tuple[Timed, Timed]


def _figures(one: Pair, many: Pair) -> Sequence[tuple[float, float]]:
    """Return ours and the bare side's of each row, in the rows' order."""
    return (
        (one[0].p50, one[1].p50),
        (one[0].p99, one[1].p99),
        (many[0].p50, many[1].p50),
        (many[0].p99, many[1].p99),
    )


async def _both(
    number: int, ours: Iterator[Call], bare: Iterator[Call], calls: int, at_a_time: int
) -> Pair:
    """Time both sides, the one first that was second in the round before."""
    pause = _THINK_SECONDS if at_a_time == 1 else 0.0
    if number % 2:
        second = await timed(islice(bare, calls), at_a_time, pause)
        return await timed(islice(ours, calls), at_a_time, pause), second
    first = await timed(islice(ours, calls), at_a_time, pause)
    await asyncio.sleep(1.0)  # what ours still has to deliver is not the bare side's to bear
    return first, await timed(islice(bare, calls), at_a_time, pause)


def _pledges(company: Company, cases: Iterator[gate_pb2.GateCase]) -> Iterator[Call]:
    for case in cases:
        yield partial(company.pledge, case)


Write = grpc.aio.UnaryUnaryMultiCallable[GateInput, GateReading]


def _writes(write: Write) -> Iterator[Call]:
    number = 0
    while True:
        number += 1
        request = GateInput(case_name=f"row/{number}", version=1, gate_digest=_DOCUMENT)
        yield partial(write, request)


@asynccontextmanager
async def _bare(folder: Path, store: str) -> AsyncGenerator[Write]:
    blueprint, address = processes.bare_service(folder, store)
    async with processes.running(blueprint), grpc.aio.insecure_channel(address) as channel:
        write: Write = channel.unary_unary(
            f"/{contract.SERVICE}/{contract.WRITE}",
            request_serializer=GateInput.SerializeToString,
            response_deserializer=GateReading.FromString,
        )
        yield write


async def _prepared(company: Company, count: int) -> list[gate_pb2.GateCase]:
    """Submit programs and open their pledge cases as the worker would, through the API."""
    places = asyncio.Semaphore(_PREPARING)

    async def prepare(number: int) -> gate_pb2.GateCase:
        async with places:
            program = await company.submit(f"pledged-{number}")
            return await _opened(company, program)

    return list(await asyncio.gather(*(prepare(number) for number in range(count))))


async def _opened(company: Company, program: str) -> gate_pb2.GateCase:
    worker = company.headers("workloads/worker", "worker")
    launch = company.stub("launch", LaunchServiceStub)
    signed = await launch.GetRevisionStatement(
        launch_pb.GetRevisionStatementRequest(program=program), metadata=worker
    )
    opening = case_pb.OpenCaseRequest(
        request_id=new_id(),
        gate=gate_pb2.GATE_PLEDGE,
        revision_statement=signed.statement,
    )
    reading = await company.stub("sponsorship", CaseServiceStub).OpenCase(opening, metadata=worker)
    return reading.gate_case
