"""A stack in the foreground: how it comes up, where everything is, and what happens to it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from rich.console import RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from investiture.cli.output import complaints, console, print_json
from investiture.cli.root import Shared
from investiture.stack.embedded import Stack
from investiture.stack.names import DATA, SERVICES, TEMPORAL, WORKER
from investiture.stack.part import Event, Phase
from investiture.stack.plan import Options

_STYLES: Mapping[Phase, str] = {
    Phase.READY: "green",
    Phase.DIED: "bold red",
    Phase.STARTING: "yellow",
    Phase.STOPPING: "yellow",
    Phase.STOPPED: "dim",
}


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


async def serve(shared: Shared, options: Options) -> None:
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


def _detail(event: Event | None) -> Text:
    return Text(event.detail if event else "", style="dim")
