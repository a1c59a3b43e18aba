"""The tipping map as a drawing."""

import numpy as np

from investiture.cli.risk.canvas import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, Axes, Picture
from investiture.cli.risk.figures import printable, share
from investiture.cli.risk.picture_tables import MAP, map_words
from investiture.itrisk.quantification.pictures import TippingMap

_SHAPES = ("o", "s", "D", "^", "v", "P")
_FILLS = (ORANGE, BLUE, GREEN, "white", VERMILION, GREY)
_MOST_LETTERS = 30
_WINDOW, _HATCH = "#DCEFE8", "#6FB59C"
_PAPER = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}


def map_drawing(plane: TippingMap) -> Picture:
    """The plane of control effectiveness and exposure: frontiers, the launch window, the stages."""

    def draw(axes: Axes) -> None:
        e, least, most = plane.effectiveness, plane.least, plane.appetite
        worth = "" if plane.value is None else ", and worth it"
        if plane.open:
            axes.fill_between(
                e,
                np.minimum(least, 1.0),
                most,
                where=(least < most).tolist(),
                interpolate=True,
                facecolor=_WINDOW,
                edgecolor=_HATCH,
                hatch="///",
                linewidth=0.0,
                label=f"launch window: inside the appetite{worth}",
                gid="window",
            )
        axes.plot(
            e,
            most,
            color=VERMILION,
            linewidth=2.2,
            clip_on=False,
            label="appetite: the most exposure that fits, x*(e)",
            gid="appetite",
        )
        if plane.value is not None:
            axes.plot(
                e,
                np.minimum(plane.value, 2.0),
                color=BLUE,
                linestyle="--",
                linewidth=2.2,
                label="value: the least exposure that is worth it",
                gid="value",
            )
        _tipping(axes, plane)
        _dots(axes, plane)
        _scales(axes)

    return Picture(MAP, map_words(plane), draw)


def _scales(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set(
        xlim=(0.0, 1.0),
        ylim=(0.0, 1.0),
        xlabel="control effectiveness: share of the events that controls prevent",
        ylabel="exposure: share of the audience",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.grid(visible=True, color="#D9D9D9", linewidth=0.6)


def _tipping(axes: Axes, plane: TippingMap) -> None:
    """e* on the upper edge and x* on the left one, where they lie inside of it."""
    tipped = plane.tipping
    if not 0.0 < tipped.exposure < 1.0:
        return
    at, fits = tipped.control_effectiveness, tipped.exposure
    style = {"color": BLACK, "linestyle": ":", "linewidth": 1.2}
    axes.plot([at, at], [0.0, 1.0], **style)
    axes.plot([0.0, at], [fits, fits], **style)
    to_the_left = at > 0.75
    axes.annotate(
        f"e* = {share(at)}",
        (at, 0.0),
        xytext=(-5 if to_the_left else 5, 5),
        textcoords="offset points",
        horizontalalignment="right" if to_the_left else "left",
        bbox=_PAPER,
    )
    beside = at < 0.3  # else under the dotted line, where no stage without controls stands
    axes.annotate(
        f"x* = {share(fits)}",
        (at if beside else at / 2.0, fits),
        xytext=(5 if beside else 0, -5 if fits > 0.15 else 5),
        textcoords="offset points",
        horizontalalignment="left" if beside else "center",
        verticalalignment="top" if fits > 0.15 else "bottom",
        bbox=_PAPER,
    )


def _dots(axes: Axes, plane: TippingMap) -> None:
    for index, dot in enumerate(plane.dots):
        name = printable(dot.name)
        name = name if len(name) <= _MOST_LETTERS else name[: _MOST_LETTERS - 1] + "…"
        axes.plot(
            [dot.effectiveness],
            [dot.exposure],
            linestyle="none",
            marker=_SHAPES[index % len(_SHAPES)],
            markersize=10,
            markerfacecolor=_FILLS[index % len(_FILLS)],
            markeredgecolor=BLACK,
            clip_on=False,
            zorder=4,
            label=f"{name}: x = {share(dot.exposure)}, e = {share(dot.effectiveness)}",
            gid=f"dot-{index + 1}",
        )
