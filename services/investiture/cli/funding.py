"""The FUND gate: finance approves level by level, and reserves."""

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
from investiture.cli.output import clock, instant, short, table
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


def approved(funding: pb.Funding) -> bool:
    """Return whether every level has approved, so that the money can be reserved."""
    if funding.approved_in:  # its levels approved an earlier round; finance alone confirms
        return True
    return bool(funding.levels) and all(
        len(level.approved_by) >= level.needed for level in funding.levels
    )


def _envelope(name: str) -> str:
    return name if not name or name.startswith("envelopes/") else f"envelopes/{name}"


def _shown(session: Session, funding: pb.Funding) -> Group:
    lines = [Text(f"  asked for {amounts.shown(funding.amount)}", style="dim")]
    if funding.gate_case.reason:
        lines.append(Text(f"  {funding.gate_case.reason}", style="yellow"))
    if funding.HasField("counted_together"):
        lines.append(_counted(funding.counted_together))
    if funding.HasField("ceiling"):
        lines.append(Text(f"  approved up to {amounts.shown(funding.ceiling)}", style="dim"))
    if funding.HasField("reservation"):
        lines.append(_held(funding.reservation))
    shown = outcome(session, funding.gate_case, lines)
    return Group(shown, _levels(funding.levels)) if funding.levels else Group(shown)


def _held(held: pb.Reservation) -> Text:
    """Return what is reserved where and until when, or that it went back."""
    what = f"  {amounts.shown(held.reserved)} reserved in {short(held.envelope)}"
    until = clock(instant(held, "expires_at")) if held.HasField("expires_at") else ""
    if held.state == pb.HOLD_EXPIRED:
        back = amounts.shown(held.released)
        return Text(f"{what}; the hold expired {until}, {back} went back", style="yellow")
    return Text(f"{what}{f' until {until}' if until else ''}", style="dim")


def _counted(counted: pb.CountedTogether) -> Text:
    others = ", ".join(
        f"{short(one.program)} {amounts.shown(one.amount)}" for one in counted.others
    )
    total = amounts.shown(counted.total)
    return Text(f"  counted together in {counted.cost_centre}: {total}, with {others}", style="dim")


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
