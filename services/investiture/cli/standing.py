"""The trial lane: standing decisions, who signed them, and what history would propose."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import standing_decisions_pb2 as pb
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.cli import problems
from investiture.cli.deciding import Reason
from investiture.cli.output import console, print_json, short, table
from investiture.cli.problems import Complaint
from investiture.cli.session import Session, run
from investiture.cli.suggesting import Completed, suggested
from investiture.stack import amounts

app = typer.Typer()
standing = typer.Typer(
    no_args_is_help=True, help="The trial lane: decided in advance by three, for small programs."
)
app.add_typer(standing, name="standing", rich_help_panel="Programs")

Decision = Annotated[str, typer.Argument(help="Its id in the charter.", metavar="ID")]
_PAGE = 100
_STYLES = {
    pb.STANDING_DECISION_STATE_IN_FORCE: "green",
    pb.STANDING_DECISION_STATE_UNSIGNED: "yellow",
    pb.STANDING_DECISION_STATE_REVOKED: "red",
}


@standing.command(name="list")
def list_decisions(ctx: typer.Context) -> None:
    """List the standing decisions of the charter in force."""

    async def act(session: Session) -> None:
        session.show(await _all(session), _listed)

    run(ctx, act)


@standing.command()
def show(ctx: typer.Context, decision: Decision) -> None:
    """Show a standing decision: its text, who signed it, and who uses it."""

    async def act(session: Session) -> None:
        session.show(await _one(session, decision), decision_shown)

    run(ctx, act)


@standing.command()
def sign(
    ctx: typer.Context,
    decision: Decision,
    digest: Annotated[
        str, typer.Option(help="Sign only the text with this digest, as `show` gives it.")
    ] = "",
) -> None:
    """Sign a standing decision in advance, for the side for which the charter names you."""

    async def act(session: Session) -> None:
        found = await _one(session, decision)
        session.note(decision_shown(found))
        request = pb.SignStandingDecisionRequest(
            request_id=session.shared.fresh_request_id(),
            id=found.id,
            digest=digest or found.digest,
            validate_only=session.shared.dry_run,
        )
        session.show(await (await session.standing()).SignStandingDecision(request), _decided)

    run(ctx, act)


@standing.command()
def revoke(ctx: typer.Context, decision: Decision, reason: Reason) -> None:
    """End a standing decision at once: one of its signers may, and governance."""

    async def act(session: Session) -> None:
        request = pb.RevokeStandingDecisionRequest(
            request_id=session.shared.fresh_request_id(),
            id=decision,
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await (await session.standing()).RevokeStandingDecision(request), _decided)

    run(ctx, act)


@standing.command()
def suggest(
    ctx: typer.Context,
    most: Annotated[
        int, typer.Option(help="Programs that reached at most so many people count.", min=1)
    ] = 500,
) -> None:
    """Propose a standing decision from small programs that passed unchanged and without incident.

    Prints a block for the charter's `standing_decisions`; nothing is stored.
    """

    async def act(session: Session) -> None:
        completed = [one async for one in _completed(session)]
        found = suggested(completed, most, datetime.now(UTC).date())
        if session.shared.json:
            print_json(
                {"rests_on": found.count, "block": found.block, "too_little": found.too_little}
            )
            return
        console.print(Text(found.said), soft_wrap=True)
        if found.block:
            console.out(found.block, highlight=False)

    run(ctx, act)


async def _completed(session: Session) -> AsyncIterator[Completed]:
    """Yield every program that was launched and has ended, with what its path says of it."""
    stub = await session.launch()
    token = ""
    while True:
        page = await stub.ListPrograms(
            launch_pb.ListProgramsRequest(
                state=launch_pb.PROGRAM_STATE_ENDED, page_size=_PAGE, page_token=token
            )
        )
        for program in page.programs:
            if program.HasField("launch_time"):
                asked = launch_pb.GetPathRequest(program=program.name)
                yield completed_of(await stub.GetPath(asked))
        token = page.next_page_token
        if not token:
            return


def completed_of(path: launch_pb.Path) -> Completed:
    """Return what a suggestion needs of a program's path.

    Unchanged is what passed every gate in its first round, as it was first submitted.
    """
    program, content = path.program, path.program.content
    rounds = [one.gate_case.round for one in path.gates if one.HasField("gate_case")]
    return Completed(
        program=program.name,
        people=content.pilot_plan.people,
        days=content.pilot_plan.days,
        amount_minor=amounts.minor(content.amount),
        exposure_bps=content.exposure_bps,
        audiences=content.audiences,
        channels=content.channels,
        data_classes=content.data_classes,
        category=content.category,
        unchanged=program.revision == 1 and max(rounds, default=0) == 1,
        incidents=len(program.incidents) + len(program.suspension_people),
    )


async def _all(session: Session) -> pb.ListStandingDecisionsResponse:
    stub = await session.standing()
    return await stub.ListStandingDecisions(pb.ListStandingDecisionsRequest())


async def _one(session: Session, decision: str) -> pb.StandingDecision:
    for one in (await _all(session)).standing_decisions:
        if one.id == decision:
            return one
    raise Complaint(
        f"the charter in force has no standing decision {decision}",
        problems.NOT_FOUND,
        "`investiture standing list` names those that it has",
    )


def decision_shown(one: pb.StandingDecision) -> RenderableType:
    """Return a standing decision with its text, its signatures and its programs."""
    text = [Text(f"  {line}", style="dim") for line in one.text.splitlines()]
    return Group(_head(one), *text, *_signatures(one), *_remarks(one))


def _decided(one: pb.StandingDecision) -> RenderableType:
    return Group(Text.assemble(("✓ ", "green"), _head(one)), *_signatures(one), *_remarks(one))


def _head(one: pb.StandingDecision) -> Text:
    return Text.assemble(
        (one.id, "bold"), f" {one.name}: ", _state(one), (f"  {one.digest}", "dim")
    )


def _state(one: pb.StandingDecision) -> Text:
    name = pb.StandingDecisionState.Name(one.state).removeprefix("STANDING_DECISION_STATE_")
    return Text(name.lower().replace("_", " "), style=_STYLES.get(one.state, ""))


def _signatures(one: pb.StandingDecision) -> list[Text]:
    return [
        Text.assemble(
            f"  {gate_pb2.Side.Name(each.side).removeprefix('SIDE_').lower():9}",
            f"{short(each.person)} ",
            (
                (f"signed on {each.signed_at.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC", "green")
                if each.HasField("signed_at")
                else ("has not signed it", "yellow")
            ),
        )
        for each in one.signatures
    ]


def _remarks(one: pb.StandingDecision) -> list[Text]:
    said: list[Text] = []
    if one.revoked:
        said.append(Text(f"  {one.revoked}", style="red"))
    if one.programs:
        under = ", ".join(short(program) for program in one.programs)
        said.append(Text(f"  {len(one.programs)} of {one.most_programs} places: {under}"))
    return said


def _listed(answer: pb.ListStandingDecisionsResponse) -> RenderableType:
    if not answer.standing_decisions:
        return Text("the charter in force has none: every program takes the full path")
    figures = ("people", "money", "places", "signed")
    drawn = table("id", "state", *figures, "until", right=figures)
    for one in answer.standing_decisions:
        signed = sum(each.HasField("signed_at") for each in one.signatures)
        drawn.add_row(
            one.id,
            _state(one),
            f"{one.most_people:,}",
            amounts.shown(one.most_money),
            f"{len(one.programs)} of {one.most_programs}",
            f"{signed} of {len(one.signatures)}",
            one.expires,
        )
    return drawn
