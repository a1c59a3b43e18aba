"""A worker that is killed with -9: what it delays the next gate by, once another one runs.

It dies at the worst points of its work too: a launcher lets the bench stop it there
(`tests/support/killable.py`).
"""

import time
from typing import Final

from tests.bench.figures import Findings, Row, Target
from tests.bench.scale import Run
from tests.support.plays import Play
from tests.support.site import Site, site
from tests.support.traps import DIE, Moment, Trap

from investiture.api.common.v1 import gate_pb2
from investiture.stack.plan import WORKER
from investiture.workflows import contract

_POINTS: Final = (
    ("idle", "while it waits", None),
    ("call", "before it opens the gate", (Moment.CALL, contract.OPEN_GATE)),
    ("return", "before it says that it read the gate", (Moment.RETURN, contract.READ_GATE)),
)
_RAN = (
    "takeover: four services on SQLite and Temporal; a worker is killed at the decision of PLEDGE,"
    " another is started; timed from where that one polls to the opening of FUND on record."
)


async def measure(run: Run) -> Findings:
    """Kill a worker at each point, in each round."""
    rows = {
        key: Row(f"takeover.{key}", f"delay by a worker killed {when}", "s", Target(3.0))
        for key, when, _ in _POINTS
    }
    run.steps.begin("takeover: starting")
    async with site() as killing:
        run.steps.end()
        for number in range(run.scale.rounds):
            run.steps.begin(f"takeover: round {number + 1}")
            for key, _, point in _POINTS:
                rows[key].add(await _delay(killing, point))
            run.steps.end()
    return Findings(list(rows.values()), [_RAN])


def steps_of(rounds: int) -> int:
    """Return how many steps a measurement takes."""
    return 1 + rounds


async def _delay(killing: Site, point: tuple[Moment, str] | None) -> float:
    play = killing.play("takeover")
    await play.play("submit")
    await play.ready_for("pledge")
    if point is None:
        await killing.stack.kill(WORKER)
        await play.take("pledge")
    else:
        caught = killing.traps.set(Trap(WORKER, *point, play.name))
        await play.take("pledge")
        await caught.sprung()
        caught.say(DIE)
        await killing.deaths.of(WORKER)
    await killing.stack.start(WORKER)
    runs_since = time.time()
    return await _opened_at(play) - runs_since


async def _opened_at(play: Play) -> float:
    """When FUND was opened, in seconds since the epoch."""
    path = await play.opened(gate_pb2.GATE_FUND)
    gate = next(one for one in path.gates if one.gate == gate_pb2.GATE_FUND)
    return gate.gate_case.opened_at.ToNanoseconds() / 1e9
