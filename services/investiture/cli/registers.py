"""Who acts in whose name, and who has an interest in what."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table
from rich.text import Text

from investiture.api.sponsorship.v1 import register_service_pb2 as pb
from investiture.api.sponsorship.v1 import sponsorship_service_pb2 as sponsorship_pb
from investiture.charter.finding import Finding
from investiture.cli import problems
from investiture.cli.deciding import Reason, agreed_etag, person_name
from investiture.cli.output import clock, instant, short, table
from investiture.cli.problems import Complaint
from investiture.cli.rows import Row, Sheet, instant_of, read_cells, sheet_of
from investiture.cli.session import Session, run
from investiture.stack import amounts

PANEL = "Decisions"
app = typer.Typer()
delegations = typer.Typer(no_args_is_help=True, help="Who acts in whose name.")
interests = typer.Typer(no_args_is_help=True, help="The register of conflicts of interest.")
app.add_typer(delegations, name="delegations", rich_help_panel=PANEL)
app.add_typer(interests, name="interests", rich_help_panel=PANEL)

_PAGE = 500
_PURPOSES = ("pledge", "position", "fund", "knight", "go")
_KINDS = ("ownership", "employment", "family", "benefit", "other")
_COLUMNS = {"starts_at": "from", "ends_at": "until"}

File = Annotated[Path, typer.Argument(help="A CSV file in UTF-8.", metavar="FILE")]
Check = Annotated[bool, typer.Option("--check", help="Say what is wrong; store nothing.")]
From = Annotated[str, typer.Option("--from", help="First day, or an instant with its zone.")]
Person = Annotated[str, typer.Option("--person", help="Only of this person.", metavar="PERSON")]
Ended = Annotated[bool, typer.Option("--all", help="Those that have ended too.")]


@delegations.command(name="import")
def import_delegations(ctx: typer.Context, file: File, check: Check = False) -> None:
    """Import delegations: delegator, delegate, purpose, until, and where known from and limit."""

    async def act(session: Session) -> None:
        sheet = sheet_of(file, ("delegator", "delegate", "purpose", "until"), ("from", "limit"))
        entries: list[pb.DelegationEntry] = []
        read_cells(sheet, lambda row: _delegation(sheet, row, entries))
        stub = await session.registers()
        request = pb.ImportDelegationsRequest(
            request_id=session.shared.fresh_request_id(),
            delegations=entries,
            validate_only=check or session.shared.dry_run,
        )
        try:
            answer = await stub.ImportDelegations(request)
        except grpc.aio.AioRpcError as error:
            raise sheet.located(error, _COLUMNS) from None
        said = "sound" if request.validate_only else "imported"
        session.show(answer, lambda one: _done(f"{len(one.delegations)} delegations {said}"))

    run(ctx, act)


@delegations.command(name="list")
def list_delegations(ctx: typer.Context, person: Person = "", ended: Ended = False) -> None:
    """List delegations: your own, or by office everybody's."""

    async def act(session: Session) -> None:
        whole = pb.ListDelegationsResponse()
        async for one in _delegations(session, person_name(person), ended=ended):
            whole.delegations.append(one)
        session.show(whole, lambda answer: _delegation_table(answer.delegations))

    run(ctx, act)


@delegations.command(name="create")
def create_delegation(
    ctx: typer.Context,
    delegate: Annotated[str, typer.Argument(help="To whom: `sam`.", metavar="PERSON")],
    purpose: Annotated[str, typer.Argument(help=f"One of {', '.join(_PURPOSES)}.")],
    until: Annotated[str, typer.Option("--until", help="Last day; at most a year.")],
    since: From = "",
    limit: Annotated[str, typer.Option(help="Up to: `50_000 EUR`; else your own limit.")] = "",
) -> None:
    """Let somebody decide in your name, for a time and a purpose."""
    value = _choice(purpose, _PURPOSES, "PURPOSE")

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        request = sponsorship_pb.CreateDelegationRequest(
            request_id=session.shared.fresh_request_id(),
            delegate=person_name(delegate),
            purpose=_purpose(value),
            limit=amounts.parse(limit) if limit else None,
            starts_at=_day(since, "--from") if since else None,
            ends_at=_day(until, "--until", ending=True),
            validate_only=session.shared.dry_run,
        )
        made = await stub.CreateDelegation(request)
        session.show(made, lambda one: _delegation_table([one]))

    run(ctx, act)


