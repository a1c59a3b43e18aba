"""The table at the end of a test run tells what ran, where, and why something did not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
CONFIGURATION = """\
[pytest]
addopts = -p no:cacheprovider
markers =
    sqlite: a database
    postgresql: a database
"""
ONE_OF_EACH = """\
import pytest

@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_on_both(database): pass

@pytest.mark.sqlite
def test_on_sqlite(): pass

def test_that_fails(): assert 1 == 2

@pytest.mark.skip(reason="no node on this machine")
def test_that_is_skipped(): pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own with this conftest and nothing else."""
    (tmp_path / "pytest.ini").write_text(CONFIGURATION)
    (tmp_path / "tests" / "contract").mkdir(parents=True)
    shutil.copy(TESTS / "conftest.py", tmp_path / "tests")
    return tmp_path


def run(project: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "tests"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_table_counts_kinds_outcomes_and_databases(project: Path) -> None:
    (project / "tests" / "contract" / "test_some.py").write_text(ONE_OF_EACH)
    result = run(project)
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line[:1]}
    assert rows["contract"] == ["4", "3", "1", "1", "postgresql", "1,", "sqlite", "2"]
    assert rows["unit"] == ["0", "0", "0", "0", "-"]
    assert "test_that_is_skipped: no node on this machine" in result.stdout
    assert result.returncode == pytest.ExitCode.TESTS_FAILED


def test_a_file_that_cannot_be_collected_counts_as_failed(project: Path) -> None:
    (project / "tests" / "contract" / "test_broken.py").write_text("import no_such_module")
    result = run(project)
    assert "contract          1       0       1        0" in result.stdout
    assert result.returncode == pytest.ExitCode.INTERRUPTED


def test_a_file_that_skips_itself_is_counted_with_its_reason(project: Path) -> None:
    (project / "tests" / "contract" / "test_away.py").write_text(
        "import pytest\npytest.skip('not on this system', allow_module_level=True)"
    )
    result = run(project)
    assert "contract          0       0       0        1" in result.stdout
    assert "not on this system" in result.stdout


def test_a_test_outside_the_kinds_is_refused(project: Path) -> None:
    (project / "tests" / "test_stray.py").write_text("def test_stray(): pass")
    result = run(project)
    assert "tests lie in one of" in result.stdout + result.stderr
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
