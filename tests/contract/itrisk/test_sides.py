"""Who knights has no part in what is asked: other sides that came since, interests, the line."""

from typing import Any

import pytest
from tests.contract.itrisk.test_review import desk
from tests.support.facts import revision
from tests.support.reviews import GAP, REVIEWER, Desk
from tests.support.services import new_request_id

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.casework.words import Gate

__all__ = ["desk"]


def act(case: gate_pb2.GateCase, **said: Any) -> dict[str, Any]:
    return {"request_id": new_request_id(), "name": case.name, "etag": case.etag, **said}


async def reopened(desk: Desk, facts: Any, *pledgers: str) -> gate_pb2.GateCase:
    """The gate asked again, with a pledge of these people."""
    everybody = (*facts.business_people, *pledgers)
    warrants = [
        desk.realm.warrant(Gate.PLEDGE, facts, *pledgers, business_people=everybody),
        desk.realm.warrant(Gate.FUND, facts, "people/fiona"),
    ]
    reading: case_pb.CaseReading = await desk.cases.OpenCase(desk.opening(facts, warrants=warrants))
    return reading.gate_case


async def test_who_pledges_while_it_is_asked_does_not_knight_any_more(desk: Desk) -> None:
    facts = revision()
    case = await desk.opened(facts)
    again = await reopened(desk, facts, REVIEWER)
    assert again.name == case.name
    problem = await desk.refused(desk.review.Knight(pb.KnightRequest(**act(again))))
    assert problem.reason == "SIDES_NOT_SEPARATE"


async def test_who_is_named_sponsor_by_a_revision_that_keeps_the_review_does_not_knight(
    desk: Desk,
) -> None:
    await desk.opened(revision())
    again = await reopened(desk, revision(2, sponsor=REVIEWER))
    problem = await desk.refused(desk.review.Knight(pb.KnightRequest(**act(again))))
    assert problem.reason == "SIDES_NOT_SEPARATE"


async def test_a_knighting_is_not_carried_to_a_revision_that_its_knight_sponsors(
    desk: Desk,
) -> None:
    case = await desk.opened(revision())
    await desk.review.Knight(pb.KnightRequest(**act(case)))
    problem = await desk.refused(reopened(desk, revision(2, sponsor=REVIEWER)))
    assert problem.reason == "SIDES_NOT_SEPARATE"
    assert [leg.subject for leg in problem.legs] == [REVIEWER]


async def test_a_first_reviewer_who_pledged_since_leaves_the_review_without_a_yes(
    desk: Desk,
) -> None:
    facts = revision(data_classes=("payment",))
    case = await desk.opened(facts)
    await desk.review.Knight(pb.KnightRequest(**act(case)))
    again = await reopened(desk, facts, REVIEWER)
    second = pb.KnightRequest(**act(again))
    kira = type(desk.review)(desk.service.channel("people/kira", "reviewer"))
    problem = await desk.refused(kira.Knight(second))
    assert problem.reason == "SIDES_NOT_SEPARATE"


@pytest.mark.parametrize(
    "conflict",
    [
        {"interest": "programs/community"},
        {"interest": "vendors/ACME"},
        {"interest": "units/support"},
        {"reports_to": "people/sam"},
        {"reports_to": "people/pia"},
    ],
)
async def test_who_has_a_conflict_of_interest_gives_no_verdict_at_all(
    desk: Desk, conflict: dict[str, str]
) -> None:
    case = await desk.opened(revision(vendors=("Acme",)))
    desk.directory.say(REVIEWER, **conflict)  # type: ignore[arg-type]  # by its keywords
    for rehearsing in (False, True):
        said = act(case, validate_only=rehearsing)
        for call in (
            desk.review.Knight(pb.KnightRequest(**said)),
            desk.review.RequestChanges(pb.RequestChangesRequest(**said, gaps=[GAP])),
            desk.review.Decline(
                pb.DeclineRequest(**said, gaps=[GAP], price="p", no_exposure_fits=True)
            ),
        ):
            problem = await desk.refused(call)
            assert problem.reason == "CONFLICT_OF_INTEREST"
            assert [leg.type for leg in problem.legs] == ["CONFLICT_OF_INTEREST"]


async def test_an_interest_elsewhere_and_another_manager_bar_nothing(desk: Desk) -> None:
    case = await desk.opened(revision(vendors=("Acme",)))
    desk.directory.say(REVIEWER, interest="vendors/Acme II", reports_to="people/ivan")
    review: pb.RiskReview = await desk.review.Knight(pb.KnightRequest(**act(case)))
    assert review.gate_case.state == gate_pb2.CASE_STATE_STANDING
