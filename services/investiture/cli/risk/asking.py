"""`investiture risk assess|whatif|portfolio`: what the record's numbers amount to."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from investiture.api.itrisk.v1 import risk_service_pb2 as pb
from investiture.cli.deciding import Program, program_name
from investiture.cli.output import console, print_json, short, table
from investiture.cli.risk.command import At, Png, Svg
from investiture.cli.risk.figures import amount, chance, share
from investiture.cli.session import Session, run

app = typer.Typer()


@app.command()
def assess(
    ctx: typer.Context, program: Program, at: At = None, svg: Svg = None, png: Png = None
) -> None:
    """Say what a program's risk is against the appetite, with the controls it has in place."""

    async def act(session: Session) -> None:
        risk = await session.risk()
        found = await risk.Assess(pb.AssessRequest(program=program_name(program), at=at or ()))
        await _show(session, found, None, svg, png)

    run(ctx, act)


@app.command()
def whatif(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    ctx: typer.Context,
    program: Program,
    control: Annotated[
        list[str] | None,
        typer.Option("--control", metavar="NAME", help="Taken to be in place; may be repeated."),
    ] = None,
    exposure: Annotated[
        int, typer.Option(min=0, max=10_000, help="In basis points; else as asked.")
    ] = 0,
    appetite: Annotated[
        list[str] | None,
        typer.Option("--appetite", metavar="LOSS:P", help="Another appetite; a point each."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Other scenarios (YAML).")
    ] = None,
    at: At = None,
    svg: Svg = None,
    png: Png = None,
) -> None:
    """Say what a program's risk would be with other controls, exposure, appetite or estimates."""
    points = [_point(text) for text in appetite or ()]

    async def act(session: Session) -> None:
        from investiture.cli.risk.contents import content_in

        content = content_in(file) if file is not None else None
        risk = await session.risk()
        found = await risk.WhatIf(
            pb.WhatIfRequest(
                program=program_name(program),
                controls=control or (),
                exposure_bps=exposure,
                appetite=points,
                content=content,
                at=at or (),
            )
        )
        await _show(session, found, content, svg, png)

    run(ctx, act)


@app.command()
def portfolio(
    ctx: typer.Context,
    probability: Annotated[
        float, typer.Option(min=0.0, max=0.9999, help="Share of years that are better.")
    ] = 0.95,
) -> None:
    """Say what all living programs lose together, and what each adds to it."""

    async def act(session: Session) -> None:
        risk = await session.risk()
        asked = pb.AssessPortfolioRequest(probability=probability)
        session.show(await risk.AssessPortfolio(asked), _portfolio)

    run(ctx, act)


async def _show(
    session: Session,
    found: pb.Assessment,
    content: pb.RiskContent | None,
    svg: Path | None,
    png: Path | None,
) -> None:
    """An answer as tables, with its pictures where they are asked for: they need the scenarios."""
    from investiture.cli.risk import tables, terminal, writing
    from investiture.cli.risk.answers import assessment_of, question_from
    from investiture.itrisk.quantification import pictures

    wanted = writing.Wanted(svg, png)
    wanted.check()
    if session.shared.json and not wanted.any:
        print_json(found)
        return
    if content is None:
        name = f"{found.program}/riskProfiles/{found.profile_version}"
        risk = await session.risk()
        content = (await risk.GetRiskProfile(pb.GetRiskProfileRequest(name=name))).content
    assessment = assessment_of(found, valued=content.HasField("value"))
    question = question_from(found, content)
    curves = pictures.exceedance_curves(question, assessment)
    plane = pictures.tipping_map(question, assessment) if wanted.any else None
    dry = session.shared.dry_run
    files = writing.write(wanted, curves, plane, dry_run=dry) if wanted.any else []
    if session.shared.json:
        print_json(found)
        return
    console.print(tables.headline(assessment), "", terminal.curve_picture(curves), sep="\n")
    console.print(tables.assessment_view(assessment))
    console.print(Text(_of_what(found), style="dim"))
    if files:
        console.print(Text(writing.words_of(files, plane, dry_run=dry)), soft_wrap=True)


def _of_what(found: pb.Assessment) -> str:
    """What went in: which records, and what of them was in place."""
    controls = ", ".join(found.controls_in_place) or "none"
    version = found.profile_version or "given here"
    return (
        f"{found.program}: profile {version}, revision {found.revision or 'none yet'}, exposure "
        f"{share(found.exposure)}, controls in place: {controls}; amounts in {found.currency_code}"
    )


def _point(text: str) -> pb.AppetitePoint:
    loss, _, probability = text.partition(":")
    try:
        return pb.AppetitePoint(loss=float(loss), probability=float(probability))
    except ValueError:
        raise typer.BadParameter(
            f"{text} is no LOSS:P, for instance 1000000:0.1", param_hint="--appetite"
        ) from None


def _portfolio(found: pb.PortfolioAssessment) -> Group:
    unit = found.currency_code
    head = Text.assemble(
        (f"{found.programs} programs", "bold"),
        f" lose {amount(found.mean)} {unit} in an average year; {share(found.probability)} of "
        f"years stay under {amount(found.quantile)}, the others lose "
        f"{amount(found.expected_shortfall)} on average.",
    )
    curve = table("loss of more than", "chance", right=("loss of more than", "chance"))
    for one in found.exceedance[::4]:
        curve.add_row(amount(one.loss), chance(one.upper))
    parts = table("program", "average year", "of the worst years", right=("average year",))
    total = found.expected_shortfall or 1.0
    for part in found.contributions:
        worst = f"{amount(part.tail)}  ({share(part.tail / total)})"
        parts.add_row(short(part.program), amount(part.expected_annual_loss), worst)
    lines = [Text(f"no numbers: {short(name)}", style="dim") for name in found.without_profile]
    lines += [
        Text(f"in another currency: {short(name)}", style="dim") for name in found.other_currency
    ]
    return Group(head, curve, parts, *lines)