@delegations.command(name="revoke")
def revoke_delegation(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="`people/…/delegations/…`, as the list shows it.")],
    reason: Reason = "",
) -> None:
    """Take a delegation back at once."""

    async def act(session: Session) -> None:
        owner = name.partition("/delegations/")[0]
        found = [one async for one in _delegations(session, owner, ended=True) if one.name == name]
        if not found:
            raise Complaint(f"there is no {name}", problems.NOT_FOUND, "see `delegations list`")
        stub = await session.sponsorship()
        request = sponsorship_pb.RevokeDelegationRequest(
            request_id=session.shared.fresh_request_id(),
            name=name,
            etag=agreed_etag(session, found[0].etag, name),
            reason=reason,
        )
        revoked = await stub.RevokeDelegation(request)
        session.show(revoked, lambda one: _done(f"{one.name} is revoked"))

    run(ctx, act)


@interests.command(name="declare")
def declare_interest(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(help="`vendors/NAME`, `programs/…` or `units/…`.")],
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")],
    whose: Annotated[str, typer.Option("--of", help="Whose, by office; else your own.")] = "",
    note: Annotated[str, typer.Option(help="In words.")] = "",
    since: From = "",
    until: Annotated[str, typer.Option("--until", help="Last day, where one is known.")] = "",
) -> None:
    """Declare an interest: what it touches is decided by somebody else."""
    value = _choice(kind, _KINDS, "KIND")

    async def act(session: Session) -> None:
        stub = await session.registers()
        request = pb.DeclareInterestRequest(
            request_id=session.shared.fresh_request_id(),
            interest=pb.InterestEntry(
                person=person_name(whose),
                subject=subject,
                kind=_kind(value),
                note=note,
                starts_at=_day(since, "--from") if since else None,
                ends_at=_day(until, "--until", ending=True) if until else None,
            ),
            validate_only=session.shared.dry_run,
        )
        made = await stub.DeclareInterest(request)
        session.show(made, lambda one: _interest_table([one]))

    run(ctx, act)


@interests.command(name="list")
def list_interests(
    ctx: typer.Context,
    person: Person = "",
    subject: Annotated[str, typer.Option("--in", help="Only in this subject.")] = "",
    ended: Ended = False,
) -> None:
    """List declared interests: your own, or by office everybody's."""

    async def act(session: Session) -> None:
        whole = pb.ListInterestsResponse()
        async for one in _interests(session, person_name(person), subject, ended=ended):
            whole.interests.append(one)
        session.show(whole, lambda answer: _interest_table(answer.interests))

    run(ctx, act)


@interests.command(name="end")
def end_interest(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="`people/…/interests/…`, as the list shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
) -> None:
    """End an interest; it stays on record."""

    async def act(session: Session) -> None:
        owner = name.partition("/interests/")[0]
        known = _interests(session, owner, "", ended=True)
        found = [one async for one in known if one.name == name]
        if not found:
            raise Complaint(f"there is no {name}", problems.NOT_FOUND, "see `interests list`")
        stub = await session.registers()
        request = pb.EndInterestRequest(
            request_id=session.shared.fresh_request_id(),
            name=name,
            etag=agreed_etag(session, found[0].etag, name),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.EndInterest(request), lambda one: _interest_table([one]))

    run(ctx, act)


@interests.command(name="import")
def import_interests(ctx: typer.Context, file: File, check: Check = False) -> None:
    """Import interests: person, subject, kind, and where known note, from and until."""

    async def act(session: Session) -> None:
        sheet = sheet_of(file, ("person", "subject", "kind"), ("note", "from", "until"))
        entries: list[pb.InterestEntry] = []
        read_cells(sheet, lambda row: _interest(sheet, row, entries))
        stub = await session.registers()
        request = pb.ImportInterestsRequest(
            request_id=session.shared.fresh_request_id(),
            interests=entries,
            validate_only=check or session.shared.dry_run,
        )
        try:
            answer = await stub.ImportInterests(request)
        except grpc.aio.AioRpcError as error:
            raise sheet.located(error, _COLUMNS) from None
        said = "sound" if request.validate_only else "declared"
        session.show(answer, lambda one: _done(f"{one.declared} interests {said}"))

    run(ctx, act)


