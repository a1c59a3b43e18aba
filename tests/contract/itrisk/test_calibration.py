"""What reviewers said would happen, and what did: their own to read, everybody's together."""

import pytest
from google.type.money_pb2 import Money
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.reviews import REVIEWER, Desk, it_side
from tests.support.risks import content, saving
from tests.support.services import Realm, new_request_id

from investiture.api.itrisk.v1 import calibration_service_pb2 as pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.api.itrisk.v1.calibration_service_pb2_grpc import CalibrationServiceStub
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub


async def test_a_stated_probability_is_scored_by_what_happened_and_shown_to_its_owner_alone(
    realm: Realm, clock: SettableClock, database_url: str
) -> None:
    async with it_side(realm, clock, database_url) as desk:
        facts = revision(exposure_bps=10_000, controls=("MFA",))
        case = await desk.opened(facts)
        knighting = review_pb.KnightRequest(
            request_id=new_request_id(), name=case.name, etag=case.etag, stated_probability=0.2
        )
        problem = await desk.refused(desk.review.Knight(knighting))
        assert problem.violations[0].field == "stated_probability", "there are no numbers yet"
        proposer = RiskServiceStub(desk.service.channel("people/pia", "proposer"))
        await proposer.SaveRiskProfile(saving(facts.program, content()))
        await desk.review.Knight(knighting)

        outcome = pb.RecordOutcomeRequest(
            request_id=new_request_id(),
            program=facts.program,
            loss=Money(currency_code="EUR", units=300_000),
            evidence=risk_pb.RiskEvidence(url="https://halden.example/y", sha256="0" * 64),
        )
        problem = await desk.refused(scores(desk, REVIEWER, "finance").RecordOutcome(outcome))
        assert problem.reason == "NOT_A_HOLDER", "she stated a probability of it"
        recorded = await scores(desk, "people/fay", "finance").RecordOutcome(outcome)
        assert recorded.settled == 1
        own = await scores(desk, REVIEWER, "reviewer").GetCalibration(pb.GetCalibrationRequest())
        assert own.own.brier == pytest.approx((0.2 - 1.0) ** 2)
        assert not own.HasField("all"), "it would show one person's own"
        other = await scores(desk, "people/kira", "reviewer").GetCalibration(
            pb.GetCalibrationRequest()
        )
        assert other.own == pb.Score()


def scores(desk: Desk, person: str, role: str) -> CalibrationServiceStub:
    return CalibrationServiceStub(desk.service.channel(person, role))
