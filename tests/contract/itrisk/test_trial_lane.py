"""The trial lane at IT's review: knighted in advance, the caps and the knight looked at here."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.appealed import ADA, House
from tests.support.clock import SettableClock
from tests.support.lanes import FAY, INES, SARA, SMALL, lane_charter, small
from tests.support.reviews import Desk, it_side
from tests.support.services import Realm

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.casework.facts import Revision, StandingRef
from investiture.casework.words import Basis, Gate
from investiture.charter.load import load


@pytest.fixture
async def desk(
    realm: Realm, clock: SettableClock, database_url: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    async with it_side(realm, clock, database_url, charter=lane_charter(tmp_path)) as opened:
        opened.directory.say(INES, side="IT")
        yield opened


@pytest.fixture
def ref(tmp_path: Path) -> StandingRef:
    charter = load(lane_charter(tmp_path))
    return StandingRef(SMALL, charter.signed_digest(charter.standing_decisions[0]))


async def opened(
    desk: Desk, facts: Revision, ref: StandingRef, money: str = FAY, **changes: Any
) -> gate_pb2.GateCase:
    values: dict[str, Any] = {
        "basis": Basis.STANDING_DECISION,
        "standing_decision": ref,
        **changes,
    }
    warrants = [
        desk.realm.warrant(Gate.PLEDGE, facts, SARA, **values),
        desk.realm.warrant(Gate.FUND, facts, money, **values),
    ]
    reading: case_pb.CaseReading = await desk.cases.OpenCase(desk.opening(facts, warrants=warrants))
    return reading.gate_case


async def test_a_program_within_the_caps_is_knighted_by_who_signed(
    desk: Desk, ref: StandingRef
) -> None:
    case = await opened(desk, small(), ref)
    assert case.state == gate_pb2.CASE_STATE_STANDING
    assert (case.verdict, case.exposure_limit_bps) == (gate_pb2.VERDICT_KNIGHTED, 10_000)
    assert (case.basis, case.standing_decision.id) == (gate_pb2.BASIS_STANDING_DECISION, SMALL)
    assert [(one.person, one.side) for one in case.deciders] == [(INES, gate_pb2.SIDE_IT)]
    assert not case.holders


@pytest.mark.parametrize(
    ("facts", "changes", "said"),
    [
        ({"exposure_bps": 101}, {}, "exposure: 101 basis points asked, at most 100"),
        ({"proposer": INES}, {}, "stands on another side of this program"),
        ({}, {"money": INES}, "stands on another side of this program"),
        ({}, {"standing_decision_ended": "revoked: by people/fay"}, "revoked: by people/fay"),
    ],
)
async def test_it_reads_the_caps_itself_and_says_why_it_asks_people(
    desk: Desk, ref: StandingRef, facts: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    case = await opened(desk, small(**facts), ref, **changes)
    assert case.state == gate_pb2.CASE_STATE_OPEN
    assert case.holders
    assert said in "".join(case.not_covered)


@pytest.mark.parametrize("gone", [{"active": False}, {"interest": "programs/trial"}])
async def test_a_knight_who_left_or_is_in_conflict_covers_nothing(
    desk: Desk, ref: StandingRef, gone: dict[str, Any]
) -> None:
    said: dict[str, Any] = {"side": "IT", **gone}
    desk.directory.say(INES, **said)
    assert (await opened(desk, small(), ref)).state == gate_pb2.CASE_STATE_OPEN


async def test_while_the_directory_is_down_nothing_is_stored(desk: Desk, ref: StandingRef) -> None:
    desk.directory.down = True
    problem = await desk.refused(opened(desk, small(), ref))
    assert problem.code == "UNAVAILABLE"
    desk.directory.down = False
    assert (await opened(desk, small(), ref)).state == gate_pb2.CASE_STATE_STANDING


async def test_what_people_pledged_is_reviewed_by_people(desk: Desk, ref: StandingRef) -> None:
    case = await opened(desk, small(), ref, basis=Basis.DECISION, standing_decision=None)
    assert (case.state, list(case.not_covered)) == (gate_pb2.CASE_STATE_OPEN, [])


async def test_what_an_appeal_has_reopened_is_reviewed_by_people(
    desk: Desk, ref: StandingRef
) -> None:
    for person in (SARA, "people/ralf"):
        desk.directory.say(person, superiors=[ADA])
    house = House(desk, "")
    declined = await house.declines(await opened(desk, small(exposure_bps=101), ref), "people/ralf")
    granted = await house.decided(
        await house.appealed(declined, SARA), gate_pb2.APPEAL_OUTCOME_GRANTED
    )
    again = await opened(desk, small(2), ref)
    assert (again.round, again.state) == (granted.round + 1, gate_pb2.CASE_STATE_OPEN)
    assert [one.person for one in again.holders] == [INES]
