"""`investiture demo`: the stories, one after the other, and the report."""

import asyncio
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from investiture.cli.output import console
from investiture.cli.root import Shared
from investiture.cli.session import guard

app = typer.Typer()


@app.command(rich_help_panel="Stack")
def demo(
    ctx: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its data and logs.")] = False,
    pace: Annotated[
        float | None, typer.Option(help="Seconds people think; else 0.4 on a terminal.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live view.")] = False,
) -> None:
    """Five proposals travel the path on a stack of their own; exit 0 if all ended as expected."""
    shared: Shared = ctx.obj
    screen = (
        Console(force_terminal=False, highlight=False, emoji=False, soft_wrap=True)
        if plain
        else console
    )

    pace_seconds = (0.4 if screen.is_terminal else 0.0) if pace is None else pace

    def act() -> None:
        from investiture.cli.demo.play import play

        signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidies up like Ctrl-C
        path = Path(tempfile.mkdtemp(prefix="investiture-demo-"))
        try:
            asyncio.run(play(path, screen, pace_seconds))
        finally:
            if keep:
                screen.print(f"data and logs are kept in {path}", style="dim")
            else:
                shutil.rmtree(path, ignore_errors=True)

    guard(shared, act)
