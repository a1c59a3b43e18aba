"""For operators: the workflow of a path, the directory, tokens of the embedded stack."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.table import Table
from rich.text import Text
from temporalio.client import WorkflowExecutionDescription, WorkflowHandle
from temporalio.common import SearchAttributePair
from temporalio.service import RPCError, RPCStatusCode

from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as pb
from investiture.chassis import temporal
from investiture.cli import problems
from investiture.cli.deciding import Program, person_name, program_name
from investiture.cli.output import clock, console, print_json
from investiture.cli.problems import Complaint
from investiture.cli.session import Session, run
from investiture.stack.entries import people_of
from investiture.stack.plan import TEMPORAL
from investiture.workflows.contract import RETRY, launch_path_id

PANEL = "Operators"
app = typer.Typer()
path = typer.Typer(no_args_is_help=True, help="The workflow behind a program's path.")
directory = typer.Typer(no_args_is_help=True, help="The people.")
app.add_typer(path, name="path", rich_help_panel=PANEL)
app.add_typer(directory, name="directory", rich_help_panel=PANEL)

_PAGE = 500
_CONNECT_SECONDS = 5.0


@path.command(name="show")
def show_path(ctx: typer.Context, program: Program) -> None:
    """Show the workflow that walks a program's path: its state and what it says of itself."""

    async def act(session: Session) -> None:
        handle = await _handle(session, program)
        try:
            found = await handle.describe()
        except RPCError as error:
            raise _no_workflow(error, handle.id) from None
        memo = await found.memo()
        content = {
            "workflow_id": found.id,
            "run_id": found.run_id,
            "status": found.status.name if found.status else "",
            "started": clock(found.start_time),
            "history_length": found.history_length,
            "memo": {name: str(value) for name, value in memo.items()},
            "search_attributes": _attributes(found),
        }
        if session.shared.json:
            print_json(content)
            return
        table = Table(show_header=False, box=None, pad_edge=False)
        for name, value in content.items():
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
            table.add_row(Text(name, style="dim"), shown)
        console.print(table)

    run(ctx, act)


@path.command(name="retry")
def retry_path(ctx: typer.Context, program: Program) -> None:
    """Let a parked gate try again: after what its alarm named was mended."""

    async def act(session: Session) -> None:
        handle = await _handle(session, program)
        try:
            await handle.signal(RETRY)
        except RPCError as error:
            raise _no_workflow(error, handle.id) from None
        if session.shared.json:
            print_json({"workflow_id": handle.id, "signal": RETRY})
        else:
            console.print(Text.assemble(("✓ ", "green"), f"{handle.id} tries again"))

    run(ctx, act)


@directory.command(name="import")
def import_directory(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="People as YAML or CSV.", metavar="FILE")],
    replace: Annotated[bool, typer.Option("--replace", help="Who is not named leaves.")] = False,
) -> None:
    """Import people, all or none of them."""

    async def act(session: Session) -> None:
        people = people_of(file)
        stub = await session.sponsorship()
        request = pb.ImportDirectoryRequest(
            request_id=session.shared.fresh_request_id(),
            people=[person.message() for person in people],
            replace=replace,
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


async def _handle(session: Session, program: str) -> WorkflowHandle[Any, Any]:
    """Return the workflow of a program's path, on the Temporal that the stack or a variable names.

    Raises:
        Complaint: Temporal does not answer.
    """
    address = session.shared.addresses.get(TEMPORAL, "")
    if not address and session.record is not None:
        address = session.record.addresses[TEMPORAL]
    settings = session.settings
    if address:
        settings = settings.model_copy(update={"temporal_address": address})
    try:
        connecting = temporal.connect(settings)
        client = await asyncio.wait_for(connecting, _CONNECT_SECONDS)
    except (RuntimeError, TimeoutError):
        raise Complaint(
            f"Temporal at {settings.temporal_address} does not answer",
            problems.UNAVAILABLE,
            "the path waits for it and nothing is lost; give --temporal HOST:PORT for another",
        ) from None
    return client.get_workflow_handle(launch_path_id(program_name(program)))


def _no_workflow(error: RPCError, workflow: str) -> Exception:
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    return Complaint(
        f"no workflow {workflow} is running",
        problems.NOT_FOUND,
        "a program that has ended has none; a living one gets it with the next heartbeat",
    )


def _attributes(found: WorkflowExecutionDescription) -> dict[str, str]:
    """Return the path's search attributes as texts."""
    pairs = cast("Iterable[SearchAttributePair[Any]]", found.typed_search_attributes)
    return {pair.key.name: str(pair.value) for pair in pairs}


def _imported(answer: pb.ImportDirectoryResponse) -> Text:
    line = f"{answer.added} added, {answer.changed} changed, {answer.deactivated} left"
    return Text.assemble(("✓ ", "green"), line)


def _people(answer: pb.ListPeopleResponse) -> Table:
    table = Table("person", "name", "unit", "grade", "manager")
    for person in answer.people:
        style = "" if person.active else "dim strike"
        table.add_row(
            person.name.removeprefix("people/"),
            person.display_name,
            person.unit.removeprefix("units/") or person.guest_of,
            person.grade,
            person.manager.removeprefix("people/"),
            style=style,
        )
    return table
