"""Money from one envelope to another: proposed by one, approved by both owners."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import grpc
import typer
from google.type.money_pb2 import Money
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.budget.v1 import transfers_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.cli.deciding import OnBehalfOf, agreed_etag, person_name
from investiture.cli.output import clock, instant, short, table
from investiture.cli.session import Session, run
from investiture.stack import amounts

app = typer.Typer()
group = typer.Typer(
    no_args_is_help=True, help="Money from one envelope to another; both owners approve."
)
app.add_typer(group, name="transfer", rich_help_panel="Decisions")

Name = Annotated[str, typer.Argument(help="The transfer.", metavar="TRANSFER")]


CALLER = "people/-"
"""Whoever calls, for the service to know."""


class Rounding(StrEnum):
    """How the amount in the other currency is rounded."""

    HALF_EVEN = "half-even"
    HALF_UP = "half-up"
    DOWN = "down"


@group.command()
def propose(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    ctx: typer.Context,
    giver: Annotated[str, typer.Argument(help="The envelope that gives.")],
    taker: Annotated[str, typer.Argument(help="The envelope that takes.")],
    amount: Annotated[str, typer.Argument(help='In the giver\'s currency: "400 EUR".')],
    reason: Annotated[str, typer.Option(help="What for.")],
    rate: Annotated[
        str, typer.Option(help="Units of the taker's currency for one of the giver's.")
    ] = "",
    source: Annotated[str, typer.Option(help="Who quotes the rate.")] = "",
    quoted_on: Annotated[
        str, typer.Option(help="The day of the rate; else today.", metavar="DATE")
    ] = "",
    rounding: Annotated[Rounding, typer.Option(help="Of the result.")] = Rounding.HALF_EVEN,
    name: Annotated[str, typer.Option("--id", help="Its id; else one is made.")] = "",
) -> None:
    """Propose a transfer. Nothing moves, and nothing is held, before both owners approve."""
    money = money_of(amount, "AMOUNT")
    exchange = None
    if rate:
        exchange = pb.Exchange(
            rate=rate,
            source=source,
            quoted_on=quoted_on or today(),
            rounding=pb.Rounding.Value(f"ROUNDING_{rounding.name}"),
        )

    async def act(session: Session) -> None:
        stub = await session.budget()
        request = pb.ProposeTransferRequest(
            request_id=session.shared.fresh_request_id(),
            transfer_id=name,
            giver=envelope_name(giver),
            taker=envelope_name(taker),
            amount=money,
            exchange=exchange,
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.ProposeTransfer(request), shown)

    run(ctx, act)


@group.command()
def approve(ctx: typer.Context, transfer: Name, on_behalf_of: OnBehalfOf = "") -> None:
    """Approve a transfer for the envelope that you own; the last approval posts it."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        seen = await _seen(session, stub, transfer)
        request = pb.ApproveTransferRequest(
            request_id=session.shared.fresh_request_id(),
            name=seen.name,
            etag=agreed_etag(session, seen.etag, seen.name),
            on_behalf_of=person_name(on_behalf_of),
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.ApproveTransfer(request), shown)

    run(ctx, act)


@group.command()
def decline(
    ctx: typer.Context,
    transfer: Name,
    reason: Annotated[str, typer.Option(help="Why, and what would make it a yes.")],
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """Decline a transfer, or withdraw one that you proposed."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        seen = await _seen(session, stub, transfer)
        request = pb.DeclineTransferRequest(
            request_id=session.shared.fresh_request_id(),
            name=seen.name,
            etag=agreed_etag(session, seen.etag, seen.name),
            reason=reason,
            on_behalf_of=person_name(on_behalf_of),
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.DeclineTransfer(request), shown)

    run(ctx, act)


@group.command()
def show(ctx: typer.Context, transfer: Name) -> None:
    """Show a transfer: what moves, who approved, who is waited for."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        request = pb.GetTransferRequest(name=transfer_name(transfer))
        session.show(await stub.GetTransfer(request), shown)

    run(ctx, act)


@group.command("list")
def list_(
    ctx: typer.Context,
    envelope: Annotated[str, typer.Option(help="Only where it gives or takes.")] = "",
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only what waits for an approval.")
    ] = False,
    mine: Annotated[bool, typer.Option("--mine", help="Only what waits for yours.")] = False,
) -> None:
    """List transfers, the oldest first."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        state = pb.TRANSFER_STATE_PROPOSED if waiting else pb.TRANSFER_STATE_UNSPECIFIED
        awaiting = CALLER if mine else ""
        found = pb.ListTransfersResponse()
        token = ""
        while True:
            page = await stub.ListTransfers(
                pb.ListTransfersRequest(
                    envelope=envelope_name(envelope),
                    state=state,
                    awaiting=awaiting,
                    page_size=500,
                    page_token=token,
                )
            )
            found.transfers.extend(page.transfers)
            token = page.next_page_token
            if not token:
                break
        session.show(found, lambda answer: transfers_table(answer.transfers))

    run(ctx, act)


async def waiting_for(session: Session, person: str) -> list[pb.Transfer]:
    """Return the transfers that wait for a person; none where the caller has no part in money."""
    stub = await session.budget()
    found: list[pb.Transfer] = []
    token = ""
    while True:
        try:
            page = await stub.ListTransfers(
                pb.ListTransfersRequest(awaiting=person, page_size=500, page_token=token)
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.PERMISSION_DENIED:
                return []
            raise
        found.extend(page.transfers)
        token = page.next_page_token
        if not token:
            return found


def money_of(text: str, where: str) -> Money:
    """Return the amount that a person wrote; a usage error names the argument."""
    try:
        return amounts.parse(text)
    except amounts.AmountUnreadable as error:
        raise typer.BadParameter(str(error), param_hint=where) from None


def envelope_name(name: str) -> str:
    """Return an envelope's resource name, however it was written; empty stays empty."""
    return name if not name or name.startswith("envelopes/") else f"envelopes/{name}"


