"""`make bench`: measures against bare baselines, prints a table, writes JSON."""

import argparse
import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from tests.bench import (
    acknowledgement,
    assessments,
    inbox,
    ledger,
    paths,
    quantifying,
    report,
    reservations,
    starting,
    takeover,
    waiting,
)
from tests.bench.company import ROOT
from tests.bench.figures import Findings
from tests.bench.progress import steps
from tests.bench.reasons import reasons
from tests.bench.scale import FULL, QUICK, Run, Scale

OUT = ROOT / ".investiture" / "bench" / "bench.json"


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench: how many steps it takes, and what runs it."""

    steps: Callable[[Scale], int]
    measure: Callable[[Run], Awaitable[Findings]]


BENCHES: Mapping[str, Bench] = {
    "acknowledgement": Bench(
        lambda scale: acknowledgement.steps_of(scale.rounds), acknowledgement.measure
    ),
    "paths": Bench(lambda scale: paths.steps_of(scale.rounds), paths.measure),
    "takeover": Bench(lambda scale: takeover.steps_of(scale.rounds), takeover.measure),
    "waiting": Bench(lambda _: waiting.STEPS, waiting.measure),
    "reservations": Bench(lambda scale: reservations.steps_of(scale.rounds), reservations.measure),
    "ledger": Bench(lambda scale: ledger.steps_of(scale.entries, scale.rounds), ledger.measure),
    "inbox": Bench(lambda scale: inbox.steps_of(scale.rounds), inbox.measure),
    "assessments": Bench(lambda scale: assessments.steps_of(scale.rounds), assessments.measure),
    "quantify": Bench(lambda scale: quantifying.steps_of(scale.rounds), quantifying.measure),
    "start": Bench(lambda scale: scale.starts, starting.measure),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0 whatever the figures say, for a machine may be busy."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(BENCHES), help="this bench only")
    parser.add_argument("--quick", action="store_true", help="see that it runs; no figures")
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes")
    given = parser.parse_args(arguments)
    wanted: Sequence[str] = given.only or list(BENCHES)
    scale = QUICK if given.quick else FULL
    where = report.machine()
    # Processes keep their bytecode as they do everywhere: a start from cold is not the first ever.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="investiture-bench-"))
    try:
        findings = asyncio.run(_run(console, folder, scale, wanted))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    why = reasons(findings)
    report.written(given.out, findings, why, where, quick=given.quick)
    report.say(console, findings, why, given.out)
    return 0


async def _run(console: Console, folder: Path, scale: Scale, wanted: Sequence[str]) -> Findings:
    found = Findings()
    chosen = [BENCHES[name] for name in BENCHES if name in wanted]
    with steps(console, sum(bench.steps(scale) for bench in chosen)) as told:
        for bench in chosen:
            one = await bench.measure(Run(scale, folder, told))
            found.rows += one.rows
            found.ran += one.ran
    return found
