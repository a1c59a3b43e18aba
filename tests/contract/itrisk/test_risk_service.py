"""RiskService over a real socket: what it stores, what it refuses, and what stays answered."""

import asyncio
import math
from typing import Any

import grpc
import pytest
from tests.support.facts import revision
from tests.support.reviews import Desk
from tests.support.risks import content, knighting, long_content, risk_of, saving, scenario

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import risk_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIA = ("people/pia", "proposer")
"""The proposer of every revision."""
PATIENCE = 60.0
"""For an answer on a busy machine."""
BOB = ("people/bob", "proposer")
"""A proposer of something else."""


async def test_a_repeated_save_is_answered_as_the_first_and_an_altered_one_is_refused(
    shared_desk: Desk,
) -> None:
    risk = risk_of(shared_desk, *PIA)
    request = saving("programs/repeated", content())
    saved = await risk.SaveRiskProfile(request)
    assert await risk.SaveRiskProfile(request) == saved
    request.content.scenarios[0].name = "another"
    assert (await shared_desk.refused(risk.SaveRiskProfile(request))).reason == "REQUEST_ID_REUSED"
    latest = pb.GetRiskProfileRequest(name="programs/repeated/riskProfiles/latest")
    assert await risk.GetRiskProfile(latest) == saved


async def test_the_next_version_needs_the_etag_of_the_last_and_a_reason(shared_desk: Desk) -> None:
    risk, program = risk_of(shared_desk, *PIA), "programs/versions"
    first = await risk.SaveRiskProfile(saving(program, content()))
    other = content(scenario(0.4))
    refused = await shared_desk.refused(risk.SaveRiskProfile(saving(program, other)))
    assert refused.reason == "STALE_ETAG"
    unsaid = saving(program, other, etag=first.etag)
    assert [v.field for v in (await shared_desk.refused(risk.SaveRiskProfile(unsaid))).violations]
    trial = saving(program, other, etag=first.etag, reason="measured", validate_only=True)
    assert (await risk.SaveRiskProfile(trial)).version == 2
    both = [
        risk.SaveRiskProfile(saving(program, content(scenario(m)), etag=first.etag, reason="r"))
        for m in (0.3, 0.2)
    ]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(one, pb.RiskProfile) for one in outcomes) == 1
    old = await risk.GetRiskProfile(pb.GetRiskProfileRequest(name=first.name))
    assert old == first


async def test_only_who_leads_or_reviews_a_program_saves_its_profile(shared_desk: Desk) -> None:
    program = "programs/led"
    await risk_of(shared_desk, *BOB).SaveRiskProfile(saving(program, content()))
    mine = saving(program, content(scenario(0.4)), reason="mine")
    refused = await shared_desk.refused(risk_of(shared_desk, *PIA).SaveRiskProfile(mine))
    assert refused.reason == "NOT_A_HOLDER"
    await shared_desk.opened(revision(program=program))
    seen = await risk_of(shared_desk).GetRiskProfile(
        pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/latest")
    )
    mine.etag = seen.etag
    assert (await risk_of(shared_desk, *PIA).SaveRiskProfile(mine)).version == 2


async def test_a_stranger_takes_no_knighting_back_by_numbers_of_their_own(
    shared_desk: Desk,
) -> None:
    facts = revision(program="programs/stranger")
    case = await shared_desk.opened(facts)
    await shared_desk.review.Knight(knighting(case))
    bad = saving(facts.program, content(scenario(40.0)))
    refused = await shared_desk.refused(risk_of(shared_desk, *BOB).SaveRiskProfile(bad))
    assert refused.reason == "NOT_A_HOLDER"
    assert (await risk_of(shared_desk, *PIA).SaveRiskProfile(bad)).effect == "VOIDED"


async def test_a_question_has_one_digest_whether_it_comes_from_the_caller_or_the_database(
    shared_desk: Desk,
) -> None:
    large = pb.Estimate(constant=1e16)
    rare = pb.Frequency(events=pb.Estimate(constant=1e-6))
    said = content(scenario(), pb.Scenario(name="the end", frequency=rare, primary=large))
    said.controls[0].severity_reduction = -0.0
    risk, program = risk_of(shared_desk, *PIA), "programs/digests"
    saved = await risk.SaveRiskProfile(saving(program, said))
    given = await risk.WhatIf(pb.WhatIfRequest(program=program, content=said))
    kept = await risk.Assess(pb.AssessRequest(program=program))
    assert given.digest == kept.digest
    again = saving(program, said, etag=saved.etag, reason="the same")
    assert (await risk.SaveRiskProfile(again)).digest == saved.digest


