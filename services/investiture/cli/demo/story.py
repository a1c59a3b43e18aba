"""One program on its path, watched while its story is told."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import grpc
from rich.console import Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.api.launch.v1.launch_service_pb2_grpc import LaunchServiceStub
from investiture.cli.demo.stage import WATCHER, Stage
from investiture.cli.output import gate_word, outcome_word, short
from investiture.cli.paths import path_table
from investiture.cli.programs import path_line
from investiture.cli.proposals import Proposal, proposal_of
from investiture.stack.example import example

PATIENCE_SECONDS = 20.0
"""How long anything may take before it counts as not happening."""

_RESUME_SECONDS = 0.2

Holds = Callable[[pb.Path], bool]


class Story:
    """A program, its path as last seen, and what was collected on the way."""

    def __init__(self, stage: Stage, title: str, file: str, program: str = "") -> None:
        self.stage = stage
        self.title = title
        proposal: Proposal = proposal_of(example(f"examples/{file}"))
        self.proposal = replace(proposal, program=program) if program else proposal
        self.program = f"programs/{self.proposal.program}"
        self.path = pb.Path()
        self.trace_id = ""
        """Of the submission: the trace that is printed at the end."""
        self.warrants: dict[gate_pb2.Gate.ValueType, str] = {}
        """Signed warrants as they were while they stood."""
        self._changed = asyncio.Condition()
        self._watching: asyncio.Task[None] | None = None
        self._line = ""

    def tell(self, line: str, style: str = "") -> None:
        """Tell what happens."""
        self.stage.tell(line, style)

    def expect(self, what: str, holds: bool, found: object = "") -> None:
        """Check an expectation of this program."""
        self.stage.expect(f"{what} ({short(self.program)})", holds, found)

    def case(self, gate: gate_pb2.Gate.ValueType) -> gate_pb2.GateCase:
        """Return a gate's case as the path last recorded it; an empty one where it has none."""
        return case_of(self.path, gate)

    def picture(self) -> RenderableType:
        """Return the path as it is now."""
        if not self.path.program.name:
            return Text("")
        return Group(Text(""), path_table(self.path, datetime.now(UTC)))

    def watch(self) -> None:
        """Watch the path from now on."""
        self._watching = asyncio.create_task(self._watch())

    async def until(self, what: str, holds: Holds) -> pb.Path:
        """Return the path once it is so: an expectation, with patience.

        Raises:
            UnexpectedOutcome: it does not become so.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: holds(self.path))
        except TimeoutError:
            self.expect(what, False, path_line(self.path))
        self.expect(what, True)
        return self.path

    async def opens(self, gate: gate_pb2.Gate.ValueType, round_: int = 1) -> gate_pb2.GateCase:
        """Wait until a gate asks for its decision, and return its case."""

        def holds(path: pb.Path) -> bool:
            case = case_of(path, gate)
            asks = case.state == gate_pb2.CASE_STATE_OPEN and case.round == round_
            return asks and path.waiting_at == gate

        await self.until(f"{gate_word(gate)} to open, round {round_}", holds)
        return self.case(gate)

    async def ends(self, outcome: int) -> None:
        """Wait until the program has ended so, and nothing is held for it any more."""
        await self.until(
            f"the program to end as {outcome_word(outcome)} and everything held to be released",
            lambda path: path.program.outcome == outcome and path.program.settled,
        )
        self.tell(f"The program has ended: {outcome_word(outcome)}; nothing is held.", "bold")

    async def stop_watching(self) -> None:
        """End the watching."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self) -> None:
        stub = LaunchServiceStub(self.stage.channel("launch", WATCHER))
        version = 0
        while True:
            request = pb.WatchProgramRequest(program=self.program, after_version=version)
            try:
                async for answer in stub.WatchProgram(request):
                    version = answer.version
                    await self._see(answer.path)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(_RESUME_SECONDS)

    async def _see(self, path: pb.Path) -> None:
        async with self._changed:
            self.path = path
            self._changed.notify_all()
        line = path_line(path)
        if not self.stage.console.is_terminal and line != self._line:
            self._line = line
            self.tell(f"  · {line}", "dim")


@asynccontextmanager
async def story(
    stage: Stage, number: int, title: str, file: str, program: str = ""
) -> AsyncGenerator[Story]:
    """Tell the story of a program file: its path is drawn live below what is told.

    `program` is another id for it, where one file is submitted twice.
    """
    told = Story(stage, title, file, program)
    console = stage.console
    console.print()
    console.print(Rule(f"{number}. {title}", align="left", style="bold"))
    live = Live(get_renderable=told.picture, console=console, refresh_per_second=8, transient=True)
    with live if console.is_terminal else nullcontext():
        try:
            yield told
        finally:
            await told.stop_watching()


def case_of(path: pb.Path, gate: gate_pb2.Gate.ValueType) -> gate_pb2.GateCase:
    """Return a gate's case; an empty one where it has none yet."""
    found = (one.gate_case for one in path.gates if one.gate == gate)
    return next(found, gate_pb2.GateCase())
