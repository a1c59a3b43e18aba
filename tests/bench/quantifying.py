"""The yearly loss: ours beside a vectorised Monte Carlo and pyfair, at the same error.

The error is one standard error of 1e-3 at the 99th percentile: n = p (1 − p)/(q f(q) 1e-3)² trials,
by the order statistic's variance. Trials are timed in a smaller batch and scaled by n: their time
grows with their number, so this leaves out only what a batch costs once.
"""

import asyncio
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.bench.company import ROOT
from tests.bench.figures import Bound, Findings, Row, Target
from tests.bench.scale import Run

from investiture.itrisk.computing import Asked, Computer
from investiture.itrisk.quantification.assessment import assess
from investiture.itrisk.quantification.blocks import Risk
from investiture.itrisk.quantification.compound import Portfolio
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.estimates import Constant, Lognormal90, Pert
from investiture.itrisk.quantification.portfolio import together
from investiture.itrisk.quantification.quantiles import curve, quantile
from investiture.itrisk.quantification.scenarios import Tolerance
from investiture.itrisk.quantification.severity import Severity
from investiture.itrisk.quantification.tipping import tipping_point

ERROR = 1e-3
BATCH, PYFAIR_BATCH = 1_000_000, 200_000
LN = Lognormal90(1e5, 1e6)
POINT_RATE = [Risk(Constant(2.0), Severity(LN))]
TREE = [Risk(Pert(0.1, 0.5, 2.0), Severity(Pert(5e4, 1.5e5, 9e5), 0.3, Lognormal90(1e5, 3e6)))]
APPETITE = [Tolerance(2.5e5, 0.25), Tolerance(1e6, 0.10), Tolerance(5e6, 0.01)]
SIZES = (1, 10, 100, 1_000)
_PATIENT_S = 600.0
_MEMORY = (
    "from tests.bench import quantifying as q; q.{}();"
    "print(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])"
)
_RAN = (
    "quantify: the 99th percentile of a scenario (events at 2 a year, lognormal) and of a full tree"
    " (uncertain rate, primary, secondary); e* over three points; 100 programs together with each"
    " one's share of the tail; whole assessments of 1 to 1,000 scenarios. Monte Carlo and pyfair"
    " (in a virtual environment of its own) are timed over one batch and scaled to the trials that"
    " 1e-3 at that percentile takes. pyfair draws one severity a year, not one an event."
)


def steps_of(rounds: int) -> int:
    """How many steps are told."""
    return rounds + 3


async def measure(run: Run) -> Findings:
    """Measure; pyfair is left out where its packages cannot be had."""
    return await asyncio.to_thread(_measured, run)


def _measured(run: Run) -> Findings:
    run.steps.begin("quantify: pyfair")
    other = _pyfair(run.folder)
    run.steps.end()
    rows = _rows(with_pyfair=other is not None)
    need = {name: _trials(risks) for name, risks in (("point", POINT_RATE), ("tree", TREE))}
    for number in range(run.scale.rounds):
        run.steps.begin(f"quantify: round {number + 1}")
        for name, risks in (("point", POINT_RATE), ("tree", TREE)):
            ours = _milliseconds(partial(quantile, risks, 0.99))
            bare = _milliseconds(partial(_sampled, risks[0])) * need[name] / BATCH
            # A speed-up is theirs over ours.
            rows[f"quantify.{name}"].add(bare, ours)
            if name == "tree" and other is not None:
                seconds = _pyfair_seconds(other)
                rows["quantify.pyfair"].add(seconds * 1e3 * need[name] / PYFAIR_BATCH, ours)
        rows["quantify.tipping"].add(
            _milliseconds(lambda: tipping_point(Portfolio(TREE), APPETITE))
        )
        rows["quantify.portfolio"].add(_milliseconds(hundred))
        for size in SIZES:
            rows[f"quantify.growth.{size}"].add(_milliseconds(partial(grown, size)))
        rows["quantify.controls"].add(asyncio.run(_controlled()))
        run.steps.end()
    for name in ("hundred", "thousand"):
        run.steps.begin(f"quantify: memory, {name}")
        rows[f"quantify.memory.{name}"].add(_megabytes(name) - _megabytes("nothing"))
        run.steps.end()
    return Findings(list(rows.values()), [_RAN])


def _rows(*, with_pyfair: bool) -> dict[str, Row]:
    fast = Target(5.0, Bound.AT_LEAST)
    rows = [
        Row("quantify.point", "p99, point rate: Monte Carlo over ours", "ms", fast),
        Row("quantify.tree", "p99, full tree: Monte Carlo over ours", "ms", fast),
        Row("quantify.tipping", "e* of the full tree, three points", "ms"),
        Row("quantify.portfolio", "100 programs together, and their shares", "ms"),
        *(
            Row(f"quantify.growth.{size}", f"whole assessment, {size:,} scenarios", "ms")
            for size in SIZES
        ),
        Row(
            "quantify.controls",
            "whole answer, 60 uncertain scenarios and 12 controls, in the computing process",
            "ms",
            Target(5_000.0),
        ),
        Row("quantify.memory.hundred", "peak memory above imports, 100 programs", "MB"),
        Row("quantify.memory.thousand", "peak memory above imports, 1,000 scenarios", "MB"),
    ]
    if with_pyfair:
        target = Target(100.0, Bound.AT_LEAST)
        rows.insert(2, Row("quantify.pyfair", "p99, full tree: pyfair over ours", "ms", target))
    for row in rows[: 3 if with_pyfair else 2]:
        row.note = "theirs in the column ours, ours in the column bare"
    return {row.key: row for row in rows}


