"""The promised return: what was measured, and how a launched program may be closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from investiture.casework.amounts import Amount
from investiture.casework.words import Outcome
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.launch.domain.content import Benefit


@dataclass(frozen=True, slots=True)
class Measurement:
    """The newest measured yearly value of a promised benefit."""

    benefit: str
    value: Amount
    evidence: str
    by: str
    at: datetime


def measured(known: Sequence[Measurement], measurement: Measurement) -> tuple[Measurement, ...]:
    """The measurements with one more; a later one of the same benefit takes its place."""
    others = (one for one in known if one.benefit != measurement.benefit)
    return tuple(sorted((*others, measurement), key=lambda one: one.benefit))


def check_close(
    outcome: Outcome, benefits: Sequence[Benefit], measurements: Sequence[Measurement]
) -> None:
    """Refuses PROVEN and MISSED that the measured benefits do not show; a waiver is free of them.

    PROVEN: the measured values add up to at least the likely ones, whether or not each was
    measured. MISSED: each was measured, and they add up to less. Raises WRONG_STATE with a leg for
    each benefit that lacks its measurement, and one with the figures.
    """
    if outcome is Outcome.PROMISE_WAIVED:
        return
    values = {one.benefit: one.value.minor for one in measurements}
    currency = benefits[0].likely.currency
    promised = Amount(sum(benefit.likely.minor for benefit in benefits), currency)
    reached = Amount(sum(values.values()), currency)
    unmeasured = [benefit for benefit in benefits if benefit.id not in values]
    if outcome is Outcome.PROVEN:
        holds = reached.minor >= promised.minor
        remedy = "measure more, close it as missed, or have governance waive the promise"
    else:
        holds = reached.minor < promised.minor and not unmeasured
        remedy = "close it as proven" if reached.minor >= promised.minor else "measure each benefit"
    if holds:
        return
    raise PreconditionFailed(
        "WRONG_STATE",
        f"the benefits do not show {outcome.value.lower()}: {reached} of {promised} (likely)",
        legs=(
            Leg(
                type="PROMISE",
                subject=outcome.value,
                description=f"measured {reached}, promised {promised} (likely)",
                remedy=remedy,
            ),
            *(
                Leg(
                    type="UNMEASURED",
                    subject=benefit.id,
                    description=f"{benefit.id} was not measured; {benefit.owner} answers for it",
                    remedy="its owner records the measured value with its evidence",
                )
                for benefit in unmeasured
            ),
        ),
    )
