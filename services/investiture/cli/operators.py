"""For operators: the workflow of a path, the directory, tokens of the embedded stack."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.cli.deciding import Program, person_name
from investiture.cli.output import console, print_json, table
from investiture.cli.session import Session, run

PANEL = "Operators"
app = typer.Typer()
path = typer.Typer(no_args_is_help=True, help="The workflow behind a program's path.")
directory = typer.Typer(no_args_is_help=True, help="The people.")
app.add_typer(path, name="path", rich_help_panel=PANEL)
app.add_typer(directory, name="directory", rich_help_panel=PANEL)

_PAGE = 500


@path.command(name="show")
def show_path(ctx: typer.Context, program: Program) -> None:
    """Show the workflow that walks a program's path: its state and what it says of itself."""

    async def act(session: Session) -> None:
        from investiture.cli.workflows import described

        content = await described(session, program)
        if session.shared.json:
            print_json(content)
            return
        drawn = table("", "")
        for name, value in content.items():
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
            drawn.add_row(Text(name, style="dim"), shown)
        console.print(drawn)

    run(ctx, act)


@path.command(name="retry")
def retry_path(ctx: typer.Context, program: Program) -> None:
    """Let a parked gate try again: after what its alarm named was mended."""

    async def act(session: Session) -> None:
        from investiture.cli.workflows import retried

        workflow = await retried(session, program)
        if session.shared.json:
            print_json({"workflow_id": workflow})
        else:
            console.print(Text.assemble(("✓ ", "green"), f"{workflow} tries again"))

    run(ctx, act)


@directory.command(name="import")
def import_directory(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="People as YAML or CSV.", metavar="FILE")],
    replace: Annotated[bool, typer.Option("--replace", help="Who is not named leaves.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for whoever signs what gives authority.")] = "",
) -> None:
    """Import people, all or none of them."""

    async def act(session: Session) -> None:
        from investiture.stack.entries import people_of

        people = people_of(file)
        stub = await session.sponsorship()
        request = pb.ImportDirectoryRequest(
            request_id=session.shared.fresh_request_id(),
            people=[person.message() for person in people],
            replace=replace,
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.ImportDirectory(request), _imported)

    run(ctx, act)


@directory.command(name="list")
def list_directory(ctx: typer.Context) -> None:
    """List the people."""

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        whole = pb.ListPeopleResponse()
        token = ""
        while True:
            page = await stub.ListPeople(pb.ListPeopleRequest(page_size=_PAGE, page_token=token))
            whole.people.extend(page.people)
            token = page.next_page_token
            if not token:
                break
        session.show(whole, _people)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def token(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(help="For whom: `ada`, or `workloads/portal`.")],
) -> None:
    """Mint a token of the embedded stack's issuer, for tools that are not this one."""
    name = person if "/" in person else person_name(person)

    async def act(session: Session) -> None:
        roles = await session.roles(name)
        minted = session.mint(name, roles)
        if session.shared.json:
            print_json({"token": minted, "subject": name, "roles": list(roles)})
        else:
            console.out(minted, highlight=False)

    run(ctx, act)


def _imported(answer: pb.ImportDirectoryResponse) -> Text:
    line = f"{answer.added} added, {answer.changed} changed, {answer.deactivated} left"
    said = Text.assemble(("✓ ", "green"), line)
    for name in answer.handed_on:
        said.append(f"\n  {name} is in other hands now")
    if answer.change:
        who = ", ".join(name.removeprefix("people/") for name in answer.gaining)
        said.append(f"\n  {answer.change} waits for a second person", style="yellow")
        said.append(f": it gives authority to {who}" if who else "")
    for name in answer.transfers:
        said.append(f"\n  {name} is amber: its sponsor has to be followed", style="yellow")
    return said


def _people(answer: pb.ListPeopleResponse) -> Table:
    drawn = table("person", "name", "unit", "grade", "manager")
    for person in answer.people:
        style = "" if person.active else "dim strike"
        drawn.add_row(
            person.name.removeprefix("people/"),
            person.display_name,
            person.unit.removeprefix("units/") or person.guest_of,
            person.grade,
            person.manager.removeprefix("people/"),
            style=style,
        )
    return drawn
