"""Emergencies at the knighting: two of IT, no assessment, and a failed duty all the same."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.clock import SettableClock
from tests.support.emergencies import DECLARED, OTTO, SARA, urgent, voiced
from tests.support.reviews import Desk, it_side
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import duty_service_pb2 as duty_pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.api.itrisk.v1.duty_service_pb2_grpc import DutyServiceStub
from investiture.api.itrisk.v1.itrisk_service_pb2_grpc import ItRiskServiceStub
from investiture.casework import wire
from investiture.casework.words import Basis, Gate

OPEN, STANDS = gate_pb2.CASE_STATE_OPEN, gate_pb2.CASE_STATE_STANDING
IT = ("ines", "ralf", "kira")


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Desk]:
    async with it_side(realm, clock, database_url) as opened:
        for name in IT:
            opened.directory.say(f"people/{name}", side="IT")
        yield opened


async def opened(desk: Desk, *money: str) -> gate_pb2.GateCase:
    facts, until = urgent(), desk.clock.now() + timedelta(hours=72)
    given: dict[str, Any] = {"basis": Basis.EMERGENCY, "standing_until": until}
    finance = money or ("people/finn", "people/fiona")
    warrants = [
        desk.realm.warrant(Gate.PLEDGE, facts, SARA, OTTO, emergency=DECLARED, **given),
        desk.realm.warrant(Gate.FUND, facts, *finance, **given),
    ]
    request = desk.opening(facts, warrants=warrants)
    reading: case_pb.CaseReading = await desk.cases.OpenCase(request)
    return reading.gate_case


async def voice(
    desk: Desk, name: str, case: gate_pb2.GateCase, **changes: Any
) -> gate_pb2.GateCase:
    stub = CaseServiceStub(desk.service.channel(f"people/{name}", "reviewer"))
    return await voiced(stub, case, **changes)


async def decided(desk: Desk) -> gate_pb2.GateCase:
    case: gate_pb2.GateCase = await voice(
        desk, "ralf", await voice(desk, "ines", await opened(desk))
    )
    return case


async def now(desk: Desk, case: gate_pb2.GateCase) -> gate_pb2.GateCase:
    asked = pb.GetReviewRequest(name=case.name)
    return (await desk.review.GetReview(asked)).gate_case


async def duty(desk: Desk, state: str, **changes: Any) -> duty_pb.Duty:
    stub = DutyServiceStub(desk.service.channel("people/lena", "endorser"))
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "program": "programs/breach",
        "kind": duty_pb.DUTY_KIND_LEGAL,
        "unit": "units/legal",
        "state": duty_pb.DutyState.Value(f"DUTY_STATE_{state}"),
        "reason": "as counsel says",
        **changes,
    }
    return await stub.RecordDuty(duty_pb.RecordDutyRequest(**values))


async def test_two_of_it_knight_what_is_asked_for_three_days(
    desk: Desk, clock: SettableClock
) -> None:
    one = await voice(desk, "ines", await opened(desk))
    assert one.state == OPEN
    assert (await desk.refused(voice(desk, "ines", one))).legs[0].type == "ONE_VOICE"
    two = await voice(desk, "ralf", one)
    assert (two.state, two.basis, two.verdict) == (
        STANDS,
        gate_pb2.BASIS_EMERGENCY,
        gate_pb2.VERDICT_KNIGHTED,
    )
    assert two.exposure_limit_bps == 5_000
    assert two.standing_until.ToDatetime() - two.decided_at.ToDatetime() == timedelta(hours=72)
    clock.advance(timedelta(hours=72))
    after = await now(desk, two)
    assert (after.state, after.round) == (OPEN, 1)


async def test_it_stands_apart_from_who_pledged_and_funded_in_the_emergency(desk: Desk) -> None:
    case = await opened(desk, "people/ines", "people/fiona")
    assert (await desk.refused(voice(desk, "ines", case))).reason == "SIDES_NOT_SEPARATE"
    desk.directory.say("people/kira", side="IT", reports_to=SARA)
    assert (await desk.refused(voice(desk, "kira", case))).reason == "CONFLICT_OF_INTEREST"
    assert (await desk.refused(voice(desk, "finn", case))).reason == "NOT_A_HOLDER"


async def test_a_duty_that_fails_bars_it_and_takes_it_back(desk: Desk) -> None:
    case = await opened(desk)
    failed = await duty(desk, "FAIL")
    barred = await desk.refused(voice(desk, "ines", case))
    assert barred.reason == "VERDICT_NOT_ALLOWED"
    passed = await duty(desk, "PASS", etag=failed.name)
    two = await voice(desk, "ralf", await voice(desk, "ines", case))
    assert two.state == STANDS
    await duty(desk, "FAIL", etag=passed.name)
    assert (await now(desk, case)).state == gate_pb2.CASE_STATE_VOIDED


async def test_the_exception_of_a_duty_ends_it_sooner(desk: Desk, clock: SettableClock) -> None:
    await opened(desk)
    until = clock.now() + timedelta(hours=5)
    await duty(desk, "EXCEPTION", until=wire.stamp(until))
    case = await decided(desk)
    assert case.standing_until.ToDatetime(tzinfo=until.tzinfo) == until


async def test_the_full_review_takes_its_place(desk: Desk, clock: SettableClock) -> None:
    case = await decided(desk)
    for name in ("ines", "kira"):
        stub = ItRiskServiceStub(desk.service.channel(f"people/{name}", "reviewer"))
        request = pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)
        case = (await stub.Knight(request)).gate_case
        if case.basis == gate_pb2.BASIS_DECISION:
            break
    assert (case.state, case.basis) == (STANDS, gate_pb2.BASIS_DECISION)
    clock.advance(timedelta(hours=73))
    assert (await now(desk, case)).state == STANDS


async def test_changes_that_are_requested_end_it(desk: Desk) -> None:
    case = await decided(desk)
    gap = gate_pb2.Gap(risk="abuse", tolerance="none", excess="some", remedy="moderate")
    request = pb.RequestChangesRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, gaps=[gap]
    )
    asked: pb.RiskReview = await desk.review.RequestChanges(request)
    assert asked.gate_case.state == gate_pb2.CASE_STATE_CHANGES_REQUESTED
    warrant = case_pb.GetWarrantRequest(program=case.program, gate=gate_pb2.GATE_KNIGHT)
    assert (await desk.refused(desk.cases.GetWarrant(warrant))).reason == "WRONG_STATE"
