"""A decline by IT that is appealed, once, or accepted; and how the appeal is decided."""

from typing import Annotated

import typer

from investiture.api.common.v1 import gate_pb2
from investiture.api.itrisk.v1 import appeal_service_pb2 as pb
from investiture.api.itrisk.v1 import itrisk_service_pb2 as review_pb
from investiture.cli.deciding import Program, Reason, answer, etag_for, program_name
from investiture.cli.session import Session, run

app = typer.Typer()
appeals = typer.Typer(no_args_is_help=True, help="A decline by IT, appealed once.")
app.add_typer(appeals, name="appeal", rich_help_panel="Decisions")

_OUTCOMES = {
    name.removeprefix("APPEAL_OUTCOME_").lower(): value
    for name, value in gate_pb2.AppealOutcome.items()
    if value
}


@appeals.command()
def make(
    ctx: typer.Context,
    program: Program,
    grounds: Annotated[str, typer.Option("--grounds", help="Why the decline is wrong.")],
    evidence: Annotated[
        list[str] | None,
        typer.Option("--evidence", help="Link to what shows it; may be repeated."),
    ] = None,
) -> None:
    """Appeal IT's decline, once: its sponsors and its proposer may, to who stands above both."""

    async def act(session: Session) -> None:
        stub, case = await session.appeals(), await _review(session, program)
        request = pb.AppealRequest(
            request_id=session.shared.fresh_request_id(),
            name=case.name,
            etag=etag_for(session, case),
            grounds=grounds,
            evidence=evidence or (),
            validate_only=session.shared.dry_run,
        )
        appealed = await stub.Appeal(request)
        answer(session, appealed, appealed.gate_case)

    run(ctx, act)


@appeals.command()
def waive(ctx: typer.Context, program: Program) -> None:
    """Accept IT's decline of your program: it ends now, not only when nobody may appeal."""

    async def act(session: Session) -> None:
        stub, case = await session.appeals(), await _review(session, program)
        request = pb.AcceptDeclineRequest(
            request_id=session.shared.fresh_request_id(),
            name=case.name,
            etag=etag_for(session, case),
            validate_only=session.shared.dry_run,
        )
        accepted = await stub.AcceptDecline(request)
        answer(session, accepted, accepted.gate_case)

    run(ctx, act)


@appeals.command()
def decide(
    ctx: typer.Context,
    program: Program,
    outcome: Annotated[str, typer.Argument(help=f"One of {', '.join(_OUTCOMES)}.")],
    reason: Reason,
) -> None:
    """Uphold a decline for good, or grant its appeal: then other reviewers look at it anew."""
    if outcome.lower() not in _OUTCOMES:
        known = ", ".join(_OUTCOMES)
        raise typer.BadParameter(f"{outcome} is none of {known}", param_hint="OUTCOME")
    value = gate_pb2.AppealOutcome.ValueType(_OUTCOMES[outcome.lower()])

    async def act(session: Session) -> None:
        stub, case = await session.appeals(), await _review(session, program)
        request = pb.DecideAppealRequest(
            request_id=session.shared.fresh_request_id(),
            name=case.name,
            etag=etag_for(session, case),
            outcome=value,
            reason=reason,
            validate_only=session.shared.dry_run,
        )
        decided = await stub.DecideAppeal(request)
        answer(session, decided, decided.gate_case)

    run(ctx, act)


async def _review(session: Session, program: str) -> gate_pb2.GateCase:
    stub = await session.itrisk()
    latest = f"{program_name(program)}/riskReviews/latest"
    return (await stub.GetReview(review_pb.GetReviewRequest(name=latest))).gate_case