def changed(path: str, **values: Any) -> pb.RiskContent:
    """A content with something wrong in it."""
    said = content()
    found: Any = said
    for step in path.split(".") if path else ():
        found = found[int(step)] if step.isdigit() else getattr(found, step)
    for name, value in values.items():
        if isinstance(value, list):
            del getattr(found, name)[:]
            getattr(found, name).extend(value)
        else:
            setattr(found, name, value)
    return said


WRONG = {
    "content.scenarios[0].primary.pert": changed("scenarios.0.primary.pert", mode=40_000.0),
    "content.scenarios[0].primary.pert.max": changed("scenarios.0.primary.pert", max=math.inf),
    "content.scenarios[0].frequency.pert": changed("scenarios.0.frequency.events.pert", max=0.05),
    "content.scenarios[0].secondary.probability": changed(
        "scenarios.0.secondary", probability=math.nan
    ),
    "content.scenarios[0].secondary.loss.lognormal90": changed(
        "scenarios.0.secondary.loss.lognormal90", low=0.0
    ),
    "content.scenarios[1].name": content(scenario(), scenario()),
    "content.scenarios": pb.RiskContent(),
    "content.controls[0].scenarios[0]": changed("controls.0", scenarios=["nothing"]),
    "content.controls": content(controls=[pb.Control(name=f"c{n}", cost=1) for n in range(13)]),
    "content.value.benefits[0]": content(
        value=pb.ProgramValue(benefits=[math.nan], discount_rate=0.1)
    ),
    "content.value.operating": content(
        value=pb.ProgramValue(benefits=[1, 2], operating=[1], discount_rate=0.1)
    ),
}


@pytest.mark.parametrize("field", WRONG)
async def test_what_cannot_be_meant_is_refused_by_its_field_and_not_stored(
    shared_desk: Desk, field: str
) -> None:
    risk, program = risk_of(shared_desk, *PIA), "programs/wrong"
    for call in (
        risk.SaveRiskProfile(saving(program, WRONG[field])),
        risk.WhatIf(pb.WhatIfRequest(program=program, content=WRONG[field])),
    ):
        problem = await shared_desk.refused(call)
        assert problem.code == "INVALID_ARGUMENT"
        assert [one.field for one in problem.violations] == [field]
    latest = pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/latest")
    assert (await shared_desk.refused(risk.GetRiskProfile(latest))).reason == "RESOURCE_NOT_FOUND"


