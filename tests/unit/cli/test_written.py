"""Conditions and gaps as they are written on a command line."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from investiture.api.common.v1 import gate_pb2
from investiture.cli.gaps import condition_of, gap_from


def test_a_condition_names_its_gate_its_owner_and_what_has_to_hold() -> None:
    condition = condition_of("launch:max:the consent proof is live: in both shops")
    assert condition.blocks == gate_pb2.GATE_LAUNCH
    assert condition.owner == "people/max"
    assert condition.text == "the consent proof is live: in both shops"


def test_a_condition_may_bring_its_time() -> None:
    condition = condition_of("pilot:people/max:P2D:proof")
    left = condition.due_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=1) < left <= timedelta(days=2)
    assert condition.text == "proof"


@pytest.mark.parametrize("text", ["", "launch", "nowhere:max:x", "launch:max:"])
def test_a_malformed_condition_says_how_one_is_written(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"GATE:OWNER:TEXT|none of pledge"):
        condition_of(text)


def test_a_gap_has_four_parts() -> None:
    gap = gap_from("moderation | 4 hours | 14 hours | a night shift")
    assert (gap.risk, gap.remedy) == ("moderation", "a night shift")
    with pytest.raises(typer.BadParameter, match="REMEDY"):
        gap_from("moderation | 4 hours")
