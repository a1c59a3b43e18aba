"""What every command that decides does alike: read the record, show it, send its etag."""

from collections.abc import Iterable
from typing import Annotated

import typer
from google.protobuf.message import Message
from rich.console import Group
from rich.text import Text

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.cli import problems
from investiture.cli.output import GATES, gate_word, short
from investiture.cli.paths import case_remarks, holder_lines, state, trial_remarks
from investiture.cli.problems import Complaint
from investiture.cli.session import OWNERS, Session

Program = Annotated[
    str, typer.Argument(help="The program: `support-community`.", metavar="PROGRAM")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
OnBehalfOf = Annotated[
    str, typer.Option("--on-behalf-of", help="Whose delegate you are here.", metavar="PERSON")
]


def program_name(program: str) -> str:
    """Return a program's resource name, however it was written."""
    return program if program.startswith("programs/") else f"programs/{program}"


def gate_of(said: str, where: str = "GATE") -> gate_pb2.Gate.ValueType:
    """Return the gate that a word means, however it is written."""
    for gate in GATES:
        if gate_word(gate) == said.upper():
            return gate
    known = ", ".join(gate_word(gate).lower() for gate in GATES)
    raise typer.BadParameter(f"{said} is none of {known}", param_hint=where)


async def newest_case(
    session: Session, program: str, gate: gate_pb2.Gate.ValueType
) -> gate_pb2.GateCase:
    """Return the newest case of a program's gate.

    Raises:
        Complaint: it has none yet.
    """
    stub = await session.cases(OWNERS[gate])
    name = program_name(program)
    reading = await stub.ReadCase(pb.ReadCaseRequest(program=name, gate=gate))
    if not reading.HasField("gate_case"):
        raise Complaint(
            f"{name} has no {gate_word(gate).lower()} case yet",
            problems.NOT_FOUND,
            f"`investiture show {short(name)}` says where it is",
        )
    return reading.gate_case


def person_name(person: str) -> str:
    """Return a person's resource name, however it was written; empty stays empty."""
    return person if not person or person.startswith("people/") else f"people/{person}"


def etag_for(session: Session, case: gate_pb2.GateCase) -> str:
    """Show what is decided on, and return the etag that binds the decision to it.

    Raises:
        Complaint: ``--etag`` says that another state was seen.
    """
    session.note(seen(case))
    return agreed_etag(session, case.etag, case.name)


def agreed_etag(session: Session, etag: str, name: str) -> str:
    """Return a record's etag, unless the caller says to have seen another."""
    wanted = session.shared.etag
    if wanted and wanted != etag:
        raise Complaint(
            f"{name} changed since you read it: its etag is {etag} now",
            problems.STALE,
            "read it again with `investiture show`, and decide on what it says now",
        )
    return etag


def seen(case: gate_pb2.GateCase) -> Group:
    """Return what a decision is made on."""
    head = Text.assemble((f"{gate_word(case.gate)} ", "bold"), f"{case.name}  ")
    head.append_text(state(case))
    head.append(f"  on revision {case.revision}", style="dim")
    holders = [Text(f"  in the hands of {line}", style="dim") for line in holder_lines(case)]
    return Group(head, *holders, *case_remarks(case), *trial_remarks(case.trial_runs))


def outcome(session: Session, case: gate_pb2.GateCase, extra: Iterable[Text] = ()) -> Group:
    """Return what a decision did; of a dry run, what it would do."""
    mood = "would be" if session.shared.dry_run else "is now"
    line = Text.assemble(("✓ ", "green"), (gate_word(case.gate), "bold"), f" {mood} ")
    line.append_text(state(case))
    waiting = ", ".join(short(holder.person) for holder in case.holders)
    if waiting:
        line.append(f"; it waits for {waiting}", style="dim")
    return Group(line, *extra, *case_remarks(case))


def answer(session: Session, message: Message, case: gate_pb2.GateCase) -> None:
    """Print what a decision answered."""
    session.show(message, lambda _: outcome(session, case))
