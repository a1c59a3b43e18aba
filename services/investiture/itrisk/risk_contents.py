"""What a risk profile says: the message ↔ the document that the mathematics reads."""

from collections.abc import Mapping
from typing import Any

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.itrisk.quantification.estimates import DEFAULT_GAMMA


def content_of(message: pb.RiskContent) -> dict[str, Any]:
    """What a profile says, as a scenario file holds it; not yet whether it can be meant."""
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
    if message.HasField("rating"):
        content["rating"] = _rating_of(message.rating)
    return content


def content_to(content: Mapping[str, Any]) -> pb.RiskContent:
    """The message of what a profile says, or a scenario file that was read without complaint.

    A file's appetite and exposure stay behind: they are the charter's and the revision's.
    """
    message = pb.RiskContent(
        scenarios=[_scenario_to(one) for one in content["scenarios"]],
        controls=[pb.Control(**one) for one in content.get("controls") or ()],
    )
    if content.get("insurance"):
        message.insurance.CopyFrom(pb.Insurance(**content["insurance"]))
    if content.get("value"):
        message.value.CopyFrom(pb.ProgramValue(**content["value"]))
    if content.get("rating"):
        message.rating.CopyFrom(rating_to(content["rating"]))
    return message


def rating_to(document: Mapping[str, Any]) -> pb.TriageRating:
    """The message of a rating at the door."""
    if "owasp" in document:
        return pb.TriageRating(owasp=pb.OwaspRating(**document["owasp"]))
    levels = {
        name: pb.NistLevel.Value(f"NIST_LEVEL_{level}") for name, level in document["nist"].items()
    }
    return pb.TriageRating(nist=pb.NistRating(**levels))


def _rating_of(message: pb.TriageRating) -> dict[str, Any]:
    if message.WhichOneof("method") == "owasp":
        factors = message.owasp
        return {
            "owasp": {
                "likelihood": list(factors.likelihood),
                "technical_impact": list(factors.technical_impact),
                "business_impact": list(factors.business_impact),
            }
        }
    levels = {"likelihood": message.nist.likelihood, "impact": message.nist.impact}
    return {
        "nist": {
            name: pb.NistLevel.Name(level).removeprefix("NIST_LEVEL_")
            for name, level in levels.items()
        }
    }


def estimate_of(message: pb.Estimate) -> dict[str, Any]:
    """An estimate as a scenario file holds it."""
    form = message.WhichOneof("form")
    if form == "pert":
        shape = message.pert
        return {"pert": [shape.min, shape.mode, shape.max, shape.gamma or DEFAULT_GAMMA]}
    if form == "lognormal90":
        return {"lognormal90": [message.lognormal90.low, message.lognormal90.high]}
    return {"constant": message.constant}


def estimate_to(document: Mapping[str, Any] | float) -> pb.Estimate:
    """The message of an estimate; a bare number is a constant."""
    if isinstance(document, float | int):
        return pb.Estimate(constant=document)
    ((form, value),) = document.items()
    if form == "pert":
        low, mode, high, gamma = (*value, DEFAULT_GAMMA)[:4]
        return pb.Estimate(pert=pb.Pert(min=low, mode=mode, max=high, gamma=gamma))
    if form == "lognormal90":
        return pb.Estimate(lognormal90=pb.Lognormal90(low=value[0], high=value[1]))
    return pb.Estimate(constant=value)


def _scenario_of(message: pb.Scenario) -> dict[str, Any]:
    scenario: dict[str, Any] = {
        "name": message.name,
        "frequency": _frequency_of(message.frequency),
        "primary": estimate_of(message.primary),
    }
    if message.HasField("secondary"):
        scenario["secondary"] = {
            "probability": message.secondary.probability,
            "loss": estimate_of(message.secondary.loss),
        }
    return scenario


def _scenario_to(document: Mapping[str, Any]) -> pb.Scenario:
    second = document.get("secondary")
    return pb.Scenario(
        name=document["name"],
        frequency=_frequency_to(document["frequency"]),
        primary=estimate_to(document["primary"]),
        secondary=pb.SecondaryLoss(
            probability=second["probability"], loss=estimate_to(second["loss"])
        )
        if second
        else None,
    )


def _frequency_of(message: pb.Frequency) -> dict[str, Any]:
    events = estimate_of(message.events)
    if not message.HasField("vulnerability"):
        return {"poisson": events["constant"]} if "constant" in events else events
    weakness = message.vulnerability
    if weakness.WhichOneof("form") == "contest":
        contest = weakness.contest
        share: Any = {
            "threat": estimate_of(contest.threat),
            "resistance": estimate_of(contest.resistance),
        }
    else:
        share = weakness.probability
    return {"tef": events, "vulnerability": share}


def _frequency_to(document: Mapping[str, Any]) -> pb.Frequency:
    if "tef" not in document:
        return pb.Frequency(events=estimate_to(document))
    share: Any = document["vulnerability"]
    if not isinstance(share, float | int):
        contest = pb.Contest(
            threat=estimate_to(share["threat"]), resistance=estimate_to(share["resistance"])
        )
        weakness = pb.Vulnerability(contest=contest)
    else:
        weakness = pb.Vulnerability(probability=share)
    return pb.Frequency(events=estimate_to(document["tef"]), vulnerability=weakness)


def _control_of(message: pb.Control) -> dict[str, Any]:
    return {
        "name": message.name,
        "frequency_effectiveness": message.frequency_effectiveness,
        "severity_reduction": message.severity_reduction,
        "cost": message.cost,
        "scenarios": list(message.scenarios),
    }
