"""The demo's stage: a stack of its own, its cast, the telling, and what is expected."""

import time
from collections.abc import Awaitable

import grpc
from rich.console import Console
from rich.text import Text

from investiture.charter.load import load as load_charter
from investiture.chassis.client import Problem, explain
from investiture.cli.problems import UnexpectedOutcome
from investiture.stack.embedded import Stack
from investiture.stack.entries import people_of
from investiture.stack.example import example
from investiture.stack.roles import roles_of

WATCHER = "workloads/demo"
"""Who only looks: reads envelopes and paths, decides nothing."""

_WATCHER_ROLES = ("auditor", "operator")


class Stage:
    """The stack, the cast, and the telling.

    Args:
        stack: the running stack.
        console: where it is told.
        pace_seconds: how long people think before they decide, so that one can follow.
    """

    def __init__(self, stack: Stack, console: Console, pace_seconds: float = 0.0) -> None:
        self.stack = stack
        self.console = console
        self.pace_seconds = pace_seconds
        self.expectations = 0
        self._charter = load_charter(stack.options.charter)
        self._cast = {one.id: one for one in people_of(example("examples/people.yaml"))}
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the play has lasted."""
        return time.monotonic() - self._started

    def display_name(self, person: str) -> str:
        """Return somebody's name as it is told."""
        return self._cast[person].name

    def channel(self, service: str, person: str) -> grpc.aio.Channel:
        """Return a channel to a service as somebody of the cast, or as the watcher."""
        if person == WATCHER:
            return self.stack.channel(service, person, _WATCHER_ROLES)
        one = self._cast[person]
        roles = roles_of(person, one.unit or "", guest=bool(one.guest_of), charter=self._charter)
        return self.stack.channel(service, person, roles)

    def tell(self, line: str, style: str = "") -> None:
        """Tell what happens."""
        at = (f"{self.seconds:5.1f} s  ", "dim")
        wrapped = not self.console.is_terminal  # whoever reads a log wants a line a fact
        self.console.print(Text.assemble(at, (line, style)), soft_wrap=wrapped)

    def expect(self, what: str, holds: bool, found: object = "") -> None:
        """Check an expectation; the first that does not hold ends the demo.

        Raises:
            UnexpectedOutcome: naming it.
        """
        self.expectations += 1
        if not holds:
            seen = f"; found: {found}" if found != "" else ""
            raise UnexpectedOutcome(f"expected {what}{seen}")

    async def refused(self, reason: str, call: Awaitable[object]) -> Problem:
        """Return why a call was refused, which is expected, and for this reason."""
        try:
            await call
        except grpc.aio.AioRpcError as error:
            problem = explain(error)
            self.expect(f"a refusal for {reason}", problem.reason == reason, problem)
            return problem
        raise UnexpectedOutcome(f"expected a refusal for {reason}; found: it was accepted")

    def tell_problem(self, problem: Problem) -> None:
        """Tell a refusal with each failed leg and its remedy."""
        self.tell(f"  {problem.reason}: {problem.message}", "red")
        for leg in problem.legs:
            self.tell(f"    ✗ {leg.description}", "red")
            self.tell(f"      → {leg.remedy}", "green")
