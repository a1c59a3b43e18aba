"""The pictures: they show where the numbers are, to everybody, the same every time."""

import math
import re
import struct
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from tests.unit.cli.risk.scenario_x import SMALL, X
from typer.testing import CliRunner

from investiture.charter.document import parse
from investiture.cli.main import app
from investiture.cli.risk import canvas
from investiture.cli.risk.curve_drawing import curve_drawing
from investiture.cli.risk.figures import chance, share
from investiture.cli.risk.map_drawing import map_drawing
from investiture.cli.risk.picture_tables import curve_text, map_text
from investiture.itrisk.quantification.assessment import Assessment, assess
from investiture.itrisk.quantification.document import question_of
from investiture.itrisk.quantification.pictures import (
    Dot,
    ExceedanceCurves,
    TippingMap,
    exceedance_curves,
    tipping_map,
)
from investiture.itrisk.quantification.scenarios import Question
from investiture.itrisk.quantification.value import Value

STAGES = (Dot("pilot", 0.05), Dot("limited", 0.3), Dot("general", 1.0, 0.35))


@pytest.fixture(scope="module")
def question() -> Question:
    return question_of(parse(X, "x.yaml").value)


@pytest.fixture(scope="module")
def assessment(question: Question) -> Assessment:
    return assess(question)


@pytest.fixture(scope="module")
def curves(question: Question, assessment: Assessment) -> ExceedanceCurves:
    return exceedance_curves(question, assessment)


@pytest.fixture(scope="module")
def plane(question: Question, assessment: Assessment) -> TippingMap:
    found = tipping_map(question, assessment, STAGES)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def curve_svg(curves: ExceedanceCurves) -> bytes:
    return canvas.svg_of(curve_drawing(curves))


@pytest.fixture(scope="module")
def map_svg(plane: TippingMap) -> bytes:
    return canvas.svg_of(map_drawing(plane))


def named(svg: bytes, prefix: str) -> list[ET.Element]:
    """The groups whose id begins so, in the order of the document."""
    return [one for one in ET.fromstring(svg).iter() if one.get("id", "").startswith(prefix)]


def mark(svg: bytes, name: str) -> tuple[float, float]:
    """Where a mark stands: x to the right, y upwards."""
    (group,) = named(svg, name)
    (use,) = (one for one in group.iter() if one.tag.endswith("}use"))
    return float(use.get("x", "nan")), -float(use.get("y", "nan"))


def path(svg: bytes, name: str) -> list[tuple[float, float]]:
    """The points of a line."""
    (group,) = named(svg, name)
    (line,) = (one for one in group.iter() if one.tag.endswith("}path"))
    numbers = [float(number) for number in re.findall(r"-?[0-9.]+", line.get("d", ""))]
    return list(zip(numbers[::2], (-y for y in numbers[1::2]), strict=True))


def test_the_tolerances_stand_where_they_are_on_the_scales_of_the_curves(
    curve_svg: bytes, curves: ExceedanceCurves
) -> None:
    marks = [mark(curve_svg, f"tolerance-{n}") for n in (1, 2, 3)]
    line = path(curve_svg, "inherent")
    low, top = math.log(curves.losses[0]), math.log(curves.losses[-1])
    left, right = line[0][0], line[-1][0]
    chances = [math.log(float(curves.inherent[index])) for index in (0, -1)]
    # The line is cut below the lower edge, where its end still is on the scale of the losses.
    slope = (line[0][1] - marks[0][1]) / (chances[0] - math.log(0.25))
    for (x, y), reading in zip(marks, curves.readings, strict=True):
        loss, tolerated = reading.tolerance.loss, reading.tolerance.probability
        across = (math.log(loss) - low) / (top - low)
        assert across == pytest.approx((x - left) / (right - left), abs=0.02)
        up = line[0][1] + slope * (math.log(tolerated) - chances[0])
        assert y == pytest.approx(up, abs=0.5)


def test_a_tolerance_is_a_point_and_never_part_of_a_line(curve_svg: bytes) -> None:
    marks = [mark(curve_svg, f"tolerance-{n}") for n in (1, 2, 3)]
    for line in ET.fromstring(curve_svg).iter("{http://www.w3.org/2000/svg}path"):
        numbers = [float(number) for number in re.findall(r"-?[0-9.]+", line.get("d", ""))]
        across = set(numbers[::2])
        assert sum(any(abs(x - one) < 0.01 for one in across) for x, _ in marks) < 2 or (
            len(across) > 20  # a curve, which passes over all losses
        )


