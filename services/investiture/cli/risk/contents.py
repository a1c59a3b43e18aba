"""Scenario files to and from what a risk profile says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.charter.document import read
from investiture.cli.risk.scenario_files import question_in
from investiture.itrisk.risk_contents import content_to

OF_THE_RECORD = ("appetite", "exposure")
"""What a file holds for `risk quantify`: the record takes it from the charter and the revision."""
_WIDTH = 100


def content_in(path: Path) -> pb.RiskContent:
    """What a scenario file says, as a profile keeps it. Raises DocumentBroken as `question_in`."""
    question_in(path)
    return content_to(cast("Mapping[str, Any]", read(path).value))


def left_out(path: Path) -> list[str]:
    """What a file says that a profile does not keep."""
    document = cast("Mapping[str, Any]", read(path).value)
    return [name for name in OF_THE_RECORD if name in document]


def file_of(
    content: Mapping[str, Any],
    appetite: Iterable[Sequence[float]],
    notes: Mapping[str, str],
    head: Sequence[str],
) -> str:
    """A scenario file, each scenario and control with its note as a comment."""
    return "\n".join((*(f"# {line}" for line in head), *_lines(content, appetite, notes))) + "\n"


def _lines(
    content: Mapping[str, Any], appetite: Iterable[Sequence[float]], notes: Mapping[str, str]
) -> Iterator[str]:
    for section in ("scenarios", "controls"):
        if content.get(section):
            yield f"{section}:"
        for one in content.get(section, ()):
            for line in notes.get(one["name"], "").splitlines():
                yield f"  # {line}"
            yield _yaml([one], indent=2)
    for section in ("insurance", "value", "rating"):
        if section in content:
            yield _yaml({section: content[section]})
    points = [list(point) for point in appetite]
    if points:
        yield _yaml({"appetite": points})


def _yaml(value: Any, indent: int = 0) -> str:
    text = yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None
    )
    return "\n".join(" " * indent + line for line in text.splitlines())


def estimate_said(text: str) -> pb.Estimate:
    """An estimate as people type it: `150000`, `MIN,MODE,MAX` or `LOW..HIGH` (90 %).

    Raises ValueError where it is none of them.
    """
    if ".." in text:
        low, high = (float(one) for one in text.split("..", 1))
        return pb.Estimate(lognormal90=pb.Lognormal90(low=low, high=high))
    numbers = [float(one) for one in text.split(",")]
    if len(numbers) == 1:
        return pb.Estimate(constant=numbers[0])
    if len(numbers) != 3:
        raise ValueError(text)
    return pb.Estimate(pert=pb.Pert(min=numbers[0], mode=numbers[1], max=numbers[2]))


def words_of(estimate: pb.Estimate) -> str:
    """An estimate as people type it."""
    form = estimate.WhichOneof("form")
    if form == "pert":
        shape = estimate.pert
        return f"{shape.min:,g} · {shape.mode:,g} · {shape.max:,g}"
    if form == "lognormal90":
        return f"{estimate.lognormal90.low:,g} … {estimate.lognormal90.high:,g} (90 %)"
    return f"{estimate.constant:,g}"
