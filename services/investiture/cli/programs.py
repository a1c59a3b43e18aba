"""Programs: submit, revise and withdraw them, and see where they are."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import grpc
import typer
from rich.console import RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from investiture.api.casework.v1 import case_service_pb2 as casework_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.chassis.client import explain
from investiture.cli.deciding import Program, Reason, agreed_etag, gate_of, program_name
from investiture.cli.output import console, gate_word, print_json, table
from investiture.cli.paths import case_line, path_table, program_state, trial_remarks
from investiture.cli.people import away_among
from investiture.cli.session import OWNERS, Session, run

if TYPE_CHECKING:
    from investiture.cli.proposals import Proposal

PANEL = "Programs"
app = typer.Typer()

ProposalFile = Annotated[Path, typer.Argument(help="A program file (YAML).", metavar="FILE")]

_EARLIER = (gate_pb2.GATE_PLEDGE, gate_pb2.GATE_FUND)
_EFFECTS = {
    pb.REVISION_EFFECT_NOT_DECIDED: ("no decision yet", "dim"),
    pb.REVISION_EFFECT_UNCHANGED: ("stands as it is", "green"),
    pb.REVISION_EFFECT_CARRIED: ("carried, with a notice", "cyan"),
    pb.REVISION_EFFECT_REOPENED: ("reopens", "yellow"),
}
_RESUME_SECONDS = 0.5


@app.command(rich_help_panel=PANEL)
def submit(ctx: typer.Context, file: ProposalFile) -> None:
    """Submit a program file: the program gets its first revision and starts on its path."""

    async def act(session: Session) -> None:
        from investiture.cli.proposals import proposal_of

        proposal = proposal_of(file)
        program = await _draft(session, proposal)
        request = pb.SubmitProgramRequest(
            request_id=session.shared.fresh_request_id("submit"),
            name=program.name,
            etag=program.etag,
        )
        if not session.shared.dry_run:  # a draft that was only rehearsed cannot be submitted
            program = await (await session.launch()).SubmitProgram(request)
        session.show(program, lambda answer: _submitted(session, answer))

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def revise(
    ctx: typer.Context,
    file: ProposalFile,
    reason: Annotated[str, typer.Option("--reason", help="Why it is revised.")],
) -> None:
    """Submit a new revision; says which decisions stand, are carried, and which gates reopen."""

    async def act(session: Session) -> None:
        from investiture.cli.proposals import proposal_of

        proposal = proposal_of(file)
        stub = await session.launch()
        name = program_name(proposal.program)
        program = await stub.GetProgram(pb.GetProgramRequest(name=name))
        request = pb.ReviseProgramRequest(
            request_id=session.shared.fresh_request_id(),
            name=name,
            etag=agreed_etag(session, program.etag, name),
            content=proposal.content,
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        try:
            revised = await stub.ReviseProgram(request)
        except grpc.aio.AioRpcError as error:
            raise proposal.located(error) from None
        session.show(revised, lambda answer: _revised(session, answer))

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def withdraw(ctx: typer.Context, program: Program, reason: Reason) -> None:
    """Withdraw a program: it ends, and everything held for it is released."""

    async def act(session: Session) -> None:
        stub = await session.launch()
        found = await stub.GetProgram(pb.GetProgramRequest(name=program_name(program)))
        request = pb.WithdrawProgramRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await stub.WithdrawProgram(request), program_line)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def resubmit(
    ctx: typer.Context,
    program: Annotated[
        str,
        typer.Argument(
            help="The program that was withdrawn or declined, or that ran as a trial.",
            metavar="PROGRAM",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option(help="A program file: what the new one says, and what it is called."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="What the new one is called, without a file.")
    ] = "",
) -> None:
    """Take up a program again that was withdrawn or declined, or was a trial: decided anew."""
    if file is not None and name:
        raise typer.BadParameter("the file names the new program already", param_hint="--name")

    async def act(session: Session) -> None:
        from investiture.cli.proposals import proposal_of

        proposal = proposal_of(file) if file is not None else None
        stub = await session.launch()
        request = pb.CreateProgramRequest(
            request_id=session.shared.fresh_request_id("create"),
            program_id=proposal.program if proposal else name.removeprefix("programs/"),
            content=proposal.content if proposal else None,
            resubmits=program_name(program),
            validate_only=session.shared.dry_run,
        )
        try:
            draft = await stub.CreateProgram(request)
        except grpc.aio.AioRpcError as error:
            raise (proposal.located(error) if proposal else error) from None
        if not session.shared.dry_run:
            draft = await stub.SubmitProgram(
                pb.SubmitProgramRequest(
                    request_id=session.shared.fresh_request_id("submit"),
                    name=draft.name,
                    etag=draft.etag,
                )
            )
        session.show(draft, lambda answer: _submitted(session, answer))
        if not session.shared.dry_run:
            path = await stub.GetPath(pb.GetPathRequest(program=draft.name))
            for line in trial_remarks(path.trial_runs):
                session.note(line)

    run(ctx, act)


@app.command(name="list", rich_help_panel=PANEL)
def list_(ctx: typer.Context) -> None:
    """List the programs and where each is."""

    async def act(session: Session) -> None:
        stub = await session.launch()
        whole = pb.ListProgramsResponse()
        token = ""
        while True:
            page = await stub.ListPrograms(pb.ListProgramsRequest(page_token=token))
            whole.programs.extend(page.programs)
            token = page.next_page_token
            if not token:
                break
        session.show(whole, _programs)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def show(ctx: typer.Context, program: Program) -> None:
    """Show a program's path: every gate, who holds it, since when, the stall bill."""

    async def act(session: Session) -> None:
        stub = await session.launch()
        path = await stub.GetPath(pb.GetPathRequest(program=program_name(program)))
        session.show(path, path_table)
        holding = (h.person for gate in path.gates for h in gate.gate_case.holders)
        marks = await away_among(session, holding)
        if marks is not None:
            session.note(marks)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def watch(
    ctx: typer.Context,
    program: Program,
    until: Annotated[
        str, typer.Option(help="Leave once this gate waits for its decision.", metavar="GATE")
    ] = "",
) -> None:
    """Watch a program's path live until it ends; Ctrl-C leaves it. Into a pipe: a line a change."""
    gate = gate_of(until, "--until") if until else gate_pb2.GATE_UNSPECIFIED

    async def act(session: Session) -> None:
        changes = _changes(session, program_name(program), gate)
        if session.shared.json or not console.is_terminal:
            await _follow(session, changes)
        else:
            await _live(changes)

    run(ctx, act)


