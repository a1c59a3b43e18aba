"""Liveness of the sponsor: still standing behind a program, and giving it into other hands."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from investiture.api.common.v1 import gate_pb2
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.cli.deciding import (
    OnBehalfOf,
    Program,
    Reason,
    etag_for,
    outcome,
    person_name,
    program_name,
)
from investiture.cli.output import clock, instant, short
from investiture.cli.session import Session, run

PANEL = "Decisions"
app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def attest(
    ctx: typer.Context,
    program: Program,
    statement: Annotated[str, typer.Option("--statement", help="Your words.")] = "",
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """Attest that you still stand behind a program that you sponsor."""

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        found = await _latest(session, program)
        request = pb.AttestSponsorshipRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            statement=statement,
            on_behalf_of=person_name(on_behalf_of),
            validate_only=session.shared.dry_run,
        )
        answered = await stub.AttestSponsorship(request)
        session.show(answered, lambda pledge: _shown(session, pledge))

    run(ctx, act)


@app.command(name="transfer-sponsorship", rich_help_panel=PANEL)
def transfer_sponsorship(
    ctx: typer.Context,
    program: Program,
    reason: Reason,
    successor: Annotated[
        str, typer.Option("--to", help="Who takes over; else the line above is asked.")
    ] = "",
    sponsor: Annotated[
        str, typer.Option("--from", help="Of two sponsors the one who is followed.")
    ] = "",
) -> None:
    """Give a sponsorship into other hands: the path waits until the successor pledges."""

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        found = await _latest(session, program)
        request = pb.TransferSponsorshipRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            sponsor=person_name(sponsor),
            successor=person_name(successor),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        answered = await stub.TransferSponsorship(request)
        session.show(answered, lambda pledge: _shown(session, pledge))

    run(ctx, act)


async def _latest(session: Session, program: str) -> pb.Pledge:
    stub = await session.sponsorship()
    return await stub.GetPledge(pb.GetPledgeRequest(name=f"{program_name(program)}/pledges/latest"))


def _shown(session: Session, pledge: pb.Pledge) -> Group:
    return Group(outcome(session, pledge.gate_case), *liveness_lines(pledge, datetime.now(UTC)))


def liveness_lines(pledge: pb.Pledge, now: datetime) -> Iterator[Text]:
    """Yield who stands behind a pledge, who was lost, and when they are asked for their word."""
    for one in pledge.sponsorships:
        if one.lost:
            heir = f"; {short(one.successor)} is to take over" if one.successor else ""
            yield Text(f"  {short(one.former or one.person)} is to be followed: {one.lost}{heir}")
        elif one.person:
            spoken = instant(one, "attested_at") or instant(one, "pledged_at")
            yield Text(f"  {short(one.person)} stood behind it last at {clock(spoken)}", "dim")
    due = instant(pledge, "attestation_due_at")
    if due is not None and pledge.gate_case.state == gate_pb2.CASE_STATE_STANDING:
        asked = "was asked for a word" if due <= now else "is asked for a word"
        yield Text(f"  the sponsor {asked} at {clock(due)}", style="dim")
