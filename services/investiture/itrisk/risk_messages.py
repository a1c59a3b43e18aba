"""Answers about risk as messages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.casework import wire
from investiture.itrisk import combining
from investiture.itrisk.assessing import Subject, gaps_of
from investiture.itrisk.estimating import PartView, ScenarioView
from investiture.itrisk.library.choosing import Suggestion
from investiture.itrisk.profiles import Profile
from investiture.itrisk.profiling import etag_of
from investiture.itrisk.risk_contents import content_to, estimate_to

MOST_NAMED = 1_000
"""Programs by name in an answer: it ends at 1 MiB."""
PARTS = {
    pb.ESTIMATE_PART_FREQUENCY: combining.FREQUENCY,
    pb.ESTIMATE_PART_PRIMARY: combining.PRIMARY,
    pb.ESTIMATE_PART_SECONDARY_PROBABILITY: combining.SECONDARY_PROBABILITY,
    pb.ESTIMATE_PART_SECONDARY_LOSS: combining.SECONDARY_LOSS,
}
_PARTS = {word: part for part, word in PARTS.items()}
_VERDICTS = {
    None: pb.RISK_VERDICT_UNSPECIFIED,
    "INSIDE": pb.RISK_VERDICT_INSIDE,
    "OUTSIDE": pb.RISK_VERDICT_OUTSIDE,
    "UNDETERMINED": pb.RISK_VERDICT_UNDETERMINED,
}
_ANSWERS = {
    None: pb.RISK_ANSWER_UNSPECIFIED,
    "KNIGHTABLE": pb.RISK_ANSWER_KNIGHTABLE,
    "NOT_WORTH_IT": pb.RISK_ANSWER_NOT_WORTH_IT,
    "TREAT": pb.RISK_ANSWER_TREAT,
    "AVOID": pb.RISK_ANSWER_AVOID,
}


def profile_to(profile: Profile) -> pb.RiskProfile:
    """The message of a version."""
    return pb.RiskProfile(
        name=profile.name,
        version=profile.version,
        digest=profile.digest,
        content=content_to(profile.content),
        author=profile.author,
        saved_at=wire.stamp(profile.saved_at),
        reason=profile.reason,
        etag=etag_of(profile),
        effect=profile.effect,
        evidence=[pb.RiskEvidence(**one) for one in profile.evidence],
    )


def assessment_to(subject: Subject, answer: Mapping[str, Any]) -> pb.Assessment:
    """The message of an assessment."""
    tipped = answer["tipping"]
    return pb.Assessment(
        program=subject.program,
        digest=subject.asked.digest,
        profile_version=subject.profile_version,
        revision=subject.revision,
        exposure=subject.exposure,
        controls_in_place=subject.asked.in_place,
        appetite_version=subject.appetite_version,
        currency_code=subject.currency,
        mean=answer["mean"],
        standard_deviation=answer["standard_deviation"],
        probability_of_no_loss=answer["probability_of_no_loss"],
        exceedance=_exceedance_to(answer),
        quantiles=[
            pb.Quantile(probability=float(p), loss=loss) for p, loss in answer["quantiles"].items()
        ],
        expected_shortfall_95=answer["expected_shortfall"]["0.95"],
        verdict=_VERDICTS[answer["verdict"]],
        answer=_ANSWERS[answer["answer"]],
        tipping=_tipping_to(tipped) if tipped else None,
        control_sets=[_set_to(one) for one in answer["control_sets"]],
        sensitivity=[pb.Swing(**one) for one in answer["sensitivity"]],
        net_present_value=answer["net_present_value"] or 0.0,
        sentence=answer["sentence"],
        gaps=[wire.gap_to(gap) for gap in gaps_of(answer, subject.currency)],
    )


def portfolio_to(answer: Mapping[str, Any], currency: str) -> pb.PortfolioAssessment:
    """The message of all programs together, of which the largest are named."""
    return pb.PortfolioAssessment(
        currency_code=currency,
        probability=answer["probability"],
        quantile=answer["quantile"],
        expected_shortfall=answer["expected_shortfall"],
        mean=answer["mean"],
        exceedance=[
            pb.Exceedance(loss=one["loss"], lower=one["probability"], upper=one["probability"])
            for one in answer["exceedance"]
        ],
        contributions=[
            pb.RiskContribution(
                program=one["program"], expected_annual_loss=one["mean"], tail=one["tail"]
            )
            for one in answer["contributions"][:MOST_NAMED]
        ],
    )


def _exceedance_to(answer: Mapping[str, Any]) -> Iterator[pb.Exceedance]:
    tolerated = {one["loss"]: one["tolerance"] for one in answer["slack"]}
    for one in answer["exceedance"]:
        limit = tolerated.get(one["loss"])
        verdict = None
        if limit is not None:
            verdict = "INSIDE" if one["upper"] <= limit else "UNDETERMINED"
            verdict = "OUTSIDE" if one["lower"] > limit else verdict
        yield pb.Exceedance(
            loss=one["loss"],
            lower=one["lower"],
            upper=one["upper"],
            tolerated=limit or 0.0,
            verdict=_VERDICTS[verdict],
        )


def _tipping_to(tipped: Mapping[str, Any]) -> pb.TippingPoint:
    return pb.TippingPoint(
        control_effectiveness=tipped["control_effectiveness"],
        exposure=tipped["exposure"],
        binding_loss=tipped["binding_loss"] or 0.0,
        control_effectiveness_at_exposure=tipped["control_effectiveness_at_exposure"],
        frequency_scale=tipped["frequency_scale"] or 0.0,
    )


def _set_to(one: Mapping[str, Any]) -> pb.ControlSet:
    return pb.ControlSet(
        controls=one["controls"],
        cost=one["cost"],
        expected_annual_loss=one["expected_annual_loss"],
        net_present_value=one["net_present_value"] or 0.0,
    )


def suggestion_to(
    program: str,
    found: Suggestion,
    appetite: Iterable[tuple[float, float]],
    currency: str,
) -> pb.RiskSuggestion:
    """The message of what a program may start from."""
    return pb.RiskSuggestion(
        program=program,
        content=content_to(found.content),
        notes=[
            pb.RiskNote(subject=note.subject, because=note.because, source=note.source)
            for note in found.notes
        ],
        appetite=[pb.AppetitePoint(loss=loss, probability=chance) for loss, chance in appetite],
        currency_code=currency,
    )


def estimates_to(view: ScenarioView, *, who: bool) -> pb.ScenarioEstimates:
    """The message of what is known of a scenario; who said what where that is wanted."""
    return pb.ScenarioEstimates(
        scenario=view.scenario,
        profile_version=view.version,
        parts=[_part_to(part, who=who) for part in view.parts],
    )


def _part_to(view: PartView, *, who: bool) -> pb.PartEstimates:
    return pb.PartEstimates(
        part=_PARTS[view.part],
        people=view.people,
        hidden=view.hidden,
        said=[
            pb.SaidEstimate(
                person=one.person,
                estimate=estimate_to(one.estimate),
                basis=one.basis,
                said_at=wire.stamp(one.said_at),
                times=one.times,
            )
            for one in view.said
            if who
        ],
        spread=[
            pb.EstimateSpread(number=one.number, least=one.least, median=one.median, most=one.most)
            for one in view.spread
        ],
    )
