"""What a launch is worth once its risk is paid for."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Value:
    """Benefits and operating costs of the years 1, 2, …, both tuples equally long.

    Amounts in the currency's major unit, `discount_rate` a year.
    """

    benefits: tuple[float, ...]
    operating: tuple[float, ...]
    discount_rate: float
    launch_cost: float = 0.0


def risk_adjusted_npv(
    value: Value, expected_annual_loss: float, premium: float = 0.0, controls_cost: float = 0.0
) -> float:
    """Σ_t (B_t − opex_t − EAL − premium)/(1 + r)^t − C_controls − C_launch.

    The discount rate is not raised for the same risk again.
    """
    years = np.arange(1, len(value.benefits) + 1)
    flows = np.subtract(value.benefits, value.operating) - expected_annual_loss - premium
    present = float(np.sum(flows / (1.0 + value.discount_rate) ** years))
    return present - controls_cost - value.launch_cost
