"""Days pass in milliseconds: timetables are kept to the date, and no wait is busy."""

import itertools
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from tests.support.case_records import WALKED, Gate, instant
from tests.support.paths import Company, activities_of, attributes_of
from tests.support.virtual_time import VirtualTime

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLA = timedelta(days=3)
DATES = {
    pb.STEP_NUDGE: SLA * 0.5,
    pb.STEP_WARN: SLA * 0.8,
    pb.STEP_OVERDUE: SLA,
    pb.STEP_SECOND: SLA * 1.5,
}
PROMPT = timedelta(seconds=2)
"""How long after its date a step is recorded at the latest; virtual time, not the machine's."""


@pytest_asyncio.fixture(loop_scope="session")
async def slow_world(client: Client) -> AsyncGenerator[Company]:
    """A company whose services live in the virtual time of the only path."""
    founded = Company(client)
    await founded.servers.start()
    try:
        async with founded.worker(VirtualTime(founded.clock.advance_to)):
            yield founded
    finally:
        await founded.stop()


async def pass_time(
    environment: WorkflowEnvironment, world: Company, program: str, time: timedelta
) -> None:
    """Let time pass for the path and then for the services."""
    handle = await world.path(program)
    await environment.fast_forward(handle, time)
    world.clock.advance_to(await environment.get_current_time(handle))


def own_events(history: WorkflowHistory) -> int:
    """Events of the path itself, without those that the server adds when it skips time."""
    kinds = (EventType.Name(event.event_type) for event in history.events)
    return sum(1 for kind in kinds if "TIME_SKIPPING" not in kind and "OPTIONS" not in kind)


@pytest.mark.parametrize("lag", [timedelta(), timedelta(seconds=2)], ids=["in step", "2 s behind"])
async def test_thirty_days_of_silence_escalate_to_the_date_and_decide_nothing(
    environment: WorkflowEnvironment, slow_world: Company, lag: timedelta
) -> None:
    world = slow_world
    world.clock.lags["sponsorship"] = lag
    program = world.submit(world.say_nothing)
    case = await world.opened(program, pb.GATE_PLEDGE)
    await world.shows(program, "PLEDGE OPEN")
    await pass_time(environment, world, program, timedelta(days=30))

    opened_at = instant(case.timetable.opened_at)
    due = {escalation.step: instant(escalation.due_at) for escalation in case.escalations[:4]}
    assert due == {step: opened_at + after for step, after in DATES.items()}
    late = [instant(e.recorded_at) - instant(e.due_at) for e in case.escalations]
    assert timedelta() <= min(late)
    assert max(late) < PROMPT
    added = [list(escalation.added) for escalation in case.escalations]
    assert added == [[], [], ["people/deputy"], ["people/head"], ["people/governance"], [], []]
    assert world.state(program, pb.GATE_PLEDGE) == "OPEN"

    handle = await world.path(program)
    assert attributes_of(await handle.describe())["InvEscalated"] is True
    events = own_events(await handle.fetch_history())
    assert events <= 45 + 12 * len(case.escalations) + 8 * 30
    world.plans[program] = world.say_yes
    world.records.decide(program, pb.GATE_PLEDGE)
    assert (await world.outcome(program)).launched


@pytest.mark.parametrize("lag", [timedelta(), timedelta(seconds=2)], ids=["in step", "2 s behind"])
async def test_a_path_with_an_overdue_gate_and_an_expiry_has_few_events_a_gate(
    environment: WorkflowEnvironment, slow_world: Company, lag: timedelta
) -> None:
    world = slow_world
    for service in ("sponsorship", "budget", "itrisk"):
        world.clock.lags[service] = lag
    program = world.new_program(world.say_yes_before(pb.GATE_KNIGHT))
    world.records.validity[program, pb.GATE_PLEDGE] = timedelta(days=4)
    world.records.submit(program)
    await world.opened(program, pb.GATE_KNIGHT)
    await world.shows(program, "KNIGHT OPEN")
    await pass_time(environment, world, program, timedelta(days=3, hours=1))
    knight = world.records.present(program, pb.GATE_KNIGHT)
    assert [e.step for e in knight.escalations] == [pb.STEP_NUDGE, pb.STEP_WARN, pb.STEP_OVERDUE]
    del world.records.validity[program, pb.GATE_PLEDGE]
    await pass_time(environment, world, program, timedelta(days=1))
    await world.opened(program, pb.GATE_PLEDGE, 2)
    assert world.state(program, pb.GATE_PLEDGE, 1) == "EXPIRED"
    world.plans[program] = world.say_yes
    world.records.decide(program, pb.GATE_KNIGHT)
    assert (await world.outcome(program)).launched
    history = await (await world.path(program)).fetch_history()
    activities = activities_of(history)
    asked = activities.count(contract.OPEN_GATE)  # the gates after the expired one are asked anew
    assert len(WALKED) < asked <= 2 * len(WALKED)
    assert own_events(history) <= 45 * asked
    assert activities.count(contract.ESCALATE_GATE) == len(knight.escalations)


