"""What is printed at the end: gates, deciders, warrants, time, the ledger and the traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.cli.demo.stage import WATCHER, Stage
from investiture.cli.demo.story import Story
from investiture.cli.demo.traces import drawn, spans_of, trace_of
from investiture.cli.demo.warrants import Verified, key_sets, verified
from investiture.cli.ledgers import Book, balances_table, movements_table, read_book
from investiture.cli.output import (
    gate_word,
    outcome_word,
    short,
    span,
    state_word,
    table,
    verdict_word,
)
from investiture.stack.names import SERVICES

_MS = timedelta(milliseconds=1)
_TRACED = frozenset({"demo", "launch", "worker", "sponsorship"})
"""What the trace of every submission has to reach."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was read from the services while they ran."""

    book: Book
    public_keys: dict[str, str]


async def gather(stage: Stage) -> Findings:
    """Read what the report needs, before the stack is stopped."""
    stub = BudgetServiceStub(stage.channel("budget", WATCHER))
    return Findings(await read_book(stub), await key_sets(stage, SERVICES))


def report(stage: Stage, stories: Sequence[Story], findings: Findings) -> None:
    """Print the report; what it finds wrong ends the demo like any other expectation.

    Raises:
        UnexpectedOutcome: a warrant does not verify, the ledger does not add up, or a trace does
            not reach where it should.
    """
    console = stage.console
    spans = spans_of(Path(stage.stack.folder.traces))
    for number, story in enumerate(stories, start=1):
        console.print()
        console.print(Rule(f"{number}. {story.title}", align="left", style="bold"))
        console.print(_outcome(story.path))
        console.print(gates_table(story.path))
        warrants = verified(story, findings.public_keys)
        console.print(warrants_table(warrants))
        wrong = [one.why for one in warrants if one.why]
        story.expect("every warrant to verify", bool(warrants) and not wrong, wrong)
        _ledger(console, story, findings.book)
        trace = trace_of(spans, story.trace_id)
        console.print(drawn(trace, "trace of the submission"))
        story.expect("the trace to reach them", trace.services >= _TRACED, trace.services)
    _balances(console, findings.book)
    stage.expect("the ledger to add up", findings.book.balanced)


def gates_table(path: pb.Path) -> Table:
    """Return what each gate said, who decided it, and how long it took."""
    drawn = table("gate", "rounds", "said", "basis", "decided by", "time", right=("time",))
    for gate in path.gates:
        case = gate.gate_case
        if not gate.HasField("gate_case") or not case.round:
            drawn.add_row(gate_word(gate.gate), "", Text("never asked", style="dim"))
            continue
        drawn.add_row(
            gate_word(gate.gate),
            str(case.round),
            verdict_word(case.verdict) or state_word(case.state),
            _basis(case),
            ", ".join(dict.fromkeys(short(one.person) for one in case.deciders)),
            span(gate.waited_ms * _MS),
        )
    return drawn


def _basis(case: gate_pb2.GateCase) -> str:
    """Return why a decision stands: by which standing decision, where it is one."""
    if case.HasField("standing_decision"):
        return f"standing decision {case.standing_decision.id}"
    word = gate_pb2.Basis.Name(case.basis).removeprefix("BASIS_").lower()
    return word if case.basis else ""


def warrants_table(warrants: Sequence[Verified]) -> Table:
    """Return the warrants and whether their signatures hold."""
    drawn = table("warrant", "signed by", "signature", "revision", "verdict", "deciders")
    for one in warrants:
        good = Text("✓ verified", style="green") if not one.why else Text(one.why, style="red")
        drawn.add_row(
            gate_word(one.gate),
            one.issuer,
            good,
            str(one.warrant.revision),
            verdict_word(one.warrant.verdict),
            ", ".join(dict.fromkeys(short(d.person) for d in one.warrant.deciders)),
        )
    return drawn


def _outcome(path: pb.Path) -> Text:
    program = path.program
    line = Text.assemble((outcome_word(program.outcome), "bold"), f" by {short(program.ended_by)}")
    return line.append(f": {program.end_reason}", style="dim")


def _ledger(console: Console, story: Story, book: Book) -> None:
    entries = [entry for entry in book.entries if entry.program == story.program]
    console.print(movements_table(entries))


def _balances(console: Console, book: Book) -> None:
    console.print()
    console.print(Rule("The budget", align="left", style="bold"))
    console.print(balances_table(book.envelopes))
    for check in book.checks():
        console.print(check)
