"""A stack from cold: an empty folder, until everything is ready and seeded."""

import time

from tests.bench.company import CHARTER, PEOPLE
from tests.bench.figures import Findings, Row, Target
from tests.bench.scale import Run

from investiture.stack.embedded import Stack
from investiture.stack.plan import ANY_PORTS, Options

_RAN = (
    "start: `make up` on an empty folder and free ports: Temporal with its UI and a file database,"
    " migrations, keys, four services on SQLite, worker, traces to a file, people imported."
)


async def measure(run: Run) -> Findings:
    """Start and stop, again and again."""
    row = Row("start", "stack ready from cold", "s", Target(10.0))
    for number in range(run.scale.starts):
        run.steps.begin(f"start: number {number + 1}")
        setup = Options(charter=CHARTER, ports=ANY_PORTS, people=PEOPLE)
        began = time.perf_counter()
        async with Stack(run.folder / f"start-{number}", setup):
            row.add(time.perf_counter() - began)
        run.steps.end()
    return Findings([row], [_RAN])
