"""The committed Python of the protos is what the protos say."""

import subprocess
import sys
from pathlib import Path

import google.type
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
GENERATE = PROTOS / "generate.py"
THIRD_PARTY_GOOGLE = PROTOS / "third_party" / "google"

PROBE = """\
syntax = "proto3";
package investiture.api.probe.v1;
import "buf/validate/validate.proto";
message Probe {
  string id = 1 [(buf.validate.field).string.uuid = true];
}
"""


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(GENERATE), *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    """A folder with one proto and the Python generated from it; answers the proto."""
    proto = tmp_path / "investiture" / "api" / "probe" / "v1" / "probe.proto"
    proto.parent.mkdir(parents=True)
    proto.write_text(PROBE)
    assert generate("--root", str(tmp_path)).returncode == 0
    return proto


def test_the_committed_python_is_fresh() -> None:
    result = generate("--check")
    assert result.returncode == 0, result.stderr


def test_a_check_right_after_generating_finds_nothing(probe: Path, tmp_path: Path) -> None:
    assert generate("--check", "--root", str(tmp_path)).returncode == 0


def test_a_changed_proto_makes_the_check_name_its_python(probe: Path, tmp_path: Path) -> None:
    probe.write_text(PROBE.replace("string id", "string name"))
    result = generate("--check", "--root", str(tmp_path))
    assert result.returncode == 1
    stale = {line.split(": ")[0] for line in result.stderr.splitlines()}
    folder = "investiture/api/probe/v1"
    assert stale == {f"{folder}/probe_pb2.py", f"{folder}/probe_pb2.pyi"}


def test_a_removed_proto_takes_its_python_with_it(probe: Path, tmp_path: Path) -> None:
    probe.unlink()
    assert generate("--check", "--root", str(tmp_path)).returncode == 1
    assert generate("--root", str(tmp_path)).returncode == 0
    assert sorted(path.name for path in probe.parent.iterdir()) == ["__init__.py"]


def test_a_proto_that_does_not_compile_stops_the_generator(probe: Path, tmp_path: Path) -> None:
    probe.write_text(PROBE.replace("string id = 1", "string id"))
    result = generate("--root", str(tmp_path))
    assert result.returncode == 1
    assert "probe.proto" in result.stderr


def test_googles_vendored_protos_are_those_of_the_installed_package() -> None:
    installed = Path(next(iter(google.type.__path__))).parent
    for vendored in THIRD_PARTY_GOOGLE.rglob("*.proto"):
        twin = installed / vendored.relative_to(THIRD_PARTY_GOOGLE)
        assert vendored.read_text() == twin.read_text(), vendored.name