async def test_a_program_without_a_profile_is_not_found(shared_desk: Desk) -> None:
    risk, program = risk_of(shared_desk), "programs/none"
    for call in (
        risk.Assess(pb.AssessRequest(program=program)),
        risk.WhatIf(pb.WhatIfRequest(program=program)),
        risk.ListEstimates(pb.ListEstimatesRequest(profile=f"{program}/riskProfiles/latest")),
        risk.GetRiskProfile(pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/7")),
        risk.SuggestRiskProfile(pb.SuggestRiskProfileRequest(program=program)),
    ):
        assert (await shared_desk.refused(call)).code == "NOT_FOUND"


async def test_a_what_if_answers_with_other_controls_exposure_and_appetite_and_stores_nothing(
    shared_desk: Desk,
) -> None:
    risk, program = risk_of(shared_desk, *PIA), "programs/whatif"
    saved = await risk.SaveRiskProfile(saving(program, content()))
    plain = await risk.Assess(pb.AssessRequest(program=program, at=[123_456]))
    assert plain.verdict == pb.RISK_VERDICT_OUTSIDE
    assert [one.loss for one in plain.exceedance] == [123_456, 250_000, 1_000_000, 5_000_000]
    assert "EUR" in plain.sentence
    assert all(one.lower <= one.upper for one in plain.exceedance)
    with_mfa = await risk.WhatIf(pb.WhatIfRequest(program=program, controls=["MFA"]))
    assert (with_mfa.verdict, list(with_mfa.controls_in_place)) == (pb.RISK_VERDICT_INSIDE, ["MFA"])
    smaller = await risk.WhatIf(pb.WhatIfRequest(program=program, exposure_bps=1_000))
    assert (smaller.verdict, smaller.exposure) == (pb.RISK_VERDICT_INSIDE, 0.1)
    generous = pb.AppetitePoint(loss=1_000_000, probability=0.5)
    other = await risk.WhatIf(pb.WhatIfRequest(program=program, appetite=[generous]))
    assert (other.verdict, other.appetite_version) == (pb.RISK_VERDICT_INSIDE, 0)
    unknown = pb.WhatIfRequest(program=program, controls=["hope"])
    assert (await shared_desk.refused(risk.WhatIf(unknown))).legs[0].type == "CONTROLS"
    rising = [generous, pb.AppetitePoint(loss=2_000_000, probability=0.6)]
    refused = await shared_desk.refused(
        risk.WhatIf(pb.WhatIfRequest(program=program, appetite=rising))
    )
    assert [one.field for one in refused.violations] == ["appetite[1][1]"]
    latest = pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/latest")
    assert await risk.GetRiskProfile(latest) == saved


async def test_other_calls_are_answered_while_an_assessment_is_pending_and_who_goes_frees_it(
    shared_desk: Desk,
) -> None:
    risk, program = risk_of(shared_desk, *PIA), "programs/pending"
    saved = await risk.SaveRiskProfile(saving(program, content()))
    pending = risk.WhatIf(pb.WhatIfRequest(program=program, content=long_content()))
    latest = pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/latest")
    for _ in range(50):
        assert await risk.GetRiskProfile(latest) == saved
    assert not pending.done()
    pending.cancel()
    again = await risk.Assess(pb.AssessRequest(program=program), timeout=PATIENCE)
    assert again.mean > 0


async def test_a_deadline_ends_the_computation_and_frees_the_next(shared_desk: Desk) -> None:
    risk, program = risk_of(shared_desk, *PIA), "programs/deadline"
    await risk.SaveRiskProfile(saving(program, content(scenario(0.45))))
    slow = pb.WhatIfRequest(program=program, content=long_content(name="late"))
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await risk.WhatIf(slow, timeout=1.0)
    assert error.value.code() in {
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNAVAILABLE,
    }
    again = await risk.Assess(pb.AssessRequest(program=program), timeout=PATIENCE)
    assert again.mean > 0


async def test_the_largest_profile_is_stored_and_read_within_a_message(shared_desk: Desk) -> None:
    risk, program = risk_of(shared_desk, *PIA), "programs/large"
    said = long_content(name="s" * 70)
    await risk.SaveRiskProfile(saving(program, said))
    latest = pb.GetRiskProfileRequest(name=f"{program}/riskProfiles/latest")
    kept = (await risk.GetRiskProfile(latest)).content
    assert [one.name for one in kept.scenarios] == [one.name for one in said.scenarios]
    assert list(kept.controls) == list(said.controls)


async def test_the_portfolio_sums_what_is_knighted_and_names_who_has_no_numbers(
    shared_desk: Desk,
) -> None:
    for program, said in (("programs/p-one", content()), ("programs/p-two", None)):
        facts = revision(program=program, exposure_bps=2_000, vendors=())
        if said is not None:
            await risk_of(shared_desk, *PIA).SaveRiskProfile(saving(program, said))
        case = await shared_desk.opened(facts)
        standing = await shared_desk.review.Knight(knighting(case))
        assert standing.gate_case.state == gate_pb2.CASE_STATE_STANDING
    asked = pb.AssessPortfolioRequest(probability=0.99)
    found = await risk_of(shared_desk, "people/gus", "governance").AssessPortfolio(asked)
    assert "programs/p-one" in [one.program for one in found.contributions]
    assert "programs/p-two" in found.without_profile
    assert found.programs == len(found.contributions)
    tails = sum(one.tail for one in found.contributions)
    assert tails == pytest.approx(found.expected_shortfall, rel=0.02)
    for wrong in (math.nan, 1.0, -0.1):
        refused = await shared_desk.refused(
            risk_of(shared_desk).AssessPortfolio(pb.AssessPortfolioRequest(probability=wrong))
        )
        assert refused.code == "INVALID_ARGUMENT"


async def test_a_better_profile_reconfirms_a_knighting_and_a_worse_one_takes_it_back(
    shared_desk: Desk,
) -> None:
    facts = revision(program="programs/living", controls=("MFA",))
    risk = risk_of(shared_desk, *PIA)
    first = await risk.SaveRiskProfile(saving(facts.program, content()))
    case = await shared_desk.opened(facts)
    await shared_desk.review.Knight(knighting(case))
    better = saving(facts.program, content(scenario(0.4)), etag=first.etag, reason="measured")
    second = await risk.SaveRiskProfile(better)
    assert second.effect == "RECONFIRMED"
    worse = saving(facts.program, content(scenario(1.9)), etag=second.etag, reason="an incident")
    assert (await risk.SaveRiskProfile(worse)).effect == "VOIDED"
    assert (await risk.SaveRiskProfile(worse)).effect == "VOIDED"
