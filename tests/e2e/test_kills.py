"""kill -9 of every part at every point of a decision: the path ends the same, and once.

The parts run under a launcher that lets a test stop them between two instructions
(`tests/support/killable.py`); there they kill themselves with SIGKILL, or stand still while the
test kills Temporal through its handle. Then the part is started again on the same port and data.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from itertools import product

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from tests.support.players import Gate, Play
from tests.support.site import PARTS, Site
from tests.support.stories import Story, check_ledger
from tests.support.traps import DIE, GO_ON, Caught, Moment, Trap

from investiture.api.common.v1 import gate_pb2
from investiture.stack.plan import TEMPORAL, WORKER
from investiture.workflows import contract

pytestmark = pytest.mark.sqlite
asynchronous = pytest.mark.asyncio(loop_scope="session")

BEFORE_COMMIT = "before commit"
AFTER_COMMIT = "after commit before the reply"
AFTER_REPLY = "after the reply before the signal"
IN_ACTIVITY = "during an activity"
POINTS = (BEFORE_COMMIT, AFTER_COMMIT, AFTER_REPLY, IN_ACTIVITY)

_A_WORKER_ONLY_CALLS = "it owns no database, answers nobody and sends no signal: it calls"
NOT_THERE: Mapping[tuple[str, str], str] = {
    (WORKER, BEFORE_COMMIT): _A_WORKER_ONLY_CALLS,
    (WORKER, AFTER_COMMIT): _A_WORKER_ONLY_CALLS,
    (WORKER, AFTER_REPLY): _A_WORKER_ONLY_CALLS,
}
"""Combinations that do not exist, and why."""

PROVEN = ("submit", "pledge", "fund", "knight", "pilot", "go", "prove")
WITHDRAWN = ("submit", "pledge", "fund", "withdraw")
OPENED_FOR: Mapping[str, Gate] = {
    "pledge": gate_pb2.GATE_PLEDGE,
    "fund": gate_pb2.GATE_FUND,
    "knight": gate_pb2.GATE_KNIGHT,
    "go": gate_pb2.GATE_LAUNCH,
    "prove": gate_pb2.GATE_PROVE,
    "withdraw": gate_pb2.GATE_KNIGHT,
}
"""The gate that is open before a step of the play is taken."""

_CASES = "/investiture.api.casework.v1.CaseService"
_LAUNCH = "/investiture.api.launch.v1.LaunchService"
PLEDGE = "/investiture.api.sponsorship.v1.SponsorshipService/Pledge"
RESERVE = "/investiture.api.budget.v1.BudgetService/Reserve"
KNIGHT = "/investiture.api.itrisk.v1.ItRiskService/Knight"
SUBMIT, GO, EXECUTE, RECORD, CLOSE = (
    f"{_LAUNCH}/{name}"
    for name in (
        "SubmitProgram",
        "DecideGo",
        "ExecuteLaunch",
        "RecordStanding",
        "CloseProgram",
    )
)
OPEN, RELEASE = f"{_CASES}/OpenCase", f"{_CASES}/ReleaseCase"


@dataclass(frozen=True, slots=True)
class Kill:
    """One death: which part dies at which point, while which step of the play is taken."""

    part: str
    """Who dies."""
    point: str
    """The point as the requirement names it."""
    step: str
    """What the people do meanwhile."""
    trapped: str
    """Who stands at the point: the part itself, or another while Temporal is killed."""
    moment: Moment
    act: str
    """The RPC or the activity that gets to the point."""
    steps: tuple[str, ...] = PROVEN

    def __str__(self) -> str:
        what = self.act.rpartition("/")[2]
        return f"{self.part}, {self.point}, {what}, {self.moment}".replace(" ", "_")


def _decision(part: str, step: str, act: str) -> tuple[Kill, ...]:
    """A service's deaths around its decision."""
    return (
        Kill(part, BEFORE_COMMIT, step, part, Moment.BEFORE_COMMIT, act),
        Kill(part, AFTER_COMMIT, step, part, Moment.AFTER_COMMIT, act),
        Kill(part, AFTER_REPLY, step, part, Moment.BEFORE_SIGNAL, act),
    )


def _in_activity(
    part: str, step: str, moment: Moment, act: str, steps: tuple[str, ...] = PROVEN
) -> Kill:
    return Kill(part, IN_ACTIVITY, step, part, moment, act, steps)


