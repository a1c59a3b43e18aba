"""How answers look: for people with rich, for scripts as proto JSON with stable field names."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from investiture.api.common.v1 import gate_pb2, statements_pb2

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What steers a terminal instead of being read: control characters, and overrides of direction."""


class _Plain(Console):
    """A console on which what people wrote cannot steer the reader's terminal."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of what is to be shown, without what steers."""
        for segment in super().render(renderable, options):
            if segment.control is None and _STEERING.search(segment.text):
                yield Segment(_STEERING.sub("", segment.text), segment.style)
            else:
                yield segment


console = _Plain(highlight=False, emoji=False)
"""Answers."""

complaints = _Plain(stderr=True, highlight=False, emoji=False, soft_wrap=True)
"""What went wrong, and what is going on meanwhile."""

GATES = (
    gate_pb2.GATE_PLEDGE,
    gate_pb2.GATE_FUND,
    gate_pb2.GATE_KNIGHT,
    gate_pb2.GATE_PILOT,
    gate_pb2.GATE_LAUNCH,
    gate_pb2.GATE_PROVE,
)


def table(*headings: str, right: tuple[str, ...] = (), title: Text | str = "") -> Table:
    """Return an empty table that fits a terminal of eighty columns.

    Args:
        headings: of its columns.
        right: headings of the columns that hold figures.
        title: what stands above it.
    """
    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="dim",
        title=title or None,
        title_justify="left",
        title_style="",
    )
    for heading in headings:
        figures = heading in right
        made.add_column(heading, justify="right" if figures else "left", no_wrap=figures)
    return made


def as_dict(message: Message) -> dict[str, Any]:
    """Return a message as proto JSON with the protos' own field names, unset ones included."""
    found: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return found


def print_json(content: Message | Mapping[str, Any]) -> None:
    """Print an answer as JSON, uncoloured, for scripts."""
    value = as_dict(content) if isinstance(content, Message) else content
    console.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)


def gate_word(gate: int) -> str:
    """Return a gate's name: ``PLEDGE``."""
    return gate_pb2.Gate.Name(gate_pb2.Gate.ValueType(gate)).removeprefix("GATE_")


def state_word(state: int) -> str:
    """Return a case's state in words: ``changes requested``."""
    return _words(gate_pb2.CaseState.Name(gate_pb2.CaseState.ValueType(state)), "CASE_STATE_")


def verdict_word(verdict: int) -> str:
    """Return a verdict in words: ``knighted with conditions``; empty for none."""
    if not verdict:
        return ""
    return _words(gate_pb2.Verdict.Name(gate_pb2.Verdict.ValueType(verdict)), "VERDICT_")


def step_word(step: int) -> str:
    """Return a timetable's step in words: ``overdue``; empty for none."""
    if not step:
        return ""
    return _words(gate_pb2.Step.Name(gate_pb2.Step.ValueType(step)), "STEP_")


def outcome_word(outcome: int) -> str:
    """Return how a program ended: ``promise waived``; empty while it lives."""
    if not outcome:
        return ""
    name = statements_pb2.Outcome.Name(statements_pb2.Outcome.ValueType(outcome))
    return _words(name, "OUTCOME_")


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", " ")


def one_line(text: str) -> str:
    """Return what somebody wrote on one line, so that it cannot pass for a line of ours."""
    return " ".join(text.split())


def short(name: str) -> str:
    """Return a resource name without its collection: ``people/ada`` → ``ada``."""
    return name.partition("/")[2] or name


def instant(message: Message, field: str) -> datetime | None:
    """Return the instant in a field, in UTC, or ``None`` where it is unset."""
    if not message.HasField(field):
        return None
    value: Timestamp = getattr(message, field)
    return value.ToDatetime(tzinfo=UTC)


def clock(at: datetime | None) -> str:
    """Return an instant as people here read it: the time today, else the date and the time."""
    if at is None:
        return "–"
    local = at.astimezone()
    today = datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def span(time: timedelta) -> str:
    """Return a duration in its two largest units: ``2 d 4 h``, ``1 m 5 s``, ``0.3 s``."""
    seconds = max(0.0, time.total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} m"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"
