"""What a bench found, as a table and as JSON."""

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.bench.figures import Findings, Row

_LIBRARIES = ("grpcio", "temporalio", "SQLAlchemy", "psycopg", "protobuf")


def machine() -> dict[str, Any]:
    """Return where it was measured; a load above zero at the start says the machine was shared."""
    return {
        "cpus": os.cpu_count(),
        "load": list(os.getloadavg()),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in _LIBRARIES},
    }


def written(
    path: Path, findings: Findings, reasons: Sequence[str], where: dict[str, Any], *, quick: bool
) -> None:
    """Write everything as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": where,
        "ran": findings.ran,
        "rows": [row.as_json() for row in findings.rows],
        "reasons": list(reasons),
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def table(findings: Findings) -> Table:
    """Return the rows as a table."""
    shown = Table(title="make bench", title_justify="left", pad_edge=False)
    shown.add_column("what", max_width=58)
    for name in ("ours", "bare", "ratio", "spread", "target"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    for row in findings.rows:
        shown.add_row(*_cells(row))
    return shown


def say(console: Console, findings: Findings, reasons: Sequence[str], path: Path) -> None:
    """Print the table, what ran, and why a target was missed."""
    console.print(table(findings))
    for line in findings.ran:
        console.print(f"[dim]{line}[/dim]")
    missed = [row for row in findings.rows if row.met is False]
    if missed:
        console.print(f"[bold]{len(missed)} targets missed:[/bold]")
        for reason in reasons:
            console.print(f"  {reason}")
    console.print(f"written to {path}")


def _cells(row: Row) -> tuple[str, ...]:
    low, high = row.spread
    verdict = {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}[row.met]
    target = "" if row.target is None else f"{row.target.bound} {row.target.limit:g}"
    if row.target is not None:
        target += "×" if row.ratios else f" {row.unit}"
    note = f" [dim]({row.note})[/dim]" if row.note else ""
    return (
        f"{row.what}{note}",
        f"{_number(median(row.ours))} {row.unit}",
        f"{_number(median(row.bare))} {row.unit}" if row.bare else "",
        f"{row.figure:.2f}×" if row.ratios else "",
        f"{_number(low)}–{_number(high)}" if len(row.ours) > 1 else "",
        target,
        verdict,
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
