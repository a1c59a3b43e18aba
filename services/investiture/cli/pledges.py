"""The PLEDGE gate: the sponsor pledges, the touched units say where they stand."""

from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.cli.ballots import ballot_lines
from investiture.cli.deciding import (
    OnBehalfOf,
    Program,
    etag_for,
    outcome,
    person_name,
    program_name,
)
from investiture.cli.gaps import Excess, Remedy, Risk, Tolerance, condition_of, gap_of
from investiture.cli.output import short, table
from investiture.cli.session import Session, run

PANEL = "Decisions"
app = typer.Typer()

_KINDS = {
    "consent": pb.POSITION_KIND_CONSENT,
    "conditions": pb.POSITION_KIND_CONSENT_WITH_CONDITIONS,
    "object": pb.POSITION_KIND_OBJECT,
    "recuse": pb.POSITION_KIND_RECUSE,
    "abstain": pb.POSITION_KIND_ABSTAIN,
}


@app.command(rich_help_panel=PANEL)
def pledge(
    ctx: typer.Context,
    program: Program,
    statement: Annotated[str, typer.Option("--statement", help="Your words.")] = "",
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """Pledge: authority, money and accountability for the promised return."""

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        found = await _latest(session, program)
        request = pb.PledgeRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            statement=statement,
            on_behalf_of=person_name(on_behalf_of),
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.Pledge(request), lambda answer: _shown(session, answer))

    run(ctx, act)


@app.command(name="decline-pledge", rich_help_panel=PANEL)
def decline_pledge(
    ctx: typer.Context,
    program: Program,
    risk: Risk,
    excess: Excess,
    remedy: Remedy,
    tolerance: Tolerance = "",
) -> None:
    """Decline to pledge, naming what is missing: the program ends."""

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        found = await _latest(session, program)
        request = pb.DeclinePledgeRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            gap=gap_of(risk, tolerance, excess, remedy),
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.DeclinePledge(request), lambda answer: _shown(session, answer))

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def position(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    ctx: typer.Context,
    program: Program,
    unit: Annotated[str, typer.Argument(help="The unit you speak for: `pr`.")],
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")] = "consent",
    condition: Annotated[
        list[str] | None,
        typer.Option("--condition", help="GATE:OWNER:TEXT it holds for, with `conditions`."),
    ] = None,
    grounds: Annotated[str, typer.Option(help="Of an objection: of the unit's scope.")] = "",
    harm: Annotated[str, typer.Option(help="Of an objection: the harm the unit sees.")] = "",
    proposal: Annotated[str, typer.Option(help="Of an objection: what instead.")] = "",
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """Record a unit's position on a program; where its committee answers, this is your vote."""
    if kind not in _KINDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(_KINDS)}", param_hint="KIND")
    conditions = [condition_of(text) for text in condition or ()]

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        found = await _latest(session, program)
        request = pb.RecordPositionRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            unit=_unit(unit),
            kind=_KINDS[kind],
            grounds=grounds,
            harm=harm,
            proposal=proposal,
            conditions=conditions,
            on_behalf_of=person_name(on_behalf_of),
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.RecordPosition(request), lambda answer: _shown(session, answer))

    run(ctx, act)


_RESOLUTIONS = {
    "override": pb.RESOLUTION_OVERRIDDEN,
    "sustain": pb.RESOLUTION_SUSTAINED,
}


@app.command(rich_help_panel=PANEL)
def resolve(
    ctx: typer.Context,
    program: Program,
    unit: Annotated[str, typer.Argument(help="The unit that objects: `pr`.")],
    resolution: Annotated[str, typer.Argument(help=f"One of {', '.join(_RESOLUTIONS)}.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """End a unit's objection over its head, one level above it and the sponsor, or as the board."""
    if resolution not in _RESOLUTIONS:
        known = ", ".join(_RESOLUTIONS)
        raise typer.BadParameter(f"{resolution} is none of {known}", param_hint="RESOLUTION")

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        found = await _latest(session, program)
        request = pb.ResolveObjectionRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            unit=_unit(unit),
            resolution=_RESOLUTIONS[resolution],
            reason=reason,
            on_behalf_of=person_name(on_behalf_of),
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.ResolveObjection(request), lambda answer: _shown(session, answer))

    run(ctx, act)


def _unit(name: str) -> str:
    return name if name.startswith("units/") else f"units/{name}"


async def _latest(session: Session, program: str) -> pb.Pledge:
    stub = await session.sponsorship()
    return await stub.GetPledge(pb.GetPledgeRequest(name=f"{program_name(program)}/pledges/latest"))


def _shown(session: Session, pledge: pb.Pledge) -> Group:
    return Group(
        outcome(session, pledge.gate_case, authority_lines(pledge)), positions_table(pledge)
    )


def authority_lines(pledge: pb.Pledge) -> list[Text]:
    """Return the legs of the authority test that do not hold, warnings included."""
    lines: list[Text] = []
    for leg in pledge.authority_test:
        if leg.holds:
            continue
        mark, style = ("!", "yellow") if leg.warning else ("✗", "red")
        lines.append(Text.assemble((f"  {mark} ", style), f"{leg.leg}: {leg.explanation}"))
        lines.append(Text(f"    → {leg.remedy}", style="green"))
    return lines


def positions_table(pledge: pb.Pledge) -> Table:
    """Return what each unit said, or whom it is asked of."""
    drawn = table("unit", "role", "position", "who")
    for one in pledge.positions:
        role = pb.PositionRole.Name(one.role).removeprefix("POSITION_ROLE_").lower()
        kind = pb.PositionKind.Name(one.kind).removeprefix("POSITION_KIND_").lower()
        said = kind.replace("_", " ") if one.kind else "–"
        drawn.add_row(short(one.unit), role, said, _who(one))
        ballots = ballot_lines(one.ballot) if one.HasField("ballot") else []
        for line in (*ballots, *_objection(one)):
            drawn.add_row("", "", line, "")
    return drawn


def _who(position: pb.Position) -> str:
    if position.person:
        return short(position.person)
    if position.asked:
        return f"asked: {short(position.asked)}"
    return short(position.ballot.committee) if position.HasField("ballot") else ""


def _objection(position: pb.Position) -> list[str]:
    """Return what a unit objected to, what it proposed, and how that ended."""
    if not position.harm:
        return []
    lines = [f"{position.grounds}: {position.harm}", f"→ {position.proposal}"]
    if position.resolution:
        how = pb.Resolution.Name(position.resolution).removeprefix("RESOLUTION_").lower()
        why = f": {position.resolution_reason}" if position.resolution_reason else ""
        lines.append(f"{how} by {short(position.resolved_by)}{why}")
    elif position.arbiter:
        lines.append(f"{short(position.arbiter)} may override or sustain it")
    if position.HasField("appeal"):
        lines += [f"above the top, {line}" for line in ballot_lines(position.appeal)[:1]]
        lines += ballot_lines(position.appeal)[1:]
    return lines
