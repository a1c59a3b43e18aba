"""Estimates of several people, and scenarios to start from, over a real socket."""

import pytest
from tests.support.facts import revision
from tests.support.reviews import Desk
from tests.support.risks import content, risk_of, saving, scenario
from tests.support.services import new_request_id

from investiture.api.itrisk.v1 import risk_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIA = ("people/pia", "proposer")
NAME = "account takeover"


def often(low: float, mode: float, high: float) -> pb.PartEstimate:
    return pb.PartEstimate(
        part=pb.ESTIMATE_PART_FREQUENCY,
        estimate=pb.Estimate(pert=pb.Pert(min=low, mode=mode, max=high)),
    )


def costing(low: float, high: float) -> pb.PartEstimate:
    return pb.PartEstimate(
        part=pb.ESTIMATE_PART_SECONDARY_LOSS,
        estimate=pb.Estimate(lognormal90=pb.Lognormal90(low=low, high=high)),
    )


def telling(
    program: str, *parts: pb.PartEstimate, scenario: str = NAME
) -> pb.RecordEstimateRequest:
    return pb.RecordEstimateRequest(
        request_id=new_request_id(),
        program=program,
        scenario=scenario,
        parts=parts or (often(0.2, 0.4, 1.0),),
        basis="three years of tickets",
    )


def combining(program: str, etag: str, people: int = 0) -> pb.CombineEstimatesRequest:
    return pb.CombineEstimatesRequest(
        request_id=new_request_id(), program=program, etag=etag, reason="round one", people=people
    )


async def test_others_numbers_are_shown_part_by_part_to_who_has_said_their_own(
    shared_desk: Desk,
) -> None:
    program = "programs/anchors"
    await risk_of(shared_desk, *PIA).SaveRiskProfile(saving(program, content()))
    asked = pb.ListEstimatesRequest(profile=f"{program}/riskProfiles/latest", scenario=NAME)
    ada, ben = (risk_of(shared_desk, f"people/{one}", "reviewer") for one in ("ada", "ben"))
    own = await ada.RecordEstimate(telling(program, often(0.1, 0.3, 1), costing(1e5, 1e6)))
    assert [[one.person for one in part.said] for part in own.parts] == [["people/ada"]] * 2
    for part in (await ben.ListEstimates(asked)).scenarios[0].parts:
        assert (part.hidden, part.people, list(part.said), list(part.spread)) == (True, 1, [], [])
    frequency, loss = (await ben.RecordEstimate(telling(program, often(0.3, 0.5, 2)))).parts
    assert [one.person for one in frequency.said] == ["people/ada", "people/ben"]
    assert [(s.number, s.least, s.median, s.most) for s in frequency.spread] == [
        ("min", 0.1, pytest.approx(0.2), 0.3),
        ("mode", 0.3, 0.4, 0.5),
        ("max", 1.0, 1.5, 2.0),
    ]
    assert loss.hidden
    everything = pb.ListEstimatesRequest(profile=f"{program}/riskProfiles/latest")
    listed = (await ada.ListEstimates(everything)).scenarios[0]
    assert [len(part.said) for part in listed.parts] == [0, 0]


async def test_who_says_numbers_again_replaces_their_own_and_a_repeated_request_does_not(
    shared_desk: Desk,
) -> None:
    program = "programs/again"
    await risk_of(shared_desk, *PIA).SaveRiskProfile(saving(program, content()))
    ada = risk_of(shared_desk, "people/ada", "reviewer")
    request = telling(program)
    first = await ada.RecordEstimate(request)
    assert await ada.RecordEstimate(request) == first
    changed = await ada.RecordEstimate(telling(program, often(0.3, 0.6, 1.0)))
    (said,) = changed.parts[0].said
    assert (said.times, said.estimate.pert.mode) == (2, 0.6)
    trial = telling(program, often(9, 9, 9.5))
    trial.validate_only = True
    await ada.RecordEstimate(trial)
    asked = pb.ListEstimatesRequest(profile=f"{program}/riskProfiles/latest", scenario=NAME)
    assert (await ada.ListEstimates(asked)).scenarios[0] == changed


