"""The books of the budget: movements, statements at any instant, appropriations, owners."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Group
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text
from typer.core import TyperGroup

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.cli import problems
from investiture.cli.deciding import Reason, agreed_etag, person_name, program_name
from investiture.cli.ledgers import (
    Book,
    balances_table,
    ledger_table,
    read_book,
    read_statement,
    statement_view,
)
from investiture.cli.output import complaints, print_json, short, table
from investiture.cli.problems import Complaint
from investiture.cli.session import Session, run
from investiture.stack import amounts

T = TypeVar("T")

_PART_BYTES = 256 * 1024
_IMPORT_SECONDS = 600.0
_PATIENCE_SECONDS = 2.0
_PAGE = 500


class LedgerGroup(TyperGroup):
    """`ledger PROGRAM` is `ledger show PROGRAM`: what is no command's name is what to show."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `show` in front of what names no command."""
        words = {*self.commands, "--help"}
        if not args or args[0] not in words:
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer()
ledger = typer.Typer(cls=LedgerGroup, help="The budget's ledger: movements, statements, imports.")
app.add_typer(ledger, name="ledger", rich_help_panel="Looking into it")

Envelope = Annotated[str, typer.Option(help="Of one envelope; else of all.")]
At = Annotated[
    str, typer.Option(help="A statement at this instant: 2026-12-31, 2026-12-31T17:00Z.")
]


@ledger.command()
def show(
    ctx: typer.Context,
    program: Annotated[
        str, typer.Argument(help="Of one program; else of all.", metavar="PROGRAM")
    ] = "",
    envelope: Envelope = "",
    at: At = "",
    since: Annotated[str, typer.Option(help="With --at: from after this instant.")] = "",
) -> None:
    """Print every movement and the sums that must be equal; with --at a statement with balances."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        name = program_name(program) if program else ""
        if at or since:
            asked = pb.GetStatementRequest(name=name or _envelope(envelope), page_size=_PAGE)
            if not asked.name or (name and envelope):
                raise Complaint(
                    "a statement is of one envelope or one program",
                    problems.USAGE,
                    "give PROGRAM, or --envelope ENVELOPE",
                )
            if at:
                asked.at.CopyFrom(instant_of(at, "--at"))
            if since:
                asked.since.CopyFrom(instant_of(since, "--since"))
            session.show(await read_statement(stub, asked), statement_view)
            return
        book = await read_book(stub, envelope=_envelope(envelope), program=name)
        if session.shared.json:
            print_json(pb.ListLedgerEntriesResponse(entries=book.entries))
        else:
            session.note(_ledger(book))

    run(ctx, act)


@ledger.command(name="envelopes")
def envelopes(
    ctx: typer.Context,
    year: Annotated[int, typer.Option(help="Of one fiscal year; else of all.")] = 0,
) -> None:
    """List the envelopes: whose they are, and what is where."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        whole = pb.ListEnvelopesResponse()
        token = ""
        while True:
            page = await stub.ListEnvelopes(
                pb.ListEnvelopesRequest(fiscal_year=year, page_size=_PAGE, page_token=token)
            )
            whole.envelopes.extend(page.envelopes)
            token = page.next_page_token
            if not token:
                break
        session.show(whole, lambda shown: _envelopes(shown.envelopes))

    run(ctx, act)


@ledger.command(name="import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Appropriations as CSV in UTF-8.", metavar="FILE")],
    check: Annotated[
        bool, typer.Option("--check", help="Say what is wrong; store nothing.")
    ] = False,
) -> None:
    """Import the committee's appropriations, every line or none.

    Columns, in any order: envelope, display_name, fiscal_year, cost_centre, purpose, owner,
    currency, amount.
    """

    async def act(session: Session) -> None:
        content = _read(file)
        dry = check or session.shared.dry_run
        found = await _sent(session, content, validate_only=True)
        if found.errors:
            _tell_errors(session, file, found)
            raise typer.Exit(problems.BAD_INPUT)
        done = found if dry else await _sent(session, content, validate_only=False)
        session.show(done, lambda shown: _imported(shown, dry=dry))

    run(ctx, act)


