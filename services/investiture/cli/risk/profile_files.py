"""A scenario file as the message of a risk profile."""

from collections.abc import Mapping
from typing import Any

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.itrisk.risk_contents import rating_to

DEFAULT_GAMMA = 4.0


def content_of(document: Mapping[str, Any]) -> pb.RiskContent:
    """What a profile says of a file that `question_of` has read without complaint.

    Its appetite and exposure stay behind: they are the charter's and the revision's.
    """
    content = pb.RiskContent(
        scenarios=[_scenario(one) for one in document["scenarios"]],
        controls=[pb.Control(**one) for one in document.get("controls") or ()],
    )
    if document.get("insurance"):
        content.insurance.CopyFrom(pb.Insurance(**document["insurance"]))
    if document.get("value"):
        content.value.CopyFrom(pb.ProgramValue(**document["value"]))
    if document.get("rating"):
        content.rating.CopyFrom(rating_to(document["rating"]))
    return content


def _scenario(document: Mapping[str, Any]) -> pb.Scenario:
    scenario = pb.Scenario(
        name=document["name"],
        frequency=_frequency(document["frequency"]),
        primary=_estimate(document["primary"]),
    )
    second = document.get("secondary")
    if second:
        scenario.secondary.CopyFrom(
            pb.SecondaryLoss(probability=second["probability"], loss=_estimate(second["loss"]))
        )
    return scenario


def _frequency(document: Mapping[str, Any]) -> pb.Frequency:
    if "tef" not in document:
        return pb.Frequency(events=_estimate(document))
    weakness: Any = document["vulnerability"]
    if isinstance(weakness, float | int):
        return pb.Frequency(
            events=_estimate(document["tef"]), vulnerability=pb.Vulnerability(probability=weakness)
        )
    contest = pb.Contest(
        threat=_estimate(weakness["threat"]), resistance=_estimate(weakness["resistance"])
    )
    return pb.Frequency(
        events=_estimate(document["tef"]), vulnerability=pb.Vulnerability(contest=contest)
    )


def _estimate(document: Any) -> pb.Estimate:
    if isinstance(document, float | int):
        return pb.Estimate(constant=document)
    ((form, value),) = document.items()
    if form == "pert":
        gamma = value[3] if len(value) > 3 else DEFAULT_GAMMA
        shape = pb.Pert(min=value[0], mode=value[1], max=value[2], gamma=gamma)
        return pb.Estimate(pert=shape)
    if form == "lognormal90":
        return pb.Estimate(lognormal90=pb.Lognormal90(low=value[0], high=value[1]))
    return pb.Estimate(constant=value)
