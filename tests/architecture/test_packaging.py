"""What is built and locked is what the tree and pyproject.toml say."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = ("services", "workflows", "protos")
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)", re.MULTILINE)


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(file: str) -> dict[str, set[Version]]:
    """The versions a lock file holds of each package: several where the Python version decides."""
    found: dict[str, set[Version]] = {}
    for match in PIN.finditer((ROOT / "requirements" / file).read_text()):
        found.setdefault(match["name"], set()).add(Version(match["version"]))
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout by the locked backend: no download."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_package_of_the_three_roots(wheel: Path) -> None:
    wanted = {
        path.relative_to(ROOT / root).as_posix()
        for root in SOURCE_ROOTS
        for pattern in ("*.py", "*.pyi", "*.proto", "py.typed")
        for path in (ROOT / root / "investiture").rglob(pattern)
    }
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert wanted - held == set()
    assert "investiture/__init__.py" not in held
    assert {name.split("/")[0] for name in held if ".dist-info/" not in name} == {"investiture"}


def test_the_wheel_brings_the_examples(wheel: Path) -> None:
    examples = (ROOT / "deploy" / "examples").rglob("*.yaml")
    wanted = {f"investiture/stack/{one.relative_to(ROOT).as_posix()}" for one in examples}
    assert "investiture/stack/deploy/examples/risk/support-community.yaml" in wanted
    with zipfile.ZipFile(wheel) as archive:
        assert wanted - set(archive.namelist()) == set()


def test_the_wheel_brings_the_command_and_the_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name.partition(".dist-info/")[2]: name for name in archive.namelist()}
        command = archive.read(held["entry_points.txt"]).decode()
    assert "investiture = investiture.cli.main:main" in command
    assert {"licenses/LICENSE", "licenses/protos/third_party/buf/LICENSE"} <= held.keys()


@pytest.mark.parametrize(("file", "groups"), [("run.txt", []), ("dev.txt", ["dev"])])
def test_a_lock_file_pins_what_pyproject_asks_for(file: str, groups: list[str]) -> None:
    locked = pins(file)
    asked: list[str] = list(project()["project"]["dependencies"])
    for group in groups:
        asked += project()["dependency-groups"][group]
    for requirement in map(Requirement, asked):
        versions = locked.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement.name} is not locked: make lock"
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


def test_development_runs_on_the_versions_of_production() -> None:
    development = pins("dev.txt")
    assert {name: development[name] for name in pins("run.txt")} == pins("run.txt")


@pytest.mark.parametrize("file", ["run.txt", "dev.txt"])
def test_a_lock_file_names_no_index_and_hashes_everything(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text()
    assert "://" not in text
    assert "--find-links" not in text
    entries = re.split(r"\n(?=[a-z])", text.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
