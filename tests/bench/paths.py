"""Whole paths over a bare workflow with the same signals and activities.

Both sides share one Temporal server and take turns. A hop is the time from the acknowledged last
decision of a gate to the instant at which the next gate's case was opened, as its record says.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import grpc
from tests.bench import processes
from tests.bench.company import Company, options
from tests.bench.figures import Bound, Findings, Row, Target, percentile
from tests.bench.scale import Run
from tests.bench.sides import Bare, Ours, Side
from tests.bench.tap import Listener
from tests.bench.walking import Places, Walk

from investiture.stack.embedded import Stack
from investiture.stack.plan import SERVICES, TEMPORAL, WORKER

BASELINES: Final[Mapping[str, str]] = {
    "calls": "the same calls in each activity",
    "call": "one call in each activity",
}
"""Two bare sides: their activities make as many calls as ours do, or a single one each."""

TOGETHER = 16
_WARM_UP = 6
_SETTLE_SECONDS = 0.05
_QUIET_SECONDS = 0.7
"""After a turn, so that what it still has to write is its own."""

_RAN = (
    "paths: four services, worker and Temporal 1.32 in memory, each a process, SQLite; a path is"
    " 1 submission, 6 decisions, 12 signals, 6 activities, 8 local activities, and the start of"
    " the proof (1 signal, 2 local activities). Bare: one grpc.aio service (sqlite3, FULL), one"
    " worker, the same Temporal, signals, activities, sandbox and cache. Between the two"
    " signatures of finance both pause 1.1 s, outside the sixteen places."
)


async def measure(run: Run) -> Findings:
    """Measure ours against both bare sides."""
    findings = Findings(rows=_rows(), ran=[_RAN])
    run.steps.begin("paths: starting")
    async with _sides(run.folder / "paths") as (ours, bare):
        await _warm_up((ours, *bare.values()))
        run.steps.end()
        for number in range(run.scale.rounds):
            run.steps.begin(f"paths: round {number + 1}, one at a time")
            await _round(findings, number, ours, bare, run.scale.paths_alone, 1)
            run.steps.end()
            run.steps.begin(f"paths: round {number + 1}, sixteen at a time")
            await _round(findings, number, ours, bare, run.scale.paths_together, TOGETHER)
            run.steps.end()
    return findings


def steps_of(rounds: int) -> int:
    """Return how many steps a measurement takes."""
    return 1 + 2 * rounds


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side did in its turn."""

    hops: tuple[float, ...]
    cpu_ms_per_path: float
    paths_per_second: float


def _rows() -> list[Row]:
    rows: list[Row] = []
    for key, calls in BASELINES.items():
        for name, what, unit, target in (
            ("hop.c1.p50", "decision → next gate open, c = 1, p50", "ms", Target(1.4)),
            ("hop.c1.p99", "decision → next gate open, c = 1, p99", "ms", Target(1.8)),
            ("cpu.c16", "CPU per whole path, c = 16", "ms", Target(1.5)),
            ("rate.c16", "paths per second, c = 16", "1/s", Target(0.7, Bound.AT_LEAST)),
            ("hop.c16.p50", "decision → next gate open, c = 16, p50", "ms", None),
        ):
            rows.append(Row(f"paths.{key}.{name}", what, unit, target, note=f"bare: {calls}"))
    return rows


async def _round(
    findings: Findings,
    number: int,
    ours: Side,
    bare: Mapping[str, Side],
    paths: int,
    at_a_time: int,
) -> None:
    order: list[tuple[str, Side]] = [("ours", ours), *bare.items()]
    turns: dict[str, Turn] = {}
    for name, side in order if number % 2 == 0 else reversed(order):
        turns[name] = await _turn(side, paths, at_a_time)
    for key in bare:
        one, other = turns["ours"], turns[key]

        def add(name: str, mine: float, theirs: float, key: str = key) -> None:
            findings.row(f"paths.{key}.{name}").add(mine, theirs)

        add(f"hop.c{at_a_time}.p50", percentile(one.hops, 0.5), percentile(other.hops, 0.5))
        if at_a_time == 1:
            add("hop.c1.p99", percentile(one.hops, 0.99), percentile(other.hops, 0.99))
        else:
            add(f"cpu.c{at_a_time}", one.cpu_ms_per_path, other.cpu_ms_per_path)
            add(f"rate.c{at_a_time}", one.paths_per_second, other.paths_per_second)


_numbers = count()


async def _turn(side: Side, paths: int, at_a_time: int) -> Turn:
    settle = _SETTLE_SECONDS if at_a_time == 1 else 0.0
    walk = Walk(side, Places(at_a_time), settle)
    before = processes.cpu_seconds(side.pids)
    await asyncio.gather(*(walk.bring(next(_numbers)) for _ in range(paths)))
    await asyncio.sleep(_QUIET_SECONDS)
    spent = processes.cpu_seconds(side.pids) - before
    return Turn(tuple(walk.hops), spent * 1e3 / paths, _rate(sorted(walk.ended_at)))


def _rate(ended_at: list[float]) -> float:
    """Return paths per second between a fifth and four fifths of the turn: at its full width."""
    first, last = len(ended_at) // 5, len(ended_at) * 4 // 5
    return (last - first) / max(ended_at[last] - ended_at[first], 1e-9)


async def _warm_up(sides: tuple[Side, ...]) -> None:
    for side in sides:
        await _turn(side, _WARM_UP, _WARM_UP)


@asynccontextmanager
async def _sides(folder: Path) -> AsyncGenerator[tuple[Side, Mapping[str, Side]]]:
    listener = await Listener.listening()
    async with Stack(folder / "stack", options(folder)) as stack:
        await stack.stop(WORKER)
        company = Company(stack)
        temporal = stack.pids[TEMPORAL]
        async with (
            company.open(),
            processes.running(processes.tapped_worker(stack, listener)) as worker,
            _bare(folder, stack, listener, one_call=False) as calls,
            _bare(folder, stack, listener, one_call=True) as call,
        ):
            await company.issue_envelope()
            services = [stack.pids[name] for name in SERVICES]
            ours = Ours(company, listener, [temporal, worker.pid, *services])
            yield ours, {"calls": calls, "call": call}
    listener.close()


@asynccontextmanager
async def _bare(
    folder: Path, stack: Stack, listener: Listener, *, one_call: bool
) -> AsyncGenerator[Side]:
    own = folder / ("bare-call" if one_call else "bare-calls")
    own.mkdir()
    temporal = processes.temporal_of(stack)
    queue = own.name
    service, address = processes.bare_service(
        own, str(own / "bare.db"), temporal=temporal, queue=queue
    )
    worker = processes.bare_worker(own, temporal, address, listener, queue, one_call=one_call)
    async with (
        processes.running(service) as serving,
        processes.running(worker) as working,
        grpc.aio.insecure_channel(address) as channel,
    ):
        pids = [stack.pids[TEMPORAL], serving.pid, working.pid]
        yield Bare(channel, listener, pids)
