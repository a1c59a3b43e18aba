"""A knighting whose acceptance ends soon is reviewed again, and escalates until it is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.contract.itrisk.test_acceptance import accepted, knighting, review_of, risk
from tests.contract.itrisk.test_attendance import GOVERNANCE, IVAN, RALF
from tests.contract.itrisk.test_duties import duties, recording
from tests.contract.itrisk.test_pinned import B
from tests.support.budget import ON_SQLITE
from tests.support.charters import pin, sign
from tests.support.clock import SettableClock
from tests.support.eventually import eventually
from tests.support.facts import revision
from tests.support.records import rows
from tests.support.reviews import REVIEWER, Desk, it_side
from tests.support.risks import content, saving, scenario
from tests.support.services import Realm, new_request_id
from tests.support.sweeps import UNSWEPT, Swept, swept_by_hand

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import acceptance_service_pb2 as acceptance_pb
from investiture.api.itrisk.v1 import duty_service_pb2 as duty_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb

TWO_MONTHS = timedelta(days=60)
RARE = content(
    scenario(mode=0.01, frequency=risk_pb.Frequency(events=risk_pb.Estimate(constant=0.01)))
)
REVIEWERS = [REVIEWER, RALF]


@pytest.fixture
async def swept(
    realm: Realm, clock: SettableClock, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Swept]:
    async with swept_by_hand(monkeypatch, realm, clock, database_url) as opened:
        yield opened


async def resting(
    desk: Desk, program: str = "programs/p", until: timedelta = TWO_MONTHS
) -> tuple[gate_pb2.GateCase, acceptance_pb.RiskAcceptance]:
    """A program that is knighted on an acceptance, and the acceptance."""
    case = await opened(desk, program)
    whole = await accepted(desk, program, desk.clock.now() + until)
    return (await desk.review.Knight(knighting(case))).gate_case, whole


async def opened(desk: Desk, program: str) -> gate_pb2.GateCase:
    """A review of scenario X for the whole audience, without a control in place."""
    await risk(desk).SaveRiskProfile(saving(program, content()))
    return await desk.opened(revision(program=program, exposure_bps=10_000, controls=()))


async def asked(swept: Swept, until: timedelta = TWO_MONTHS) -> gate_pb2.GateCase:
    """A knighting at the instant at which its re-review is asked for."""
    case, whole = await resting(swept.desk, until=until)
    return await at(swept, case, whole.review_at.ToDatetime(UTC))


async def at(swept: Swept, case: gate_pb2.GateCase, instant: datetime) -> gate_pb2.GateCase:
    """The case after the sweep at an instant; another one at once changes nothing."""
    swept.desk.clock.set(instant)
    await swept.recomputing.tick()
    found = await read(swept.desk, case)
    await swept.recomputing.tick()
    assert (await read(swept.desk, case)).version == found.version
    return found


async def read(desk: Desk, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    return (await review_of(desk, case.name)).gate_case


async def inbox(desk: Desk, person: str) -> list[str]:
    stub = CaseServiceStub(desk.service.channel(person, "reviewer"))
    found = await stub.ListPendingDecisions(case_pb.ListPendingDecisionsRequest())
    return [one.name for one in found.cases]


async def improved(desk: Desk, program: str, what: risk_pb.RiskContent) -> str:
    """The effect of another risk profile."""
    latest = await risk(desk).GetRiskProfile(
        risk_pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/latest")
    )
    saved = await risk(desk).SaveRiskProfile(
        saving(program, what, etag=latest.etag, reason="counted")
    )
    return saved.effect


def people(case: gate_pb2.GateCase) -> list[str]:
    return [one.person for one in case.holders]


def date(stamp: Any) -> datetime:
    instant: datetime = stamp.ToDatetime(UTC)
    return instant


async def test_each_step_is_taken_once_and_from_overdue_on_one_more_is_asked(
    swept: Swept, database_url: str
) -> None:
    case, whole = await resting(swept.desk)
    review_at = date(whole.review_at)
    before = await at(swept, case, review_at - timedelta(seconds=1))
    assert (people(before), before.HasField("waiting_since")) == ([], False)
    case = await at(swept, case, review_at)
    assert people(case) == REVIEWERS
    assert date(case.waiting_since) == review_at
    table = case.timetable
    assert (table.next_step, table.next_at) == (gate_pb2.STEP_NUDGE, table.nudge_at)
    assert await inbox(swept.desk, REVIEWER) == [case.name]
    for date_, holders in (
        (table.nudge_at, REVIEWERS),
        (table.warn_at, REVIEWERS),
        (table.overdue_at, [*REVIEWERS, IVAN]),
        (table.second_at, [*REVIEWERS, IVAN, "people/ada"]),
    ):
        case = await at(swept, case, date(date_))
        assert (case.state, sorted(people(case))) == (
            gate_pb2.CASE_STATE_STANDING,
            sorted(holders),
        )
    steps = [gate_pb2.Step.Name(one.step).removeprefix("STEP_") for one in case.escalations]
    assert steps == ["NUDGE", "WARN", "OVERDUE", "SECOND"]
    assert case.timetable.next_step == gate_pb2.STEP_REPEAT
    case = await at(swept, case, date(case.timetable.next_at))
    assert people(case)[-1] == GOVERNANCE[0]
    kinds = rows(database_url, "SELECT kind FROM event WHERE kind LIKE 'knight.re_review%'")
    assert sorted(kind for (kind,) in kinds) == [
        "knight.re_review_due",
        *["knight.re_review_escalated"] * 5,
    ]


async def test_an_acceptance_anew_ends_it_although_the_knighting_ends_on_the_same_day(
    swept: Swept,
) -> None:
    desk = swept.desk
    case = await asked(swept, timedelta(days=91))
    until, nudge_at = case.standing_until, date(case.timetable.nudge_at)
    anew = await accepted(desk, case.program, desk.clock.now() + timedelta(days=100))
    after = await read(desk, case)
    assert (after.standing_until, people(after)) == (until, [])
    assert after.reason.startswith(f"rests on {anew.name}, accepted by people/finn")
    assert not after.HasField("waiting_since")
    assert await inbox(desk, REVIEWER) == []
    assert (await at(swept, case, nudge_at)).version == after.version


async def test_a_profile_that_is_inside_ends_it_and_one_that_is_only_better_does_not(
    swept: Swept,
) -> None:
    case = await asked(swept)
    assert await improved(swept.desk, case.program, content(scenario(0.4))) == "RECONFIRMED"
    still = await at(swept, case, date(case.timetable.nudge_at))
    assert (people(still), still.timetable.next_step) == (REVIEWERS, gate_pb2.STEP_WARN)
    assert await improved(swept.desk, case.program, RARE) == "RECONFIRMED"
    after = await at(swept, case, date(case.timetable.overdue_at))
    assert (people(after), len(after.escalations)) == ([], 1)
    assert "inside the appetite" in after.reason


@ON_SQLITE
async def test_what_becomes_worse_again_within_the_acceptance_is_asked_about_again(
    swept: Swept,
) -> None:
    case = await asked(swept)
    await improved(swept.desk, case.program, RARE)
    assert people(await at(swept, case, date(case.timetable.nudge_at))) == []
    assert await improved(swept.desk, case.program, content()) == "RECONFIRMED"
    assert people(await at(swept, case, swept.desk.clock.now())) == REVIEWERS


@ON_SQLITE
async def test_an_exception_of_a_duty_moves_the_end_and_the_review_goes_on(swept: Swept) -> None:
    desk = swept.desk
    case = await asked(swept)
    soon = desk.clock.now() + timedelta(days=5)
    word = recording(case.program, state=duty_pb.DUTY_STATE_EXCEPTION, reason="it is under way")
    word.until.FromDatetime(soon)
    await duties(desk).RecordDuty(word)
    after = await at(swept, case, date(case.timetable.nudge_at))
    assert (date(after.standing_until), people(after)) == (soon, REVIEWERS)


async def test_what_is_taken_back_or_expires_waits_for_nobody(
    swept: Swept, database_url: str
) -> None:
    desk = swept.desk
    case = await asked(swept)
    desk.clock.set(date(case.standing_until))
    assert await inbox(desk, REVIEWER) == []
    expired = await at(swept, case, desk.clock.now() + timedelta(days=30))
    assert (expired.state, len(expired.escalations)) == (gate_pb2.CASE_STATE_EXPIRED, 0)
    again = await desk.opened(
        revision(program=case.program, number=2, exposure_bps=10_000, controls=())
    )
    assert await inbox(desk, REVIEWER) == [again.name]
    held_cases = rows(database_url, "SELECT DISTINCT case_name FROM gate_case_holder")
    assert held_cases == [(again.name,)]

    other, whole = await resting(desk, "programs/other")
    held = await at(swept, other, date(whole.review_at))
    voiding = case_pb.VoidCaseRequest(
        request_id=new_request_id(), name=held.name, etag=held.etag, reason="not so"
    )
    await CaseServiceStub(desk.service.channel(REVIEWER, "reviewer")).VoidCase(voiding)
    void = await at(swept, other, date(held.timetable.second_at))
    assert (people(void), len(void.escalations)) == ([], 0)


async def test_it_is_never_in_the_hands_of_who_left(swept: Swept) -> None:
    desk = swept.desk
    case, whole = await resting(desk)
    for person in REVIEWERS:
        desk.directory.publish(person, able=False)
    await heard(desk)
    case = await at(swept, case, date(whole.review_at))
    assert (people(case), case.no_eligible_holder) == ([IVAN], False)
    for person in (IVAN, "people/ada"):
        desk.directory.publish(person, able=False)
    case = await eventually(
        partial(read, desk, case), lambda one: sorted(people(one)) == sorted(GOVERNANCE)
    )
    assert case.no_eligible_holder
    assert len((await at(swept, case, date(case.timetable.nudge_at))).escalations) == 1
    desk.directory.publish(REVIEWER)
    case = await eventually(partial(read, desk, case), lambda one: people(one) == [REVIEWER])
    assert not case.no_eligible_holder


async def heard(desk: Desk) -> None:
    """Returns once the service has heard what the directory has published by now."""
    case = await desk.opened(revision(program="programs/listening"))
    await eventually(partial(read, desk, case), lambda one: not set(people(one)) & set(REVIEWERS))


async def test_one_that_fails_rests_for_a_while_and_the_others_are_asked(
    swept: Swept, database_url: str
) -> None:
    desk = swept.desk
    case, whole = await resting(desk)
    other, _ = await resting(desk, "programs/z")
    pin(database_url, case.name, case.charter_digest, "unknown")
    desk.clock.set(date(whole.review_at))
    with capture_logs() as said:
        for _ in range(3):
            await swept.recomputing.tick()
    assert people(await read(desk, other)) == REVIEWERS
    (failed,) = (one for one in said if one["event"] == "re_review.not_looked_at")
    assert (failed["of"], failed["again_at"] > desk.clock.now().isoformat()) == (whole.name, True)
    pin(database_url, case.name, "unknown", case.charter_digest)
    assert people(await at(swept, case, datetime.fromisoformat(failed["again_at"]))) == REVIEWERS


@ON_SQLITE
async def test_a_knighting_that_rests_on_an_acceptance_near_its_end_is_reviewed_at_once(
    swept: Swept,
) -> None:
    desk = swept.desk
    case = await opened(desk, "programs/p")
    whole = await accepted(desk, case.program, desk.clock.now() + TWO_MONTHS)
    waiting = await at(swept, case, date(whole.review_at))
    assert waiting.state == gate_pb2.CASE_STATE_OPEN
    stands = (await desk.review.Knight(knighting(waiting))).gate_case
    assert people(stands) == []
    assert people(await at(swept, case, desk.clock.now())) == REVIEWERS


async def test_it_follows_the_charter_that_the_case_was_opened_under(
    realm: Realm, clock: SettableClock, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with it_side(realm, clock, database_url, **UNSWEPT) as desk:
        case, whole = await resting(desk)
    sign(database_url, B, clock.now())
    async with swept_by_hand(monkeypatch, realm, clock, database_url) as swept:
        case = await at(swept, case, date(whole.review_at))
        assert people(case) == REVIEWERS, "not kai and kira"
        agreed = date(case.timetable.overdue_at) - date(case.timetable.opened_at)
        case = await at(swept, case, date(case.timetable.overdue_at))
        assert (people(case)[-1], agreed < timedelta(days=6)) == (IVAN, True)
