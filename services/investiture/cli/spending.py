"""What is promised, spent and corrected of a program's money."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.cli import problems
from investiture.cli.deciding import Program, agreed_etag, etag_for, program_name
from investiture.cli.ledgers import movements_table
from investiture.cli.output import short
from investiture.cli.problems import Complaint
from investiture.cli.session import Session, run
from investiture.cli.transfers import envelope_name, money_of
from investiture.stack import amounts

app = typer.Typer()

Number = Annotated[
    str, typer.Argument(help="The commitment, by its number or name.", metavar="COMMITMENT")
]
Amount = Annotated[str, typer.Argument(help='"120.50 EUR".', metavar="AMOUNT")]
Invoice = Annotated[str, typer.Option(help="Number of the invoice.")]


class Tranche(StrEnum):
    """Out of which part of the reservation."""

    TRIAL = "trial"
    PILOT = "pilot"
    GENERAL = "general"


@app.command(rich_help_panel="Decisions")
def commit(
    ctx: typer.Context,
    program: Program,
    amount: Amount,
    tranche: Annotated[Tranche, typer.Option(help="Out of which tranche.")],
    vendor: Annotated[str, typer.Option(help="To whom; nobody means IT.")] = "",
) -> None:
    """Promise part of what is reserved to a vendor, or to IT."""
    money = money_of(amount, "AMOUNT")

    async def act(session: Session) -> None:
        stub = await session.budget()
        latest = f"{program_name(program)}/budgetRequests/latest"
        funding = await stub.GetFunding(pb.GetFundingRequest(name=latest))
        request = pb.CommitRequest(
            request_id=session.shared.fresh_request_id(),
            program=program_name(program),
            etag=etag_for(session, funding.gate_case),
            amount=money,
            tranche=pb.Tranche.Value(f"TRANCHE_{tranche.name}"),
            vendor=vendor,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.Commit(request), lambda made: Group(commitment_line(made)))

    run(ctx, act)


@app.command(rich_help_panel="Decisions")
def spend(
    ctx: typer.Context,
    program: Program,
    commitment: Number,
    amount: Amount,
    invoice: Invoice = "",
    final: Annotated[
        bool, typer.Option("--final", help="Nothing more will come; the rest goes back.")
    ] = False,
) -> None:
    """Record what was spent of a commitment."""
    money = money_of(amount, "AMOUNT")

    async def act(session: Session) -> None:
        stub = await session.budget()
        seen = await commitment_of(stub, program, commitment)
        request = pb.RecordActualRequest(
            request_id=session.shared.fresh_request_id(),
            name=seen.name,
            etag=agreed_etag(session, seen.etag, seen.name),
            amount=money,
            invoice=invoice,
            final=final,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.RecordActual(request), lambda made: Group(commitment_line(made)))

    run(ctx, act)


@app.command(rich_help_panel="Decisions")
def correct(
    ctx: typer.Context,
    program: Program,
    entry: Annotated[int, typer.Argument(help="Its number in the ledger.", metavar="ENTRY", min=1)],
    amount: Amount,
    reason: Annotated[str, typer.Option(help="What was wrong.")],
    commitment: Annotated[
        str, typer.Option(help="Where it was booked; else as the entry says.")
    ] = "",
    rebook_to: Annotated[
        str, typer.Option(help="The commitment on which it belongs.", metavar="COMMITMENT")
    ] = "",
    invoice: Invoice = "",
) -> None:
    """Take an actual back by new entries, and book it where it belongs; not your own."""
    money = money_of(amount, "AMOUNT")

    async def act(session: Session) -> None:
        stub = await session.budget()
        booked = commitment or await _booked_on(stub, program, entry)
        seen = await commitment_of(stub, program, booked)
        target = await commitment_of(stub, program, rebook_to) if rebook_to else None
        request = pb.CorrectActualRequest(
            request_id=session.shared.fresh_request_id(),
            name=seen.name,
            etag=agreed_etag(session, seen.etag, seen.name),
            entry=entry,
            amount=money,
            rebook_to=target.name if target else "",
            rebook_etag=target.etag if target else "",
            invoice=invoice,
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.CorrectActual(request), corrected)

    run(ctx, act)


@app.command("roll-forward", rich_help_panel="Decisions")
def roll_forward(
    ctx: typer.Context,
    program: Program,
    commitment: Number,
    amount: Amount,
    spent_on: Annotated[str, typer.Option(help="The day it was spent.", metavar="DATE")],
    invoice: Invoice = "",
    envelope: Annotated[str, typer.Option(help="Where to post it; else the successor.")] = "",
) -> None:
    """Record an actual that comes after its fiscal year was closed and its commitment lapsed."""
    money = money_of(amount, "AMOUNT")

    async def act(session: Session) -> None:
        stub = await session.budget()
        seen = await commitment_of(stub, program, commitment)
        request = pb.RollForwardActualRequest(
            request_id=session.shared.fresh_request_id(),
            name=seen.name,
            etag=agreed_etag(session, seen.etag, seen.name),
            amount=money,
            spent_on=spent_on,
            invoice=invoice,
            envelope=envelope_name(envelope),
            validate_only=session.shared.dry_run,
        )
        session.show(
            await stub.RollForwardActual(request), lambda made: Group(commitment_line(made))
        )

    run(ctx, act)


async def commitment_of(stub: BudgetServiceStub, program: str, name: str) -> pb.Commitment:
    """Return a commitment as it is now, from the newest round that shows it.

    Raises:
        Complaint: there is none.
    """
    wanted = name if "/" in name else f"{program_name(program)}/commitments/{name}"
    owner = wanted.partition("/commitments/")[0]
    latest = await stub.GetFunding(pb.GetFundingRequest(name=f"{owner}/budgetRequests/latest"))
    rounds = range(latest.gate_case.round, 0, -1)
    for number in rounds:
        request = pb.GetFundingRequest(name=f"{owner}/budgetRequests/{number}")
        funding = await stub.GetFunding(request)
        for one in funding.reservation.commitments:
            if one.name == wanted:
                return one
    raise Complaint(
        f"{wanted} does not exist",
        problems.NOT_FOUND,
        f"`investiture ledger {short(owner)}` shows what was committed",
    )


def commitment_line(made: pb.Commitment) -> Text:
    """Return a commitment in a line."""
    to = "IT" if made.to_it else made.vendor
    state = " (closed)" if made.closed else ""
    line = Text.assemble(
        ("✓ ", "green"),
        (made.name, "bold"),
        f"{state}  {amounts.shown(made.actual)} of {amounts.shown(made.amount)} spent, to {to}",
    )
    if made.rolls_forward:
        line.append(f"; rolls {made.rolls_forward} forward, spent on {made.spent_on}", "dim")
    return line


def corrected(answer: pb.CorrectActualResponse) -> Group:
    """Return what a correction did: the commitments, then its entries."""
    lines = [commitment_line(answer.corrected)]
    if answer.HasField("rebooked"):
        lines.append(commitment_line(answer.rebooked))
    return Group(*lines, movements_table(answer.entries))


async def _booked_on(stub: BudgetServiceStub, program: str, entry: int) -> str:
    """Return the commitment that an entry of a program names."""
    token = ""
    while True:
        page = await stub.ListLedgerEntries(
            pb.ListLedgerEntriesRequest(
                program=program_name(program), page_size=500, page_token=token
            )
        )
        for one in page.entries:
            if one.sequence == entry and one.commitment:
                return one.commitment
        token = page.next_page_token
        if not token:
            raise Complaint(
                f"entry {entry} of {program_name(program)} names no commitment",
                problems.NOT_FOUND,
                f"`investiture ledger {short(program_name(program))}` shows its entries; or say "
                "--commitment",
            )