def _trials(risks: list[Risk]) -> float:
    """Trials for a standard error of `ERROR`, relative, at the 99th percentile."""
    q = quantile(risks, 0.99)
    below, above = curve(risks, np.array([0.98 * q, 1.02 * q]))
    steepness = float(below - above) / 0.04
    return 0.01 * 0.99 / (steepness * ERROR) ** 2


def _sampled(risk: Risk) -> float:
    """The 99th percentile of `BATCH` years, vectorised."""
    random = np.random.default_rng(1)
    rate = risk.rate
    if isinstance(rate, Pert):
        wide = rate.high - rate.low
        counts = random.poisson(rate.low + wide * random.beta(rate.alpha, rate.beta, BATCH))
    else:
        counts = random.poisson(rate.value, BATCH)
    year = np.repeat(np.arange(BATCH), counts)
    losses = _drawn(risk.severity.primary, year.size, random)
    if risk.severity.probability > 0.0:
        second = np.flatnonzero(random.random(year.size) < risk.severity.probability)
        losses[second] += _drawn(risk.severity.secondary, second.size, random)
    yearly = np.bincount(year, losses, BATCH)
    return float(np.partition(yearly, int(0.99 * BATCH))[int(0.99 * BATCH)])


def _drawn(estimate: Any, count: int, random: np.random.Generator) -> Any:
    if isinstance(estimate, Pert):
        wide = estimate.high - estimate.low
        return estimate.low + wide * random.beta(estimate.alpha, estimate.beta, count)
    return random.lognormal(estimate.mu, estimate.sigma, count)


def nothing() -> None:
    """Import and no more."""


def hundred() -> None:
    """Of 100 programs with two scenarios each: the tail, and whose it is."""
    programs = {
        f"program {i}": [
            Risk(Constant(0.1 + 0.01 * i), Severity(Lognormal90(1e4 + i, 5e5))),
            Risk(Constant(0.05), Severity(Pert(1e4, 5e4 + i, 1e6))),
        ]
        for i in range(100)
    }
    together(programs, 0.95)


def thousand() -> None:
    """Assess 1,000 scenarios."""
    grown(1_000)


def grown(size: int) -> None:
    """Assess a number of scenarios that cost 250,000 a year together."""
    scenarios = [
        {
            "name": f"scenario {i}",
            "frequency": {"poisson": 0.5 / size},
            "primary": {"lognormal90": [100_000 + i, 1_500_000]},
        }
        for i in range(size)
    ]
    appetite = [[250_000, 0.5], [1_000_000, 0.2], [5_000_000, 0.01]]
    assess(question_of({"scenarios": scenarios, "appetite": appetite}))


async def _controlled() -> float:
    """Milliseconds for e*, x*, the sets of controls and the swings, once the process is up."""
    computer = Computer()
    try:
        await computer.assess(Asked(_launch(scenarios=1, controls=1)), _PATIENT_S)
        began = time.perf_counter()
        await computer.assess(Asked(_launch(scenarios=60, controls=12)), _PATIENT_S)
        return (time.perf_counter() - began) * 1e3
    finally:
        computer.close()


def _launch(scenarios: int, controls: int) -> dict[str, Any]:
    """Outside its appetite, with some fifty sets of controls that each are worth a look."""
    secondary = {"probability": 0.3, "loss": {"lognormal90": [10_000, 300_000]}}
    return {
        "scenarios": [
            {
                "name": f"scenario {n}",
                "frequency": {"pert": [k * 0.001, k * 0.005 + n * 1e-5, k * 0.02]},
                "primary": {"pert": [5_000, 15_000 + n * 100, 90_000]}
                if n % 2
                else {"lognormal90": [5_000 + n * 50, 150_000]},
                **({"secondary": secondary} if n % 3 == 0 else {}),
            }
            for n in range(scenarios)
            for k in (1 + n % 5,)
        ],
        "controls": [
            {
                "name": f"control {i}",
                "frequency_effectiveness": 0.2 + i / 40,
                "severity_reduction": 0.02 * (i % 3),
                "cost": 1_000.0 * 2**i,
                "scenarios": [
                    f"scenario {n}"
                    for n in range(scenarios)
                    if n % 12 in {i, (i + 1) % 12, (i + 5) % 12}
                ],
            }
            for i in range(controls)
        ],
        "appetite": [[100_000, 0.15], [200_000, 0.05], [400_000, 0.01]],
        "exposure": 1.0,
    }


def _milliseconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return (time.perf_counter() - began) * 1e3


def _megabytes(name: str) -> float:
    """The peak of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY.format(name)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return int(done.stdout) / 1_024


def _pyfair(folder: Path) -> Path | None:
    """A Python with pyfair; None where its packages cannot be installed."""
    home = folder / "pyfair"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    wanted = ["--requirement", str(ROOT / "requirements" / "bench.txt")]
    install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", *wanted]
    try:
        subprocess.run(install, check=True, capture_output=True, timeout=900)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return python


def _pyfair_seconds(python: Path) -> float:
    script = str(ROOT / "tests" / "bench" / "pyfair_side.py")
    done = subprocess.run(
        [str(python), script, str(PYFAIR_BATCH)], check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[0])