KILLS = (
    *_decision("sponsorship", "pledge", PLEDGE),
    _in_activity("sponsorship", "submit", Moment.AFTER_COMMIT, OPEN),
    *_decision("budget", "fund", RESERVE),
    _in_activity("budget", "pledge", Moment.BEFORE_COMMIT, OPEN),
    _in_activity("budget", "withdraw", Moment.AFTER_COMMIT, RELEASE, WITHDRAWN),
    *_decision("itrisk", "knight", KNIGHT),
    _in_activity("itrisk", "fund", Moment.AFTER_COMMIT, OPEN),
    *_decision("launch", "submit", SUBMIT),
    *_decision("launch", "go", GO),
    _in_activity("launch", "go", Moment.BEFORE_COMMIT, EXECUTE),
    _in_activity("launch", "go", Moment.AFTER_COMMIT, EXECUTE),
    _in_activity("launch", "pledge", Moment.AFTER_COMMIT, RECORD),
    Kill("launch", AFTER_REPLY, "prove", "launch", Moment.BEFORE_SIGNAL, CLOSE),
    _in_activity(WORKER, "submit", Moment.CALL, contract.READ_PROGRAM),
    _in_activity(WORKER, "pledge", Moment.RETURN, contract.READ_GATE),
    _in_activity(WORKER, "fund", Moment.CALL, contract.OPEN_GATE),
    _in_activity(WORKER, "fund", Moment.RETURN, contract.OPEN_GATE),
    _in_activity(WORKER, "go", Moment.RETURN, contract.EXECUTE_LAUNCH),
    _in_activity(WORKER, "withdraw", Moment.RETURN, contract.RELEASE_GATE, WITHDRAWN),
    # Temporal commits nothing of ours; it dies while a service or the worker stands at the point.
    Kill(TEMPORAL, BEFORE_COMMIT, "pledge", "sponsorship", Moment.BEFORE_COMMIT, PLEDGE),
    Kill(TEMPORAL, AFTER_COMMIT, "fund", "budget", Moment.AFTER_COMMIT, RESERVE),
    Kill(TEMPORAL, AFTER_REPLY, "knight", "itrisk", Moment.BEFORE_SIGNAL, KNIGHT),
    Kill(TEMPORAL, AFTER_REPLY, "submit", "launch", Moment.BEFORE_SIGNAL, SUBMIT),
    Kill(TEMPORAL, IN_ACTIVITY, "fund", WORKER, Moment.RETURN, contract.OPEN_GATE),
)


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a program in whose middle a part was killed."""

    story: Story
    unlike: tuple[str, ...]
    """Requests that were answered otherwise when they were made again."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Programs of which each has one death in its middle, all under way at the same time."""

    undisturbed: Mapping[tuple[str, ...], Story]
    lives: Mapping[Kill, asyncio.Task[Lived]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def programs(shared_site: Site) -> AsyncGenerator[Programs]:
    await shared_site.whole()
    undisturbed = {steps: await _undisturbed(shared_site, steps) for steps in (PROVEN, WITHDRAWN)}
    lives = {kill: asyncio.create_task(_killed(shared_site, kill)) for kill in KILLS}
    yield Programs(undisturbed, lives)
    for task in lives.values():
        task.cancel()
    await asyncio.gather(*lives.values(), return_exceptions=True)


def test_every_part_is_killed_at_every_point() -> None:
    killed = {(kill.part, kill.point) for kill in KILLS}
    assert killed | NOT_THERE.keys() == set(product(PARTS, POINTS))
    assert not killed & NOT_THERE.keys()


@asynchronous
@pytest.mark.parametrize("kill", KILLS, ids=str)
async def test_the_path_ends_the_same_and_each_decision_counts_once(
    programs: Programs, kill: Kill
) -> None:
    lived = await programs.lives[kill]
    assert lived.story == programs.undisturbed[kill.steps]
    assert not lived.unlike, "a repeated request gives the same answer"
    check_ledger(lived.story)


async def _undisturbed(site: Site, steps: tuple[str, ...]) -> Story:
    play = site.play("undisturbed")
    for step in steps:
        await play.take(step)
    lived = await _lived(site, play)
    assert not lived.unlike
    return lived.story


async def _lived(site: Site, play: Play) -> Lived:
    """What became of a program, once it has ended."""
    await play.settled()
    unlike = [
        deed.request.DESCRIPTOR.name for deed in play.deeds if await deed.again() != deed.answer
    ]
    return Lived(await site.story(play), tuple(unlike))


async def _killed(site: Site, kill: Kill) -> Lived:
    """Play a program to its end, with a death in its middle."""
    play = site.play(kill.part)
    before = kill.steps.index(kill.step)
    async with site.lane(kill.part, kill.trapped):
        for step in kill.steps[:before]:
            await play.take(step)
        if kill.step in OPENED_FOR:
            await play.opened(OPENED_FOR[kill.step])
        caught = site.traps.set(Trap(kill.trapped, kill.moment, kill.act, play.name))
        taking = asyncio.create_task(play.take(kill.step))
        await _die(site, kill, caught, taking)
        await site.stack.start(kill.part)
        await taking
    for step in kill.steps[before + 1 :]:
        await play.take(step)
    return await _lived(site, play)


async def _die(site: Site, kill: Kill, caught: Caught, taking: asyncio.Task[Message]) -> None:
    """Kill the part once somebody stands at the point."""
    await caught.sprung()
    if kill.moment is Moment.BEFORE_SIGNAL:
        await taking  # it is acknowledged, and nobody was told
        assert site.unsent(kill.trapped, caught.trap.program)
    if kill.part != TEMPORAL:
        caught.say(DIE)
        await site.deaths.of(kill.part)
        return
    await site.stack.kill(TEMPORAL)
    caught.say(GO_ON)
    if kill.trapped != WORKER:
        await taking  # it is acknowledged without Temporal
