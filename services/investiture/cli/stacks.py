"""`up` and `down`: the embedded stack from the command line."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from investiture.charter.load import load
from investiture.cli import problems
from investiture.cli.charters import DEFAULT
from investiture.cli.output import complaints, console, print_json
from investiture.cli.problems import Complaint
from investiture.cli.root import Shared
from investiture.cli.session import guard
from investiture.stack import record
from investiture.stack.databases import SQLITE
from investiture.stack.embedded import DATA, Stack
from investiture.stack.example import example
from investiture.stack.folder import Folder, holder
from investiture.stack.part import Event, Phase
from investiture.stack.plan import SERVICES, TEMPORAL, WORKER, Options

PANEL = "Stack"
PEOPLE = "examples/people.yaml"
ENVELOPES = "examples/envelopes.yaml"
_STOP_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_STYLES: Mapping[Phase, str] = {
    Phase.READY: "green",
    Phase.DIED: "bold red",
    Phase.STARTING: "yellow",
    Phase.STOPPING: "yellow",
    Phase.STOPPED: "dim",
}

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
            asyncio.run(_serve(shared, options))
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


class Progress:
    """What happens to the parts: a live table while they start, lines afterwards.

    Args:
        lines: whether lines are printed at all.
    """

    def __init__(self, *, lines: bool = True) -> None:
        self._lines = lines
        self._latest: dict[str, Event] = {}
        self._live: Live | None = None
        self._spinners: dict[str, Spinner] = {}

    def tell(self, event: Event) -> None:
        """Take note of an event, and show it."""
        self._latest[event.part] = event
        if self._live is not None:
            self._live.update(self.table())
        elif self._lines and event.phase is not Phase.STARTING:
            detail = f"  {event.detail}" if event.detail else ""
            line = Text.assemble(
                (f"{time.strftime('%H:%M:%S')}  ", "dim"),
                f"{event.part:<12}",
                (event.phase, _STYLES[event.phase]),
                detail,
            )
            complaints.print(line)

    @contextmanager
    def starting(self) -> Generator[None]:
        """Draw the live table meanwhile, where there is a terminal."""
        if not complaints.is_terminal:
            yield
            return
        table = self.table()
        with Live(table, console=complaints, refresh_per_second=12, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def table(self) -> Table:
        """Return each part and what it does now."""
        table = Table(show_header=False, box=None, pad_edge=False)
        for part in (DATA, TEMPORAL, *SERVICES, WORKER):
            event = self._latest.get(part)
            table.add_row(self._mark(part, event), part, _detail(event))
        return table

    def _mark(self, part: str, event: Event | None) -> RenderableType:
        if event is None:
            return Text("·", style="dim")
        if event.phase is Phase.STARTING:
            return self._spinners.setdefault(part, Spinner("dots", style="yellow"))
        mark = "✓" if event.phase is Phase.READY else "✗"
        return Text(mark, style=_STYLES[event.phase])


@asynccontextmanager
async def started(stack: Stack, progress: Progress) -> AsyncGenerator[Stack]:
    """Start a stack, showing how it comes up; stop it at the end."""
    async with AsyncExitStack() as closing:
        with progress.starting():
            yielded = await closing.enter_async_context(stack)
        yield yielded


def stack_table(stack: Stack) -> Table:
    """Return where everything is."""
    table = Table(show_header=False, title="Investiture is up", title_justify="left")
    for name, address in stack.addresses.items():
        table.add_row(name, Text(address, style="bold"), f"process {stack.pids[name]}")
    table.add_row(WORKER, "", f"process {stack.pids[WORKER]}")
    if stack.ui:
        table.add_row("Temporal UI", Text(stack.ui, style="bold cyan"), "")
    table.add_row("logs", str(stack.folder.logs), "")
    table.add_row("data", str(stack.folder.databases), stack.options.database.partition(":")[0])
    table.add_row("charter", str(stack.options.charter), "")
    return table


async def _serve(shared: Shared, options: Options) -> None:
    """Run the stack until a signal; a signal while it starts ends the start, a second one kills."""
    stopping = asyncio.Event()
    starting = asyncio.current_task()
    progress = Progress()
    stack = Stack(shared.data, options, progress.tell)
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stopping.is_set():
            stack.kill_all()
        elif starting is not None and not up_now:
            starting.cancel()
        stopping.set()

    up_now = False
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    async with started(stack, progress):
        up_now = True
        _announce(shared, stack)
        await stopping.wait()


def _announce(shared: Shared, stack: Stack) -> None:
    if shared.json:
        print_json({"addresses": dict(stack.addresses), "ui": stack.ui, "pid": os.getpid()})
        return
    console.print(stack_table(stack))
    as_somebody = "investiture --as ben submit deploy/examples/support-community.yaml"
    console.print(Text(f"Ctrl-C stops it. Elsewhere: {as_somebody}", style="dim"))


def _charter(given: Path | None, last: record.Record | None) -> Path:
    if given is not None:
        return given
    if last is not None and Path(last.charter).is_file():
        return Path(last.charter)
    return example(DEFAULT)


def _database(given: str, last: record.Record | None) -> str:
    if given:
        return given
    if last is not None and last.database != SQLITE:
        raise Complaint(
            f"this folder's data is in {last.database}, whose password is not kept here",
            problems.CONFIG,
            "give it again with --database, or take another folder with --data",
        )
    return SQLITE


def _detail(event: Event | None) -> Text:
    return Text(event.detail if event else "", style="dim")


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
