"""Risk above the appetite: who accepts it, for how long, and what it covers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.support.clock import SettableClock
from tests.support.eventually import eventually
from tests.support.facts import revision
from tests.support.reviews import REVIEWER, Desk, it_side
from tests.support.risks import content, saving, scenario
from tests.support.services import Realm, new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import acceptance_service_pb2 as pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as risk_pb
from investiture.api.itrisk.v1.acceptance_service_pb2_grpc import AcceptanceServiceStub
from investiture.api.itrisk.v1.risk_service_pb2_grpc import RiskServiceStub

CONTROLLER, COMMITTEE = "people/finn", ("people/fay", "people/ada")
"""Level 1, and two of the three of level 2, of the tier from 250,000 EUR on."""
MONTHS = timedelta(days=60)


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Desk]:
    async with it_side(realm, clock, database_url) as opened:
        yield opened


def risk(desk: Desk) -> RiskServiceStub:
    return RiskServiceStub(desk.service.channel("people/pia", "proposer"))


async def outside(desk: Desk) -> gate_pb2.GateCase:
    """A review of scenario X for the whole audience, without a control in place."""
    facts = revision(exposure_bps=10_000, controls=())
    await risk(desk).SaveRiskProfile(saving(facts.program, content()))
    return await desk.opened(facts)


async def asking(desk: Desk, program: str, until: datetime, **changes: Any) -> pb.AcceptRiskRequest:
    """What somebody asks who saw the assessment as it is now."""
    seen = await risk(desk).Assess(risk_pb.AssessRequest(program=program))
    date = Timestamp()
    date.FromDatetime(until)
    values: dict[str, Any] = {
        "request_id": new_request_id(),
        "program": program,
        "assessment_digest": seen.digest,
        "reason": "the market does not wait",
        "until": date,
    }
    return pb.AcceptRiskRequest(**{**values, **changes})


async def accepted(desk: Desk, program: str, until: datetime, *people: str) -> pb.RiskAcceptance:
    answer = pb.RiskAcceptance()
    for person in people or (CONTROLLER, *COMMITTEE):
        request = await asking(desk, program, until)
        answer = await accepting(desk, person).AcceptRisk(request)
    return answer


def accepting(desk: Desk, person: str) -> AcceptanceServiceStub:
    return AcceptanceServiceStub(desk.service.channel(person, "finance"))


def knighting(case: gate_pb2.GateCase) -> review_pb.KnightRequest:
    return review_pb.KnightRequest(
        request_id=new_request_id(), name=case.name, etag=case.etag, rationale="worth it"
    )


async def review_of(desk: Desk, name: str) -> review_pb.RiskReview:
    found: review_pb.RiskReview = await desk.review.GetReview(review_pb.GetReviewRequest(name=name))
    return found


async def test_a_risk_that_every_level_accepts_is_knighted_until_the_acceptance_ends(
    desk: Desk, clock: SettableClock
) -> None:
    case = await outside(desk)
    until = clock.now() + MONTHS
    pending = await accepted(desk, case.program, until, CONTROLLER, COMMITTEE[0])
    assert pending.state == pb.ACCEPTANCE_STATE_PENDING
    assert pending.at_stake.units > 1_000_000, "the worst 5 % of years cost more than any point"
    assert pending.lacking == ["level 2, investment-committee: 1 of people/ada, people/otto"]
    problem = await desk.refused(desk.review.Knight(knighting(case)))
    assert problem.reason == "VERDICT_NOT_ALLOWED"

    whole = await accepted(desk, case.program, until, COMMITTEE[1])
    assert (whole.name, whole.state) == (pending.name, pb.ACCEPTANCE_STATE_ACCEPTED)
    stands = (await desk.review.Knight(knighting(case))).gate_case
    assert stands.state == gate_pb2.CASE_STATE_STANDING
    assert stands.standing_until.ToDatetime(UTC) == until, "not the 90 days of a knighting"
    assert f"rests on {whole.name}, accepted by people/finn" in stands.reason

    facts = revision(2, exposure_bps=10_000, controls=(), amount_minor=1)
    asked = desk.cases.OpenCase(desk.opening(facts, money=COMMITTEE[0]))
    assert (await desk.refused(asked)).reason == "SIDES_NOT_SEPARATE", "who accepted funds it now"

    review_at = whole.review_at.ToDatetime(UTC)
    assert review_at == until - timedelta(days=30)
    clock.set(review_at)

    await eventually(
        lambda: review_of(desk, case.name),
        lambda found: REVIEWER in {holder.person for holder in found.gate_case.holders},
    )
    inbox = await CaseServiceStub(desk.service.channel(REVIEWER, "reviewer")).ListPendingDecisions(
        case_pb.ListPendingDecisionsRequest()
    )
    (waiting,) = inbox.cases
    assert (waiting.name, waiting.waiting_since.ToDatetime(UTC)) == (case.name, review_at)
    assert waiting.timetable.next_step == gate_pb2.STEP_NUDGE
    overdue_at = waiting.timetable.overdue_at.ToDatetime(UTC)
    clock.set(overdue_at)
    late = await eventually(
        lambda: review_of(desk, case.name),
        lambda found: "people/ivan" in {holder.person for holder in found.gate_case.holders},
    )
    steps = [(one.step, one.due_at.ToDatetime(UTC)) for one in late.gate_case.escalations]
    assert [step for step, _ in steps] == [
        gate_pb2.STEP_NUDGE,
        gate_pb2.STEP_WARN,
        gate_pb2.STEP_OVERDUE,
    ]
    assert steps[-1][1] == overdue_at, "late, and by its own date"
    clock.set(until)
    ended = (await review_of(desk, case.name)).gate_case
    assert ended.state == gate_pb2.CASE_STATE_EXPIRED


async def test_an_acceptance_is_refused_to_whom_it_does_not_belong(
    desk: Desk, clock: SettableClock
) -> None:
    case = await outside(desk)
    until = clock.now() + MONTHS

    async def refused(person: str, **changes: Any) -> str:
        request = await asking(desk, case.program, **{"until": until, **changes})
        return (await desk.refused(accepting(desk, person).AcceptRisk(request))).reason

    assert await refused(COMMITTEE[0]) == "AUTHORITY_INSUFFICIENT", "level 1 comes first"
    assert await refused("people/fiona") == "SIDES_NOT_SEPARATE", "she funded it"
    assert await refused("people/sam") == "SIDES_NOT_SEPARATE", "he sponsors it"
    assert await refused(CONTROLLER, until=clock.now()) == "INVALID_FIELD"
    assert await refused(CONTROLLER, until=clock.now() + timedelta(days=366)) == "INVALID_FIELD"
    assert await refused(CONTROLLER, assessment_digest="0" * 64) == "STALE_ETAG"
    await accepted(desk, case.program, until, CONTROLLER)
    assert await refused(CONTROLLER) == "WRONG_STATE", "one person is one voice"
    await accepted(desk, case.program, until, *COMMITTEE)
    found = await accepting(desk, "people/ada").ListRiskAcceptances(
        pb.ListRiskAcceptancesRequest(program=case.program)
    )
    assert [len(one.voices) for one in found.acceptances] == [3]


@pytest.mark.parametrize(("mode", "covered"), [(0.4, True), (1.9, False)])
async def test_an_acceptance_covers_what_is_better_and_nothing_that_is_worse(
    desk: Desk, clock: SettableClock, mode: float, covered: bool
) -> None:
    case = await outside(desk)
    await accepted(desk, case.program, clock.now() + MONTHS)
    latest = await risk(desk).GetRiskProfile(
        risk_pb.GetRiskProfileRequest(name=f"{case.program}/riskProfiles/latest")
    )
    await risk(desk).SaveRiskProfile(
        saving(case.program, content(scenario(mode)), etag=latest.etag, reason="counted")
    )
    if covered:
        stands = await desk.review.Knight(knighting(case))
        assert stands.gate_case.state == gate_pb2.CASE_STATE_STANDING
    else:
        problem = await desk.refused(desk.review.Knight(knighting(case)))
        assert problem.reason == "VERDICT_NOT_ALLOWED"
