"""The trial lane at IT's review: knighted in advance, the caps and the knight looked at here."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.appealed import ADA, House
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.lanes import FAY, INES, SARA, SMALL, lane_charter, small
from tests.support.reviews import Desk, it_side
from tests.support.risks import content, risk_of, saving, scenario
from tests.support.services import Realm

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.casework.facts import Revision, StandingRef, TrialRun
from investiture.casework.words import Basis, Gate, Verdict
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


RUN = TrialRun(
    program="programs/trial",
    pilot="programs/trial/pilots/1",
    revision=1,
    standing=StandingRef(SMALL, "sha256:text"),
    people=50,
    days=14,
    exposure_bps=100,
    began_at=datetime(2027, 1, 4, 9, tzinfo=UTC),
    ended_at=datetime(2027, 1, 18, 9, tzinfo=UTC),
    verdict=Verdict.PILOT_SUCCEEDED,
    observations=("41 % of the fifty answered a question",),
)


async def asked_after(desk: Desk, *runs: TrialRun, **changes: Any) -> gate_pb2.GateCase:
    """The review of a program for everybody, after these trials."""
    facts = revision(**{"exposure_bps": 10_000, **changes})
    statement = desk.realm.statements("launch").revision(facts, (), runs)
    reading: case_pb.CaseReading = await desk.cases.OpenCase(
        desk.opening(facts, revision_statement=statement)
    )
    return reading.gate_case


async def test_a_reviewer_sees_the_trial_and_lowers_an_estimate_by_it(desk: Desk) -> None:
    case = await asked_after(desk, RUN)
    (shown,) = case.trial_runs
    assert (shown.pilot, shown.people, list(shown.observations)) == (
        RUN.pilot,
        50,
        ["41 % of the fifty answered a question"],
    )
    risk = risk_of(desk)
    first = await risk.SaveRiskProfile(saving(case.program, content()))
    lower: dict[str, Any] = {"etag": first.etag, "reason": "nobody tried in two weeks"}
    wanted = saving(case.program, content(scenario(0.2)), trials=[RUN.pilot], **lower)
    second = await risk.SaveRiskProfile(wanted)
    assert [(one.url, one.sha256) for one in second.evidence] == [(RUN.pilot, shown.digest)]

    other: dict[str, Any] = {"etag": second.etag, "reason": "another trial"}
    unknown = saving(
        case.program, content(scenario(0.1)), trials=["programs/trial/pilots/2"], **other
    )
    problem = await desk.refused(risk.SaveRiskProfile(unknown))
    (violation,) = problem.violations
    assert violation.field == "trials[0]"
    assert RUN.pilot in violation.description


async def test_the_full_path_begins_with_the_risk_profile_of_the_trial(desk: Desk) -> None:
    risk = risk_of(desk)
    trial = await risk.SaveRiskProfile(saving(RUN.program, content(scenario(0.7))))
    case = await asked_after(desk, RUN)
    latest = risk_pb.GetRiskProfileRequest(name=f"{case.program}/riskProfiles/latest")
    taken = await risk.GetRiskProfile(latest)
    assert (taken.version, taken.content, taken.author) == (1, trial.content, trial.author)
    assert taken.reason == f"taken over from {trial.name}, which {RUN.pilot} ran with"
    assert [one.sha256 for one in taken.evidence] == [case.trial_runs[0].digest]
    assessed = await risk.Assess(risk_pb.AssessRequest(program=case.program))
    assert assessed.digest


async def test_what_was_written_after_the_trial_is_not_what_it_ran_with(desk: Desk) -> None:
    risk = risk_of(desk)
    ran = await risk.SaveRiskProfile(saving(RUN.program, content(scenario(0.7))))
    run = replace(RUN, began_at=desk.clock.now(), ended_at=desk.clock.now())
    desk.clock.advance(timedelta(days=1))
    later: dict[str, Any] = {"etag": ran.etag, "reason": "seen since"}
    await risk.SaveRiskProfile(saving(RUN.program, content(scenario(0.9)), **later))
    case = await asked_after(desk, run)
    latest = risk_pb.GetRiskProfileRequest(name=f"{case.program}/riskProfiles/latest")
    taken = await risk.GetRiskProfile(latest)
    assert taken.content == ran.content
    assert taken.reason == f"taken over from {ran.name}, which {run.pilot} ran with"


async def test_what_the_program_says_itself_is_not_replaced_by_what_the_trial_said(
    desk: Desk,
) -> None:
    risk = risk_of(desk)
    await risk.SaveRiskProfile(saving(RUN.program, content(scenario(0.7))))
    own = await risk.SaveRiskProfile(saving("programs/community", content()))
    case = await asked_after(desk, RUN)
    latest = risk_pb.GetRiskProfileRequest(name=f"{case.program}/riskProfiles/latest")
    assert await risk.GetRiskProfile(latest) == own


async def test_without_a_profile_of_the_trial_the_review_begins_with_none(desk: Desk) -> None:
    case = await asked_after(desk, RUN)
    latest = risk_pb.GetRiskProfileRequest(name=f"{case.program}/riskProfiles/latest")
    assert (await desk.refused(risk_of(desk).GetRiskProfile(latest))).code == "NOT_FOUND"
