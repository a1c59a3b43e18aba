"""What history proposes: caps that were seen, on how many programs it rests, when it is silent."""

from datetime import date
from typing import Any

import pytest
import yaml

from investiture.charter.policy import StandingDecision
from investiture.cli.suggesting import Completed, rounded, suggested

TODAY = date(2027, 1, 4)


def completed(number: int, **changes: Any) -> Completed:
    values: dict[str, Any] = {
        "program": f"programs/t{number}",
        "people": 40 + number,
        "days": 10 + number,
        "amount_minor": 1_234_00 + number,
        "exposure_bps": 50,
        "audiences": ("customers",),
        "channels": ("support-portal",),
        "data_classes": ("public",),
        "category": "opex",
        "unchanged": True,
        "incidents": 0,
        **changes,
    }
    return Completed(**values)


def test_three_clean_programs_propose_the_largest_caps_rounded_upwards() -> None:
    found = suggested([completed(n) for n in range(3)], 500, TODAY)
    assert (found.count, found.too_little) == (3, False)
    (block,) = yaml.safe_load(found.block)
    caps = {"people": 42, "amount_minor": 130_000, "exposure_bps": 50}
    assert block["caps"] == {**caps, "duration": "P12D", "concurrent": 1}
    signers = {"sponsor": "people/a", "fund_owner": "people/b", "knight": "people/c"}
    StandingDecision.model_validate({**block, "signers": signers})  # a charter takes it as it is
    assert "rests on 3 programs" in found.said


@pytest.mark.parametrize(
    "changes", [{"incidents": 1}, {"unchanged": False}, {"people": 0}, {"people": 501}, {"days": 0}]
)
def test_two_clean_programs_and_one_that_is_not_are_too_little_and_it_says_so(
    changes: dict[str, Any],
) -> None:
    found = suggested([completed(0), completed(1), completed(2, **changes)], 500, TODAY)
    assert found.too_little
    assert "too little history: 2 of" in found.said


@pytest.mark.parametrize(
    ("value", "up"), [(7, 7), (42, 42), (99, 99), (101, 110), (1_234, 1_300), (130_000, 130_000)]
)
def test_a_cap_is_rounded_upwards_to_two_figures(value: int, up: int) -> None:
    assert rounded(value) == up
