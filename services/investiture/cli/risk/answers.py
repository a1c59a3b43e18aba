"""The API's answers as what the tables and pictures of risk show."""

from collections.abc import Mapping
from typing import Any

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.itrisk.quantification.assessment import Answer, Assessment, Exceeding
from investiture.itrisk.quantification.compound import Bracket
from investiture.itrisk.quantification.controls import ControlSet
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.scenarios import Question, Tolerance
from investiture.itrisk.quantification.sensitivity import Swing
from investiture.itrisk.quantification.tipping import Reading, Tipping, Verdict, verdict_of
from investiture.itrisk.risk_contents import content_of

_ANSWERS = {
    pb.RISK_ANSWER_KNIGHTABLE: Answer.KNIGHTABLE,
    pb.RISK_ANSWER_NOT_WORTH_IT: Answer.NOT_WORTH_IT,
    pb.RISK_ANSWER_TREAT: Answer.TREAT,
    pb.RISK_ANSWER_AVOID: Answer.AVOID,
}


def assessment_of(message: pb.Assessment, *, valued: bool) -> Assessment:
    """The assessment that a message tells; `valued` says whether its profile names a value."""
    readings = tuple(
        Reading(Tolerance(one.loss, one.tolerated), Bracket(one.lower, one.upper))
        for one in message.exceedance
        if one.tolerated
    )
    return Assessment(
        mean=message.mean,
        standard_deviation=message.standard_deviation,
        no_loss=message.probability_of_no_loss,
        exceedance=tuple(
            Exceeding(one.loss, Bracket(one.lower, one.upper)) for one in message.exceedance
        ),
        quantiles=tuple((one.probability, one.loss) for one in message.quantiles),
        shortfall=message.expected_shortfall_95,
        readings=readings,
        verdict=_verdict(readings),
        tipping=_tipping(message.tipping) if message.HasField("tipping") else None,
        exposure=message.exposure,
        sets=tuple(
            ControlSet(
                tuple(one.controls),
                one.cost,
                one.expected_annual_loss,
                one.net_present_value if valued else None,
            )
            for one in message.control_sets
        ),
        swings=tuple(Swing(one.estimate, one.lower, one.higher) for one in message.sensitivity),
        net_present_value=message.net_present_value if valued else None,
        answer=_ANSWERS.get(message.answer),
    )


def question_from(message: pb.Assessment, content: pb.RiskContent) -> Question:
    """The question that a message answers, of the content it was asked about."""
    document: Mapping[str, Any] = {
        **content_of(content),
        "appetite": [[one.loss, one.tolerated] for one in message.exceedance if one.tolerated],
        "exposure": message.exposure,
    }
    return question_of(document).with_controls_in_place(tuple(message.controls_in_place))


def _verdict(readings: tuple[Reading, ...]) -> Verdict | None:
    return verdict_of(readings) if readings else None


def _tipping(message: pb.TippingPoint) -> Tipping:
    return Tipping(
        scale=message.frequency_scale or None,
        control_effectiveness=message.control_effectiveness,
        exposure=message.exposure,
        binding_loss=message.binding_loss or None,
    )
