"""The pictures in words and figures, for people who cannot see them."""

import io
import math
from collections.abc import Sequence

import numpy as np
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from investiture.cli.output import table
from investiture.cli.risk.figures import amount, chance, listed, printable, share
from investiture.itrisk.quantification.assessment import Exceeding
from investiture.itrisk.quantification.pictures import ExceedanceCurves, TippingMap, round_losses
from investiture.itrisk.quantification.tipping import Reading, Verdict

CURVES = "Loss exceedance: the chance that a year loses more than an amount"
MAP = "Tipping map: how much exposure fits at which control effectiveness"
_TENTHS = np.linspace(0.0, 1.0, 11)
WORDS = {
    Verdict.INSIDE: ("✓ inside", "green"),
    Verdict.OUTSIDE: ("✗ outside", "bold red"),
    Verdict.UNDETERMINED: ("? too close", "yellow"),
}
_LEAST_DECADES = -2
_KEPT = {Verdict.INSIDE: "kept", Verdict.OUTSIDE: "exceeded", Verdict.UNDETERMINED: "undecided"}


def curve_names(curves: ExceedanceCurves) -> dict[str, str]:
    """The curves that there are, in the order of the legend: field → what it is called."""
    names = {"inherent": f"inherent, at {share(curves.exposure)} of the audience"}
    if curves.residual is not None:
        names["residual"] = f"residual, with {listed(curves.controls)}"
    if curves.tipping is not None and curves.scale is not None:
        names["tipping"] = f"at tipping, {curves.scale:.3g} × the full audience's events"
    return names


def shown_from(curves: ExceedanceCurves) -> float:
    """The chance at the lower edge: the power of ten that shows every tolerance and what is found.

    Of what is found no more than a hundredth of the smallest tolerance.
    """
    tolerated = [one.tolerance.probability for one in curves.readings]
    found = [one.found.middle for one in curves.readings] or [float(curves.inherent.max())]
    least = max(min(found), min(tolerated, default=0.0) / 100.0)
    least = min([least, *tolerated, 1.0]) / 1.5
    return 10.0 ** min(_LEAST_DECADES, math.floor(math.log10(least))) if least > 0.0 else 0.01


def curve_table(curves: ExceedanceCurves) -> Table:
    """The curves at round losses and at those of the appetite."""
    names = list(curve_names(curves))
    made = table("loss", *names, "tolerated", right=("loss", *names, "tolerated"))
    tolerated = {one.tolerance.loss: one.tolerance.probability for one in curves.readings}
    shown = round_losses(float(curves.losses[0]), float(curves.losses[-1]))
    for index in np.flatnonzero(np.isin(curves.losses, [*shown, *tolerated])):
        loss = float(curves.losses[index])
        cells = [chance(float(getattr(curves, name)[index])) for name in names]
        made.add_row(amount(loss), *cells, chance(tolerated[loss]) if loss in tolerated else "–")
    return made


def points_table(exceedance: Sequence[Exceeding], readings: Sequence[Reading]) -> Table:
    """The chance of each loss in bounds; of the appetite's points what is tolerated and left."""
    figures = "loss above", "at least", "at most", "tolerated", "slack"
    made = table(*figures, "verdict", right=figures)
    points = {reading.tolerance.loss: reading for reading in readings}
    for one in exceedance:
        cells = amount(one.loss), chance(one.found.lower), chance(one.found.upper)
        reading = points.get(one.loss)
        if reading is None:
            made.add_row(*cells, "–", "–", "–")
        else:
            tolerated = chance(reading.tolerance.probability)
            made.add_row(*cells, tolerated, chance(reading.slack), Text(*WORDS[reading.verdict]))
    return made


def point_words(reading: Reading) -> str:
    """A point of the appetite in words."""
    return (
        f"more than {amount(reading.tolerance.loss)}: {chance(reading.found.middle)} found, "
        f"{chance(reading.tolerance.probability)} tolerated, {_KEPT[reading.verdict]}"
    )


def curve_words(curves: ExceedanceCurves) -> str:
    """What the curves show, in sentences."""
    points = "; ".join(point_words(reading) for reading in curves.readings)
    lines = f"Curves: {'; '.join(curve_names(curves).values())}."
    return f"{lines} Points of the appetite: {points or 'none'}."


def map_table(plane: TippingMap) -> Table:
    """The frontiers at every tenth of effectiveness and at e*."""
    headings = ["control effectiveness", "exposure inside up to"]
    if plane.value is not None:
        headings += ["worth it from"]
    made = table(*headings, "launch window", right=tuple(headings))
    tipping = plane.tipping.control_effectiveness
    for index, e in enumerate(plane.effectiveness):
        if not np.isclose(e, _TENTHS).any() and e != tipping:
            continue
        name = f"e* {share(float(e))}" if e == tipping else share(float(e))
        low, high = float(plane.least[index]), float(plane.appetite[index])
        cells = [share(high)]
        if plane.value is not None:
            cells.append("never" if low > 1.0 else share(low))
        window = f"{share(low)} to {share(high)}" if low < high else "closed"
        made.add_row(name, *cells, window)
    return made


def map_words(plane: TippingMap) -> str:
    """What the map shows, in sentences."""
    tipped = plane.tipping
    dots = "; ".join(
        f"{printable(dot.name)}: {share(dot.exposure)} of the audience, controls that prevent "
        f"{share(dot.effectiveness)} of events, {standing(plane, dot.exposure, dot.effectiveness)}"
        for dot in plane.dots
    )
    return (
        f"e* = {share(tipped.control_effectiveness)} of events have to be prevented at full "
        f"exposure; x* = {share(tipped.exposure)} of the audience fits without more controls. "
        f"The launch window is {'open' if plane.open else 'empty: redesign'}. "
        f"{dots or 'No stage is shown'}."
    )


def standing(plane: TippingMap, exposure: float, effectiveness: float) -> str:
    """Where a place of the map lies, in words."""
    inside = exposure <= plane.tipping.exposure_with(effectiveness) * (1.0 + 1e-9)
    least = float(np.interp(effectiveness, plane.effectiveness, plane.least))
    if not inside:
        return "outside the appetite"
    return "inside the launch window" if exposure > least else "inside the appetite, not worth it"


def curve_text(curves: ExceedanceCurves) -> str:
    """The curves for a file beside the picture: the words, the appetite, the curves in figures."""
    found = [Exceeding(one.tolerance.loss, one.found) for one in curves.readings]
    points = [points_table(found, curves.readings)] if found else []
    return as_text(CURVES, "", curve_words(curves), *points, curve_table(curves))


def map_text(plane: TippingMap) -> str:
    """The map for a file beside the picture: the words, the frontiers in figures."""
    return as_text(MAP, "", map_words(plane), map_table(plane))


def as_text(*parts: RenderableType) -> str:
    """Tables and sentences as plain text of a hundred columns, for a file beside a picture."""
    written = io.StringIO()
    console = Console(file=written, width=100, color_system=None, highlight=False, emoji=False)
    console.print(*parts, sep="\n")
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"