async def test_changes_requested_have_a_timetable_of_the_proposers_own(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    world = slow_world
    program = world.submit(world.say_nothing)
    case = await world.opened(program, pb.GATE_PLEDGE)
    await world.shows(program, "PLEDGE OPEN")
    await pass_time(environment, world, program, timedelta(days=2))
    world.records.request_changes(program, pb.GATE_PLEDGE)
    await world.shows(program, "PLEDGE CHANGES_REQUESTED, waits for proposer")
    await pass_time(environment, world, program, timedelta(days=2))
    since = instant(case.waiting_since)
    dates = [instant(escalation.due_at) for escalation in case.escalations]
    assert dates[1:] == [since + SLA * 0.5]


@pytest.mark.parametrize("lost", [False, True], ids=["rung", "the ring is lost"])
async def test_a_case_that_was_given_more_time_is_not_escalated_at_its_old_date(
    environment: WorkflowEnvironment, slow_world: Company, *, lost: bool
) -> None:
    world = slow_world
    program = world.submit(world.say_nothing)
    case = await world.opened(program, pb.GATE_PLEDGE)
    await world.shows(program, "PLEDGE OPEN")
    await pass_time(environment, world, program, SLA * 0.9)
    old_due = instant(case.timetable.overdue_at)
    world.lost = lambda _program, _gate: lost
    world.records.extend(program, pb.GATE_PLEDGE)
    await pass_time(environment, world, program, SLA)
    taken = [(e.step, instant(e.due_at)) for e in case.escalations]
    opened_at = instant(case.timetable.opened_at)
    before = [(step, opened_at + DATES[step]) for step in (pb.STEP_NUDGE, pb.STEP_WARN)]
    assert taken == before
    await pass_time(environment, world, program, SLA * 0.2)  # past the new due date
    assert [(e.step, instant(e.due_at)) for e in case.escalations] == [
        *before,
        (pb.STEP_OVERDUE, old_due + SLA),
    ]
    history = await (await world.path(program)).fetch_history()
    asked = activities_of(history).count(contract.ESCALATE_GATE)
    # Unheard of, the old date is asked about once; the service says when to come back.
    assert asked <= len(case.escalations) + lost


async def test_a_lost_ring_is_healed_within_a_day(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    world = slow_world
    program = world.new_program(world.say_nothing)
    world.records.slas[program, pb.GATE_PLEDGE] = timedelta(days=100)
    world.records.submit(program)
    await world.opened(program, pb.GATE_PLEDGE)
    await world.shows(program, "PLEDGE OPEN")
    world.lost = lambda _program, _gate: True
    world.records.decide(program, pb.GATE_PLEDGE)
    await pass_time(environment, world, program, timedelta(days=1, minutes=1))
    await world.opened(program, pb.GATE_FUND)


async def test_an_escalation_that_took_nothing_comes_back_after_a_second_at_least(
    environment: WorkflowEnvironment, slow_world: Company
) -> None:
    world = slow_world
    program = world.submit(world.say_nothing)
    case = await world.opened(program, pb.GATE_PLEDGE)
    await world.shows(program, "PLEDGE OPEN")
    real = world.records.escalate

    def impatient(name: str) -> object:
        answer = real(name)
        answer.next_in_ms = 0  # a service that never says anything but "at once"
        return answer

    asked: list[datetime] = []

    def before(call: object) -> None:
        if getattr(call, "method", "") == "EscalateCase":
            asked.append(world.clock.now())

    world.servers.before = before
    world.records.escalate = impatient  # type: ignore[method-assign,assignment]  # a broken service
    nudge_at = instant(case.timetable.nudge_at)
    handle = await world.path(program)
    until_then = nudge_at - await environment.get_current_time(handle)
    await pass_time(environment, world, program, until_then + timedelta(seconds=10))
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert 1 <= len(asked) <= 12
    assert min(gaps) >= timedelta(seconds=1)


@pytest.mark.parametrize("gate", [pb.GATE_PILOT, pb.GATE_LAUNCH])
async def test_a_gate_of_launch_is_escalated_like_any_other(
    environment: WorkflowEnvironment, slow_world: Company, gate: Gate
) -> None:
    world = slow_world
    program = world.submit(world.say_yes_before(gate))
    case = await world.opened(program, gate)
    await world.shows(program, "PILOT OPEN" if gate == pb.GATE_PILOT else "LAUNCH OPEN")
    await pass_time(environment, world, program, SLA * 0.5 + timedelta(minutes=1))
    assert [escalation.step for escalation in case.escalations] == [pb.STEP_NUDGE]
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    assert (await world.outcome(program)).outcome == statement_pb.OUTCOME_WITHDRAWN
    assert datetime.now(UTC) < world.clock.now()
