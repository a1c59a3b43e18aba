"""Who is away, who is back: absences, and the mark of who is away beside what waits for them."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import grpc
import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.sponsorship.v1 import absences_pb2 as pb
from investiture.api.sponsorship.v1.sponsorship_service_pb2_grpc import SponsorshipServiceStub
from investiture.cli import problems
from investiture.cli.deciding import agreed_etag, person_name
from investiture.cli.output import clock, instant, short, table
from investiture.cli.problems import Complaint
from investiture.cli.session import Session, run

PANEL = "Decisions"
app = typer.Typer()
people = typer.Typer(no_args_is_help=True, help="Who is away, and who is back.")
app.add_typer(people, name="people", rich_help_panel=PANEL)

_PAGE = 500
_PATIENCE_S = 2.0
_WHEN = "A day, `2027-01-11`, or an instant, `2027-01-11T09:00`; in your time zone."

Person = Annotated[str, typer.Argument(help="Who; yourself where left out.")]


@people.command()
def absent(
    ctx: typer.Context,
    person: Person = "",
    since: Annotated[str, typer.Option("--from", help=f"The first day away; now. {_WHEN}")] = "",
    until: Annotated[str, typer.Option(help="The first day back; until you are back.")] = "",
    deputy: Annotated[str, typer.Option(help="Whom to ask first, of those who may.")] = "",
) -> None:
    """Say that you, or for administrators somebody, are away: the next in line is asked as well."""
    start, end = instant_of(since, "--from"), instant_of(until, "--until")

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        request = pb.SetAbsenceRequest(
            request_id=session.shared.fresh_request_id(),
            person=person_name(person),
            starts_at=start,
            ends_at=end,
            deputy=person_name(deputy),
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.SetAbsence(request), lambda said: Text(f"✓ {absence_line(said)}"))

    run(ctx, act)


@people.command()
def back(ctx: typer.Context, person: Person = "") -> None:
    """Say that you are back, or will not be away: every absence is cleared."""

    async def act(session: Session) -> None:
        stub = await session.sponsorship()
        whom = person_name(person) or session.person
        if not whom:
            raise Complaint("whose absences?", problems.BAD_INPUT, "name the person")
        cleared = pb.ListAbsencesResponse()
        for one in (await _absences(stub, person=whom)).absences:
            request = pb.ClearAbsenceRequest(
                request_id=session.shared.fresh_request_id(one.name),
                name=one.name,
                etag=agreed_etag(session, one.etag, one.name),
                validate_only=session.shared.dry_run,
            )
            cleared.absences.append(await stub.ClearAbsence(request))
        session.show(cleared, lambda said: _cleared(said, whom))

    run(ctx, act)


@people.command()
def away(
    ctx: typer.Context,
    now: Annotated[bool, typer.Option("--now", help="Only who is away now.")] = False,
) -> None:
    """List who is away, and who will be."""

    async def act(session: Session) -> None:
        session.show(await _absences(await session.sponsorship(), now=now), _table)

    run(ctx, act)


@people.command(name="import")
def import_absences(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV: person,from,until,deputy.", metavar="FILE")],
) -> None:
    """Import absences, all or none of them."""

    async def act(session: Session) -> None:
        from investiture.cli.absence_files import absences_of, told_by_line

        planned = absences_of(file)
        request = pb.ImportAbsencesRequest(
            request_id=session.shared.fresh_request_id(),
            absences=[absence for _, absence in planned],
            validate_only=session.shared.dry_run,
        )
        stub = await session.sponsorship()
        with told_by_line(file, [line for line, _ in planned]):
            answer = await stub.ImportAbsences(request)
        session.show(answer, _imported)

    run(ctx, act)


async def away_among(session: Session, names: Iterable[str]) -> Group | None:
    """Return a line for each of these people who is away now; nothing where nobody says."""
    wanted = set(names)
    if not wanted or session.shared.json:
        return None
    try:
        found = await _absences(await session.sponsorship(), now=True)
    except (grpc.aio.AioRpcError, Complaint):
        return None  # a mark beside the answer, which stands without it
    lines = [
        Text(f"  {absence_line(o)}", style="dim") for o in found.absences if o.person in wanted
    ]
    return Group(*lines) if lines else None


def absence_line(absence: pb.Absence) -> str:
    """Return an absence in words: `fay is away until 2027-01-11 09:00; ask finn`."""
    line = f"{short(absence.person)} is away"
    if absence.HasField("ends_at"):
        line += f" until {clock(instant(absence, 'ends_at'))}"
    return f"{line}; ask {short(absence.deputy)}" if absence.deputy else line


def instant_of(text: str, option: str) -> Timestamp | None:
    """Return the instant that an option says, in the zone of this machine; None for nothing."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        made = Timestamp()
        made.FromDatetime(found.astimezone())
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no date: {_WHEN}", param_hint=option) from None
    return made


async def _absences(
    stub: SponsorshipServiceStub, *, person: str = "", now: bool = False
) -> pb.ListAbsencesResponse:
    whole = pb.ListAbsencesResponse()
    token = ""
    while True:
        request = pb.ListAbsencesRequest(person=person, now=now, page_size=_PAGE, page_token=token)
        page = await stub.ListAbsences(request, timeout=_PATIENCE_S)
        whole.absences.extend(page.absences)
        token = page.next_page_token
        if not token:
            return whole


def _table(found: pb.ListAbsencesResponse) -> Table | Text:
    if not found.absences:
        return Text("nobody is away", style="dim")
    drawn = table("person", "from", "until", "ask", "said by")
    for one in found.absences:
        drawn.add_row(
            short(one.person),
            clock(instant(one, "starts_at")),
            clock(instant(one, "ends_at")),
            short(one.deputy),
            short(one.set_by),
        )
    return drawn


def _cleared(said: pb.ListAbsencesResponse, person: str) -> Text:
    if not said.absences:
        return Text(f"{short(person)} was not away", style="dim")
    return Text.assemble(("✓ ", "green"), f"{short(person)} is back")


def _imported(answer: pb.ImportAbsencesResponse) -> Text:
    return Text.assemble(
        ("✓ ", "green"), f"{answer.added} absences set, {answer.unchanged} known already"
    )
