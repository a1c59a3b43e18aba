"""`investiture risk profile|suggest`: a program's scenarios on record, and some to start from."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.cli.conversations import Digest, digest_of
from investiture.cli.deciding import Program, Reason, agreed_etag, program_name
from investiture.cli.output import console, short
from investiture.cli.session import Session, run

app = typer.Typer()

_HEAD = (
    "Suggested by what the program says of itself. Every number is an assumption to be replaced",
    "by your own incidents, then by your experts' estimates.",
)


@app.command()
def profile(
    ctx: typer.Context,
    program: Program,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Save this scenario file as the next version."),
    ] = None,
    reason: Reason = "",
    version: Annotated[int, typer.Option(help="Show this version; else the newest.")] = 0,
    evidence: Annotated[
        str, typer.Option("--evidence", help="Where is shown what it rests on.", metavar="LINK")
    ] = "",
    sha256: Digest = "",
    trial: Annotated[
        list[str] | None,
        typer.Option("--trial", help="A trial that the review shows.", metavar="PILOT"),
    ] = None,
) -> None:
    """Show a program's risk profile as a scenario file; with --file, save its next version."""

    async def act(session: Session) -> None:
        name = program_name(program)
        if file is None:
            found = await _read(session, name, version)
            session.show(found, _shown)
            return
        shown: list[pb.RiskEvidence] = []
        if evidence and not sha256:
            raise typer.BadParameter("say its digest with --sha256", param_hint="--evidence")
        if sha256 and not evidence:
            raise typer.BadParameter("say where it is with --evidence", param_hint="--sha256")
        if evidence:
            digest = digest_of(None, sha256).removeprefix("sha256:")
            shown.append(pb.RiskEvidence(url=evidence, sha256=digest))
        request = pb.SaveRiskProfileRequest(
            program=name,
            reason=reason,
            evidence=shown,
            trials=[program_name(one) for one in trial or ()],
        )
        await _save(session, request, file)

    run(ctx, act)


@app.command()
def suggest(
    ctx: typer.Context,
    program: Program,
    units_per_euro: Annotated[
        float, typer.Option(min=0.0, help="How many of the charter's currency a euro is.")
    ] = 0.0,
) -> None:
    """Write scenarios and controls to start from: `suggest PROGRAM > file.yaml`."""

    async def act(session: Session) -> None:
        launch = await session.launch()
        name = program_name(program)
        said = (await launch.GetProgram(launch_pb.GetProgramRequest(name=name))).content
        risk = await session.risk()
        found = await risk.SuggestRiskProfile(
            pb.SuggestRiskProfileRequest(
                program=name,
                audiences=said.audiences,
                channels=said.channels,
                data_classes=said.data_classes,
                vendors=said.vendors,
                units_per_euro=units_per_euro,
            )
        )
        if session.shared.json:
            session.show(found, str)
            return
        console.out(_suggested(found), end="", highlight=False)

    run(ctx, act)


def _suggested(found: pb.RiskSuggestion) -> str:
    from investiture.cli.risk.contents import file_of
    from investiture.itrisk.risk_contents import content_of

    head = (f"{found.program}, amounts in {found.currency_code}.", *_HEAD)
    notes = {note.subject: f"{note.because}\n{note.source}" for note in found.notes}
    points = [(point.loss, point.probability) for point in found.appetite]
    return file_of(content_of(found.content), points, notes, head)


async def _read(session: Session, program: str, version: int = 0) -> pb.RiskProfile:
    risk = await session.risk()
    name = f"{program}/riskProfiles/{version or 'latest'}"
    return await risk.GetRiskProfile(pb.GetRiskProfileRequest(name=name))


async def _save(session: Session, request: pb.SaveRiskProfileRequest, file: Path) -> None:
    from investiture.cli.risk.contents import content_in, left_out

    request.content.CopyFrom(content_in(file))
    etag = await newest_etag(session, request.program)
    request.etag = agreed_etag(session, etag, request.program) if etag else ""
    request.request_id = session.shared.fresh_request_id()
    request.validate_only = session.shared.dry_run
    risk = await session.risk()
    saved = await risk.SaveRiskProfile(request)
    session.show(saved, lambda one: outcome(session, one))
    for name in left_out(file):
        session.note(Text(f"  {name} of the file is not kept: the record has its own", style="dim"))


async def newest_etag(session: Session, program: str) -> str:
    """The etag of a program's newest profile; empty where it has none."""
    import grpc

    try:
        return (await _read(session, program)).etag
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return ""


def outcome(session: Session, saved: pb.RiskProfile) -> Group:
    """What saving a version did, or would do."""
    mood = "would be" if session.shared.dry_run else "is"
    line = Text.assemble(("✓ ", "green"), f"{short(saved.name)} {mood} on record, ")
    line.append(f"{len(saved.content.scenarios)} scenarios, {len(saved.content.controls)} controls")
    effects = {
        "RECONFIRMED": "the knighting is reconfirmed: the risk is the same or better",
        "VOIDED": "the knighting is taken back: the risk is worse than what was decided on",
    }
    more = [Text(f"  {effects[saved.effect]}")] if saved.effect else []
    return Group(line, *more)


def _shown(found: pb.RiskProfile) -> Text:
    from investiture.cli.risk.contents import file_of
    from investiture.itrisk.risk_contents import content_of

    rests = [f"rests on {one.url} (sha256 {one.sha256})" for one in found.evidence]
    said = [found.reason] if found.reason else []
    head = [f"{found.name}, by {short(found.author)}", *said, *rests]
    return Text(file_of(content_of(found.content), (), {}, head).rstrip("\n"))