@app.command(name="ask-it", rich_help_panel=PANEL)
def ask_it(ctx: typer.Context, program: Program) -> None:
    """Ask IT whether it would review now; it says what must stand before. Nothing is stored."""

    async def act(session: Session) -> None:
        name = program_name(program)
        reading = await ask_it_early(session, name)
        session.show(reading, lambda _: "Business and money stand: IT reviews, or has the review.")

    run(ctx, act)


async def ask_it_early(session: Session, program: str) -> casework_pb.CaseReading:
    """Rehearse the opening of IT's review with the warrants that there are."""
    launch = await session.launch()
    statement = await launch.GetRevisionStatement(pb.GetRevisionStatementRequest(program=program))
    warrants = [await _warrant(session, program, gate) for gate in _EARLIER]
    request = casework_pb.OpenCaseRequest(
        request_id=session.shared.fresh_request_id(),
        gate=gate_pb2.GATE_KNIGHT,
        revision_statement=statement.statement,
        warrants=[warrant for warrant in warrants if warrant],
        validate_only=True,
    )
    return await (await session.cases("itrisk")).OpenCase(request)


async def _warrant(session: Session, program: str, gate: gate_pb2.Gate.ValueType) -> str:
    """Return a gate's fresh warrant; empty where nothing stands."""
    stub = await session.cases(OWNERS[gate])
    try:
        request = casework_pb.GetWarrantRequest(program=program, gate=gate)
        return (await stub.GetWarrant(request)).warrant
    except grpc.aio.AioRpcError as error:
        if explain(error).reason != "WRONG_STATE":
            raise
        return ""


async def _draft(session: Session, proposal: "Proposal") -> pb.Program:
    """Create the draft, or replace the content of one that was never submitted."""
    stub = await session.launch()
    create = pb.CreateProgramRequest(
        request_id=session.shared.fresh_request_id("create"),
        program_id=proposal.program,
        content=proposal.content,
        validate_only=session.shared.dry_run,
    )
    try:
        return await stub.CreateProgram(create)
    except grpc.aio.AioRpcError as error:
        present = await _present_draft(session, proposal, error)
    update = pb.UpdateDraftRequest(
        request_id=session.shared.fresh_request_id("update"),
        name=present.name,
        etag=present.etag,
        content=proposal.content,
        validate_only=session.shared.dry_run,
    )
    try:
        return await stub.UpdateDraft(update)
    except grpc.aio.AioRpcError as error:
        raise proposal.located(error) from None


