"""Pictures as files: the curves, the map beside them, and both as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from investiture.cli import problems
from investiture.cli.problems import Complaint
from investiture.cli.risk import canvas
from investiture.cli.risk.curve_drawing import curve_drawing
from investiture.cli.risk.map_drawing import map_drawing
from investiture.cli.risk.picture_tables import curve_text, map_text
from investiture.itrisk.quantification.pictures import ExceedanceCurves, TippingMap

TIPPING = "-tipping"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files are asked for; of each its neighbours with the map and the texts follow."""

    svg: Path | None = None
    png: Path | None = None

    @property
    def any(self) -> bool:
        """Whether there is something to draw."""
        return self.svg is not None or self.png is not None

    def check(self) -> None:
        """Says before anything is computed what will not do.

        Raises:
            Complaint: nothing is there to draw with, or a file cannot be written where it is asked.
        """
        asked = [
            (option, path) for option, path in (("--svg", self.svg), ("--png", self.png)) if path
        ]
        if asked:
            canvas.require()
        for option, path in asked:
            if path.suffix == ".txt":
                raise _wrong(f"{option} {path}: the table beside it has that name", "name it .svg")
            if path.is_dir() or not path.name:
                raise _wrong(f"{option} {path} is a folder", "name a file in it")
            if not path.parent.is_dir():
                raise _wrong(f"{option}: there is no folder {path.parent}", "create it first")
        if self.svg is not None and self.svg == self.png:
            raise _wrong("--svg and --png name the same file", "give each a name of its own")


def write(
    wanted: Wanted, curves: ExceedanceCurves, plane: TippingMap | None, *, dry_run: bool = False
) -> list[Path]:
    """Writes what is wanted, or nothing on a dry run; returns the files in their order.

    Raises:
        Complaint: a file cannot be written.
    """
    drawings = [("", curve_drawing(curves), curve_text(curves))]
    if plane is not None:
        drawings.append((TIPPING, map_drawing(plane), map_text(plane)))
    contents: dict[Path, Callable[[], bytes]] = {}
    for path, render in ((wanted.svg, canvas.svg_of), (wanted.png, canvas.png_of)):
        if path is None:
            continue
        for suffix, picture, text in drawings:
            file = path.with_stem(path.stem + suffix)
            contents[file] = partial(render, picture)
            contents[file.with_suffix(".txt")] = partial(text.encode, "utf-8")
    if not dry_run:
        for file, content in contents.items():
            _put(file, content())
    return list(contents)


def words_of(files: Sequence[Path], plane: TippingMap | None, *, dry_run: bool = False) -> str:
    """What was written, in words."""
    names = ", ".join(str(path) for path in files)
    missing = "" if plane is not None else "; no tipping map, for the file names no appetite"
    return f"{'to be written' if dry_run else 'written'}: {names}{missing}"


def _put(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        why = error.strerror or "it cannot be written"
        raise _wrong(f"{path}: {why}", "name another file") from None


def _wrong(message: str, remedy: str) -> Complaint:
    return Complaint(message, problems.USAGE, remedy)