async def test_medians_of_three_people_become_the_next_version_and_say_who_said_them(
    shared_desk: Desk,
) -> None:
    program = "programs/medians"
    author = risk_of(shared_desk, *PIA)
    saved = await author.SaveRiskProfile(saving(program, content()))
    for person, mode in (("ada", 0.3), ("ben", 0.9), ("cem", 0.4)):
        refused = await shared_desk.refused(author.CombineEstimates(combining(program, saved.etag)))
        assert refused.reason == "WRONG_STATE"
        teller = risk_of(shared_desk, f"people/{person}", "reviewer")
        await teller.RecordEstimate(telling(program, often(0.1, mode, 2.0)))
    stranger = risk_of(shared_desk, "people/bob", "proposer")
    refused = await shared_desk.refused(stranger.CombineEstimates(combining(program, saved.etag)))
    assert refused.reason == "NOT_A_HOLDER"
    request = combining(program, saved.etag)
    after = await author.CombineEstimates(request)
    assert await author.CombineEstimates(request) == after
    assert after.version == 2
    assert after.content.scenarios[0].frequency.events.pert.mode == 0.4
    assert after.content.scenarios[0].primary == saved.content.scenarios[0].primary
    assert "account takeover: frequency (ada, ben, cem)" in after.reason
    old = pb.ListEstimatesRequest(profile=saved.name, scenario=NAME)
    (part,) = (await stranger.ListEstimates(old)).scenarios[0].parts
    assert (part.hidden, len(part.said)) == (False, 3)
    stale = await shared_desk.refused(author.CombineEstimates(combining(program, saved.etag)))
    assert stale.reason in {"STALE_ETAG", "WRONG_STATE"}


async def test_numbers_that_fit_no_part_or_no_other_form_are_refused(shared_desk: Desk) -> None:
    program = "programs/forms"
    plain = scenario()
    plain.ClearField("secondary")
    await risk_of(shared_desk, *PIA).SaveRiskProfile(saving(program, content(plain)))
    ada, ben = (risk_of(shared_desk, f"people/{one}", "reviewer") for one in ("ada", "ben"))
    await ada.RecordEstimate(telling(program))
    constant = pb.PartEstimate(part=pb.ESTIMATE_PART_FREQUENCY, estimate=pb.Estimate(constant=0.5))
    for wrong, field in (
        (telling(program, constant), "parts[0].estimate"),
        (telling(program, often(3, 2, 1)), "parts[0].estimate.pert"),
        (telling(program, costing(1, 2)), "parts[0].estimate"),
        (telling(program, often(1, 2, 3), often(1, 2, 3)), "parts[1].part"),
        (telling(program, scenario="no such"), "scenario"),
    ):
        problem = await shared_desk.refused(ben.RecordEstimate(wrong))
        assert [one.field for one in problem.violations] == [field]


async def test_a_suggestion_follows_from_what_the_program_says_and_can_be_saved_as_it_is(
    shared_desk: Desk,
) -> None:
    program = "programs/suggested"
    risk = risk_of(shared_desk, *PIA)
    asked = pb.SuggestRiskProfileRequest(
        program=program, channels=["community-forum"], vendors=["Acme"], data_classes=["contact"]
    )
    found = await risk.SuggestRiskProfile(asked)
    names = {one.name for one in found.content.scenarios}
    assert {"Account takeover", "A vendor loses our data"} < names
    assert "Payments are abused" not in names
    noted = {note.subject: note for note in found.notes}
    assert set(noted) == names | {one.name for one in found.content.controls}
    assert "channel community-forum" in noted["Account takeover"].because
    assert all(note.source.startswith("assumption, to be replaced") for note in found.notes)
    assert [point.loss for point in found.appetite] == [250_000, 1_000_000, 5_000_000]
    saved = await risk.SaveRiskProfile(saving(program, found.content))
    assert saved.content == found.content
    facts = revision(program="programs/before-it", channels=("forum",), vendors=())
    await shared_desk.opened(facts)
    known = await risk.SuggestRiskProfile(pb.SuggestRiskProfileRequest(program=facts.program))
    assert "Harm by what people write" in {one.name for one in known.content.scenarios}
