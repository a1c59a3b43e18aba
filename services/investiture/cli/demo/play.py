"""The stories, one after the other, and the report."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from investiture.chassis import telemetry
from investiture.chassis.settings import TelemetrySettings
from investiture.cli.demo import campaign, community, network, trial
from investiture.cli.demo.report import gather, report
from investiture.cli.demo.stage import Stage
from investiture.cli.running import Progress, started
from investiture.stack.embedded import Stack
from investiture.stack.example import ENVELOPES, PEOPLE, example
from investiture.stack.folder import Folder
from investiture.stack.plan import Options

CHARTER = "charters/demo.yaml"
_STORIES = (community.play, campaign.play, network.play)


async def play(path: Path, screen: Console, pace_seconds: float) -> None:
    """Play the stories on a stack in the folder at ``path``, and print the report."""
    options = Options(
        charter=trial.dated_today(example(CHARTER), path),
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
        stage = Stage(stack, screen, pace_seconds)
        ui = f"; Temporal's UI shows the workflows: {stack.ui}" if stack.ui else ""
        stage.tell(f"The stack is up{ui}.", "bold")
        stories = [await play(stage) for play in _STORIES]
        stories += await trial.plays(stage)
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