@ledger.command(name="owner")
def owner(
    ctx: typer.Context,
    envelope: Annotated[str, typer.Argument(help="The envelope.", metavar="ENVELOPE")],
    person: Annotated[str, typer.Argument(help="Who owns it from now on.", metavar="PERSON")],
    reason: Reason = "",
) -> None:
    """Name another owner of an envelope: somebody who works here."""

    async def act(session: Session) -> None:
        stub = await session.budget()
        found = await stub.GetEnvelope(pb.GetEnvelopeRequest(name=_envelope(envelope)))
        session.note(Text(f"  {found.name} is owned by {short(found.owner)}", style="dim"))
        answer = await stub.ChangeEnvelopeOwner(
            pb.ChangeEnvelopeOwnerRequest(
                request_id=session.shared.fresh_request_id(),
                name=found.name,
                etag=agreed_etag(session, found.etag, found.name),
                owner=person_name(person),
                reason=reason,
                validate_only=session.shared.dry_run,
            )
        )
        mood = "would be" if session.shared.dry_run else "is now"
        line = f"{short(answer.name)} {mood} owned by {short(answer.owner)}"
        session.show(answer, lambda _: Text.assemble(("✓ ", "green"), line))

    run(ctx, act)


async def _sent(
    session: Session, content: bytes, *, validate_only: bool
) -> pb.ImportAppropriationsResponse:
    stub = await session.budget()
    first = pb.ImportAppropriationsRequest(
        request_id=session.shared.fresh_request_id(),
        digest=f"sha256:{sha256(content).hexdigest()}",
        validate_only=validate_only,
    )
    sent = [0]

    async def parts() -> AsyncIterator[pb.ImportAppropriationsRequest]:
        yield first
        for start in range(0, len(content), _PART_BYTES):
            part = content[start : start + _PART_BYTES]
            yield pb.ImportAppropriationsRequest(content=part)
            sent[0] += len(part)

    what = "checking" if validate_only else "importing"
    call = stub.ImportAppropriations(parts(), timeout=_IMPORT_SECONDS)
    return await _with_progress(session, call, what, sent, len(content))


async def _with_progress(
    session: Session, work: Awaitable[T], what: str, sent: Sequence[int], total: int
) -> T:
    """Wait for work; show a bar where that takes longer than people wait in good faith."""

    async def whole() -> T:
        return await work

    task = asyncio.ensure_future(whole())
    done, _ = await asyncio.wait((task,), timeout=_PATIENCE_SECONDS)
    if not done and not session.shared.json:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, TimeElapsedColumn(), console=complaints, transient=True) as bar:
            shown = bar.add_task(what, total=total)
            while not done:
                bar.update(shown, completed=sent[0])
                if sent[0] >= total:  # all is there: what the service does has no measure here
                    bar.update(shown, total=None, description=f"{what}: the service is at work")
                done, _ = await asyncio.wait((task,), timeout=0.2)
    return await task


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Complaint(
            f"{file} cannot be read: {error.strerror}", problems.NOT_FOUND, "give a CSV file"
        ) from None


def _tell_errors(session: Session, file: Path, found: pb.ImportAppropriationsResponse) -> None:
    if session.shared.json:
        print_json(found)
        return
    for error in found.errors:
        column = f" {error.column}:" if error.column else ""
        line = f"{file}:{error.line}:{column} {error.problem}; {error.remedy}"
        complaints.print(Text(line))
    more = found.error_count - len(found.errors)
    tail = f", {more} more are not shown" if more else ""
    complaints.print(Text(f"{found.error_count} errors{tail}; nothing was imported", style="red"))


def _imported(answer: pb.ImportAppropriationsResponse, *, dry: bool) -> Text:
    totals = ", ".join(amounts.shown(total) for total in answer.totals)
    mood = "would be appropriated" if dry else "appropriated"
    return Text.assemble(
        ("✓ ", "green"),
        f"{totals} {mood} on {answer.lines:,} lines: {answer.issued:,} envelopes issued, "
        f"{answer.supplemented:,} supplemented",
    )


def instant_of(text: str, option: str) -> Timestamp:
    """Return an instant as it was typed; a day means its end, without a zone the local one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text} is no instant; write 2026-12-31 or 2026-12-31T17:00Z", param_hint=option
        ) from None
    if len(text) == len("2026-12-31"):
        end = at.replace(hour=23, minute=59, second=59, microsecond=999_999).astimezone()
        at = min(end, datetime.now(UTC))
    stamp = Timestamp()
    stamp.FromDatetime(at.astimezone(UTC))
    return stamp


def _envelope(name: str) -> str:
    return name if not name or name.startswith("envelopes/") else f"envelopes/{name}"


def _envelopes(shown: Sequence[pb.Envelope]) -> Group:
    drawn = table("envelope", "year", "cost centre", "owner", "purpose")
    for one in shown:
        year = str(one.fiscal_year)
        drawn.add_row(short(one.name), year, one.cost_centre, short(one.owner), one.purpose)
    return Group(drawn, balances_table(shown))


def _ledger(book: Book) -> Group:
    return Group(ledger_table(book.entries), *book.checks())
