"""The trace of a submission as a tree, from the file that all processes append their spans to."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.text import Text
from rich.tree import Tree

_NS_PER_MS = 1_000_000
_STATEMENT = "db.system"

_LOST = "called by what was killed before it could report"
"""What a killed process had open never reached the file; what it called did."""

Span = Mapping[str, Any]


@dataclass(slots=True)
class Branch:
    """Spans that say the same at the same place, drawn as one line."""

    label: str
    services: tuple[str, ...]
    count: int = 0
    milliseconds: float = 0.0
    failed: int = 0
    statements: int = 0
    branches: dict[tuple[str, tuple[str, ...]], "Branch"] = field(
        default_factory=dict[tuple[str, tuple[str, ...]], "Branch"]
    )


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace as it is drawn, and what it reached."""

    root: Branch
    spans: int
    services: frozenset[str]
    linked: int
    """Traces of decisions that link to it."""


def spans_of(path: Path) -> list[Span]:
    """Return the spans of a file; a line that a killed process left half-written is passed over."""
    found: list[Span] = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def trace_of(spans: Iterable[Span], trace_id: str) -> Trace:
    """Return one trace out of all spans."""
    everything = list(spans)
    own = [span for span in everything if span["trace_id"] == trace_id]
    children: dict[str, list[Span]] = defaultdict(list)
    known = {"", *(span["span_id"] for span in own)}
    for span in sorted(own, key=lambda one: one["start_ns"]):
        parent = span["parent_span_id"]
        children[parent if parent in known else _LOST].append(span)
    root = Branch(label="", services=())
    for span in children[""]:
        _grow(root, span, children)
    for span in children[_LOST]:
        lost = root.branches.setdefault((_LOST, ()), Branch(_LOST, ()))
        _grow(lost, span, children)
    linked = {
        span["trace_id"]
        for span in everything
        if any(link["trace_id"] == trace_id for link in span["links"])
    }
    services = frozenset(span["service"] for span in own)
    return Trace(root, len(own), services, len(linked - {trace_id}))


def drawn(trace: Trace, title: str) -> Tree:
    """Return the trace as a tree."""
    services = ", ".join(sorted(trace.services))
    head = Text.assemble((title, "bold"), f"  {trace.spans} spans over {services}")
    if trace.linked:
        head.append(f"; {trace.linked} traces of decisions link to it", style="dim")
    tree = Tree(head)
    for branch in trace.root.branches.values():
        _draw(tree, branch)
    return tree


def _grow(around: Branch, span: Span, children: Mapping[str, Sequence[Span]]) -> None:
    if _STATEMENT in span["attributes"] or "db.system.name" in span["attributes"]:
        around.statements += 1
        return
    below = children.get(span["span_id"], ())
    services: tuple[str, ...] = (span["service"],)
    answered = [one for one in below if one["kind"] == "SERVER" and one["name"] == span["name"]]
    if len(answered) == 1 and len(below) == 1:
        # The two ends of one call: drawn as one line, from whom to whom.
        services = (span["service"], answered[0]["service"])
        below = children.get(answered[0]["span_id"], ())
    label = str(span["name"]).rpartition("/")[2]
    branch = around.branches.setdefault((label, services), Branch(label, services))
    branch.count += 1
    branch.milliseconds += (span["end_ns"] - span["start_ns"]) / _NS_PER_MS
    branch.failed += span["status"] == "ERROR"
    for one in below:
        _grow(branch, one, children)


def _draw(tree: Tree, branch: Branch) -> None:
    line = Text(" → ".join(branch.services), style="cyan")
    line.append(f"  {branch.label}" if branch.services else branch.label, style="default")
    if branch.count > 1:
        line.append(f" ×{branch.count}", style="bold")
    if branch.count:
        line.append(f"  {branch.milliseconds / branch.count:.1f} ms", style="dim")
    if branch.statements:
        line.append(f"  {branch.statements} sql", style="dim")
    if branch.failed:
        line.append(f"  {branch.failed} failed", style="red")
    below = tree.add(line)
    for one in branch.branches.values():
        _draw(below, one)