async def _present_draft(
    session: Session, proposal: "Proposal", error: grpc.aio.AioRpcError
) -> pb.Program:
    """Return the draft that is in the way; raises the error where it is another reason."""
    if explain(error).reason == "RESOURCE_EXISTS":
        stub = await session.launch()
        name = program_name(proposal.program)
        present = await stub.GetProgram(pb.GetProgramRequest(name=name))
        if present.state == pb.PROGRAM_STATE_DRAFT:
            return present
    raise proposal.located(error) from None


async def _live(changes: AsyncIterator[pb.Path]) -> None:
    latest = [await anext(changes)]

    def drawn() -> RenderableType:
        return path_table(latest[-1], datetime.now(UTC))  # the seconds go on between changes

    with Live(get_renderable=drawn, console=console, refresh_per_second=4):
        async for path in changes:
            latest[:] = [path]


async def _follow(session: Session, changes: AsyncIterator[pb.Path]) -> None:
    said = ""
    async for path in changes:
        if session.shared.json:
            print_json(path)
            continue
        line = path_line(path)
        if line != said:
            console.print(line, soft_wrap=True)
            said = line


async def _changes(
    session: Session, name: str, until: gate_pb2.Gate.ValueType
) -> AsyncIterator[pb.Path]:
    """Yield the path at each change until it has ended or waits there; resume a broken stream."""
    stub = await session.launch()
    version = 0
    while True:
        request = pb.WatchProgramRequest(program=name, after_version=version)
        try:
            async for answer in stub.WatchProgram(request):
                version = answer.version
                yield answer.path
                if answer.path.program.settled or _waits(answer.path, until):
                    return
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            await asyncio.sleep(_RESUME_SECONDS)  # it restarts; the version says where we were


def _waits(path: pb.Path, gate: gate_pb2.Gate.ValueType) -> bool:
    """Return whether a gate has a case that waits for its holders."""
    cases = (one.gate_case for one in path.gates if one.gate == gate)
    return any(case.state == gate_pb2.CASE_STATE_OPEN for case in cases)


def path_line(path: pb.Path) -> str:
    """Return where a program is in one plain line."""
    program = path.program
    head = f"{program.name}  revision {program.revision}  {program_state(program)}"
    here = next((gate for gate in path.gates if gate.gate == path.waiting_at), None)
    if here is None or not here.HasField("gate_case"):
        at = f"  {gate_word(path.waiting_at)}" if path.waiting_at else ""
        return head + at
    return f"{head}  {case_line(here.gate_case)}"


def program_line(program: pb.Program) -> Text:
    """Return a program and where it is."""
    line = Text.assemble((program.content.title, "bold"), f"  {program.name}  ")
    line.append(f"revision {program.revision}  {program_state(program)}")
    if program.end_reason:
        line.append(f": {program.end_reason}", style="dim")
    if program.resubmits:
        line.append(f"  takes up {program.resubmits} again", style="dim")
    return line


def _submitted(session: Session, program: pb.Program) -> Text:
    if session.shared.dry_run:
        return Text.assemble(("✓ ", "green"), "it could be submitted; nothing was stored")
    line = Text.assemble(("✓ ", "green"), "submitted  ")
    line.append_text(program_line(program))
    return line.append(f"\n  watch it: investiture watch {program.name}", style="dim")


def _revised(session: Session, answer: pb.ReviseProgramResponse) -> Table:
    mood = "would be" if session.shared.dry_run else "is"
    title = Text.assemble(("✓ ", "green"), f"{answer.program.name} {mood} revision ")
    title.append(str(answer.program.revision), style="bold")
    drawn = table("gate", "its decision", "changed", title=title)
    for effect in answer.effects:
        words, style = _EFFECTS.get(effect.effect, ("", ""))
        changed = ", ".join(effect.changed_fields)
        drawn.add_row(gate_word(effect.gate), Text(words, style=style), changed)
    return drawn


def _programs(answer: pb.ListProgramsResponse) -> Table:
    drawn = table("program", "title", "revision", "where it is", "proposer")
    for program in answer.programs:
        drawn.add_row(
            program.name.removeprefix("programs/"),
            program.content.title,
            str(program.revision or "draft"),
            program_state(program),
            program.proposer.removeprefix("people/"),
        )
    return drawn
