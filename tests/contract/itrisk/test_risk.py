"""The risk of a program in numbers, over a real socket: profiles, assessments, verdicts."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.support.clock import SettableClock
from tests.support.facts import revision
from tests.support.reviews import Desk, it_side
from tests.support.risks import content, knighting, risk_of, saving, scenario
from tests.support.services import Realm, new_request_id

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.api.itrisk.v1 import risk_service_pb2 as pb


@pytest.fixture
async def desk(realm: Realm, clock: SettableClock, database_url: str) -> AsyncIterator[Desk]:
    async with it_side(realm, clock, database_url) as opened:
        yield opened


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


async def knighted(desk: Desk) -> review_pb.RiskReview:
    """A program with MFA in place, which brings scenario X inside: IT has knighted it."""
    facts = revision(exposure_bps=10_000, controls=("MFA",))
    await risk_of(desk).SaveRiskProfile(saving(facts.program, content()))
    case = await desk.opened(facts)
    review: review_pb.RiskReview = await desk.review.Knight(knighting(case))
    assert review.gate_case.state == gate_pb2.CASE_STATE_STANDING
    return review


async def saved_again(desk: Desk, program: str, mode: float) -> pb.RiskProfile:
    """Scenario X with another most likely frequency; with less of it nothing else changes."""
    risk = risk_of(desk)
    latest = await risk.GetRiskProfile(
        pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/latest")
    )
    what = content(scenario(mode))
    proposer = risk_of(desk, "people/pia", "proposer")
    saved: pb.RiskProfile = await proposer.SaveRiskProfile(
        saving(program, what, etag=latest.etag, reason="counted anew")
    )
    return saved


async def test_an_estimate_made_better_reconfirms_the_knighting_and_one_made_worse_voids_it(
    desk: Desk,
) -> None:
    stands = (await knighted(desk)).gate_case
    better = await saved_again(desk, stands.program, 0.3)
    assert better.effect == "RECONFIRMED"
    present = await desk.review.GetReview(review_pb.GetReviewRequest(name=stands.name))
    assert present.gate_case.state == gate_pb2.CASE_STATE_STANDING
    assert present.gate_case.version == stands.version

    worse = await saved_again(desk, stands.program, 1.9)
    assert worse.effect == "VOIDED"
    voided = (await desk.review.GetReview(review_pb.GetReviewRequest(name=stands.name))).gate_case
    assert voided.state == gate_pb2.CASE_STATE_VOIDED
    assert "the chance of more than 250,000 a year rose" in voided.reason


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_program_rated_high_at_the_door_is_reviewed_deeply_whatever_its_facts(
    desk: Desk,
) -> None:
    risk = risk_of(desk)
    grave = pb.TriageRating(
        nist=pb.NistRating(likelihood=pb.NIST_LEVEL_HIGH, impact=pb.NIST_LEVEL_HIGH)
    )
    controls = ("MFA",)
    for program, rating, state in (
        ("programs/plain", None, gate_pb2.CASE_STATE_STANDING),
        ("programs/grave", grave, gate_pb2.CASE_STATE_OPEN),
    ):
        said = await risk.SaveRiskProfile(saving(program, content(rating=rating)))
        assert said.content.HasField("rating") == (rating is not None)
        case = await desk.opened(revision(program=program, exposure_bps=1_000, controls=controls))
        knighted = await desk.review.Knight(knighting(case))
        assert knighted.gate_case.state == state, program


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_knighting_is_held_against_what_it_was_decided_on_not_the_last_small_step(
    desk: Desk,
) -> None:
    stands = (await knighted(desk)).gate_case
    for mode in (0.3, 0.5):  # better, and back to where it was decided
        assert (await saved_again(desk, stands.program, mode)).effect == "RECONFIRMED"
    steps = [
        (await saved_again(desk, stands.program, 0.5 + 0.001 * number)).effect
        for number in range(1, 5)
    ]
    assert steps[0] == "RECONFIRMED", "a step is smaller than the bracket"
    assert "VOIDED" in steps
