"""Whose relationships a program touches: who must agree, who is heard, what nobody or two own."""

from collections.abc import Iterator

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.cli.deciding import Program, program_name
from investiture.cli.output import short, table
from investiture.cli.session import Session, run

app = typer.Typer()


@app.command(rich_help_panel="Looking into it")
def ownership(ctx: typer.Context, program: Program) -> None:
    """Show whose relationships a program touches: who must agree, who is heard, who is told."""

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        name = f"{program_name(program)}/pledges/latest"
        session.show(await stub.GetPledge(pb.GetPledgeRequest(name=name)), ownership_map)

    run(ctx, act)


def ownership_map(pledge: pb.Pledge) -> Group:
    """Return each touched relationship with its units, then what is left open."""
    return Group(_relationships(pledge), *_remarks(pledge))


def _relationships(pledge: pb.Pledge) -> Table:
    touched = dict.fromkeys(name for one in pledge.positions for name in one.relationships)
    drawn = table("relationship", "must agree", "is heard")
    for name in touched:
        agree, heard = (
            ", ".join(
                _asked(one)
                for one in pledge.positions
                if one.role == role and name in one.relationships
            )
            for role in (pb.POSITION_ROLE_AGREE, pb.POSITION_ROLE_INPUT)
        )
        drawn.add_row(name, agree, heard)
    leading = [
        _asked(one)
        for one in pledge.positions
        if one.role == pb.POSITION_ROLE_AGREE and not one.relationships
    ]
    if leading:
        drawn.add_row(Text("leads the program", style="dim"), ", ".join(leading), "")
    return drawn


def _asked(position: pb.Position) -> str:
    if position.HasField("ballot") and not position.asked:
        return f"{short(position.unit)} (by its committee {short(position.ballot.committee)})"
    who = position.person or position.asked
    return f"{short(position.unit)} ({short(who)})" if who else short(position.unit)


def _remarks(pledge: pb.Pledge) -> Iterator[Text]:
    told = [short(one.unit) for one in pledge.positions if one.role == pb.POSITION_ROLE_INFORM]
    if told:
        yield Text(f"told: {', '.join(told)}", style="dim")
    for name in pledge.unowned_relationships:
        yield Text(f"✗ nobody owns {name}: nobody can agree for it", style="red")
    for name in pledge.contested_relationships:
        yield Text(f"✗ several units own {name}: each must agree", style="red")
