"""Gaps and conditions as they are written on a command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from investiture.api.common.v1 import gate_pb2
from investiture.charter.duration import Duration
from investiture.cli.deciding import gate_of, person_name

Risk = Annotated[str, typer.Option("--risk", help="What is short: `moderation`.")]
Tolerance = Annotated[str, typer.Option("--tolerance", help="Measured against what, with unit.")]
Excess = Annotated[str, typer.Option("--excess", help="By how much it is exceeded, with unit.")]
Remedy = Annotated[str, typer.Option("--remedy", help="What would make the answer a yes.")]

_DUE = timedelta(days=30)
_GAP = "RISK | TOLERANCE | EXCESS | REMEDY"
_CONDITION = "GATE:OWNER:TEXT, or GATE:OWNER:P14D:TEXT with its time"
_WRITTEN = re.compile(
    r"(?P<gate>[A-Za-z]+):(?P<owner>[a-z0-9/._-]+):((?P<due>P[0-9A-Z]+):)?(?P<text>.+)"
)


def gap_of(risk: str, tolerance: str, excess: str, remedy: str) -> gate_pb2.Gap:
    """Return a gap: which risk exceeds which tolerance, by how much, and what would flip it."""
    return gate_pb2.Gap(risk=risk, tolerance=tolerance, excess=excess, remedy=remedy)


def gap_from(text: str) -> gate_pb2.Gap:
    """Return the gap that one option's text says: its four parts with bars between them."""
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 4:
        raise typer.BadParameter(f"write a gap as {_GAP!r}", param_hint="--gap")
    return gap_of(*parts)


def condition_of(text: str) -> gate_pb2.Condition:
    """Return the condition that one option's text says; without a time it has thirty days."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"write a condition as {_CONDITION}", param_hint="--condition")
    condition = gate_pb2.Condition(
        text=match["text"].strip(),
        owner=person_name(match["owner"]),
        blocks=gate_of(match["gate"], "--condition"),
    )
    condition.due_at.FromDatetime(datetime.now(UTC) + _time(match["due"]))
    return condition


def _time(written: str | None) -> timedelta:
    if written is None:
        return _DUE
    try:
        return Duration.parse(written).elapsed
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--condition") from None
