"""The charter: lint it, show it, see what changed."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml
from rich.markup import escape
from rich.text import Text

from investiture.charter.finding import Finding, Severity, errors
from investiture.cli import problems
from investiture.cli.output import console, print_json
from investiture.cli.root import Shared
from investiture.cli.session import Session, guard, run
from investiture.stack import record
from investiture.stack.example import example

if TYPE_CHECKING:
    from investiture.charter.model import Charter

DEFAULT = "charters/default.yaml"

app = typer.Typer()
charter = typer.Typer(no_args_is_help=True, help="The governance rules as one document.")
app.add_typer(charter, name="charter", rich_help_panel="Looking into it")

File = Annotated[Path, typer.Argument(help="A charter file.", metavar="FILE")]
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


@charter.command()
def lint(ctx: typer.Context, file: File) -> None:
    """Say what is wrong with a charter, by file, line and rule; exit 65 if it stops a start."""
    shared: Shared = ctx.obj

    def act() -> None:
        from investiture.charter.load import examine

        found = examine(file).findings
        if shared.json:
            print_json({"findings": [asdict(finding) for finding in found]})
        else:
            _print(found)
        if errors(found):
            raise typer.Exit(problems.BAD_INPUT)

    guard(shared, act)


@charter.command()
def show(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Else the running stack's.")] = None,
) -> None:
    """Print a charter as it is understood, with its digest."""
    shared: Shared = ctx.obj

    def printed(found: "Charter") -> None:
        content = found.model_dump(mode="json", exclude_defaults=True)
        if shared.json:
            print_json({"digest": found.digest, "charter": content})
            return
        console.print(Text.assemble((found.title, "bold"), f"  {found.id} version {found.version}"))
        console.print(Text(found.digest, style="dim"))
        plain = json.loads(json.dumps(content))  # tuples become lists, which YAML can say
        console.out(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), highlight=False)

    def of_file() -> None:
        from investiture.charter.load import load

        printed(load(file or example(DEFAULT)))

    async def in_force(session: Session) -> None:
        from investiture.charter.load import load_text

        charter = await session.charter_in_force()
        printed(load_text(charter.document, "the charter in force"))

    if file is None and record.running(shared.data):
        run(ctx, in_force)
    else:
        guard(shared, of_file)


@charter.command(name="diff")
def diff_(ctx: typer.Context, old: File, new: File) -> None:
    """Print what changed between two charters, one line a change."""
    shared: Shared = ctx.obj

    def act() -> None:
        from investiture.charter.difference import diff
        from investiture.charter.load import load

        changes = diff(load(old), load(new))
        if shared.json:
            print_json({"changes": list(changes)})
            return
        styles = {"+": "green", "-": "red", "~": "yellow"}
        for line in changes:
            console.print(Text(line, style=styles.get(line[:1], "")), soft_wrap=True)

    guard(shared, act)


def _print(found: Sequence[Finding]) -> None:
    for finding in found:
        console.print(
            f"{escape(finding.file)}:{finding.line}: "
            f"[{_STYLES[finding.severity]}]{finding.severity}[/] "
            f"{escape(f'[{finding.rule}] {finding.message}; {finding.remedy}')}",
            soft_wrap=True,
        )
    wrong = len(errors(found))
    console.print(f"{wrong} errors, {len(found) - wrong} warnings", style="dim")