def _delegation(sheet: Sheet, row: Row, entries: list[pb.DelegationEntry]) -> Iterator[Finding]:
    cells = row.cells
    purpose = cells["purpose"].lower()
    if purpose not in _PURPOSES:
        yield sheet.finding(row, "purpose", f"{purpose} is none of {', '.join(_PURPOSES)}")
        purpose = _PURPOSES[0]
    made = pb.DelegationEntry(
        delegator=person_name(cells["delegator"]),
        delegate=person_name(cells["delegate"]),
        purpose=_purpose(purpose),
    )
    if cells.get("limit"):
        try:
            made.limit.CopyFrom(amounts.parse(cells["limit"]))
        except ValueError as error:
            yield sheet.finding(row, "limit", str(error))
    yield from _dates(sheet, row, made)
    entries.append(made)


def _interest(sheet: Sheet, row: Row, entries: list[pb.InterestEntry]) -> Iterator[Finding]:
    cells = row.cells
    kind = cells["kind"].lower()
    if kind not in _KINDS:
        yield sheet.finding(row, "kind", f"{kind} is none of {', '.join(_KINDS)}")
        kind = _KINDS[0]
    made = pb.InterestEntry(
        person=person_name(cells["person"]),
        subject=cells["subject"],
        kind=_kind(kind),
        note=cells.get("note", ""),
    )
    yield from _dates(sheet, row, made)
    entries.append(made)


def _dates(sheet: Sheet, row: Row, message: Any) -> Iterator[Finding]:
    for field, column in _COLUMNS.items():
        text = row.cells.get(column, "")
        if not text:
            continue
        try:
            getattr(message, field).CopyFrom(instant_of(text, ending=column == "until"))
        except ValueError:
            yield sheet.finding(row, column, f"{text!r} is no date", "write it as 2027-02-28")


async def _delegations(session: Session, person: str, *, ended: bool) -> Any:
    stub = await session.registers()
    token = ""
    while True:
        page = await stub.ListDelegations(
            pb.ListDelegationsRequest(
                person=person, include_ended=ended, page_size=_PAGE, page_token=token
            )
        )
        for one in page.delegations:
            yield one
        token = page.next_page_token
        if not token:
            return


async def _interests(session: Session, person: str, subject: str, *, ended: bool) -> Any:
    stub = await session.registers()
    token = ""
    while True:
        page = await stub.ListInterests(
            pb.ListInterestsRequest(
                person=person,
                subject=subject,
                include_ended=ended,
                page_size=_PAGE,
                page_token=token,
            )
        )
        for one in page.interests:
            yield one
        token = page.next_page_token
        if not token:
            return


def _delegation_table(found: Sequence[sponsorship_pb.Delegation]) -> Table:
    drawn = table("delegation", "to", "for", "up to", "from", "until", right=("up to",))
    for one in found:
        purpose = sponsorship_pb.Purpose.Name(one.purpose).removeprefix("PURPOSE_").lower()
        revoked = instant(one, "revoked_at")
        drawn.add_row(
            one.name,
            short(one.delegate),
            purpose,
            amounts.shown(one.limit) if one.HasField("limit") else "own limit",
            clock(instant(one, "starts_at")),
            f"revoked {clock(revoked)}" if revoked else clock(instant(one, "ends_at")),
            style="dim" if revoked else "",
        )
    return drawn


def _interest_table(found: Sequence[pb.Interest]) -> Table:
    drawn = table("interest", "in", "kind", "from", "until", "declared by")
    for one in found:
        drawn.add_row(
            one.name,
            one.subject,
            pb.InterestKind.Name(one.kind).removeprefix("INTEREST_KIND_").lower(),
            clock(instant(one, "starts_at")),
            clock(instant(one, "ends_at")),
            short(one.declared_by),
        )
    return drawn


def _done(line: str) -> Text:
    return Text.assemble(("✓ ", "green"), line)


def _day(text: str, option: str, *, ending: bool = False) -> Timestamp:
    try:
        return instant_of(text, ending=ending)
    except ValueError:
        raise Complaint(
            f"{option} {text} is no date", problems.USAGE, "write it as 2027-02-28"
        ) from None


def _choice(said: str, known: Sequence[str], where: str) -> str:
    if said.lower() not in known:
        raise typer.BadParameter(f"{said} is none of {', '.join(known)}", param_hint=where)
    return said.lower()


def _purpose(word: str) -> sponsorship_pb.Purpose.ValueType:
    return sponsorship_pb.Purpose.Value(f"PURPOSE_{word.upper()}")


def _kind(word: str) -> pb.InterestKind.ValueType:
    return pb.InterestKind.Value(f"INTEREST_KIND_{word.upper()}")
