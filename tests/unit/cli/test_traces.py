"""A trace is drawn as a tree in which what repeats is one line."""

import io
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from investiture.cli.demo.traces import drawn, spans_of, trace_of

TRACE = "a" * 32


def span(
    service: str, name: str, span_id: str, parent: str = "", kind: str = "INTERNAL", **more: Any
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "service": service,
        "name": name,
        "kind": kind,
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": parent,
        "start_ns": int(span_id, 16),
        "end_ns": int(span_id, 16) + 2_000_000,
        "status": "UNSET",
        "attributes": {},
        "links": [],
    }
    return made | more


CALL = "investiture.api.launch.v1.LaunchService/SubmitProgram"
SPANS = [
    span("demo", "submit", "1"),
    span("demo", CALL, "2", "1", "CLIENT"),
    span("launch", CALL, "3", "2", "SERVER"),
    span("launch", "INSERT", "4", "3", attributes={"db.system.name": "sqlite"}),
    span("launch", "outbox ring", "5", "3"),
    span("worker", "open_gate", "6", "5"),
    span("worker", "open_gate", "7", "5", status="ERROR"),
    span("budget", "orphan", "8", "dead"),
    span("budget", "Pledge", "9", trace_id="b" * 32, links=[{"trace_id": TRACE, "span_id": "3"}]),
]


def text() -> list[str]:
    written = io.StringIO()
    Console(width=100, file=written).print(drawn(trace_of(SPANS, TRACE), "trace"))
    return written.getvalue().splitlines()


def test_the_two_ends_of_a_call_are_one_line_with_its_statements() -> None:
    assert any("demo → launch  SubmitProgram  2.0 ms  1 sql" in line for line in text())


def test_what_repeats_is_one_line_with_its_number_and_its_failures() -> None:
    assert any("worker  open_gate ×2" in line and "1 failed" in line for line in text())


def test_what_a_killed_caller_left_is_kept_and_named() -> None:
    lines = text()
    place = next(n for n, line in enumerate(lines) if "killed before it could report" in line)
    assert "orphan" in lines[place + 1]


def test_decisions_that_link_to_it_are_counted() -> None:
    assert trace_of(SPANS, TRACE).linked == 1


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_text(json.dumps(SPANS[0]) + "\n" + json.dumps(SPANS[1])[:40])
    assert len(spans_of(file)) == 1
