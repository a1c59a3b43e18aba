"""kill -9 of every part at every point of a decision: the path ends the same, and once.

The parts run under a launcher that lets a test stop them between two instructions
(`tests/support/killable.py`); there they kill themselves with SIGKILL, or stand still while the
test kills Temporal through its handle. Then the part is started again on the same port and data.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from itertools import product, zip_longest

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from tests.support.plays import PROVEN, WITHDRAWN, Play, Steps
from tests.support.site import PARTS, Site, Undisturbed
from tests.support.stories import Story, check_ledger
from tests.support.traps import DIE, GO_ON, Caught, Moment, Trap

from investiture.stack.plan import TEMPORAL, WORKER
from investiture.workflows import contract

# All programs are under way at once: the first test waits for much of what the others assert.
pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(400)]
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

AT_ONCE = 6
"""So many programs are under way together."""

_CASES = "/investiture.api.casework.v1.CaseService"
_LAUNCH = "/investiture.api.launch.v1.LaunchService"
PLEDGE = "/investiture.api.sponsorship.v1.SponsorshipService/Pledge"
RESERVE = "/investiture.api.budget.v1.BudgetService/Reserve"
KNIGHT = "/investiture.api.itrisk.v1.ItRiskService/Knight"
SUBMIT, GO, EXECUTE, RECORD = (
    f"{_LAUNCH}/{name}" for name in ("SubmitProgram", "DecideGo", "ExecuteLaunch", "RecordStanding")
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
    steps: Steps = PROVEN

    def __str__(self) -> str:
        what = self.act.rpartition("/")[2]
        return f"{self.part}-{self.point}-{what}".replace(" ", "_")


def _decision(part: str, step: str, act: str) -> tuple[Kill, ...]:
    """A service's deaths around its decision."""
    return (
        Kill(part, BEFORE_COMMIT, step, part, Moment.BEFORE_COMMIT, act),
        Kill(part, AFTER_COMMIT, step, part, Moment.AFTER_COMMIT, act),
        Kill(part, AFTER_REPLY, step, part, Moment.BEFORE_SIGNAL, act),
    )


def _in_activity(part: str, step: str, moment: Moment, act: str, steps: Steps = PROVEN) -> Kill:
    return Kill(part, IN_ACTIVITY, step, part, moment, act, steps)


