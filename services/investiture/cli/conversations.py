"""What people say about a case: comments, evidence, questions and answers; and more time for it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from investiture.api.casework.v1 import case_notes_pb2 as pb
from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.cli import problems
from investiture.cli.deciding import (
    Program,
    Reason,
    agreed_etag,
    answer,
    etag_for,
    gate_of,
    newest_case,
    person_name,
    program_name,
    seen,
)
from investiture.cli.output import clock, gate_word, instant, short, table
from investiture.cli.problems import Complaint
from investiture.cli.session import OWNERS, Session, run
from investiture.stack.names import SERVICES

PANEL = "Decisions"
app = typer.Typer()
case = typer.Typer(no_args_is_help=True, help="A gate's case: what is said about it, more time.")
app.add_typer(case, name="case", rich_help_panel=PANEL)

GateName = Annotated[str, typer.Argument(help="The gate: `pledge`, `knight`, …", metavar="GATE")]
Title = Annotated[str, typer.Option(help="What the document is called.")]
File = Annotated[
    Path | None,
    typer.Option(help="The document here: its SHA-256 is taken, it is sent nowhere."),
]
Digest = Annotated[
    str, typer.Option("--sha256", help="Its SHA-256, where it is not here.", metavar="HEX")
]

_COLLECTIONS = {
    "pledges": gate_pb2.GATE_PLEDGE,
    "budgetRequests": gate_pb2.GATE_FUND,
    "riskReviews": gate_pb2.GATE_KNIGHT,
    "pilots": gate_pb2.GATE_PILOT,
    "goDecisions": gate_pb2.GATE_LAUNCH,
    "proofs": gate_pb2.GATE_PROVE,
}
_PARTS = 6
"""Parts of a question's name."""

_SAYS = {
    pb.NOTE_KIND_COMMENT: "",
    pb.NOTE_KIND_EVIDENCE: "evidence",
    pb.NOTE_KIND_QUESTION: "asks",
    pb.NOTE_KIND_ANSWER: "answers",
}


@case.command()
def show(
    ctx: typer.Context,
    program: Program,
    gate: GateName,
    round_: Annotated[
        int | None, typer.Option("--round", min=1, help="What was said in an earlier round.")
    ] = None,
) -> None:
    """Show a gate's case and everything that was said about it."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        found = await newest_case(session, program, number)
        name = f"{found.name.rpartition('/')[0]}/{round_}" if round_ else found.name
        whole = await _notes(session, number, name)
        head = seen(found) if name == found.name else Text(name, style="bold")
        session.show(whole, lambda notes: _conversation(head, notes))

    run(ctx, act)


@case.command()
def extend(ctx: typer.Context, program: Program, gate: GateName, reason: Reason) -> None:
    """Take more time to decide, once, with the reason: the agreed time again from the due date."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[number])
        found = await newest_case(session, program, number)
        request = case_pb.ExtendCaseRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=etag_for(session, found),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        reading = await stub.ExtendCase(request)
        answer(session, reading, reading.gate_case)

    run(ctx, act)


@case.command()
def comment(
    ctx: typer.Context,
    program: Program,
    gate: GateName,
    text: Annotated[str, typer.Argument(help="What you have to say.")],
) -> None:
    """Comment on a case, open or decided: it stays on record, and changes nothing."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[number])
        found = await newest_case(session, program, number)
        request = pb.AddCommentRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=_insisted(session, found),
            text=text,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.AddComment(request), lambda note: _said(session, note))

    run(ctx, act)


@case.command()
def attach(
    ctx: typer.Context,
    program: Program,
    gate: GateName,
    link: Annotated[str, typer.Argument(help="Where it lies: an https address.")],
    title: Title,
    file: File = None,
    sha256: Digest = "",
    text: Annotated[str, typer.Option(help="What it shows.")] = "",
) -> None:
    """Attach evidence to a case by link and SHA-256, open or decided; nothing is fetched."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[number])
        document = pb.Attachment(title=title, link=link, digest=digest_of(file, sha256))
        found = await newest_case(session, program, number)
        request = pb.AttachEvidenceRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=_insisted(session, found),
            attachment=document,
            text=text,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.AttachEvidence(request), lambda note: _said(session, note))

    run(ctx, act)


