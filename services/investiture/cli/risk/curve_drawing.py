"""The loss exceedance curves as a drawing."""

import numpy as np

from investiture.cli.risk.canvas import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, Axes, Picture
from investiture.cli.risk.figures import chance, share, short_amount
from investiture.cli.risk.picture_tables import CURVES, curve_names, curve_words, shown_from
from investiture.itrisk.quantification.pictures import ExceedanceCurves
from investiture.itrisk.quantification.tipping import Reading, Verdict

_LINES = {
    "inherent": (VERMILION, "-", 2.2),
    "residual": (BLUE, "--", 2.2),
    "tipping": (GREY, ":", 2.0),
}
_MARKS = {
    Verdict.INSIDE: ("o", GREEN),
    Verdict.OUTSIDE: ("X", ORANGE),
    Verdict.UNDETERMINED: ("s", "white"),
}
_SIGNS = {Verdict.INSIDE: "≤", Verdict.OUTSIDE: ">", Verdict.UNDETERMINED: "≈"}
_KINDS = {
    Verdict.INSIDE: "tolerated, kept",
    Verdict.OUTSIDE: "tolerated, exceeded",
    Verdict.UNDETERMINED: "tolerated, too close to call",
}
_MOST_LABELS = 6


def curve_drawing(curves: ExceedanceCurves) -> Picture:
    """The curves on logarithmic scales, and the points of the appetite: never a line through them.

    Each point's distance to the inherent curve is a thin vertical line.
    """

    def draw(axes: Axes) -> None:
        for name, label in curve_names(curves).items():
            colour, style, width = _LINES[name]
            chances = np.asarray(getattr(curves, name))
            seen = chances > 0.0
            axes.plot(
                curves.losses[seen],
                chances[seen],
                color=colour,
                linestyle=style,
                linewidth=width,
                label=label,
                gid=name,
            )
        _scales(axes, curves)
        for index, reading in enumerate(curves.readings, start=1):
            _point(axes, curves, reading, index)

    return Picture(CURVES, curve_words(curves), draw)


def _scales(axes: Axes, curves: ExceedanceCurves) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set(
        xscale="log",
        yscale="log",
        xlim=(float(curves.losses[0]), float(curves.losses[-1])),
        ylim=(shown_from(curves), 1.0),
        xlabel="loss in a year, in the currency's major unit (logarithmic)",
        ylabel="chance of losing more in a year (logarithmic)",
    )
    decades = np.log10(curves.losses[-1] / curves.losses[0])
    digits = (1.0, 2.0, 5.0) if decades < 3.5 else (1.0,)
    axes.xaxis.set_major_locator(LogLocator(subs=digits))
    axes.xaxis.set_major_formatter(_money)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(_percent)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, color="#D9D9D9", linewidth=0.6)


def _money(loss: float, _place: int) -> str:
    return short_amount(loss)


def _percent(probability: float, _place: int) -> str:
    return chance(probability)


def _point(axes: Axes, curves: ExceedanceCurves, reading: Reading, index: int) -> None:
    loss, tolerated = reading.tolerance.loss, reading.tolerance.probability
    shape, colour = _MARKS[reading.verdict]
    few = len(curves.readings) <= _MOST_LABELS
    label = _label(reading, index) if few else _kind(curves, reading)
    end = max(reading.found.middle, axes.get_ylim()[0])
    axes.plot([loss, loss], [tolerated, end], color=BLACK, linewidth=0.9, zorder=2.5)
    axes.plot(
        [loss],
        [tolerated],
        linestyle="none",
        marker=shape,
        markersize=10,
        markerfacecolor=colour,
        markeredgecolor=BLACK,
        clip_on=False,
        zorder=4,
        label=label,
        gid=f"tolerance-{index}",
    )
    if few:
        axes.annotate(
            f"{index}",
            (loss, max(tolerated, end)),
            xytext=(5, 7),
            textcoords="offset points",
            fontweight="bold",
        )


def _label(reading: Reading, index: int) -> str:
    found, tolerated = reading.found.middle, reading.tolerance.probability
    sign = _SIGNS[reading.verdict]
    loss = short_amount(reading.tolerance.loss)
    return f"{index} ({loss}): {share(found)} {sign} {share(tolerated)} tolerated"


def _kind(curves: ExceedanceCurves, reading: Reading) -> str | None:
    """What the mark means, for the first of its kind; the table has the rest."""
    first = next(one for one in curves.readings if one.verdict is reading.verdict)
    return _KINDS[reading.verdict] if first is reading else None