def transfer_name(name: str) -> str:
    """Return a transfer's resource name, however it was written."""
    return name if name.startswith("transfers/") else f"transfers/{name}"


def today() -> str:
    """Return today as the services count days, in UTC."""
    return datetime.now(UTC).date().isoformat()


def shown(transfer: pb.Transfer) -> Group:
    """Return a transfer in a few lines."""
    head = Text.assemble(
        (f"{transfer.name}  ", "bold"), state_word(transfer.state), f"  {_moved(transfer)}"
    )
    lines = [Text(f"  for: {transfer.reason}", style="dim")]
    if transfer.HasField("exchange"):
        rate = transfer.exchange
        lines.append(
            Text(
                f"  at {rate.rate} ({rate.source}, {rate.quoted_on}), rounded "
                f"{_rounding(rate.rounding)}, {rate.residue} of a minor unit left",
                style="dim",
            )
        )
    for one in transfer.approvals:
        seats = " and ".join(seat_word(seat) for seat in one.seats)
        name = f" for {short(one.on_behalf_of)}" if one.on_behalf_of else ""
        lines.append(Text(f"  ✓ {short(one.person)}{name}, {seats}", style="green"))
    if transfer.awaited:
        waits = " and ".join(seat_word(seat) for seat in transfer.awaited)
        lines.append(Text(f"  waits for {waits}", style="yellow"))
    if transfer.remark:
        lines.append(Text(f"  {short(transfer.ended_by)}: {transfer.remark}", style="dim"))
    return Group(head, *lines)


def transfers_table(found: Iterable[pb.Transfer]) -> Table:
    """Return transfers, a row each."""
    drawn = table(
        "transfer", "since", "overdue", "from → to", "gives", "state", "waits for", right=("gives",)
    )
    for one in found:
        drawn.add_row(
            short(one.name),
            clock(instant(one, "proposed_at")),
            clock(instant(one.timetable, "overdue_at")) if one.awaited else "",
            f"{short(one.giver)} → {short(one.taker)}",
            amounts.shown(one.given),
            state_word(one.state),
            ", ".join(seat_word(seat) for seat in one.awaited),
        )
    return drawn


def state_word(state: int) -> str:
    """Return a transfer's state in words: ``proposed``."""
    name = pb.TransferState.Name(pb.TransferState.ValueType(state))
    return name.removeprefix("TRANSFER_STATE_").lower()


def seat_word(seat: int) -> str:
    """Return for whom somebody approves: ``giver``."""
    name = pb.TransferSeat.Name(pb.TransferSeat.ValueType(seat))
    return name.removeprefix("TRANSFER_SEAT_").lower()


def _rounding(value: int) -> str:
    name = pb.Rounding.Name(pb.Rounding.ValueType(value))
    return name.removeprefix("ROUNDING_").lower().replace("_", " ")


def _moved(transfer: pb.Transfer) -> str:
    taken = ""
    if transfer.HasField("exchange"):
        taken = f" = {amounts.shown(transfer.taken)}"
    return (
        f"{amounts.shown(transfer.given)}{taken} from {short(transfer.giver)} "
        f"to {short(transfer.taker)}"
    )


async def _seen(session: Session, stub: BudgetServiceStub, transfer: str) -> pb.Transfer:
    """Show what is decided on."""
    found = await stub.GetTransfer(pb.GetTransferRequest(name=transfer_name(transfer)))
    session.note(shown(found))
    return found
