"""Changes of the charter and of the directory that two people sign."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.governance.v1 import governance_service_pb2 as pb
from investiture.cli.charters import charter
from investiture.cli.deciding import Reason, agreed_etag
from investiture.cli.output import console, gate_word, print_json, short, table
from investiture.cli.session import Session, run
from investiture.stack.names import SERVICES

PANEL = "Operators"
app = typer.Typer()
changes = typer.Typer(
    no_args_is_help=True, help="Changes of the rules and of people's authority: two sign."
)
app.add_typer(changes, name="changes", rich_help_panel=PANEL)

Name = Annotated[str, typer.Argument(help="The change: `3`, or `changes/3`.", metavar="CHANGE")]
From = Annotated[
    datetime | None,
    typer.Option("--from", help="From when it holds, UTC; else from the second signature on."),
]
_PAGE = 100
_STYLES = {"+": "green", "-": "red", "~": "yellow"}
_STATE_STYLES = {
    pb.CHANGE_STATE_PROPOSED: "yellow",
    pb.CHANGE_STATE_APPROVED: "cyan",
    pb.CHANGE_STATE_EFFECTIVE: "green",
    pb.CHANGE_STATE_DECLINED: "dim",
    pb.CHANGE_STATE_FAILED: "red",
}


@charter.command(name="try")
def try_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A charter file.", metavar="FILE")],
) -> None:
    """Say what open cases would ask if they were opened anew under a charter; nothing is stored.

    An open case itself keeps the charter it was opened under.
    """

    async def act(session: Session) -> None:
        from investiture.charter.load import load

        load(file)  # what is wrong with the file is said by file and line, before anybody is asked
        document = file.read_text(encoding="utf-8")
        changed: list[case_pb.TriedCase] = []
        tried = 0
        for service in SERVICES:
            stub = await session.cases(service)
            token = ""
            while True:
                page = await stub.TryCharter(
                    case_pb.TryCharterRequest(document=document, page_size=_PAGE, page_token=token)
                )
                changed += page.cases
                tried += page.tried
                token = page.next_page_token
                if not token:
                    break
        if session.shared.json:
            shown = [
                json_format.MessageToDict(one, preserving_proto_field_name=True) for one in changed
            ]
            print_json({"tried": tried, "changed": shown})
            return
        for one in changed:
            console.print(Text.assemble((f"{gate_word(one.gate)} ", "bold"), one.name))
            for line in one.differences:
                console.print(Text(f"  {line}", style=_STYLES.get(line[:1], "")), soft_wrap=True)
        cases = "1 open case" if tried == 1 else f"{tried} open cases"
        console.print(
            f"{cases} tried, {len(changed)} would change if opened anew; nothing was stored"
        )

    run(ctx, act)


@charter.command()
def propose(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A charter file.", metavar="FILE")],
    reason: Reason,
    since: From = None,
) -> None:
    """Propose a charter in place of the one in force; a second person signs it."""

    async def act(session: Session) -> None:
        stub = await session.governance()
        request = pb.ProposeCharterRequest(
            request_id=session.shared.fresh_request_id(),
            document=file.read_text(encoding="utf-8"),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        if since is not None:
            request.effective_at.FromDatetime(since.replace(tzinfo=UTC))
        session.show(await stub.ProposeCharter(request), change_shown)

    run(ctx, act)


@changes.command(name="list")
def list_changes(ctx: typer.Context) -> None:
    """List the changes, the newest first."""

    async def act(session: Session) -> None:
        stub = await session.governance()
        whole = pb.ListChangesResponse()
        while True:
            page = await stub.ListChanges(
                pb.ListChangesRequest(page_size=_PAGE, page_token=whole.next_page_token)
            )
            whole.changes.extend(page.changes)
            whole.next_page_token = page.next_page_token
            if not page.next_page_token:
                break
        session.show(whole, _listed)

    run(ctx, act)


@changes.command()
def show(ctx: typer.Context, change: Name) -> None:
    """Show what a change changes, who proposed it and who signed."""

    async def act(session: Session) -> None:
        stub = await session.governance()
        found = await stub.GetChange(pb.GetChangeRequest(name=_name(change)))
        session.show(found, change_shown)

    run(ctx, act)


@changes.command()
def approve(
    ctx: typer.Context,
    change: Name,
    comment: Annotated[str, typer.Option(help="Words for the record.")] = "",
) -> None:
    """Sign a change as its second person."""

    async def act(session: Session) -> None:
        stub = await session.governance()
        found = await stub.GetChange(pb.GetChangeRequest(name=_name(change)))
        session.note(change_shown(found))
        request = pb.ApproveChangeRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            comment=comment,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.ApproveChange(request), _decided)

    run(ctx, act)


@changes.command()
def decline(ctx: typer.Context, change: Name, reason: Reason) -> None:
    """End a change: say no to it, or take your own back."""

    async def act(session: Session) -> None:
        stub = await session.governance()
        found = await stub.GetChange(pb.GetChangeRequest(name=_name(change)))
        request = pb.DeclineChangeRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.DeclineChange(request), _decided)

    run(ctx, act)


def change_shown(change: pb.Change) -> Group:
    """Return what a change changes, line by line, and how far it is."""
    head = _head(change)
    head.append(f"  proposed by {short(change.proposer)}", style="dim")
    if change.reason:
        head.append(f": {change.reason}", style="dim")
    lines = [Text(line, style=_STYLES.get(line[:1], "")) for line in change.differences]
    gaining = [
        Text(f"{short(person)} gains authority by it and does not sign it", style="yellow")
        for person in change.gaining
    ]
    return Group(head, *lines, *gaining, *_remarks(change))


def _decided(change: pb.Change) -> Group:
    return Group(Text.assemble(("✓ ", "green"), _head(change)), *_remarks(change))


def _head(change: pb.Change) -> Text:
    kind = pb.ChangeKind.Name(change.kind).removeprefix("CHANGE_KIND_").lower()
    name = change.name if change.name != "changes/0" else "it would be a change"
    return Text.assemble((name, "bold"), f" of the {kind}: ", _state(change))


def _state(change: pb.Change) -> Text:
    word = pb.ChangeState.Name(change.state).removeprefix("CHANGE_STATE_").lower()
    return Text(word, style=_STATE_STYLES.get(change.state, ""))


def _remarks(change: pb.Change) -> list[Text]:
    said: list[Text] = []
    if change.decided_by:
        verb = "declined" if change.state == pb.CHANGE_STATE_DECLINED else "signed"
        words = f": {change.comment}" if change.comment else ""
        said.append(Text(f"{verb} by {short(change.decided_by)}{words}", style="dim"))
    if change.state == pb.CHANGE_STATE_PROPOSED and change.name != "changes/0":
        said.append(Text(f"a second person signs it: investiture changes approve {change.name}"))
    if change.HasField("effective_at"):
        date = change.effective_at.ToDatetime(UTC)
        said.append(Text(f"holds from {date:%Y-%m-%d %H:%M} UTC on", style="dim"))
    if change.failure:
        said.append(Text(change.failure, style="red"))
    return said


def _listed(answer: pb.ListChangesResponse) -> Table:
    drawn = table("change", "of", "state", "proposed by", "signed by", "holds from", "why")
    for change in answer.changes:
        signed = change.state in (pb.CHANGE_STATE_APPROVED, pb.CHANGE_STATE_EFFECTIVE)
        date = change.effective_at.ToDatetime(UTC) if change.HasField("effective_at") else None
        drawn.add_row(
            change.name.removeprefix("changes/"),
            pb.ChangeKind.Name(change.kind).removeprefix("CHANGE_KIND_").lower(),
            _state(change),
            short(change.proposer),
            short(change.decided_by) if signed else "",
            f"{date:%Y-%m-%d %H:%M}" if date else "",
            change.reason,
        )
    return drawn


def _name(change: str) -> str:
    return change if change.startswith("changes/") else f"changes/{change}"
