"""The risk of a program in numbers, over a real socket: profiles, assessments, verdicts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.reviews import REVIEWER, Desk, it_side
from tests.support.risks import content, saving
from tests.support.services import Realm, new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Desk]:
    async with it_side(realm, clock, database_url) as opened:
        yield opened


def risk_of(desk: Desk, person: str = REVIEWER, *roles: str) -> RiskServiceStub:
    return RiskServiceStub(desk.service.channel(person, *(roles or ("reviewer",))))


def knighting(case: gate_pb2.GateCase, **changes: Any) -> review_pb.KnightRequest:
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "name": case.name,
        "etag": case.etag,
        "rationale": "inside",
    }
    return review_pb.KnightRequest(**{**values, **changes})


async def test_the_same_numbers_that_refuse_a_knighting_name_the_gap_and_knight_it_once_closed(
    desk: Desk,
) -> None:
    facts = revision(exposure_bps=10_000, controls=())
    risk = risk_of(desk)
    saved = await risk.SaveRiskProfile(saving(facts.program, content()))
    assert saved.version == 1
    case = await desk.opened(facts)
    found = await risk.Assess(pb.AssessRequest(program=facts.program))
    assert found.verdict == pb.RISK_VERDICT_OUTSIDE
    assert found.control_sets[0].controls == ["MFA"]

    problem = await desk.refused(desk.review.Knight(knighting(case)))
    assert problem.reason == "VERDICT_NOT_ALLOWED"
    assert [leg.type for leg in problem.legs] == ["APPETITE", "APPETITE"]

    asked = await desk.review.RequestChanges(
        review_pb.RequestChangesRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, from_assessment=True
        )
    )
    assert "put MFA in place" in asked.gate_case.gaps[0].remedy

    better = replace(
        facts, number=2, controls=("MFA",), gate_digests={**facts.gate_digests, "KNIGHT": "k2"}
    )
    again = await desk.opened(better)
    assert again.name != case.name
    knighted = await desk.review.Knight(knighting(again))
    assert knighted.gate_case.state == gate_pb2.CASE_STATE_STANDING
