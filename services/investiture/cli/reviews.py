"""The KNIGHT gate: IT's verdicts, each with its reason."""

from typing import Annotated, Any

import typer

from investiture.api.itrisk.v1 import itrisk_service_pb2 as pb
from investiture.cli.deciding import (
    OnBehalfOf,
    Program,
    answer,
    etag_for,
    person_name,
    program_name,
)
from investiture.cli.gaps import condition_of, gap_from
from investiture.cli.session import Session, run

app = typer.Typer()

_GAP = 'A gap as "RISK | TOLERANCE | EXCESS | REMEDY"; may be repeated.'
_CONDITION = "GATE:OWNER:TEXT, for instance launch:max:consent proof is live; may be repeated."


@app.command(rich_help_panel="Decisions")
def knight(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    ctx: typer.Context,
    program: Program,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help=_CONDITION, metavar="CONDITION")
    ] = None,
    exposure: Annotated[
        int, typer.Option(help="Largest allowed exposure in basis points; else as asked.")
    ] = 0,
    request_changes: Annotated[
        list[str] | None, typer.Option("--request-changes", help=_GAP, metavar="GAP")
    ] = None,
    changes_from_assessment: Annotated[
        bool,
        typer.Option(
            "--changes-from-assessment", help="Ask for what the numbers lack, as changes."
        ),
    ] = False,
    decline: Annotated[
        list[str] | None, typer.Option("--decline", help=_GAP, metavar="GAP")
    ] = None,
    price: Annotated[str, typer.Option(help="Of a decline: what coming inside would cost.")] = "",
    no_exposure_fits: Annotated[
        bool, typer.Option("--no-exposure-fits", help="Of a decline in the first round.")
    ] = False,
    rationale: Annotated[str, typer.Option(help="Words for the record.")] = "",
    chance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Your own probability, 0 to 1, of losing more than the binding point.",
        ),
    ] = None,
    on_behalf_of: OnBehalfOf = "",
) -> None:
    """Knight a program: outright, with conditions, for an exposure; or say what is missing."""
    conditions = [condition_of(text) for text in condition or ()]
    gaps = [gap_from(text) for text in request_changes or ()]
    noes = [gap_from(text) for text in decline or ()]

    async def act(session: Session) -> None:
        stub = await session.itrisk()
        latest = f"{program_name(program)}/riskReviews/latest"
        review = await stub.GetReview(pb.GetReviewRequest(name=latest))
        common: dict[str, Any] = {
            "request_id": session.shared.fresh_request_id(),
            "name": review.gate_case.name,
            "etag": etag_for(session, review.gate_case),
            "on_behalf_of": person_name(on_behalf_of),
        }
        dry = session.shared.dry_run
        if noes:
            decided = await stub.Decline(
                pb.DeclineRequest(
                    **common,
                    gaps=noes,
                    price=price,
                    no_exposure_fits=no_exposure_fits,
                    validate_only=dry,
                )
            )
        elif gaps or changes_from_assessment:
            decided = await stub.RequestChanges(
                pb.RequestChangesRequest(
                    request_id=common["request_id"],
                    name=common["name"],
                    etag=common["etag"],
                    on_behalf_of=common["on_behalf_of"],
                    gaps=gaps,
                    from_assessment=changes_from_assessment,
                    validate_only=dry,
                )
            )
        else:
            decided = await stub.Knight(
                pb.KnightRequest(
                    **common,
                    conditions=conditions,
                    exposure_limit_bps=exposure,
                    rationale=rationale,
                    stated_probability=chance,
                    validate_only=dry,
                )
            )
        answer(session, decided, decided.gate_case)

    run(ctx, act)
