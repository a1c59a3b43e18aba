"""The loss exceedance curve in block characters, both scales logarithmic."""

import math

import numpy as np
from rich.text import Text

from investiture.cli.risk.figures import listed, share, short_amount
from investiture.cli.risk.picture_tables import shown_from
from investiture.itrisk.quantification.functions import Floats
from investiture.itrisk.quantification.pictures import ExceedanceCurves, round_losses
from investiture.itrisk.quantification.tipping import Verdict

ROWS, COLUMNS = 12, 60
_MARGIN = 9
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_MARKS = {
    Verdict.INSIDE: ("◆", "bold green"),
    Verdict.OUTSIDE: ("✗", "bold red"),
    Verdict.UNDETERMINED: ("?", "bold yellow"),
}
_COLOUR = "cyan"


def curve_picture(curves: ExceedanceCurves) -> Text:
    """The inherent curve as an area, the residual one as a full area in it, the appetite's points.

    Light shade is what the cheapest controls take away; without them the area is full.
    """
    if not curves.inherent.any():
        return Text("No loss is possible.")
    decades = -math.log10(shown_from(curves))
    columns = np.linspace(math.log(curves.losses[0]), math.log(curves.losses[-1]), COLUMNS)

    def heights(probabilities: Floats) -> Floats:
        """Rows from the bottom, 0 to ROWS, shape (COLUMNS,)."""
        at = np.interp(columns, np.log(curves.losses), probabilities)
        up = 1.0 + np.log10(np.maximum(at, 1e-300)) / decades
        return np.clip(up, 0.0, 1.0) * ROWS

    outer = heights(curves.inherent)
    inner = outer if curves.residual is None else heights(curves.residual)
    marks = _marks(curves, columns, decades)
    picture = Text(no_wrap=True)
    for row in reversed(range(ROWS)):
        picture.append(_label(row, decades))
        for column in range(COLUMNS):
            picture.append(*(marks.get((row, column)) or _cell(row, outer[column], inner[column])))
        picture.append("\n")
    picture.append(_axis(curves))
    picture.append(_legend(curves), style="dim")
    return picture


def _cell(row: int, outer: float, inner: float) -> tuple[str, str]:
    """What is at a row where the two curves stand that high, in rows."""
    if inner == outer and 0.0 < inner - row < 1.0:
        return _EIGHTHS[max(1, round(8.0 * (inner - row)))], _COLOUR
    if inner - row >= 0.5:
        return "█", _COLOUR
    return ("░", _COLOUR) if outer - row >= 0.5 else (" ", "")


def _marks(
    curves: ExceedanceCurves, columns: Floats, decades: float
) -> dict[tuple[int, int], tuple[str, str]]:
    """The points of the appetite: row and column → character and style."""
    marks: dict[tuple[int, int], tuple[str, str]] = {}
    for reading in curves.readings:
        column = int(np.abs(columns - math.log(reading.tolerance.loss)).argmin())
        height = (1.0 + math.log10(reading.tolerance.probability) / decades) * ROWS
        row = min(max(math.ceil(height) - 1, 0), ROWS - 1)
        marks[row, column] = _MARKS[reading.verdict]
    return marks


def _label(row: int, decades: float) -> str:
    """The chance at the top of a row where that is a power of ten."""
    for power in range(math.ceil(decades)):
        if round(ROWS * (1.0 - power / decades)) - 1 == row:
            return f"{100.0 * 10.0**-power:>{_MARGIN - 4}.4g} % ┤"
    return " " * (_MARGIN - 1) + "│"


def _axis(curves: ExceedanceCurves) -> str:
    """The axis of losses with as many round ones as fit side by side."""
    low, top = float(curves.losses[0]), float(curves.losses[-1])
    line, below = ["─"] * COLUMNS, [" "] * (COLUMNS + _MARGIN)
    rounded = [float(loss) for loss in round_losses(low, top)]
    powers = [loss for loss in rounded if f"{loss:e}".startswith("1.0")]
    for loss in powers + rounded:
        column = round((COLUMNS - 1) * math.log(loss / low) / math.log(top / low))
        word = short_amount(loss)
        start = max(0, column - len(word) // 2)
        if "".join(below[max(0, start - 2) : start + len(word) + 2]).strip():
            continue
        line[column] = "┬"
        below[start : start + len(word)] = word
    margin = " " * (_MARGIN - 1)
    return f"{margin}└{''.join(line)}\n{margin} {''.join(below).rstrip()}\n"


def _legend(curves: ExceedanceCurves) -> str:
    """What each sign means."""
    exposure = share(curves.exposure)
    lines = [f"chance of losing more in a year, at {exposure} of the audience; logarithmic"]
    if curves.residual is not None:
        lines.append(f"█ with {listed(curves.controls)}   █ and ░ before that")
    if curves.readings:
        lines.append("tolerated: ◆ kept   ✗ exceeded   ? too close to call")
    return "\n".join(lines)
