"""`risk quantify`: one scenario file in, the same answer as JSON, as tables and as pictures."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.risk.scenario_x import SMALL, X
from typer.testing import CliRunner, Result

from investiture.cli import problems
from investiture.cli.main import app
from investiture.cli.risk.figures import amount, chance, share


def quantify(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["risk", "quantify", *map(str, arguments)])


def answer(*arguments: object) -> Mapping[str, Any]:
    result = quantify(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: Mapping[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.yaml"
    path.write_text(X)
    return path


def test_json_has_the_stable_fields_and_the_figures_of_the_design(file: Path) -> None:
    found = answer(file, "--at", "2e6")
    assert found["mean"] == pytest.approx(368_142.84, rel=1e-6)
    assert found["standard_deviation"] > 0
    assert 0 < found["probability_of_no_loss"] < 1
    assert [one["loss"] for one in found["exceedance"]] == [250_000, 1e6, 2e6, 5e6]
    truths = (0.343651, 0.103594, None, 0.005046)
    for one, truth in zip(found["exceedance"], truths, strict=True):
        assert one["lower"] < one["upper"]
        assert truth is None or one["lower"] - 1e-5 <= truth <= one["upper"] + 1e-5
    assert set(found["quantiles"]) == {"0.5", "0.9", "0.95", "0.99", "0.999"}
    assert found["quantiles"]["0.99"] == pytest.approx(3_799_244, rel=2e-4)
    assert found["verdict"] == "OUTSIDE"
    assert [one["slack"] > 0 for one in found["slack"]] == [False, False, True]
    assert found["tipping"]["control_effectiveness"] == pytest.approx(0.317469, abs=1e-4)
    assert found["tipping"]["exposure"] == pytest.approx(0.682531, abs=1e-4)
    assert found["tipping"]["binding_loss"] == 250_000
    assert found["cheapest_controls"] == ["MFA"]
    assert found["cheapest_set"]["cost"] == 40_000


def test_without_an_appetite_there_is_no_verdict_and_nothing_tips(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("scenarios: [{name: a, frequency: {poisson: 1}, primary: {constant: 10}}]")
    found = answer(file, "--at", 15, "--at", 15)
    assert (found["verdict"], found["tipping"], found["cheapest_controls"]) == (None, None, [])
    assert [one["loss"] for one in found["exceedance"]] == [15]
    result = quantify(file, "--svg", tmp_path / "x.svg")
    assert "no tipping map" in result.stdout
    assert not (tmp_path / "x-tipping.svg").exists()


def test_controls_that_are_not_enough_are_not_called_the_cheapest(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(X.replace("0.35", "0.01").split("  - {name: mod")[0] + "appetite: [[1e5, 0.1]]")
    found = answer(file)
    assert (found["cheapest_controls"], found["cheapest_set"]) == ([], None)
    assert "no set of what is offered" in quantify(file).stdout


def test_the_tables_say_what_the_json_says_in_eighty_columns(file: Path) -> None:
    found, lines = answer(file, "--at", "2e6"), quantify(file, "--at", "2e6").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert lines[0].startswith("✗ OUTSIDE")
    for one in found["exceedance"]:
        cells = amount(one["loss"]), chance(one["lower"]), chance(one["upper"])
        assert " ".join(cells) in text
    for one in found["slack"]:
        word = "✓ inside" if one["slack"] > 0 else "✗ outside"
        assert f"{chance(one['tolerance'])} {chance(one['slack'])} {word}" in text
    for loss in [*found["quantiles"].values(), found["mean"], found["expected_shortfall"]["0.95"]]:
        assert f" {amount(loss)} " in text
    assert f"prevent {share(found['tipping']['control_effectiveness'])} of events (e*)" in text
    assert f"{share(found['tipping']['exposure'])} of the audience fits (x*)" in text
    assert "Cheapest controls: MFA, for 40,000." in text
    for one in found["control_sets"]:
        row = " + ".join(one["controls"]), amount(one["cost"]), amount(one["expected_annual_loss"])
        assert " ".join(row) in text
    for one in found["sensitivity"]:
        assert f"{one['estimate']} {chance(one['lower'])} {chance(one['higher'])}" in text


def test_the_terminals_picture_shows_what_controls_take_away_and_each_point(file: Path) -> None:
    text = quantify(file).stdout.partition("loss above")[0]
    assert "█ with MFA   █ and ░ before that" in text
    rows = [line for line in text.splitlines() if line[8:9] in "│┤"]
    assert any("█" in row and "░" in row for row in rows)
    assert "".join(rows).count("✗") == 2
    assert "".join(rows).count("◆") == 1


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, problems.NOT_FOUND, "No such file"),
        (b"", problems.BAD_INPUT, ":1: the file is empty"),
        (b"just text\n", problems.BAD_INPUT, ":1: the file is to be a mapping with scenarios"),
        (b"scenarios: [\n", problems.BAD_INPUT, ":1: did not find"),
        (b"scenarios:\n\xff", problems.NOT_FOUND, ":2: byte 11 is no UTF-8"),
        (X.replace("[50_000, 150", "[50_000, 15").encode(), 65, ":4: scenarios[0].primary.pert:"),
        (X.replace("1e5,", "1 00 000,").encode(), 65, "write it as 100000, 1e5 or 100_000"),
        (X.replace("1e5,", ".nan,").encode(), 65, ":5: scenarios[0].secondary.loss.lognormal90:"),
        (X.replace("exposure", "x").encode() + b"exposure: 2\n", 65, ":13: exposure:"),
        (X.encode() + b"appetites: []\n", 65, ":13: appetites: is not known here"),
        (X.encode() + b"#" * (4 << 20), problems.BAD_INPUT, "larger than 4 MiB"),
    ],
)
def test_a_file_that_will_not_do_is_told_with_line_and_field(
    tmp_path: Path, content: bytes | None, code: int, said: str
) -> None:
    file = tmp_path / "x.yaml"
    if content is not None:
        file.write_bytes(content)
    result = quantify(file)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_a_folder_is_no_scenario_file(tmp_path: Path) -> None:
    assert quantify(tmp_path).exit_code == problems.NOT_FOUND


@pytest.mark.parametrize("loss", ["0", "-3", "nan", "inf", "1e19"])
def test_a_loss_that_is_none_is_refused(file: Path, loss: str) -> None:
    result = quantify(file, f"--at={loss}")
    assert result.exit_code == problems.USAGE
    assert "is no loss" in result.stderr


def test_what_a_name_hides_does_not_reach_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(SMALL.replace("name: MFA", r'name: "\e[2JMFA"'))
    shown = quantify(file).stdout
    assert "\x1b" not in shown
    assert "·[2JMFA" in shown


@pytest.mark.parametrize(
    ("name", "said"),
    [("no/x.svg", "there is no folder"), ("x.txt", "the table beside it"), (".", "is a folder")],
)
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_computed(
    tmp_path: Path, name: str, said: str
) -> None:
    result = quantify(tmp_path / "not-there.yaml", "--svg", tmp_path / name)
    assert result.exit_code == problems.USAGE
    assert said in result.stderr


def test_where_nothing_can_draw_it_is_said_how_to_get_it_and_the_tables_remain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(SMALL)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = quantify(file, "--png", file.with_suffix(".png"))
    assert result.exit_code == problems.CONFIG
    assert "pip install 'investiture[pictures]'" in result.stderr
    assert quantify(file).exit_code == 0


def test_a_dry_run_draws_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(SMALL)
    result = quantify(file, "--svg", file.with_suffix(".svg"), "--dry-run")
    assert "to be written: " in result.stdout
    assert list(file.parent.iterdir()) == [file]
