"""The tree: one namespace in three roots, typed packages, short files, honest names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = [ROOT / root / "investiture" for root in ("services", "workflows", "protos")]
WATCHED = ("services", "workflows", "protos", "tests", "deploy", "requirements", ".ci")
MOST_LINES = 450
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "misc"}
PROTO_COMMON = ROOT / "protos" / "investiture" / "api" / "common"
HOME_FOLDER = re.compile(r"(?<![\w.$}-])/(root|Users/\w+|home/\w+)/")
IGNORE = re.compile(r"#\s*(type: ignore|pyright: ignore|noqa)\b(?P<rest>.*)$")


def watched_files() -> Iterator[Path]:
    """Every text file of the project, generated ones and caches left out."""
    candidates = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in WATCHED:
        candidates += (ROOT / folder).rglob("*")
    for path in sorted(candidates):
        if path.is_file() and "__pycache__" not in path.parts and not GENERATED.search(path.name):
            yield path


def text_of(path: Path) -> str:
    """The file's text; empty for a binary file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def python_files() -> list[Path]:
    return [path for path in watched_files() if path.suffix == ".py"]


def relative(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


@pytest.mark.parametrize("folder", NAMESPACES, ids=lambda folder: folder.parent.name)
def test_a_namespace_folder_has_no_init_that_would_hide_the_other_roots(folder: Path) -> None:
    assert folder.is_dir()
    assert not (folder / "__init__.py").exists()
    assert not (folder.parent / "__init__.py").exists()


def test_every_first_level_package_is_a_typed_package() -> None:
    packages = [path for root in NAMESPACES for path in root.iterdir() if path.is_dir()]
    packages = [path for path in packages if path.name != "__pycache__"]
    assert packages
    wanted = [path / name for path in packages for name in ("__init__.py", "py.typed")]
    assert relative([path for path in wanted if not path.is_file()]) == []


def test_no_file_is_too_long_to_be_read() -> None:
    long = [path for path in python_files() if len(text_of(path).splitlines()) > MOST_LINES]
    assert relative(long) == []


def test_no_module_is_named_for_nothing() -> None:
    nameless = [
        path
        for path in python_files()
        if FORBIDDEN_NAMES & {path.stem, *path.relative_to(ROOT).parts[:-1]}
        and not path.is_relative_to(PROTO_COMMON)
    ]
    assert relative(nameless) == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    here = str(ROOT)
    own_folder = re.compile(rf"(?<![\w.-]){re.escape(here)}(?![\w-])")
    found = [
        path
        for path in watched_files()
        if HOME_FOLDER.search(text := text_of(path))
        # A clone in a folder like /app may share its name with one inside a container image.
        or (len(ROOT.parts) > 2 and own_folder.search(text))
    ]
    assert relative(found) == []


def test_every_ignore_names_its_rule_and_its_reason() -> None:
    bare: list[str] = []
    for path in python_files():
        lines = text_of(path).splitlines()
        for number, line in enumerate(lines, start=1):
            match = IGNORE.search(line)
            if match is None or path == Path(__file__):
                continue
            named = re.match(r"\s*(\[[\w-]+|: ?[A-Z]+\d)", match["rest"])
            reason = "#" in match["rest"] or " - " in match["rest"]
            above = number > 1 and lines[number - 2].lstrip().startswith("#")
            if named is None or not (reason or above):
                bare.append(f"{relative([path])[0]}:{number}: {line.strip()}")
    assert bare == []
