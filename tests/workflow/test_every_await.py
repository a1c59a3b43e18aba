"""A revision, a withdrawal and a void may come at any moment: every await of the path, enumerated.

A path is in one of its activities, or it waits at a gate. The tests count the calls of a path that
nothing disturbs, and then send one program for each call that begins or ends an activity, disturbed
exactly there, and one for each gate, disturbed while the path waits at it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from tests.support.case_records import WALKED, WARRANTED, Gate
from tests.support.gate_server import Asked
from tests.support.paths import Company

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb

pytestmark = pytest.mark.asyncio(loop_scope="session")


ENDS_OF_ACTIVITIES = (
    "GetPath",
    "GetRevisionStatement",
    "OpenCase",
    "RecordStanding",
    "ExecuteLaunch",
)


@dataclass
class Disturbance:
    """One event, and where in the path it came."""

    event: str
    fired: str = ""
    """Method during which it came, or the name of a wait; empty while it has not."""
    gate: Gate = pb.GATE_UNSPECIFIED
    """The gate that was voided."""

    def fire(self, world: Company, program: str, where: str) -> None:
        message = world.records.programs[program].message
        if self.fired or message.HasField("launch_time"):
            return
        self.fired = where
        if self.event == "revision":
            world.records.revise(program, changed=[pb.GATE_KNIGHT])
        elif self.event == "withdrawal":
            world.records.end(program, statement_pb.OUTCOME_WITHDRAWN)
        else:
            standing = [g for g in WARRANTED if world.state(program, g) == "STANDING"]
            if standing:
                self.gate = standing[0]
                world.records.void(program, self.gate)


async def ends_right(world: Company, program: str, came: Disturbance) -> None:
    outcome = await world.outcome(program)
    records = world.records
    if came.fired and came.event == "withdrawal":
        assert outcome.outcome == statement_pb.OUTCOME_WITHDRAWN, came
        assert records.programs[program].message.settled, came
        return
    assert outcome.launched, came
    assert records.programs[program].launches == 1, came
    if came.fired and came.event == "revision":
        knight = records.present(program, pb.GATE_KNIGHT)
        assert (knight.revision, knight.gate_digest) == (2, "KNIGHT-2"), came
        assert knight.state == pb.CASE_STATE_STANDING, came
    if came.gate and came.fired != "ExecuteLaunch":  # a warrant is good for the call it came with
        assert records.present(program, came.gate).state == pb.CASE_STATE_STANDING, came
        assert len(records.cases[program, came.gate]) == 2, came


@pytest.mark.parametrize("event", ["revision", "withdrawal", "void"])
async def test_an_event_during_any_call_ends_in_the_right_gate(world: Company, event: str) -> None:
    undisturbed = world.submit()
    await world.outcome(undisturbed)
    calls = [call.method for call in world.servers.calls if call.program == undisturbed]
    last = calls.index("ExecuteLaunch")
    chosen = [n for n, method in enumerate(calls[: last + 1], 1) if method in ENDS_OF_ACTIVITIES]
    left: dict[str, int] = {}
    came: dict[str, Disturbance] = {}

    def before(asked: Asked) -> None:
        if asked.program in left:
            left[asked.program] -= 1
            if left[asked.program] == 0:
                came[asked.program].fire(world, asked.program, asked.method)

    world.servers.before = before
    for number in chosen:
        program = world.new_program()
        left[program], came[program] = number, Disturbance(event)
    async with asyncio.TaskGroup() as together:
        for program, disturbance in came.items():
            world.records.submit(program)
            together.create_task(ends_right(world, program, disturbance))
    assert all(disturbance.fired for disturbance in came.values())
    assert {disturbance.fired for disturbance in came.values()} >= {"GetPath", "ExecuteLaunch"}


@pytest.mark.parametrize("event", ["revision", "withdrawal", "void"])
async def test_an_event_while_it_waits_at_any_gate_ends_in_the_right_gate(
    world: Company, event: str
) -> None:
    def disturbed_at(gate: Gate, came: Disturbance) -> Callable[[pb.GateCase], None]:
        def plan(case: pb.GateCase) -> None:
            if case.gate == gate and not came.fired:
                came.fire(world, case.program, f"waiting at {gate}")
            world.say_yes(case)

        return plan

    came: Mapping[Gate, Disturbance] = {gate: Disturbance(event) for gate in WALKED}
    async with asyncio.TaskGroup() as together:
        for gate, disturbance in came.items():
            program = world.submit(disturbed_at(gate, disturbance))
            together.create_task(ends_right(world, program, disturbance))
    assert all(disturbance.fired for disturbance in came.values())
