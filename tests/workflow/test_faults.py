"""A fault is not an answer: faults wait, unexpected answers park, and nothing is done twice."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

import grpc
import pytest
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from tests.support.case_records import WALKED, WARRANTED
from tests.support.gate_server import Trouble
from tests.support.paths import Company, attributes_of, company

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.chassis.refusal import InvalidArgument, PreconditionFailed
from investiture.workflows import contract

pytestmark = pytest.mark.asyncio(loop_scope="session")

Journey = Callable[[Company, str], Coroutine[Any, Any, None]]

FAULTS = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
)
METHODS = (
    "GetPath",
    "GetRevision",
    "GetRevisionStatement",
    "ReadCase",
    "GetWarrant",
    "OpenCase",
    "EscalateCase",
    "RecordStanding",
    "ExecuteLaunch",
    "GetEndStatement",
    "ReleaseCase",
)


async def launched(world: Company, program: str) -> None:
    """Overdue at the pledge, returned by the knight, revised, launched."""

    def plan(case: pb.GateCase) -> None:
        if case.gate == pb.GATE_KNIGHT and case.round == 1:
            world.records.request_changes(program, case.gate)
            world.records.revise(program, changed=[pb.GATE_KNIGHT])
        elif case.gate != pb.GATE_PLEDGE:
            world.say_yes(case)

    world.plans[program] = plan
    world.records.slas[program, pb.GATE_PLEDGE] = timedelta(milliseconds=400)
    world.records.submit(program)
    pledge = await world.opened(program, pb.GATE_PLEDGE)
    await world.records.until(lambda: len(pledge.escalations) > 0)
    world.records.decide(program, pb.GATE_PLEDGE)
    assert (await world.outcome(program)).launched
    assert world.records.programs[program].launches == 1
    rounds = [len(world.records.cases[program, gate]) for gate in WALKED]
    assert rounds == [1, 1, 2, 1, 1]
    steps = [escalation.step for escalation in pledge.escalations]
    assert steps == sorted(set(steps))


async def withdrawn(world: Company, program: str) -> None:
    world.plans[program] = world.say_yes_before(pb.GATE_PILOT)
    world.records.submit(program)
    await world.opened(program, pb.GATE_PILOT)
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    await ends_released(world, program, statement_pb.OUTCOME_WITHDRAWN)


async def declined(world: Company, program: str) -> None:
    def plan(case: pb.GateCase) -> None:
        if case.gate == pb.GATE_KNIGHT:
            world.records.decline(program, case.gate)
        else:
            world.say_yes(case)

    world.plans[program] = plan
    world.records.submit(program)
    await ends_released(world, program, statement_pb.OUTCOME_DECLINED)


async def ends_released(
    world: Company, program: str, outcome: statement_pb.Outcome.ValueType
) -> None:
    assert (await world.outcome(program)).outcome == outcome
    assert world.records.programs[program].message.settled
    states = {world.records.programs[program].recorded[gate].state for gate in WARRANTED}
    assert states == {pb.CASE_STATE_RELEASED}


JOURNEYS = (launched, withdrawn, declined)
NEVER_CALLED: Mapping[Journey, tuple[str, ...]] = {
    launched: ("GetEndStatement", "ReleaseCase"),
    withdrawn: ("EscalateCase", "ExecuteLaunch"),
    declined: ("EscalateCase", "ExecuteLaunch"),
}


class Twice(Interceptor):
    """Runs each activity twice and keeps the second answer."""

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002 - the SDK's name
    ) -> ActivityInboundInterceptor:
        return _Twice(next)


class _Twice(ActivityInboundInterceptor):
    async def execute_activity(
        self,
        input: ExecuteActivityInput,  # noqa: A002 - the SDK's name
    ) -> Any:
        await super().execute_activity(input)
        return await super().execute_activity(input)


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
async def test_any_call_that_fails_once_changes_no_end(
    world: Company, journey: Journey, after: bool
) -> None:
    troubles: list[Trouble] = []
    async with asyncio.TaskGroup() as together:
        for method in METHODS:
            program = world.new_program()
            trouble = Trouble(
                "", method, code=grpc.StatusCode.UNAVAILABLE, after=after, program=program
            )
            troubles.append(trouble)
            world.servers.troubles.append(trouble)
            together.create_task(journey(world, program))
    unmet = {trouble.method for trouble in troubles if trouble.times}
    assert unmet == set(NEVER_CALLED[journey])


async def test_every_activity_may_run_twice(client: Client) -> None:
    async with company(client, interceptors=[Twice()]) as world, asyncio.TaskGroup() as together:
        for journey in JOURNEYS:
            together.create_task(journey(world, world.new_program()))


async def test_a_fault_of_any_kind_makes_the_path_wait(world: Company) -> None:
    async def waits(code: grpc.StatusCode) -> None:
        program = world.new_program()
        outage = world.servers.trouble(
            "budget", "OpenCase", code=code, times=1_000_000, program=program
        )
        world.records.submit(program)
        await world.records.until(lambda: outage.times < 1_000_000)
        assert world.state(program, pb.GATE_FUND) == ""
        outage.times = 0
        assert (await world.outcome(program)).launched

    async with asyncio.TaskGroup() as together:
        for code in FAULTS:
            together.create_task(waits(code))


async def test_an_outage_costs_no_events_while_it_lasts(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_FUND))
    await world.opened(program, pb.GATE_FUND)
    await world.shows(program, "FUND OPEN")
    handle = await world.path(program)
    outage = world.servers.trouble(
        "budget", "ReadCase", code=grpc.StatusCode.UNAVAILABLE, times=1_000_000
    )
    world.records.decide(program, pb.GATE_FUND)
    # The local activity, then the one that the server repeats.
    await world.records.until(lambda: outage.times == 1_000_000 - 2)
    waiting = len((await handle.fetch_history()).events)
    await world.records.until(lambda: outage.times == 1_000_000 - 3)
    assert len((await handle.fetch_history()).events) == waiting
    outage.times = 0
    world.plans[program] = world.say_yes
    assert (await world.outcome(program)).launched


async def test_a_service_that_is_away_delays_its_own_release_only(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_PILOT))
    await world.opened(program, pb.GATE_PILOT)
    outage = world.servers.trouble(
        "itrisk", "ReleaseCase", code=grpc.StatusCode.UNAVAILABLE, times=1_000_000
    )
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    recorded = world.records.programs[program].recorded
    released = pb.CASE_STATE_RELEASED
    await world.records.until(
        lambda: {recorded[gate].state for gate in WARRANTED[:2]} == {released}
    )
    assert recorded[pb.GATE_KNIGHT].state == pb.CASE_STATE_STANDING
    outage.times = 0
    await ends_released(world, program, statement_pb.OUTCOME_WITHDRAWN)


@pytest.mark.parametrize(
    ("service", "method", "gate"),
    [
        ("budget", "OpenCase", "FUND"),
        ("budget", "ReadCase", "FUND"),
        ("launch", "GetPath", "PROGRAM"),
        ("launch", "ExecuteLaunch", "LAUNCH"),
        ("launch", "RecordStanding", "PLEDGE"),
    ],
)
async def test_an_unexpected_answer_parks_the_gate_until_an_operator_retries(
    world: Company, service: str, method: str, gate: str
) -> None:
    refusal = PreconditionFailed("AUTHORITY_INSUFFICIENT", "nobody expected this")
    trouble = world.servers.trouble(service, method, refusal=refusal, times=1_000_000)
    program = world.submit()
    await world.shows(program, f"{gate} PARKED, FAILED_PRECONDITION AUTHORITY_INSUFFICIENT")
    handle = await world.path(program)
    assert attributes_of(await handle.describe())["InvState"] == "PARKED"
    trouble.times = 0
    await handle.signal(contract.RETRY)
    assert (await world.outcome(program)).launched


async def test_a_parked_gate_is_tried_again_at_the_next_ring(world: Company) -> None:
    refusal = InvalidArgument.of("gate", "nobody expected this")
    world.servers.trouble("sponsorship", "OpenCase", refusal=refusal)
    program = world.submit()
    await world.shows(program, "PLEDGE PARKED, INVALID_ARGUMENT INVALID_FIELD")
    await world.send(program, Ring())
    assert (await world.outcome(program)).launched


async def test_a_release_that_was_parked_is_finished_by_a_retry(world: Company) -> None:
    program = world.submit(world.say_yes_before(pb.GATE_KNIGHT))
    await world.opened(program, pb.GATE_KNIGHT)
    refusal = PreconditionFailed("STATEMENT_INVALID", "a wrong key")
    world.servers.trouble("budget", "ReleaseCase", refusal=refusal)
    world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
    await world.shows(program, "FUND PARKED, FAILED_PRECONDITION STATEMENT_INVALID")
    await (await world.path(program)).signal(contract.RETRY)
    await ends_released(world, program, statement_pb.OUTCOME_WITHDRAWN)


async def test_a_gate_that_sends_the_path_back_for_nothing_is_parked(world: Company) -> None:
    refusal = PreconditionFailed("BUSINESS_FIRST", "a clock far ahead")
    trouble = world.servers.trouble("budget", "OpenCase", refusal=refusal, times=1_000_000)
    program = world.submit()
    await world.shows(program, "FUND PARKED, BUSINESS_FIRST")
    assert 1_000_000 - trouble.times <= 4
    trouble.times = 0
    await (await world.path(program)).signal(contract.RETRY)
    assert (await world.outcome(program)).launched


async def test_a_launch_whose_answer_was_lost_is_not_launched_again(world: Company) -> None:
    world.servers.trouble("launch", "ExecuteLaunch", code=grpc.StatusCode.UNAVAILABLE, after=True)
    program = world.submit()
    assert (await world.outcome(program)).launched
    assert world.records.programs[program].launches == 1
