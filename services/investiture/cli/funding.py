"""The FUND gate and the ledger: finance approves level by level, reserves, and accounts for it."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.cli.deciding import (
    OnBehalfOf,
    Program,
    etag_for,
    outcome,
    person_name,
    program_name,
)
from investiture.cli.gaps import gap_from
from investiture.cli.ledgers import Book, ledger_table, read_book
from investiture.cli.output import print_json, short, table
from investiture.cli.session import Session, run
from investiture.stack import amounts

app = typer.Typer()

_GAP = 'A gap as "RISK | TOLERANCE | EXCESS | REMEDY".'


@app.command(rich_help_panel="Decisions")
def fund(
    ctx: typer.Context,
    program: Program,
    envelope: Annotated[str, typer.Option(help="Where to reserve; else the one asked for.")] = "",
    comment: Annotated[str, typer.Option(help="Words for the record.")] = "",
    request_changes: Annotated[
        list[str] | None, typer.Option("--request-changes", help=_GAP, metavar="GAP")
    ] = None,
    decline: Annotated[str, typer.Option("--decline", help=_GAP, metavar="GAP")] = "",
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """Approve the funding at your level; once every level has, reserve the money."""
    gaps = [gap_from(text) for text in request_changes or ()]
    no = gap_from(decline) if decline else None

    async def act(session: Session) -> None:
        stub = await session.budget()
        latest = f"{program_name(program)}/budgetRequests/latest"
        funding = await stub.GetFunding(pb.GetFundingRequest(name=latest))
        common = {
            "request_id": session.shared.fresh_request_id(),
            "name": funding.gate_case.name,
            "etag": etag_for(session, funding.gate_case),
        }
        dry = session.shared.dry_run
        principal = person_name(on_behalf_of)
        if no is not None:
            answer = await stub.DeclineFunding(
                pb.DeclineFundingRequest(**common, gap=no, validate_only=dry)
            )
        elif gaps:
            answer = await stub.RequestFundingChanges(
                pb.RequestFundingChangesRequest(**common, gaps=gaps, validate_only=dry)
            )
        elif approved(funding):
            answer = await stub.Reserve(
                pb.ReserveRequest(
                    **common,
                    envelope=_envelope(envelope),
                    on_behalf_of=principal,
                    validate_only=dry,
                )
            )
        else:
            answer = await stub.ApproveFunding(
                pb.ApproveFundingRequest(
                    **common, comment=comment, on_behalf_of=principal, validate_only=dry
                )
            )
        session.show(answer, lambda shown: _shown(session, shown))

    run(ctx, act)


@app.command(rich_help_panel="Looking into it")
def ledger(
    ctx: typer.Context,
    program: Annotated[str, typer.Argument(help="Of one program; else of all.")] = "",
    envelope: Annotated[str, typer.Option(help="Of one envelope; else of all.")] = "",
) -> None:
    """Print the budget's ledger: every movement, and the sums that must be equal."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        name = program_name(program) if program else ""
        book = await read_book(stub, envelope=_envelope(envelope), program=name)
        if session.shared.json:
            print_json(pb.ListLedgerEntriesResponse(entries=book.entries))
        else:
            session.note(_ledger(book))

    run(ctx, act)


def approved(funding: pb.Funding) -> bool:
    """Return whether every level has approved, so that the money can be reserved."""
    return bool(funding.levels) and all(
        len(level.approved_by) >= level.needed for level in funding.levels
    )


def _envelope(name: str) -> str:
    return name if not name or name.startswith("envelopes/") else f"envelopes/{name}"


def _shown(session: Session, funding: pb.Funding) -> Group:
    lines = [Text(f"  asked for {amounts.shown(funding.amount)}", style="dim")]
    if funding.HasField("reservation"):
        held = funding.reservation
        lines.append(
            Text(
                f"  {amounts.shown(held.reserved)} reserved in {short(held.envelope)}", style="dim"
            )
        )
    return Group(outcome(session, funding.gate_case, lines), _levels(funding.levels))


def _levels(levels: Sequence[pb.ApprovalLevel]) -> Table:
    drawn = table("level", "role", "needed", "approved by", "who may")
    for level in levels:
        drawn.add_row(
            str(level.level),
            level.role,
            str(level.needed),
            ", ".join(short(person) for person in level.approved_by) or "–",
            ", ".join(short(person) for person in level.eligible),
        )
    return drawn


def _ledger(book: Book) -> Group:
    return Group(ledger_table(book.entries), *book.checks())
