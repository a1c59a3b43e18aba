"""What both drawings share: colours, type, and how a figure becomes the same bytes every time.

Colours are Okabe and Ito's, which people with any colour vision tell apart; line styles, hatching
and the shapes of marks say the same again, so that a picture may be printed in black.
"""

import io
import logging
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, cast
from xml.sax.saxutils import escape

from investiture.cli import problems
from investiture.cli.problems import Complaint

Axes = Any
"""matplotlib's Axes, whose types leave the keywords of every drawing call unknown."""
BLACK, ORANGE, BLUE, GREEN, VERMILION, GREY = (
    "#000000",
    "#E69F00",
    "#0072B2",
    "#009E73",
    "#D55E00",
    "#595959",
)
INCHES = (8.0, 5.5)
DOTS_PER_INCH = 200
_STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 14.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "text.parse_math": False,  # a name may have a dollar in it
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and translated
    "svg.hashsalt": "investiture",
}
_PROLOGUE = re.compile(
    r"<!-- Created with matplotlib.*?-->\s*|<metadata>.*?</metadata>\s*", re.DOTALL
)
_SVG_TAG = re.compile(r"<svg [^>]*>")


def require() -> None:
    """Raises Complaint where the library that draws is not installed."""
    if find_spec("matplotlib") is None:
        raise Complaint(
            "pictures are drawn by matplotlib, which is not installed",
            problems.CONFIG,
            "pip install 'investiture[pictures]'; without it the tables and the terminal's picture "
            "say the same",
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing before it is a file: what it is called, what it shows in words, how it is drawn."""

    title: str
    description: str
    draw: Callable[[Axes], None]


def svg_of(picture: Picture) -> bytes:
    """The picture as SVG: the same bytes every time, with a title and a description."""
    text = _rendered(picture, "svg", {"Date": None, "Creator": None}).decode("utf-8")
    text = _PROLOGUE.sub("", text)
    told = (
        f'<title id="title">{escape(picture.title)}</title>\n'
        f'<desc id="description">{escape(picture.description)}</desc>\n'
    )
    tag = _SVG_TAG.search(text)
    assert tag is not None
    labelled = tag[0][:-1] + ' role="img" aria-labelledby="title description">\n'
    return (text[: tag.start()] + labelled + told + text[tag.end() :].lstrip()).encode("utf-8")


def png_of(picture: Picture) -> bytes:
    """The picture as PNG, 200 dots an inch."""
    described = {"Software": None, "Title": picture.title, "Description": picture.description}
    return _rendered(picture, "png", described)


def _rendered(picture: Picture, form: str, metadata: Mapping[str, str | None]) -> bytes:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    library = cast("Any", mpl)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its cache of fonts is its own affair
    written = io.BytesIO()
    with library.rc_context(), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box; the text beside the picture has it.
        warnings.simplefilter("ignore", UserWarning)
        library.rcdefaults()
        library.rcParams.update(_STYLE)
        figure = cast("Any", Figure)(figsize=INCHES, layout="constrained")
        axes = figure.add_subplot()
        picture.draw(axes)
        axes.set_title(picture.title)
        figure.legend(loc="outside lower left", ncols=2, handlelength=3.0)
        figure.savefig(written, format=form, dpi=DOTS_PER_INCH, metadata=dict(metadata))
    return written.getvalue()
