"""`investiture demo`: the three stories, one after the other, and the report."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from investiture.chassis import telemetry
from investiture.chassis.settings import TelemetrySettings
from investiture.cli.demo import campaign, community, network
from investiture.cli.demo.report import gather, report
from investiture.cli.demo.stage import Stage
from investiture.cli.output import console
from investiture.cli.root import Shared
from investiture.cli.session import guard
from investiture.cli.stacks import ENVELOPES, PEOPLE, Progress, started
from investiture.stack.embedded import Stack
from investiture.stack.example import example
from investiture.stack.folder import Folder
from investiture.stack.plan import Options

CHARTER = "charters/demo.yaml"
_STORIES = (community.play, campaign.play, network.play)

app = typer.Typer()


@app.command(rich_help_panel="Stack")
def demo(
    ctx: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its data and logs.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live view.")] = False,
) -> None:
    """Three proposals travel the path on a stack of their own; exit 0 if all ended as expected."""
    shared: Shared = ctx.obj
    screen = Console(force_terminal=False, highlight=False, soft_wrap=True) if plain else console

    def act() -> None:
        path = Path(tempfile.mkdtemp(prefix="investiture-demo-"))
        try:
            asyncio.run(_play(path, screen))
        finally:
            if keep:
                screen.print(f"data and logs are kept in {path}", style="dim")
            else:
                shutil.rmtree(path, ignore_errors=True)

    guard(shared, act)


async def _play(path: Path, screen: Console) -> None:
    options = Options(
        charter=example(CHARTER),
        supervise=False,  # the worker stays dead until the story says otherwise
        people=example(PEOPLE),
        envelopes=example(ENVELOPES),
    )
    folder = Folder(path)
    telling = telemetry.configure(
        "demo", TelemetrySettings(log_file=folder.log("demo"), traces_file=folder.traces)
    )
    progress = Progress(lines=False)  # what happens to the parts is told by the stories
    async with started(Stack(path, options, progress.tell), progress) as stack:
        stage = Stage(stack, screen)
        ui = f"; Temporal's UI shows the workflows: {stack.ui}" if stack.ui else ""
        stage.tell(f"The stack is up{ui}.", "bold")
        stories = [await play(stage) for play in _STORIES]
        findings = await gather(stage)
        telling.shutdown()
    report(stage, stories, findings)
    screen.print()
    screen.print(
        Text.assemble(
            ("✓ ", "green"),
            (f"all {stage.expectations} expectations held", "bold"),
            f", in {stage.seconds:.0f} s; everything that was started is stopped",
        )
    )
