"""From the pilot on: its outcome, go, suspension, the measured return, the close."""

from collections.abc import Mapping
from typing import Annotated

import typer

from investiture.api.common.v1 import statements_pb2
from investiture.api.launch.v1 import launch_service_pb2 as pb
from investiture.cli.deciding import (
    Program,
    Reason,
    agreed_etag,
    answer,
    etag_for,
    program_name,
)
from investiture.cli.gaps import gap_from
from investiture.cli.programs import program_line
from investiture.cli.session import Session, run
from investiture.stack import amounts

PANEL = "Decisions"
app = typer.Typer()

_OUTCOMES = {"succeeded": pb.PILOT_OUTCOME_SUCCEEDED, "failed": pb.PILOT_OUTCOME_FAILED}
_ANSWERS = {"go": pb.GO_ANSWER_GO, "hold": pb.GO_ANSWER_HOLD, "no-go": pb.GO_ANSWER_NO_GO}
_CLOSES = {
    "proven": statements_pb2.OUTCOME_PROVEN,
    "missed": statements_pb2.OUTCOME_MISSED,
    "waived": statements_pb2.OUTCOME_PROMISE_WAIVED,
}


@app.command(rich_help_panel=PANEL)
def pilot(
    ctx: typer.Context,
    program: Program,
    result: Annotated[str, typer.Argument(help=f"One of {', '.join(_OUTCOMES)}.")],
    observation: Annotated[
        list[str], typer.Option("--observation", help="One for each exit criterion.")
    ],
    gap: Annotated[
        list[str] | None,
        typer.Option("--gap", help='Of a failure: "RISK | TOLERANCE | EXCESS | REMEDY".'),
    ] = None,
) -> None:
    """Record how the pilot ended, criterion by criterion."""
    ended = _one_of(_OUTCOMES, result, "RESULT")
    gaps = [gap_from(text) for text in gap or ()]

    async def act(session: Session) -> None:
        stub = await session.launch()
        latest = f"{program_name(program)}/pilots/latest"
        found = await stub.GetPilot(pb.GetPilotRequest(name=latest))
        request = pb.RecordPilotOutcomeRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            outcome=pb.PilotOutcome.ValueType(ended),
            observations=observation,
            gaps=gaps,
            validate_only=session.shared.dry_run,
        )
        decided = await stub.RecordPilotOutcome(request)
        answer(session, decided, decided.gate_case)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def go(
    ctx: typer.Context,
    program: Program,
    said: Annotated[str, typer.Argument(help=f"One of {', '.join(_ANSWERS)}.")] = "go",
    reason: Annotated[str, typer.Option("--reason", help="Why; needed for hold and no-go.")] = "",
) -> None:
    """Decide go, hold or no-go. A go launches once three fresh warrants were presented."""
    value = _one_of(_ANSWERS, said, "SAID")

    async def act(session: Session) -> None:
        stub = await session.launch()
        latest = f"{program_name(program)}/goDecisions/latest"
        found = await stub.GetGoDecision(pb.GetGoDecisionRequest(name=latest))
        request = pb.DecideGoRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.gate_case.name,
            etag=etag_for(session, found.gate_case),
            answer=pb.GoAnswer.ValueType(value),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        decided = await stub.DecideGo(request)
        answer(session, decided, decided.gate_case)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def suspend(ctx: typer.Context, program: Program, reason: Reason) -> None:
    """Suspend a program at once; two people resume it."""

    async def act(session: Session) -> None:
        found = await _program(session, program)
        request = pb.SuspendRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await (await session.launch()).Suspend(request), program_line)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def resume(ctx: typer.Context, program: Program, reason: Reason) -> None:
    """Agree to resume a suspended program; it runs again once two people did."""

    async def act(session: Session) -> None:
        found = await _program(session, program)
        request = pb.ResumeRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await (await session.launch()).Resume(request), program_line)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def benefit(
    ctx: typer.Context,
    program: Program,
    benefit_id: Annotated[str, typer.Argument(help="Which promised benefit: `deflection`.")],
    measured: Annotated[str, typer.Argument(help="Its yearly value: `31_500 EUR`.")],
    evidence: Annotated[str, typer.Option("--evidence", help="Link to what shows it.")],
) -> None:
    """Record the measured value of a promised benefit."""
    try:
        value = amounts.parse(measured)
    except amounts.AmountUnreadable as error:
        raise typer.BadParameter(str(error), param_hint="MEASURED") from None

    async def act(session: Session) -> None:
        found = await _program(session, program)
        request = pb.RecordBenefitRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            benefit_id=benefit_id,
            measured=value,
            evidence=evidence,
            validate_only=session.shared.dry_run,
        )
        session.show(await (await session.launch()).RecordBenefit(request), program_line)

    run(ctx, act)


@app.command(rich_help_panel=PANEL)
def close(
    ctx: typer.Context,
    program: Program,
    outcome: Annotated[str, typer.Argument(help=f"One of {', '.join(_CLOSES)}.")],
    reason: Reason,
) -> None:
    """Close a launched program: proven or missed as measured, or the promise waived."""
    value = _one_of(_CLOSES, outcome, "OUTCOME")

    async def act(session: Session) -> None:
        found = await _program(session, program)
        request = pb.CloseProgramRequest(
            request_id=session.shared.fresh_request_id(),
            name=found.name,
            etag=agreed_etag(session, found.etag, found.name),
            outcome=statements_pb2.Outcome.ValueType(value),
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        session.show(await (await session.launch()).CloseProgram(request), program_line)

    run(ctx, act)


async def _program(session: Session, program: str) -> pb.Program:
    stub = await session.launch()
    return await stub.GetProgram(pb.GetProgramRequest(name=program_name(program)))


def _one_of(known: Mapping[str, int], said: str, name: str) -> int:
    if said not in known:
        raise typer.BadParameter(f"{said} is none of {', '.join(known)}", param_hint=name)
    return known[said]