@case.command()
def consult(
    ctx: typer.Context,
    program: Program,
    gate: GateName,
    person: Annotated[str, typer.Argument(help="Who is asked, guests too.")],
    question: Annotated[str, typer.Argument(help="What you want to know.")],
) -> None:
    """Ask a person about an open case: they answer, hold nothing by it and take no side."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[number])
        found = await newest_case(session, program, number)
        request = pb.ConsultRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=_insisted(session, found),
            person=person_name(person),
            question=question,
            validate_only=session.shared.dry_run,
        )
        asked = await stub.Consult(request)
        session.show(asked, lambda one: _said(session, one.question))

    run(ctx, act)


@case.command(name="answer")
def answer_(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(help="The question, as `case asked` lists it.", metavar="QUESTION"),
    ],
    text: Annotated[str, typer.Argument(help="Your answer.", metavar="ANSWER")],
    link: Annotated[str, typer.Option(help="A document that it rests on: https only.")] = "",
    title: Title = "",
    file: File = None,
    sha256: Digest = "",
) -> None:
    """Answer what you were asked, once."""
    question = program_name(name)

    async def act(session: Session) -> None:
        stub = await session.cases(OWNERS[gate_in(question)])
        document = None
        if link:
            document = pb.Attachment(title=title, link=link, digest=digest_of(file, sha256))
        request = pb.AnswerConsultRequest(
            request_id=session.shared.fresh_request_id(),
            name=question,
            answer=text,
            attachment=document,
            validate_only=session.shared.dry_run,
        )
        answered = await stub.AnswerConsult(request)
        session.show(answered, lambda one: _said(session, one.answer))

    run(ctx, act)


@case.command()
def asked(
    ctx: typer.Context,
    of: Annotated[str, typer.Option("--of", help="Another's; operators and governance may.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was answered already.")
    ] = False,
) -> None:
    """List the questions you were asked, the oldest first."""

    async def act(session: Session) -> None:
        whole = pb.ListConsultationsResponse()
        whole.consultations.extend(await asked_of(session, person_name(of), everything=everything))
        session.show(whole, _questions)

    run(ctx, act)


async def asked_of(
    session: Session, person: str, *, everything: bool = False
) -> list[pb.Consultation]:
    """Return the questions a person was asked at every gate, the oldest first."""
    found: list[pb.Consultation] = []
    for service in SERVICES:
        stub = await session.cases(service)
        token = ""
        while True:
            page = await stub.ListConsultations(
                pb.ListConsultationsRequest(
                    person=person, include_answered=everything, page_token=token
                )
            )
            found.extend(page.consultations)
            token = page.next_page_token
            if not token:
                break
    return sorted(found, key=lambda one: one.question.create_time.ToNanoseconds())


async def _notes(
    session: Session, gate: gate_pb2.Gate.ValueType, name: str
) -> pb.ListCaseNotesResponse:
    stub = await session.cases(OWNERS[gate])
    whole = pb.ListCaseNotesResponse()
    token = ""
    while True:
        page = await stub.ListCaseNotes(pb.ListCaseNotesRequest(name=name, page_token=token))
        whole.notes.extend(page.notes)
        token = page.next_page_token
        if not token:
            return whole


def _insisted(session: Session, found: gate_pb2.GateCase) -> str:
    """Return the etag where the caller says which state they saw; words need none."""
    return agreed_etag(session, found.etag, found.name) if session.shared.etag else ""


def digest_of(file: Path | None, said: str) -> str:
    """Return a document's digest: of the file, or as said; both have to agree.

    Raises:
        Complaint: there is neither, the file cannot be read, or they differ.
    """
    given = f"sha256:{said.removeprefix('sha256:').lower()}" if said else ""
    if file is None:
        if given:
            return given
        raise Complaint(
            "what the document must hash to is not said",
            problems.BAD_INPUT,
            "give the document with --file FILE, or its digest with --sha256 HEX",
        )
    try:
        with file.open("rb") as content:
            found = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
    except OSError as error:
        raise Complaint(
            f"{file} cannot be read: {error.strerror}", problems.BAD_INPUT, "name a file that can"
        ) from None
    if given and given != found:
        raise Complaint(
            f"{file} hashes to {found.removeprefix('sha256:')}, not to what --sha256 says",
            problems.BAD_INPUT,
            "attach the document that the digest was taken of",
        )
    return found


def gate_in(question: str) -> gate_pb2.Gate.ValueType:
    """Return the gate on whose case a question was asked."""
    parts = question.split("/")  # programs/{program}/{collection}/{round}/notes/{number}
    if len(parts) == _PARTS and parts[2] in _COLLECTIONS:
        return _COLLECTIONS[parts[2]]
    raise Complaint(
        f"{question} is the name of no question",
        problems.BAD_INPUT,
        "copy it from `investiture case asked`",
    )


def _said(session: Session, note: pb.CaseNote) -> RenderableType:
    done = "would be said" if session.shared.dry_run else "is on record"
    head = Text.assemble(("✓ ", "green"), f"{note.name} {done}")
    return Group(head, *lines(note))


def _conversation(head: RenderableType, whole: pb.ListCaseNotesResponse) -> RenderableType:
    if not whole.notes:
        return Group(head, Text("  nothing was said about it", style="dim"))
    return Group(head, *(line for note in whole.notes for line in lines(note)))


def lines(note: pb.CaseNote) -> Iterator[Text]:
    """Yield a note as it is read: who, when, on which revision; what; the document."""
    head = Text.assemble(("  " + short(note.author), "bold"))
    doing = _SAYS.get(note.kind, "")
    to = f" {short(note.asked)}" if note.asked else ""
    of = f" {note.answers.rpartition('/')[2]}" if note.answers else ""
    number = note.name.rpartition("/")[2]
    head.append(f" {doing}{to}{of}" if doing else "", style="cyan")
    at = clock(instant(note, "create_time"))
    head.append(f"  {at}  on revision {note.revision}  #{number}", style="dim")
    yield head
    if note.text:
        yield Text("    " + note.text.replace("\n", "\n    "))
    if note.HasField("attachment"):
        document = note.attachment
        yield Text(f"    {document.title}: {document.link}", style="green")
        yield Text(f"    {document.digest}", style="dim")


def _questions(found: pb.ListConsultationsResponse) -> Table | Text:
    if not found.consultations:
        return Text("nobody waits for an answer", style="dim")
    drawn = table("question", "gate", "who asks", "since", "what")
    for one in found.consultations:
        what = Text(one.question.text)
        if one.HasField("answer"):
            what.append(f"\n✓ {one.answer.text}", style="green")
        drawn.add_row(
            short(one.name),
            gate_word(one.gate),
            short(one.question.author),
            clock(instant(one.question, "create_time")),
            what,
        )
    return drawn
