"""The `investiture` command: shared options, and every room's commands."""

import os
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from investiture.cli import (
    appeals,
    books,
    casefiles,
    changes,
    charters,
    conversations,
    emergency,
    funding,
    liveness,
    operators,
    ownership,
    people,
    pledges,
    problems,
    programs,
    registers,
    reviews,
    spending,
    stacks,
    stages,
    standing,
    transfers,
    years,
)
from investiture.cli.demo import command as demo
from investiture.cli.risk import asking, calibrating, estimating, profiles
from investiture.cli.risk import governing as risk
from investiture.cli.risk.command import risk as numbers
from investiture.cli.root import RootGroup, Shared
from investiture.stack.folder import DEFAULT
from investiture.stack.names import SERVICES, TEMPORAL

_CODES = " · ".join(f"{code} {meaning}" for code, meaning in problems.EXIT_CODES.items())
_SHARED = "Everywhere (before or after the command's name)"

app = typer.Typer(
    name="investiture",
    cls=RootGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Governs how an enterprise program gets launched: business first, then knighted by IT.",
    epilog=f"Exit codes: {_CODES}",
    rich_markup_mode="rich",
)
for group in (asking, profiles, estimating, calibrating):
    numbers.add_typer(group.app)
for room in (
    stacks,
    demo,
    programs,
    pledges,
    liveness,
    funding,
    spending,
    transfers,
    years,
    books,
    reviews,
    appeals,
    stages,
    standing,
    emergency,
    casefiles,
    people,
    conversations,
    ownership,
    registers,
    charters,
    changes,
    risk,
):
    app.add_typer(room.app)
app.add_typer(operators.app)


def main() -> None:
    """Run the command, and leave without Python's finalisation.

    Threads of Temporal's core may still call into the interpreter while it ends, which aborts the
    process after everything is done and said.
    """
    code: object = 0
    try:
        app()
    except SystemExit as left:
        code = left.code
    with suppress(BrokenPipeError):  # whoever read it has gone: there is nobody to tell
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


Address = typer.Option(metavar="HOST:PORT", rich_help_panel=_SHARED, show_default=False)


@app.callback()
def shared(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    ctx: typer.Context,
    data: Annotated[
        Path,
        typer.Option(
            envvar="INVESTITURE_DATA", help="The embedded stack's folder.", rich_help_panel=_SHARED
        ),
    ] = DEFAULT,
    person: Annotated[
        str,
        typer.Option(
            "--as",
            envvar="INVESTITURE_AS",
            metavar="PERSON",
            help="Who you are (embedded stack): `ada`.",
            rich_help_panel=_SHARED,
        ),
    ] = "",
    roles: Annotated[
        str,
        typer.Option(
            help="Roles of the minted token; else by directory and charter.",
            metavar="ROLE,…",
            rich_help_panel=_SHARED,
        ),
    ] = "",
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            help="A bearer token of your identity provider; else INVESTITURE_TOKEN.",
            rich_help_panel=_SHARED,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Answers as proto JSON.", rich_help_panel=_SHARED)
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what would happen; store nothing.", rich_help_panel=_SHARED
        ),
    ] = False,
    etag: Annotated[
        str,
        typer.Option(help="Decide only on the state with this etag.", rich_help_panel=_SHARED),
    ] = "",
    request_id: Annotated[
        str,
        typer.Option(
            "--request-id",
            help="UUID of the mutation; repeating it is harmless.",
            metavar="UUID",
            rich_help_panel=_SHARED,
        ),
    ] = "",
    sponsorship: Annotated[str, Address] = "",
    budget: Annotated[str, Address] = "",
    itrisk: Annotated[str, Address] = "",
    launch: Annotated[str, Address] = "",
    temporal: Annotated[str, Address] = "",
) -> None:
    """Keep what the shared options say for the command."""
    named = zip((*SERVICES, TEMPORAL), (sponsorship, budget, itrisk, launch, temporal), strict=True)
    ctx.obj = Shared(
        data=data,
        person=person,
        roles=tuple(role for role in roles.split(",") if role),
        token_file=token_file,
        json=as_json,
        dry_run=dry_run,
        etag=etag,
        request_id=_uuid(request_id),
        addresses={name: address for name, address in named if address},
    )


def _uuid(text: str) -> str:
    if not text:
        return ""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise typer.BadParameter(f"{text} is no UUID", param_hint="--request-id") from None
