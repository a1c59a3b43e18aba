"""`investiture risk`: what a program's risk is in numbers, and where it tips."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from investiture.cli.output import complaints, console, print_json
from investiture.cli.root import Shared
from investiture.cli.session import guard

if TYPE_CHECKING:
    from investiture.itrisk.quantification.assessment import Assessment

app = typer.Typer()
risk = typer.Typer(no_args_is_help=True, help="Risk in numbers: the chance of each yearly loss.")
app.add_typer(risk, name="risk", rich_help_panel="Looking into it")

LARGEST_LOSS = 1e18
_STEPS_BESIDES = 6
"""Of an assessment, besides the sets of controls and the further losses."""


def losses_of(values: list[float] | None) -> list[float]:
    """Checks the losses of `--at`, and keeps each once, ascending."""
    for loss in values or ():
        if not (math.isfinite(loss) and 0.0 < loss <= LARGEST_LOSS):
            raise typer.BadParameter(f"{loss:g} is no loss: above 0 and up to 1e18")
    return sorted(set(values or ()))


At = Annotated[
    list[float] | None,
    typer.Option(
        "--at",
        metavar="LOSS",
        callback=losses_of,
        help="The chance of losing more than this, too; may be repeated.",
    ),
]
Svg = Annotated[
    Path | None,
    typer.Option(
        "--svg", metavar="FILE", help="Draw the curves; the tipping map goes to FILE-tipping."
    ),
]
Png = Annotated[Path | None, typer.Option("--png", metavar="FILE", help="The same as PNG.")]


@risk.command()
def quantify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A scenario file (YAML).", metavar="FILE")],
    at: At = None,
    svg: Svg = None,
    png: Png = None,
) -> None:
    """Compute a scenario file's yearly loss, verdict and tipping point; no server is asked."""
    shared: Shared = ctx.obj

    def act() -> None:
        from investiture.cli.risk import tables, terminal, writing
        from investiture.cli.risk.patience import steps
        from investiture.cli.risk.scenario_files import question_in
        from investiture.itrisk.quantification import pictures
        from investiture.itrisk.quantification.assessment import assess

        wanted = writing.Wanted(svg, png)
        wanted.check()
        question = question_in(file)
        known = {tolerance.loss for tolerance in question.appetite}
        further = [loss for loss in at or () if loss not in known]
        total = 2 ** len(question.controls) + len(further) + _STEPS_BESIDES
        with steps(total, complaints) as step:
            assessment = assess(question, further, step)
            curves = plane = None
            if wanted.any or not shared.json:
                curves = pictures.exceedance_curves(question, assessment)
            step()
            if wanted.any:
                plane = pictures.tipping_map(question, assessment)
            step()
            files: list[Path] = []
            if wanted.any and curves is not None:
                files = writing.write(wanted, curves, plane, dry_run=shared.dry_run)
        if shared.json:
            print_json(answer_of(assessment) | {"files": [str(path) for path in files]})
            return
        assert curves is not None
        console.print(tables.headline(assessment), "", terminal.curve_picture(curves), sep="\n")
        console.print(tables.assessment_view(assessment))
        if files:
            words = writing.words_of(files, plane, dry_run=shared.dry_run)
            console.print(Text(words), soft_wrap=True)

    guard(shared, act)


def answer_of(assessment: "Assessment") -> dict[str, Any]:
    """An assessment as scripts get it; `cheapest_controls` are names, `cheapest_set` says more.

    Both are empty where nothing is needed; the set is null where nothing offered is enough.
    """
    from investiture.itrisk.quantification.report import document_of

    document: dict[str, Any] = document_of(assessment)
    cheapest = assessment.cheapest
    document["cheapest_set"] = document["cheapest_controls"]
    document["cheapest_controls"] = [] if cheapest is None else list(cheapest.names)
    return document
