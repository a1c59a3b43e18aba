"""An assessment as tables that fit eighty columns; colour never says anything alone."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from investiture.cli.output import table
from investiture.cli.risk.figures import amount, chance, printable, share
from investiture.cli.risk.picture_tables import WORDS, points_table
from investiture.itrisk.quantification.assessment import Assessment
from investiture.itrisk.quantification.report import sentence

INDEPENDENT = (
    "Scenarios and controls are taken as independent of each other. Amounts are in the "
    "currency's major unit, for a year; a chance lies between its two bounds."
)
_ONE_OF = {0.5: "2", 0.9: "10", 0.95: "20", 0.99: "100", 0.999: "1,000"}
_BAR = 14
_MOST_SWINGS = 8
_MOST_SETS = 8
_MOST_LETTERS = 40


def assessment_view(assessment: Assessment) -> RenderableType:
    """Everything an assessment says but its pictures, the one sentence on top."""
    return Group(*_parts(assessment))


def headline(assessment: Assessment) -> Text:
    """The verdict in a word, and what a sponsor has to know."""
    said = Text(printable(sentence(assessment)))
    if assessment.verdict is None:
        return said
    word, style = WORDS[assessment.verdict]
    return Text.assemble((word.upper(), style), "  ", said)


def _parts(assessment: Assessment) -> Iterator[RenderableType]:
    if assessment.exceedance:
        yield points_table(assessment.exceedance, assessment.readings)
    yield losses_table(assessment)
    yield from _tipping(assessment)
    if assessment.verdict is not None:
        yield ""
        yield from _controls(assessment)
    if assessment.swings:
        above = amount(_pressing(assessment))
        yield Text(f"\nChance of losing more than {above} with one estimate changed:")
        yield sensitivity_table(assessment)
    yield Text(INDEPENDENT, style="dim")


def losses_table(assessment: Assessment) -> Table:
    """The mean, how far years differ, and what one year in so many loses at the least."""
    made = table("yearly loss", "amount", right=("amount",))
    made.add_row("mean", amount(assessment.mean))
    made.add_row("standard deviation", amount(assessment.standard_deviation))
    for probability, loss in assessment.quantiles:
        years = _ONE_OF.get(probability) or f"{1.0 / (1.0 - probability):,.0f}"
        made.add_row(f"one year in {years} more than (P{100 * probability:g})", amount(loss))
    made.add_row("mean of the worst 5 % of years (ES95)", amount(assessment.shortfall))
    made.add_row("chance of a year without loss", chance(assessment.no_loss))
    if assessment.net_present_value is not None:
        worth = amount(assessment.net_present_value)
        made.add_row("net present value, its risk paid for", worth)
    return made


def _tipping(assessment: Assessment) -> Iterator[RenderableType]:
    tipped = assessment.tipping
    if tipped is None:
        return
    if tipped.scale is None:
        yield Text("Tipping point: none, even 100 times as many events keep the appetite.")
        return
    binding = "" if tipped.binding_loss is None else amount(tipped.binding_loss)
    yield Text.assemble(
        ("Tipping point", "bold"),
        f" (met first at a loss of {binding}): the full audience needs controls that prevent "
        f"{share(tipped.control_effectiveness)} of events (e*); without more controls "
        f"{share(tipped.exposure)} of the audience fits (x*).",
    )
    if assessment.exposure < 1.0:
        needed = assessment.effectiveness_needed
        what = (
            f"controls have to prevent {share(needed)} of events"
            if needed
            else "no control is needed"
        )
        yield Text(f"At the asked exposure of {share(assessment.exposure)} {what}.")


def _controls(assessment: Assessment) -> Iterator[RenderableType]:
    cheapest = assessment.cheapest
    if cheapest is None:
        yield Text("Controls: no set of what is offered brings it inside.")
        return
    if not cheapest.names:
        yield Text("Controls: none is needed.")
    else:
        names = printable(", ".join(cheapest.names))
        yield Text.assemble(
            ("Cheapest controls", "bold"), f": {names}, for {amount(cheapest.cost)}."
        )
    if len(assessment.sets) > 1 or cheapest.names:
        yield control_sets_table(assessment)


def control_sets_table(assessment: Assessment) -> Table:
    """The sets that enter the appetite: each next one costs more and leaves less."""
    figures = ["cost", "mean loss left"]
    if any(one.net_present_value is not None for one in assessment.sets):
        figures.append("worth")
    made = table("controls that bring it inside", *figures, right=tuple(figures))
    for one in assessment.sets[:_MOST_SETS]:
        cells = [amount(one.cost), amount(one.expected_annual_loss)]
        if one.net_present_value is not None:
            cells.append(amount(one.net_present_value))
        made.add_row(printable(" + ".join(one.names)) or "none", *cells)
    if len(assessment.sets) > _MOST_SETS:
        made.add_row(f"and {len(assessment.sets) - _MOST_SETS} dearer ones: --json")
    return made


def sensitivity_table(assessment: Assessment) -> Table:
    """How far each estimate, a fifth lower and a quarter higher, moves the pressing chance."""
    made = table("estimate", "×0.8", "×1.25", "moves", right=("×0.8", "×1.25"))
    largest = max(swing.size for swing in assessment.swings) or 1.0
    for swing in assessment.swings[:_MOST_SWINGS]:
        bar = "█" * round(_BAR * swing.size / largest) or "▏"
        name = printable(swing.estimate)
        if len(name) > _MOST_LETTERS:
            name = name[: _MOST_LETTERS // 2] + "…" + name[-_MOST_LETTERS // 2 + 1 :]
        made.add_row(name, chance(swing.lower), chance(swing.higher), bar)
    return made


def _pressing(assessment: Assessment) -> float:
    """The loss that the sensitivity is read at: the binding one, else the largest tolerated."""
    if assessment.tipping is not None and assessment.tipping.binding_loss is not None:
        return assessment.tipping.binding_loss
    return assessment.readings[-1].tolerance.loss
