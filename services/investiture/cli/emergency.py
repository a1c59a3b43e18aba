"""The emergency path: declared by who proposes, decided by two of each side, then reviewed."""

from collections.abc import Sequence
from datetime import UTC
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2
from investiture.api.governance.v1 import emergencies_pb2 as pb
from investiture.cli.deciding import (
    Program,
    Reason,
    agreed_etag,
    answer,
    etag_for,
    gate_of,
    newest_case,
    program_name,
)
from investiture.cli.output import clock, instant, short, step_word, table
from investiture.cli.session import OWNERS, Session, run

app = typer.Typer()
emergency = typer.Typer(
    no_args_is_help=True, help="What cannot wait: the same order, two people each, three days."
)
app.add_typer(emergency, name="emergency", rich_help_panel="Programs")

_PAGE = 100
_STYLES = {
    pb.EMERGENCY_STATE_UNDER_REVIEW: "yellow",
    pb.EMERGENCY_STATE_CLOSED: "green",
}


@emergency.command()
def declare(
    ctx: typer.Context,
    program: Program,
    reason: Reason,
    consequence: Annotated[str, typer.Option(help="What happens if it waits.")],
) -> None:
    """Declare an emergency for your program, while its pledge is open."""

    async def act(session: Session) -> None:
        case = await newest_case(session, program, gate_pb2.GATE_PLEDGE)
        request = pb.DeclareEmergencyRequest(
            request_id=session.shared.fresh_request_id(),
            pledge=case.name,
            etag=etag_for(session, case),
            reason=reason,
            consequence=consequence,
            validate_only=session.shared.dry_run,
        )
        session.show(await (await session.emergencies()).DeclareEmergency(request), review_shown)

    run(ctx, act)


@emergency.command()
def decide(
    ctx: typer.Context,
    program: Program,
    gate: Annotated[str, typer.Argument(help="pledge, fund or knight.", metavar="GATE")],
    reason: Reason,
) -> None:
    """Decide a gate provisionally, as one of two; its ordinary decision is asked all the same."""
    number = gate_of(gate)

    async def act(session: Session) -> None:
        case = await newest_case(session, program, number)
        request = case_pb.DecideProvisionallyRequest(
            request_id=session.shared.fresh_request_id(),
            name=case.name,
            etag=etag_for(session, case),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        stub = await session.cases(OWNERS[number])
        reading = await stub.DecideProvisionally(request)
        answer(session, reading, reading.gate_case)

    run(ctx, act)


@emergency.command(name="list")
def list_emergencies(
    ctx: typer.Context,
    team: Annotated[str, typer.Option(help="Only of this unit.")] = "",
    unclosed: Annotated[bool, typer.Option("--open", help="Only what is under review.")] = False,
) -> None:
    """List emergencies, the newest first: whose, where its review is, and who has it in hand."""

    async def act(session: Session) -> None:
        whole = pb.ListEmergenciesResponse()
        whole.emergencies.extend(await _all(session, team, unclosed=unclosed))
        session.show(whole, _listed)

    run(ctx, act)


@emergency.command()
def show(ctx: typer.Context, program: Program) -> None:
    """Show a program's newest emergency, who decided by it, and its review."""

    async def act(session: Session) -> None:
        session.show(await _newest(session, program), review_shown)

    run(ctx, act)


@emergency.command()
def close(
    ctx: typer.Context,
    program: Program,
    findings: Annotated[str, typer.Option(help="Was it one, what is done differently next time.")],
) -> None:
    """Close the review of a program's emergency; its team may have another one from then on."""

    async def act(session: Session) -> None:
        found = await _newest(session, program)
        session.note(review_shown(found))
        request = pb.CloseEmergencyReviewRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            findings=findings,
            validate_only=session.shared.dry_run,
        )
        stub = await session.emergencies()
        session.show(await stub.CloseEmergencyReview(request), review_shown)

    run(ctx, act)


async def in_hand(session: Session, person: str) -> Sequence[pb.EmergencyReview]:
    """Return the reviews that a person has in hand."""
    found = await _all(session, "", unclosed=True)
    return [one for one in found if any(holder.person == person for holder in one.holders)]


async def _newest(session: Session, program: str) -> pb.EmergencyReview:
    stub = await session.emergencies()
    name = f"{program_name(program)}/pledges/latest/emergency"
    return await stub.GetEmergency(pb.GetEmergencyRequest(name=name))


async def _all(session: Session, team: str, *, unclosed: bool) -> Sequence[pb.EmergencyReview]:
    stub = await session.emergencies()
    state = pb.EMERGENCY_STATE_UNDER_REVIEW if unclosed else pb.EMERGENCY_STATE_UNSPECIFIED
    unit = team if not team or team.startswith("units/") else f"units/{team}"
    found: list[pb.EmergencyReview] = []
    token = ""
    while True:
        page = await stub.ListEmergencies(
            pb.ListEmergenciesRequest(team=unit, state=state, page_size=_PAGE, page_token=token)
        )
        found += page.emergencies
        token = page.next_page_token
        if not token:
            return found


def review_shown(one: pb.EmergencyReview) -> RenderableType:
    """Return an emergency: what was declared, who decided the pledge by it, and its review."""
    head = Text.assemble((short(one.program), "bold"), f" of {short(one.team)}: ", _state(one))
    said = one.emergency
    lines = [
        Text(
            f"  declared by {short(said.declared_by)} on "
            f"{said.declared_at.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC: {said.reason}"
        ),
        Text(f"  if it waits: {said.consequence}"),
        *(
            Text(f"  {short(voice.decider.person)} pledged provisionally: {voice.reason}")
            for voice in one.voices
        ),
    ]
    for step in one.escalations:
        added = f", {', '.join(map(short, step.added))} added" if step.added else ""
        lines.append(Text(f"  {step_word(step.step)}{added}", style="dim"))
    if one.state == pb.EMERGENCY_STATE_UNDER_REVIEW:
        due = clock(instant(one.timetable, "overdue_at"))
        who = " or ".join(map(short, one.closers)) or "nobody at present"
        lines.append(Text(f"  review due {due}: {who} closes it", style="yellow"))
    if one.closed_by:
        lines.append(Text(f"  closed by {short(one.closed_by)}: {one.findings}", style="green"))
    return Group(head, *lines)


def _state(one: pb.EmergencyReview) -> Text:
    name = pb.EmergencyState.Name(one.state).removeprefix("EMERGENCY_STATE_")
    return Text(name.lower().replace("_", " "), style=_STYLES.get(one.state, ""))


def _listed(answer: pb.ListEmergenciesResponse) -> RenderableType:
    if not answer.emergencies:
        return Text("none")
    drawn = table("program", "team", "review", "due", "in the hands of")
    for one in answer.emergencies:
        drawn.add_row(
            short(one.program),
            short(one.team),
            _state(one),
            clock(instant(one.timetable, "overdue_at")) if one.HasField("timetable") else "",
            ", ".join(short(holder.person) for holder in one.holders),
        )
    return drawn
