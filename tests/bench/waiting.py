"""Two thousand open paths that wait: what they hold in memory, and what waiting costs.

A heartbeat rings every living program once in fifteen minutes. The window without any is too kind,
so there is one with them too: the bench rings the paths at the rate of that many heartbeats.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from temporalio.client import Client
from tests.bench import processes
from tests.bench.company import Company, options
from tests.bench.figures import Findings, Row, Target
from tests.bench.scale import Run
from tests.bench.sides import OPEN
from tests.bench.tap import Listener

from investiture.api.common.v1 import gate_pb2
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.charter.load import load
from investiture.stack.embedded import Stack
from investiture.stack.plan import SERVICES, TEMPORAL, WORKER
from investiture.workflows.contract import RING, launch_path_id

STEPS = 6

_SUBMITTING = 16
_SETTLE_SECONDS = 5.0
_PERCENT = 100.0

_RAN = (
    "waiting: four services on SQLite, worker and Temporal 1.32 in memory; every path is submitted"
    " and its PLEDGE case open; idle is watched without a ring, and with the rings of the"
    " heartbeats of that many programs (one in 15 minutes each)."
)

Cpu = Mapping[str, float]
"""CPU seconds by process."""


async def measure(run: Run) -> Findings:
    """Submit, wait, weigh and watch."""
    folder, scale, steps = run.folder / "waiting", run.scale, run.steps
    findings = Findings(ran=[_RAN])
    listener = await Listener.listening()
    steps.begin("waiting: starting")
    setup = options(folder)
    async with Stack(folder / "stack", setup) as stack:
        await stack.stop(WORKER)
        company = Company(stack)
        async with (
            company.open(),
            processes.running(processes.tapped_worker(stack, listener)) as worker,
        ):
            pids = {**{name: stack.pids[name] for name in (*SERVICES, TEMPORAL)}}
            pids[WORKER] = worker.pid
            steps.end()
            fresh = {name: processes.rss_mb(pid) for name, pid in pids.items()}
            steps.begin(f"waiting: opening {scale.open_paths} paths")
            programs = await _open(company, listener, scale.open_paths)
            steps.end()
            steps.begin("waiting: settling")
            await asyncio.sleep(_SETTLE_SECONDS)
            full = {name: processes.rss_mb(pid) for name, pid in pids.items()}
            steps.end()
            steps.begin("waiting: idle")
            still = await _watched(pids, scale.idle_seconds)
            steps.end()
            steps.begin("waiting: idle with heartbeats")
            client = await Client.connect(processes.temporal_of(stack))
            beat = load(setup.charter).launch.heartbeat.elapsed
            beating = asyncio.create_task(_beat(client, programs, beat))
            beaten = await _watched(pids, scale.idle_seconds)
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            steps.end()
            steps.begin("waiting: stopping")
    listener.close()
    steps.end()
    findings.rows += _memory(fresh, full, scale.open_paths)
    findings.rows += _idle(still, beaten, scale.open_paths)
    return findings


async def _open(company: Company, listener: Listener, count: int) -> Sequence[str]:
    """Submit programs and return once each has its first case."""
    places = asyncio.Semaphore(_SUBMITTING)

    async def open_one(number: int) -> str:
        async with places:
            program = await company.submit(f"waiting-{number}")
            await listener.ended((OPEN, program, gate_pb2.GATE_PLEDGE))
            return program

    return await asyncio.gather(*(open_one(number) for number in range(count)))


async def _watched(pids: Mapping[str, int], seconds: float) -> Cpu:
    """Return each process's share of one core, in percent, over a while."""
    before = {name: processes.cpu_seconds([pid]) for name, pid in pids.items()}
    await asyncio.sleep(seconds)
    return {
        name: (processes.cpu_seconds([pid]) - before[name]) / seconds * _PERCENT
        for name, pid in pids.items()
    }


async def _beat(client: Client, programs: Sequence[str], beat: timedelta) -> None:
    """Ring one path after the other, each once a heartbeat."""
    pause = beat.total_seconds() / len(programs)
    while True:
        for program in programs:
            handle = client.get_workflow_handle(launch_path_id(program))
            await handle.signal(RING, Ring(case_name=program))
            await asyncio.sleep(pause)


def _memory(fresh: Cpu, full: Cpu, paths: int) -> list[Row]:
    limits = {WORKER: 200.0, "itrisk": 200.0}
    rows = [
        _row(f"memory.fresh.{name}", f"RSS of {name}, no path yet", "MB", size, None)
        for name, size in fresh.items()
        if name != TEMPORAL
    ]
    for name, size in full.items():
        if name == TEMPORAL:
            continue
        limit = 400.0 if name == WORKER else limits.get(name, 150.0)
        what = f"RSS of {name}, {paths} open paths"
        rows.append(_row(f"memory.{name}", what, "MB", size, Target(limit)))
    for row in rows:
        if row.key == f"memory.fresh.{WORKER}":
            row.target = Target(limits[WORKER])
    return rows


def _idle(still: Cpu, beaten: Cpu, paths: int) -> list[Row]:
    limits = {TEMPORAL: Target(3.0)}
    rows: list[Row] = []
    for key, figures, how in (("idle", still, "idle"), ("beating", beaten, "heartbeats only")):
        for name in (TEMPORAL, WORKER):
            what = f"CPU of {name}, {paths} open paths, {how}"
            rows.append(_row(f"{key}.{name}", what, "%", figures[name], limits.get(name)))
        services = sum(figures[name] for name in SERVICES)
        what = f"CPU of the four services, {paths} open paths, {how}"
        rows.append(_row(f"{key}.services", what, "%", services, None))
    return rows


def _row(key: str, what: str, unit: str, figure: float, target: Target | None) -> Row:
    row = Row(key, what, unit, target)
    row.add(figure)
    return row
