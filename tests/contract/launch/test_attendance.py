"""A stage waits for nobody who left or is away."""

from collections.abc import AsyncIterator

import pytest
from tests.support.budget import ON_SQLITE
from tests.support.clock import SettableClock
from tests.support.eventually import eventually
from tests.support.launches import Front, front
from tests.support.programs import PILOT_OWNER, PROPOSER, SPONSOR
from tests.support.services import Realm

from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb

GOVERNANCE = ["people/grace", "people/gus"]
ABOVE = ("people/sara", "people/sam", "people/ada")
"""The line above the unit that leads."""


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Front]:
    """The service, looking often who is there."""
    async with front(realm, clock, database_url, attendance_seconds=0.03) as opened:
        yield opened


def people(case: gate_pb2.GateCase) -> list[str]:
    return [one.person for one in case.holders]


async def pilot_held_by(desk: Front, pilot: pb.Pilot, *expected: str) -> pb.Pilot:
    """The pilot once it is in these hands."""
    return await eventually(
        lambda: desk.pilot(pilot.gate_case.program),
        lambda now: people(now.gate_case) == [*expected],
    )


async def test_the_sponsor_runs_the_pilot_whose_owner_left(desk: Front) -> None:
    pilot = await desk.piloting()
    assert people(pilot.gate_case) == [PILOT_OWNER]
    desk.directory.publish(PILOT_OWNER, able=False)
    after = await pilot_held_by(desk, pilot, SPONSOR)
    assert after.gate_case.holders[0].role == "pilot-owner"
    assert not after.gate_case.no_eligible_holder


async def test_a_pilots_path_shows_the_alarm_when_nobody_is_left(desk: Front) -> None:
    pilot = await desk.piloting()
    for person in (SPONSOR, PILOT_OWNER, *ABOVE):
        desk.directory.publish(person, able=False)
    after = await pilot_held_by(desk, pilot, *GOVERNANCE)
    assert after.gate_case.no_eligible_holder
    path = await desk.path(pilot.gate_case.program)
    (gate,) = (one for one in path.gates if one.gate == gate_pb2.GATE_PILOT)
    assert gate.gate_case.no_eligible_holder
    desk.directory.publish(SPONSOR)
    assert not (await pilot_held_by(desk, pilot, SPONSOR)).gate_case.no_eligible_holder


@ON_SQLITE
async def test_go_is_asked_of_who_is_there_beside_the_sponsor_who_is_away(desk: Front) -> None:
    desk.directory.publish(SPONSOR, away=True)
    go = await desk.asked_for_go()
    found = await eventually(
        lambda: desk.go_decision(go.gate_case.program),
        lambda now: len(now.gate_case.holders) > 1,
    )
    assert people(found.gate_case)[0] == SPONSOR
    answered = await desk.decide(found)  # away, and allowed to decide
    assert answered.gate_case.state == gate_pb2.CASE_STATE_STANDING


@ON_SQLITE
async def test_changes_that_are_asked_of_a_proposer_who_left_are_in_the_line_aboves_hands(
    desk: Front,
) -> None:
    pilot = await desk.piloting()
    gap = gate_pb2.Gap(risk="nobody came", tolerance="1 in 5", excess="all", remedy="ask earlier")
    desk.directory.publish(PROPOSER, able=False)
    failed = await desk.outcome(
        pilot, outcome=pb.PILOT_OUTCOME_FAILED, observations=["none came"], gaps=[gap]
    )
    assert failed.gate_case.state == gate_pb2.CASE_STATE_CHANGES_REQUESTED
    after = await eventually(
        lambda: desk.pilot(pilot.gate_case.program),
        lambda now: PROPOSER not in people(now.gate_case),
    )
    assert people(after.gate_case)
    assert {one.role for one in after.gate_case.holders} == {"proposer"}
