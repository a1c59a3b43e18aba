"""An assessment as a document for JSON, and in one sentence for a sponsor."""

from collections.abc import Mapping

from investiture.itrisk.quantification.assessment import Answer, Assessment
from investiture.itrisk.quantification.controls import ControlSet
from investiture.itrisk.quantification.tipping import Verdict


def document_of(assessment: Assessment) -> dict[str, object]:
    """Plain values. Probabilities are 0 to 1, amounts in the currency's major unit, a year."""
    return {
        "mean": assessment.mean,
        "standard_deviation": assessment.standard_deviation,
        "probability_of_no_loss": assessment.no_loss,
        "exceedance": [
            {"loss": one.loss, "lower": one.found.lower, "upper": one.found.upper}
            for one in assessment.exceedance
        ],
        "quantiles": {f"{p:g}": loss for p, loss in assessment.quantiles},
        "expected_shortfall": {"0.95": assessment.shortfall},
        "verdict": assessment.verdict,
        "slack": [
            {
                "loss": reading.tolerance.loss,
                "tolerance": reading.tolerance.probability,
                "slack": reading.slack,
            }
            for reading in assessment.readings
        ],
        "tipping": _tipping(assessment),
        "cheapest_controls": _set(assessment.cheapest),
        "control_sets": [_set(one) for one in assessment.sets],
        "sensitivity": [
            {"estimate": swing.estimate, "lower": swing.lower, "higher": swing.higher}
            for swing in assessment.swings
        ],
        "net_present_value": assessment.net_present_value,
        "answer": assessment.answer,
        "sentence": sentence(assessment),
    }


def _tipping(assessment: Assessment) -> Mapping[str, object] | None:
    tipped = assessment.tipping
    if tipped is None:
        return None
    return {
        "control_effectiveness": tipped.control_effectiveness,
        "exposure": tipped.exposure,
        "binding_loss": tipped.binding_loss,
        "frequency_scale": tipped.scale,
        "control_effectiveness_at_exposure": assessment.effectiveness_needed,
    }


def _set(chosen: ControlSet | None) -> Mapping[str, object] | None:
    if chosen is None:
        return None
    return {
        "controls": list(chosen.names),
        "cost": chosen.cost,
        "expected_annual_loss": chosen.expected_annual_loss,
        "net_present_value": chosen.net_present_value,
    }


def sentence(assessment: Assessment, currency: str = "") -> str:
    """What a sponsor has to know, in one sentence."""
    unit = f" {currency}" if currency else ""
    if assessment.verdict is None:
        return (
            f"In an average year this costs {assessment.mean:,.0f}{unit}, in one of twenty more "
            f"than {dict(assessment.quantiles)[0.95]:,.0f}{unit}; no appetite is given to hold it "
            "against."
        )
    if assessment.verdict is Verdict.INSIDE:
        return _inside(assessment, unit)
    binding = assessment.binding
    assert binding is not None
    loss, tolerated = binding.tolerance.loss, binding.tolerance.probability
    excess = (
        f"A loss of more than {loss:,.0f}{unit} in a year has a chance of "
        f"{binding.found.middle:.1%}; at most {tolerated:.1%} is accepted"
    )
    if assessment.verdict is Verdict.UNDETERMINED:
        return f"{excess}: too close to call, so it does not count as inside."
    return f"{excess}: {_ways_in(assessment, unit)}."


def _inside(assessment: Assessment, unit: str) -> str:
    worth = assessment.net_present_value
    if assessment.answer is Answer.NOT_WORTH_IT:
        return (
            f"The risk is inside the appetite, but the launch is not worth it: {worth:,.0f}{unit} "
            "after its risk is paid for."
        )
    room = assessment.tipping.scale if assessment.tipping is not None else None
    often = 100.0 if room is None else room / max(assessment.exposure, 1e-12)
    times = f"{min(often, 100.0):.2g} times"
    rest = "" if worth is None else f"; it is worth {worth:,.0f}{unit} after its risk is paid for"
    return f"The risk is inside the appetite, and would be up to {times} as many events{rest}."


def _ways_in(assessment: Assessment, unit: str) -> str:
    ways: list[str] = []
    if assessment.cheapest is not None:
        names = " and ".join(assessment.cheapest.names)
        ways.append(f"{names} for {assessment.cheapest.cost:,.0f}{unit} would bring it inside")
    exposure = 0.0 if assessment.tipping is None else assessment.tipping.exposure
    if exposure > 0.0:
        ways.append(f"without more controls {exposure:.1%} of the audience fits")
    return "; ".join(ways) or "nothing that is offered, and no exposure, brings it inside"
