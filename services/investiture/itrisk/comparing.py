"""Whether a risk is the same, smaller or larger than one before."""

from collections.abc import Mapping
from typing import Any

INSIDE = "INSIDE"


def why_worse(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Where a risk became larger, in words; empty where it is the same or smaller.

    Two brackets that overlap are the same. Only losses that both answers look at are compared, and
    that it is no longer inside counts only where both were held against the same appetite.
    """
    earlier = {one["loss"]: one["upper"] for one in before["exceedance"]}
    for one in after["exceedance"]:
        until = earlier.get(one["loss"])
        if until is not None and one["lower"] > until:
            return (
                f"the chance of more than {one['loss']:,.0f} a year rose from {until:.2%} to "
                f"{one['lower']:.2%}"
            )
    same = tolerances(before) == tolerances(after)
    if same and before["verdict"] == INSIDE and after["verdict"] != INSIDE:
        return "it is no longer inside the appetite"
    return ""


def tolerances(answer: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The appetite that an answer was held against: losses in the major unit, probabilities."""
    return [(one["loss"], one["tolerance"]) for one in answer["slack"]]
