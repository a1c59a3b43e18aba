"""The scenario files that are shipped: each is answered, and drawn as the picture beside it."""

import json
import re
from pathlib import Path

import pytest
from tests.support.services import ROOT
from typer.testing import CliRunner

from investiture.cli.main import app

FOLDER = ROOT / "deploy" / "examples" / "risk"
NUMBER = re.compile(r"-?[0-9]+\.[0-9]+")
VERDICTS = {
    "agency-campaign": "INSIDE",
    "open-workshop": "OUTSIDE",
    "support-community": "OUTSIDE",
}
PICTURE = "support-community-tipping.svg"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_an_example_is_answered_and_drawn_as_it_is_shown(file: Path, tmp_path: Path) -> None:
    picture = tmp_path / file.with_suffix(".svg").name
    result = CliRunner().invoke(
        app, ["risk", "quantify", str(file), "--json", "--svg", str(picture)]
    )
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["verdict"] == VERDICTS[file.stem]
    assert 0 < answer["tipping"]["exposure"] < 1
    shown = FOLDER / f"{file.stem}-tipping.svg"
    if shown.exists():
        assert same(shown.read_text(), picture.with_stem(f"{file.stem}-tipping").read_text())


def same(one: str, other: str) -> bool:
    """Whether two pictures have the same text and the same places, to a tenth of a point.

    The last digits of a place depend on the processor's way to add.
    """
    places = [[float(number) for number in NUMBER.findall(text)] for text in (one, other)]
    near = all(abs(a - b) < 0.1 for a, b in zip(*places, strict=True))
    return near and NUMBER.sub("", one) == NUMBER.sub("", other)


def test_the_picture_of_the_readme_is_small_and_of_an_example() -> None:
    assert (FOLDER / PICTURE).stat().st_size < 40_000
    assert f"]({(FOLDER / PICTURE).relative_to(ROOT)})" in (ROOT / "README.md").read_text()