KILLS = (
    *_decision("sponsorship", "pledge", PLEDGE),
    _in_activity("sponsorship", "submit", Moment.AFTER_COMMIT, OPEN),
    *_decision("budget", "fund", RESERVE),
    _in_activity("budget", "pledge", Moment.BEFORE_COMMIT, OPEN),
    _in_activity("budget", "withdraw", Moment.AFTER_COMMIT, RELEASE, WITHDRAWN),
    *_decision("itrisk", "knight", KNIGHT),
    _in_activity("itrisk", "fund", Moment.AFTER_COMMIT, OPEN),
    *_decision("launch", "go", GO),
    Kill("launch", AFTER_COMMIT, "submit", "launch", Moment.AFTER_COMMIT, SUBMIT),
    Kill("launch", AFTER_REPLY, "submit", "launch", Moment.BEFORE_SIGNAL, SUBMIT),
    _in_activity("launch", "go", Moment.AFTER_COMMIT, EXECUTE),
    _in_activity("launch", "pledge", Moment.AFTER_COMMIT, RECORD),
    _in_activity(WORKER, "pledge", Moment.RETURN, contract.READ_GATE),
    _in_activity(WORKER, "fund", Moment.CALL, contract.OPEN_GATE),
    _in_activity(WORKER, "go", Moment.RETURN, contract.EXECUTE_LAUNCH),
    _in_activity(WORKER, "withdraw", Moment.RETURN, contract.RELEASE_GATE, WITHDRAWN),
    # Temporal commits nothing of ours; it dies while a service or the worker stands at the point.
    Kill(TEMPORAL, AFTER_COMMIT, "submit", "launch", Moment.AFTER_COMMIT, SUBMIT),
    Kill(TEMPORAL, BEFORE_COMMIT, "pledge", "sponsorship", Moment.BEFORE_COMMIT, PLEDGE),
    Kill(TEMPORAL, AFTER_COMMIT, "fund", "budget", Moment.AFTER_COMMIT, RESERVE),
    Kill(TEMPORAL, AFTER_REPLY, "knight", "itrisk", Moment.BEFORE_SIGNAL, KNIGHT),
    Kill(TEMPORAL, IN_ACTIVITY, "fund", WORKER, Moment.RETURN, contract.OPEN_GATE),
)


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a program in whose middle a part was killed."""

    story: Story
    unlike: tuple[str, ...]
    """Requests that were answered otherwise when they were made again."""


Lives = Mapping[Kill, asyncio.Task[Lived]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lives(shared_site: Site, undisturbed: Undisturbed) -> AsyncGenerator[Lives]:
    """Programs of which each has one death in its middle, all under way at the same time."""
    await shared_site.whole()
    crowd = asyncio.Semaphore(AT_ONCE)
    tasks = {kill: asyncio.create_task(_killed(shared_site, kill, crowd)) for kill in _mixed()}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


def test_every_part_is_killed_at_every_point() -> None:
    killed = {(kill.part, kill.point) for kill in KILLS}
    assert killed | NOT_THERE.keys() == set(product(PARTS, POINTS))
    assert not killed & NOT_THERE.keys()


@asynchronous
@pytest.mark.parametrize("kill", KILLS, ids=str)
async def test_the_path_ends_the_same_and_each_decision_counts_once(
    lives: Lives, undisturbed: Undisturbed, kill: Kill
) -> None:
    lived = await lives[kill]
    assert lived.story == undisturbed[kill.steps]
    assert not lived.unlike, "a repeated request gives the same answer"
    check_ledger(lived.story)


async def _lived(site: Site, play: Play) -> Lived:
    """What became of a program, once it has ended."""
    await play.settled()
    unlike = [
        deed.request.DESCRIPTOR.name for deed in play.deeds if await deed.again() != deed.answer
    ]
    return Lived(await site.story(play), tuple(unlike))


def _mixed() -> Iterator[Kill]:
    """The kills in such an order that those of one part are apart."""
    by_part = [[kill for kill in KILLS if kill.part == part] for part in PARTS]
    return (kill for row in zip_longest(*by_part) for kill in row if kill is not None)


async def _killed(site: Site, kill: Kill, crowd: asyncio.Semaphore) -> Lived:
    """Play a program to its end, with a death in its middle."""
    play = site.play(kill.part)
    before = kill.steps.index(kill.step)
    async with crowd:
        await play.play(*kill.steps[:before])
        await play.ready_for(kill.step)
        async with site.lane(kill.part, kill.trapped):
            caught = site.traps.set(Trap(kill.trapped, kill.moment, kill.act, play.name))
            taking = asyncio.create_task(play.take(kill.step))
            await _die(site, kill, caught, taking)
            await site.stack.start(kill.part)
        await taking
        await play.play(*kill.steps[before + 1 :])
        return await _lived(site, play)


async def _die(site: Site, kill: Kill, caught: Caught, taking: asyncio.Task[Message]) -> None:
    """Kill the part once somebody stands at the point."""
    await caught.sprung()
    await _check_point(site, kill, caught.trap, taking)
    if kill.part != TEMPORAL:
        caught.say(DIE)
        await site.deaths.of(kill.part)
        return
    await site.stack.kill(TEMPORAL)
    caught.say(GO_ON)
    if kill.trapped != WORKER:
        await taking  # it is acknowledged without Temporal


async def _check_point(site: Site, kill: Kill, trap: Trap, taking: asyncio.Task[Message]) -> None:
    """It stands where it should: what is on record and who was told says so."""
    if kill.trapped == WORKER:
        return
    recorded = site.recorded(kill.trapped, trap.program, kill.act)
    match kill.moment:
        case Moment.BEFORE_COMMIT:
            assert not recorded
        case Moment.AFTER_COMMIT:
            assert recorded
            assert kill.point == IN_ACTIVITY or not taking.done()
        case _:
            await taking  # it is acknowledged
            assert recorded
            assert site.unsent(kill.trapped, trap.program), "and nobody was told"
