"""`up` and `down`: the embedded stack from the command line."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from investiture.cli import problems
from investiture.cli.charters import DEFAULT
from investiture.cli.output import console, print_json
from investiture.cli.problems import Complaint
from investiture.cli.root import Shared
from investiture.cli.session import guard
from investiture.stack import record
from investiture.stack.example import ENVELOPES, PEOPLE, example
from investiture.stack.folder import Folder, holder

PANEL = "Stack"
_SQLITE = "sqlite"
_STOP_SECONDS = 60.0
_LOOK_SECONDS = 0.05
app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def up(
    ctx: typer.Context,
    charter: Annotated[
        Path | None, typer.Option(help="The charter in force; else the last one, or the default.")
    ] = None,
    database: Annotated[
        str, typer.Option(help="sqlite, or postgresql://…: a database a service there.")
    ] = "",
    seed: Annotated[
        bool, typer.Option(help="Import example people and envelopes while there are none.")
    ] = True,
    ui: Annotated[bool, typer.Option(help="Temporal's web UI.")] = True,
    supervise: Annotated[bool, typer.Option(help="Start again what dies.")] = True,
) -> None:
    """Start Temporal, the four services and the worker here; Ctrl-C stops them in order."""
    shared: Shared = ctx.obj

    def act() -> None:
        from investiture.charter.load import load
        from investiture.cli.running import serve
        from investiture.stack.plan import Options

        last = record.read(shared.data)
        options = Options(
            charter=_charter(charter, last),
            database=_database(database, last),
            supervise=supervise,
            ui=ui,
            people=example(PEOPLE) if seed else None,
            envelopes=example(ENVELOPES) if seed else None,
        )
        load(options.charter)  # a broken one is told here, once, and not by four services
        try:
            asyncio.run(serve(shared, options))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    guard(shared, act)


@app.command(rich_help_panel=PANEL)
def down(ctx: typer.Context) -> None:
    """Stop the stack that runs in the data folder, and wait until it has."""
    shared: Shared = ctx.obj
    folder = Folder(shared.data)

    def act() -> None:
        pid = holder(folder)
        if pid is None:
            _say(shared, {"stopped": False}, f"no stack is running in {shared.data}")
            return
        last = record.read(shared.data)
        if pid == 0 or (last is not None and last.pid not in (0, pid) and _lives(last.pid)):
            raise Complaint(
                f"{folder.lock} is held, but not by the stack that {folder.record} tells of",
                problems.PRECONDITION,
                "it may just be starting: try again in a moment",
            )
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _STOP_SECONDS
        while holder(folder) == pid:
            if time.monotonic() > until:
                raise Complaint(f"process {pid} does not stop", problems.UNAVAILABLE)
            time.sleep(_LOOK_SECONDS)
        _say(shared, {"stopped": True, "pid": pid}, f"stopped process {pid}; its data stays")

    guard(shared, act)


def _charter(given: Path | None, last: record.Record | None) -> Path:
    if given is not None:
        return given
    if last is not None and Path(last.charter).is_file():
        return Path(last.charter)
    return example(DEFAULT)


def _database(given: str, last: record.Record | None) -> str:
    if given:
        return given
    if last is not None and last.database != _SQLITE:
        raise Complaint(
            f"this folder's data is in {last.database}, whose password is not kept here",
            problems.CONFIG,
            "give it again with --database, or take another folder with --data",
        )
    return _SQLITE


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _say(shared: Shared, content: Mapping[str, object], line: str) -> None:
    if shared.json:
        print_json(content)
    else:
        console.print(line)