def test_curves_differ_by_more_than_their_colour(curve_svg: bytes) -> None:
    styles = [
        re.findall("stroke-dasharray: ([^;]*)", ET.tostring(group, "unicode"))
        for name in ("inherent", "residual", "tipping")
        for group in named(curve_svg, name)
    ]
    assert len(styles) == 3
    assert styles[0] == []
    assert styles[1] != styles[2] != []


def test_the_stages_stand_on_the_map_each_with_a_shape_of_its_own(map_svg: bytes) -> None:
    places = [mark(map_svg, f"dot-{n}") for n in (1, 2, 3)]
    assert places[0][0] == places[1][0] < places[2][0]
    unit = (places[2][1] - places[0][1]) / (1.0 - 0.05)
    assert places[1][1] - places[0][1] == pytest.approx(unit * (0.3 - 0.05), abs=0.1)
    text = map_svg.decode()
    for stage in STAGES:
        assert f"{stage.name}: x = {share(stage.exposure)}" in text
    assert named(map_svg, "window")
    assert named(map_svg, "appetite")
    assert named(map_svg, "value")


def test_an_empty_window_is_drawn_and_said_as_one(
    question: Question, assessment: Assessment
) -> None:
    worthless = replace(question, value=Value((1_000.0,), (0.0,), 0.08, 5_000.0))
    plane = tipping_map(worthless, assessment, STAGES)
    assert plane is not None
    assert not plane.open
    assert named(canvas.svg_of(map_drawing(plane)), "window") == []
    assert "empty: redesign" in map_text(plane)
    assert map_text(plane).count("closed") == 12


@pytest.mark.parametrize("picture", ["curve_svg", "map_svg"])
def test_who_cannot_see_it_is_read_a_title_and_a_description(
    picture: str, request: pytest.FixtureRequest
) -> None:
    svg: bytes = request.getfixturevalue(picture)
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == tuple(
        f"{{http://www.w3.org/2000/svg}}{tag}" for tag in ("title", "desc")
    )
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert len(description.text or "") > 100
    assert b"<metadata" not in svg  # who drew it and when would differ from day to day


def test_the_same_answer_is_the_same_file(curves: ExceedanceCurves, curve_svg: bytes) -> None:
    assert canvas.svg_of(curve_drawing(curves)) == curve_svg
    assert len(curve_svg) < 40_000


def test_a_name_is_never_a_formula_nor_markup() -> None:
    asked = question_of(parse(SMALL.replace("MFA", '"$x_{<b>&$"'), "x.yaml").value)
    svg = canvas.svg_of(curve_drawing(exceedance_curves(asked, assess(asked))))
    assert "residual, with $x_{<b>&$" in "".join(ET.fromstring(svg).itertext())


def test_the_text_beside_the_curves_has_their_figures(curves: ExceedanceCurves) -> None:
    text = " ".join(curve_text(curves).split())
    index = int(np.flatnonzero(curves.losses == 250_000)[0])
    assert curves.residual is not None
    assert curves.tipping is not None
    cells = [curves.inherent[index], curves.residual[index], curves.tipping[index], 0.25]
    assert " ".join(["250,000", *(chance(float(one)) for one in cells)]) in text
    for reading in curves.readings:
        assert chance(reading.found.lower) in text
        assert chance(reading.found.upper) in text


def test_the_text_beside_the_map_has_its_frontiers_and_stages(plane: TippingMap) -> None:
    text = " ".join(map_text(plane).split())
    index = int(np.abs(plane.effectiveness - 0.2).argmin())
    high, low = share(float(plane.appetite[index])), share(float(plane.least[index]))
    assert f"20 % {high} {low} {low} to {high}" in text
    assert f"e* {share(plane.tipping.control_effectiveness)} 100 %" in text
    assert "pilot: 5 % of the audience" in text
    assert "general: 100 % of the audience, controls that prevent 35 % of events, inside" in text


def test_both_pictures_are_written_with_their_texts(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(SMALL)
    asked = [option for form in ("svg", "png") for option in (f"--{form}", f"{tmp_path}/x.{form}")]
    result = CliRunner().invoke(app, ["risk", "quantify", str(file), *asked])
    assert result.exit_code == 0, result.output
    files = ["x.svg", "x.txt", "x-tipping.svg", "x-tipping.txt", "x.png", "x-tipping.png"]
    said = result.stdout.partition("written: ")[2].split(", ")
    assert [Path(one.strip()).name for one in said] == files
    for name in ("x.png", "x-tipping.png"):
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", content[16:24])
        assert (width, height) == (1600, 1100)
    assert "with MFA" in (tmp_path / "x-tipping.txt").read_text()
