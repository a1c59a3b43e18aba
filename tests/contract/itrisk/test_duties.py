"""What no value offsets: duties beside the numbers, and evidence for an estimate made smaller."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.reviews import Desk, it_side
from tests.support.risks import content, saving, scenario
from tests.support.services import Realm, new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import duty_service_pb2 as pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.api.itrisk.v1.duty_service_pb2_grpc import DutyServiceStub
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub

COUNSEL = "people/lena"
"""Head of legal, whose scope has contracts, privacy and law."""


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Desk]:
    async with it_side(realm, clock, database_url) as opened:
        yield opened


def recording(program: str, **changes: Any) -> pb.RecordDutyRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "program": program,
        "kind": pb.DUTY_KIND_PRIVACY,
        "unit": "units/legal",
        "state": pb.DUTY_STATE_FAIL,
        "reason": "no consent",
    }
    return pb.RecordDutyRequest(**{**values, **changes})


def duties(desk: Desk, person: str = COUNSEL) -> DutyServiceStub:
    return DutyServiceStub(desk.service.channel(person, "endorser"))


def date(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def knighting(case: gate_pb2.GateCase) -> review_pb.KnightRequest:
    return review_pb.KnightRequest(request_id=new_request_id(), name=case.name, etag=case.etag)


async def test_a_duty_that_fails_bars_a_knighting_and_takes_it_back_and_an_exception_limits_it(
    desk: Desk, clock: SettableClock
) -> None:
    case = await desk.opened()
    failed = await duties(desk).RecordDuty(recording(case.program))
    problem = await desk.refused(desk.review.Knight(knighting(case)))
    assert problem.reason == "VERDICT_NOT_ALLOWED"
    assert [leg.type for leg in problem.legs] == ["DUTY"]

    until = clock.now() + timedelta(days=20)
    exception = {"state": pb.DUTY_STATE_EXCEPTION, "until": date(until)}
    excepted = await duties(desk).RecordDuty(recording(case.program, etag=failed.name, **exception))
    stands = (await desk.review.Knight(knighting(case))).gate_case
    assert stands.standing_until.ToDatetime(UTC) == until

    passed = await duties(desk).RecordDuty(
        recording(case.program, etag=excepted.name, state=pb.DUTY_STATE_PASS)
    )
    latest = review_pb.GetReviewRequest(name=case.name)
    stands = (await desk.review.GetReview(latest)).gate_case
    assert stands.standing_until.ToDatetime(UTC) == clock.now() + timedelta(days=90)

    await duties(desk).RecordDuty(recording(case.program, etag=passed.name))
    voided = (await desk.review.GetReview(latest)).gate_case
    assert voided.state == gate_pb2.CASE_STATE_VOIDED
    assert "privacy duty fails, says units/legal: no consent" in voided.reason


async def test_a_duty_is_its_owners_word_alone(desk: Desk, clock: SettableClock) -> None:
    case = await desk.opened()

    async def refused(person: str = COUNSEL, **changes: Any) -> str:
        asked = recording(**{"program": case.program, **changes})
        call = duties(desk, person).RecordDuty(asked)
        return (await desk.refused(call)).reason

    assert await refused("people/mira") == "NOT_A_HOLDER"
    assert await refused(unit="units/marketing") == "INVALID_FIELD", "not in its scope"
    assert await refused(reason="") == "INVALID_FIELD"
    assert await refused(state=pb.DUTY_STATE_EXCEPTION) == "INVALID_FIELD", "without an end"
    assert await refused(until=date(clock.now() + timedelta(days=1))) == "INVALID_FIELD"
    assert await refused(etag="programs/community/duties/9") == "STALE_ETAG"
    assert await refused(program="programs/unknown") == "RESOURCE_NOT_FOUND"
    assert await refused("people/sam", unit="units/support") == "SIDES_NOT_SEPARATE"


async def test_a_reviewer_lowers_an_estimate_only_with_evidence(desk: Desk) -> None:
    program = (await desk.opened(revision(exposure_bps=1_000))).program
    reviewer = RiskServiceStub(desk.service.channel("people/ines", "reviewer"))
    first = await reviewer.SaveRiskProfile(saving(program, content()))
    lower = content(scenario(0.2))
    again: dict[str, Any] = {"etag": first.etag, "reason": "it seems rarer"}
    problem = await desk.refused(reviewer.SaveRiskProfile(saving(program, lower, **again)))
    assert problem.reason == "INVALID_FIELD"
    (violation,) = problem.violations
    assert violation.field == "evidence"
    assert "account takeover: events a year from 0.6833 to 0.4833" in violation.description

    shown = risk_pb.RiskEvidence(url="https://halden.example/incidents", sha256="ab" * 32)
    second = await reviewer.SaveRiskProfile(saving(program, lower, evidence=[shown], **again))
    assert list(second.evidence) == [shown]
    higher = {"etag": second.etag, "reason": "more of them"}
    third = await reviewer.SaveRiskProfile(saving(program, content(), **higher))
    proposer = RiskServiceStub(desk.service.channel("people/pia", "proposer"))
    own = {"etag": third.etag, "reason": "counted"}
    assert (await proposer.SaveRiskProfile(saving(program, lower, **own))).version == 4
