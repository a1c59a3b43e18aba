"""`investiture risk estimate|combine`: several people's numbers, their median and spread."""

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.cli.deciding import Program, agreed_etag, program_name
from investiture.cli.output import short, table
from investiture.cli.risk.profiles import newest_etag, outcome
from investiture.cli.session import Session, run

app = typer.Typer()

_FORMS = "X, MIN,MODE,MAX or LOW..HIGH (90 %)"
_WORDS = {
    pb.ESTIMATE_PART_FREQUENCY: "frequency",
    pb.ESTIMATE_PART_PRIMARY: "primary loss",
    pb.ESTIMATE_PART_SECONDARY_PROBABILITY: "chance of a secondary loss",
    pb.ESTIMATE_PART_SECONDARY_LOSS: "secondary loss",
}


@app.command()
def estimate(
    ctx: typer.Context,
    program: Program,
    scenario: Annotated[str, typer.Argument(help="The scenario's name.", metavar="SCENARIO")],
    frequency: Annotated[
        str, typer.Option(metavar="NUMBERS", help=f"Events a year: {_FORMS}.")
    ] = "",
    primary: Annotated[
        str, typer.Option(metavar="NUMBERS", help=f"What one event costs: {_FORMS}.")
    ] = "",
    secondary_probability: Annotated[
        str, typer.Option(metavar="P", help="Chance of a secondary loss, 0 to 1.")
    ] = "",
    secondary_loss: Annotated[
        str, typer.Option(metavar="NUMBERS", help=f"What that adds: {_FORMS}.")
    ] = "",
    basis: Annotated[str, typer.Option(help="What your numbers rest on.")] = "",
) -> None:
    """Say your own numbers for a scenario; without any, show what others said."""
    said = zip(_WORDS, (frequency, primary, secondary_probability, secondary_loss), strict=True)
    parts = [_part(part, text) for part, text in said if text]

    async def act(session: Session) -> None:
        risk, name = await session.risk(), program_name(program)
        if parts:
            found = await risk.RecordEstimate(
                pb.RecordEstimateRequest(
                    request_id=session.shared.fresh_request_id(),
                    program=name,
                    scenario=scenario,
                    parts=parts,
                    basis=basis,
                    validate_only=session.shared.dry_run,
                )
            )
        else:
            listed = await risk.ListEstimates(
                pb.ListEstimatesRequest(profile=f"{name}/riskProfiles/latest", scenario=scenario)
            )
            found = listed.scenarios[0]
        session.show(found, view)

    run(ctx, act)


@app.command()
def combine(
    ctx: typer.Context,
    program: Program,
    reason: Annotated[str, typer.Option("--reason", help="Why now, for the record.")],
    people: Annotated[int, typer.Option(min=1, max=20, help="People that a part needs.")] = 3,
) -> None:
    """Make the medians of what people said the next version of the risk profile."""

    async def act(session: Session) -> None:
        risk, name = await session.risk(), program_name(program)
        etag = await newest_etag(session, name)
        saved = await risk.CombineEstimates(
            pb.CombineEstimatesRequest(
                request_id=session.shared.fresh_request_id(),
                program=name,
                etag=agreed_etag(session, etag, name) or "none",
                reason=reason,
                people=people,
                validate_only=session.shared.dry_run,
            )
        )
        session.show(saved, lambda one: Group(outcome(session, one), Text(f"  {one.reason}")))

    run(ctx, act)


def view(found: pb.ScenarioEstimates) -> Group:
    """Who said what of a scenario, with median and spread."""
    from investiture.cli.risk.contents import words_of

    lines: list[RenderableType] = [Text(found.scenario, style="bold")]
    for part in found.parts:
        made = table("who", "numbers", "rests on", title=_WORDS[part.part])
        for one in part.said:
            made.add_row(short(one.person), words_of(one.estimate), one.basis)
        for number in part.spread:
            made.add_row(
                f"{number.number}: median {number.median:,g}",
                f"from {number.least:,g} to {number.most:,g}",
                f"{part.people} people",
            )
        if part.hidden:
            made.add_row(f"{part.people} people", "say your own to see theirs", "")
        lines.append(made)
    if not found.parts:
        lines.append(Text("nobody has said any numbers yet", style="dim"))
    return Group(*lines)


def _part(part: pb.EstimatePart.ValueType, text: str) -> pb.PartEstimate:
    from investiture.cli.risk.contents import estimate_said

    try:
        return pb.PartEstimate(part=part, estimate=estimate_said(text))
    except ValueError:
        raise typer.BadParameter(f"{text} is none of {_FORMS}", param_hint=_WORDS[part]) from None
