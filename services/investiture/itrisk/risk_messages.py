"""Risk in protos ↔ the documents that the mathematics reads and writes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.casework import wire
from investiture.itrisk.assessing import Subject, gaps_of
from investiture.itrisk.profiles import Profile
from investiture.itrisk.profiling import etag_of
from investiture.itrisk.quantification.document import question_of

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


def content_of(message: pb.RiskContent) -> dict[str, Any]:
    """What a profile says, as a scenario file holds it. Raises InvalidArgument as `question_of`."""
    content: dict[str, Any] = {
        "scenarios": [_scenario_of(one) for one in message.scenarios],
        "controls": [_control_of(one) for one in message.controls],
    }
    if message.HasField("insurance"):
        paid = message.insurance
        content["insurance"] = {
            "deductible": paid.deductible,
            "limit": paid.limit,
            "premium": paid.premium,
        }
    if message.HasField("value"):
        worth = message.value
        content["value"] = {
            "benefits": list(worth.benefits),
            "operating": list(worth.operating) or [0.0] * len(worth.benefits),
            "discount_rate": worth.discount_rate,
            "launch_cost": worth.launch_cost,
        }
    question_of(content)
    return content


def content_to(content: Mapping[str, Any]) -> pb.RiskContent:
    """The message of what a profile says."""
    message = pb.RiskContent(
        scenarios=[_scenario_to(one) for one in content["scenarios"]],
        controls=[pb.Control(**one) for one in content["controls"]],
    )
    if "insurance" in content:
        message.insurance.CopyFrom(pb.Insurance(**content["insurance"]))
    if "value" in content:
        message.value.CopyFrom(pb.ProgramValue(**content["value"]))
    return message


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


def portfolio_to(
    answer: Mapping[str, Any], currency: str, without: Sequence[str]
) -> pb.PortfolioAssessment:
    """The message of all programs together."""
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
            for one in answer["contributions"]
        ],
        without_profile=without,
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
    )


def _set_to(one: Mapping[str, Any]) -> pb.ControlSet:
    return pb.ControlSet(
        controls=one["controls"],
        cost=one["cost"],
        expected_annual_loss=one["expected_annual_loss"],
        net_present_value=one["net_present_value"] or 0.0,
    )


def _estimate_of(message: pb.Estimate) -> dict[str, Any]:
    form = message.WhichOneof("form")
    if form == "pert":
        shape = message.pert
        return {"pert": [shape.min, shape.mode, shape.max, shape.gamma or 4.0]}
    if form == "lognormal90":
        return {"lognormal90": [message.lognormal90.low, message.lognormal90.high]}
    return {"constant": message.constant}


def _estimate_to(document: Mapping[str, Any]) -> pb.Estimate:
    ((form, value),) = document.items()
    if form == "pert":
        low, mode, high, gamma = value
        return pb.Estimate(pert=pb.Pert(min=low, mode=mode, max=high, gamma=gamma))
    if form == "lognormal90":
        return pb.Estimate(lognormal90=pb.Lognormal90(low=value[0], high=value[1]))
    return pb.Estimate(constant=value)


def _scenario_of(message: pb.Scenario) -> dict[str, Any]:
    scenario: dict[str, Any] = {
        "name": message.name,
        "frequency": _frequency_of(message.frequency),
        "primary": _estimate_of(message.primary),
    }
    if message.HasField("secondary"):
        scenario["secondary"] = {
            "probability": message.secondary.probability,
            "loss": _estimate_of(message.secondary.loss),
        }
    return scenario


def _scenario_to(document: Mapping[str, Any]) -> pb.Scenario:
    second = document.get("secondary")
    return pb.Scenario(
        name=document["name"],
        frequency=_frequency_to(document["frequency"]),
        primary=_estimate_to(document["primary"]),
        secondary=pb.SecondaryLoss(
            probability=second["probability"], loss=_estimate_to(second["loss"])
        )
        if second
        else None,
    )


def _frequency_of(message: pb.Frequency) -> dict[str, Any]:
    events = _estimate_of(message.events)
    if not message.HasField("vulnerability"):
        return {"poisson": events["constant"]} if "constant" in events else events
    weakness = message.vulnerability
    if weakness.WhichOneof("form") == "contest":
        contest = weakness.contest
        share: Any = {
            "threat": _estimate_of(contest.threat),
            "resistance": _estimate_of(contest.resistance),
        }
    else:
        share = weakness.probability
    return {"tef": events, "vulnerability": share}


def _frequency_to(document: Mapping[str, Any]) -> pb.Frequency:
    if "tef" not in document:
        if "poisson" in document:
            return pb.Frequency(events=pb.Estimate(constant=document["poisson"]))
        return pb.Frequency(events=_estimate_to(document))
    share: Any = document["vulnerability"]
    if not isinstance(share, float | int):
        contest = pb.Contest(
            threat=_estimate_to(share["threat"]), resistance=_estimate_to(share["resistance"])
        )
        weakness = pb.Vulnerability(contest=contest)
    else:
        weakness = pb.Vulnerability(probability=share)
    return pb.Frequency(events=_estimate_to(document["tef"]), vulnerability=weakness)


def _control_of(message: pb.Control) -> dict[str, Any]:
    return {
        "name": message.name,
        "frequency_effectiveness": message.frequency_effectiveness,
        "severity_reduction": message.severity_reduction,
        "cost": message.cost,
        "scenarios": list(message.scenarios),
    }
