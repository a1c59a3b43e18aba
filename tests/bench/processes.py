"""Processes of the bench: started and ended through their own handles, weighed in /proc."""

import os
import sys
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
from tests.bench.company import ROOT
from tests.bench.tap import Listener

from investiture.stack import plan, readiness
from investiture.stack.embedded import Stack
from investiture.stack.part import Blueprint, Part, Probe
from investiture.stack.plan import TEMPORAL, WORKER
from investiture.stack.ports import LOOPBACK, choose

_TICKS = os.sysconf("SC_CLK_TCK")
_GRACE_SECONDS = 10.0


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time that processes have used since they began, user and system."""
    return sum(_cpu_seconds(pid) for pid in pids)


def _cpu_seconds(pid: int) -> float:
    # After the command in brackets, which may hold blanks: utime and stime are fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f"process {pid} has no memory: it has ended")


@asynccontextmanager
async def running(blueprint: Blueprint) -> AsyncGenerator[Part]:
    """Run a process for as long as the context lasts."""
    part = Part(blueprint, lambda _: None, supervise=False)
    try:
        await part.start()
        yield part
    finally:
        await part.stop(_GRACE_SECONDS)


def bare_service(
    folder: Path, database: str, *, temporal: str = "", queue: str = ""
) -> tuple[Blueprint, str]:
    """Return how the bare service is started, and its address."""
    port = choose({"bare": 0})["bare"]
    address = f"{LOOPBACK}:{port}"
    rings = ("--temporal", temporal, "--queue", queue)
    arguments = ("--database", database, "--port", str(port), *rings)
    probe = _connects(address)
    return _python(folder, "bare-service", "tests.bench.bare.service", arguments, probe), address


def bare_worker(
    folder: Path, temporal: str, service: str, listener: Listener, queue: str, *, one_call: bool
) -> Blueprint:
    """Return how the bare worker is started."""
    arguments = (temporal, service, queue, *(("--one-call",) if one_call else ()))

    async def polls(pid: int) -> None:
        await readiness.worker_polls(temporal, pid, queue)

    return _python(
        folder, "bare-worker", "tests.bench.bare.worker", arguments, polls, listener.environment()
    )


def tapped_worker(stack: Stack, listener: Listener) -> Blueprint:
    """Return the stack's worker as it would be started there, with a tap on it."""
    ports = {name: int(at.rpartition(":")[2]) for name, at in stack.addresses.items()}
    real = plan.blueprints(stack.folder, stack.options, ports)[WORKER]
    return replace(
        real,
        command=(sys.executable, "-m", "tests.bench.tapped_worker"),
        environment={**real.environment, **listener.environment(), "PYTHONPATH": str(ROOT)},
    )


def temporal_of(stack: Stack) -> str:
    """Return the address of the stack's Temporal."""
    return stack.addresses[TEMPORAL]


def _python(
    folder: Path,
    name: str,
    module: str,
    arguments: Sequence[str],
    probe: Probe,
    environment: Mapping[str, str] | None = None,
) -> Blueprint:
    return Blueprint(
        name=name,
        command=(sys.executable, "-m", module, *arguments),
        environment={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        log=folder / f"{name}.log",
        probe=probe,
    )


def _connects(address: str) -> Probe:
    async def ask(_pid: int) -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            await channel.channel_ready()

    return ask
