"""Migrations: the command, the check, and what a server asks before it starts."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from investiture.chassis import migrate
from investiture.chassis.database import Database
from investiture.chassis.schema import SchemaMismatch, require_schema
from investiture.chassis.sqlite import DatabaseInUse

TABLES = """
import sqlalchemy as sa
from investiture.chassis.tables import Document, Instant, Serial, chassis_tables

METADATA = sa.MetaData()
sa.Table(
    "shelf",
    METADATA,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("papers", Document, nullable=False),
    sa.UniqueConstraint("name", name="shelf_name"),
)
sa.Table(
    "toy",
    METADATA,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("shelf", sa.BigInteger, sa.ForeignKey("shelf.id", name="toy_shelf"), nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.CheckConstraint("amount_minor >= 0", name="toy_amount"),
)
chassis_tables(METADATA)
"""
ENV = """
from investiture.chassis.migration_env import run
from investiture.toy.tables import METADATA

run(METADATA)
"""
FIRST = """
import sqlalchemy as sa
from alembic import op
from investiture.chassis import migration_steps
from investiture.chassis.tables import Document, Instant, Serial

revision = "0001"
down_revision = None


def upgrade() -> None:
    migration_steps.chassis_1()
    op.create_table(
        "shelf",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("name", sa.String(20)),
        sa.Column("at", Instant, nullable=False),
        sa.Column("papers", Document, nullable=False),
    )
    op.create_table(
        "toy",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("shelf", sa.BigInteger, sa.ForeignKey("shelf.id", name="toy_shelf"),
                  nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="toy_amount"),
    )
    op.execute("INSERT INTO shelf (id, name, at, papers) VALUES "
               "(1, 'top', '2027-01-04T09:00:00.000000+00:00', '{}')")
    op.execute("INSERT INTO toy (shelf, amount_minor) VALUES (1, 5)")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("shelf") as table:
        table.alter_column("name", existing_type=sa.String(20), type_=sa.Text, nullable=False)
        table.create_unique_constraint("shelf_name", ["name"])
"""


class Toy:
    """A service of its own, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.package = folder / "investiture" / "toy"
        self.versions = self.package / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        (self.package / "__init__.py").write_text("")
        (self.package / "tables.py").write_text(TABLES)
        (self.package / "migrations" / "env.py").write_text(ENV)
        self.add("0001_shelves_and_toys", FIRST)

    def add(self, name: str, text: str) -> None:
        (self.versions / f"{name}.py").write_text(text)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy(tmp_path / "100% toys")
    monkeypatch.setattr(sys, "path", [str(made.root), *sys.path])
    for name in [name for name in sys.modules if name.startswith("investiture.toy")]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()
    return made


def toys(connection: sa.Connection) -> list[tuple[str, int]]:
    found = connection.exec_driver_sql(
        "SELECT shelf.name, toy.amount_minor FROM toy JOIN shelf ON shelf.id = toy.shelf"
    )
    return [(name, amount) for name, amount in found]


async def test_every_migration_runs_once_and_keeps_the_data(toy: Toy, database: str) -> None:
    assert migrate.upgrade("toy", database) == "0001"
    toy.add("0002_names_are_unique", SECOND)
    assert migrate.upgrade("toy", database) == "0002"
    assert migrate.upgrade("toy", database) == "0002"
    assert migrate.check("toy", database) == []
    store = Database(database)
    assert await store.read(toys) == [("top", 5)]
    await store.close()


def test_the_check_names_what_differs(toy: Toy, database: str) -> None:
    migrate.upgrade("toy", database)
    differences = "\n".join(migrate.check("toy", database))
    assert "shelf_name" in differences
    toy.add("0002_names_are_unique", SECOND)
    assert migrate.check("toy", database) == ["the database has schema 0001, the code needs 0002"]


def test_a_migration_that_fails_leaves_nothing_of_any(toy: Toy, database: str) -> None:
    toy.add("0002_fails", SECOND + "    op.execute('SELECT no_such_column')\n")
    with pytest.raises(DBAPIError):
        migrate.upgrade("toy", database)
    toy.add("0002_fails", SECOND)
    assert migrate.upgrade("toy", database) == "0002"


@pytest.mark.sqlite
def test_a_migration_that_breaks_a_reference_is_undone(toy: Toy, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'x.db'}"
    migrate.upgrade("toy", database)
    toy.add("0002_orphans", SECOND + "    op.execute('DELETE FROM shelf')\n")
    with pytest.raises(ValueError, match="references"):
        migrate.upgrade("toy", database)
    assert migrate.check("toy", database) == ["the database has schema 0001, the code needs 0002"]


async def test_a_server_starts_on_its_own_schema_only(toy: Toy, database: str) -> None:
    toy.add("0002_names_are_unique", SECOND)

    async def start() -> None:
        store = Database(database)
        try:
            await require_schema(store, "toy")
        finally:
            await store.close()

    with pytest.raises(SchemaMismatch, match="schema none and needs 0002: run python -m"):
        await start()
    migrate.upgrade("toy", database)
    await start()
    (toy.versions / "0002_names_are_unique.py").unlink()
    with pytest.raises(SchemaMismatch, match="newer than this code's 0001"):
        await start()


@pytest.mark.sqlite
async def test_a_database_that_is_served_is_not_migrated(toy: Toy, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'x.db'}"
    migrate.upgrade("toy", database)
    store = Database(database)
    with pytest.raises(DatabaseInUse):
        migrate.upgrade("toy", database)
    assert "shelf_name" in "\n".join(migrate.check("toy", database))
    await store.close()


def test_the_command_says_what_it_did_and_fails_in_one_line(toy: Toy, database: str) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "investiture.chassis.migrate", *arguments]
        environment = {"PYTHONPATH": str(toy.root)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = run("toy", "--database", database)
    assert (done.returncode, done.stdout, done.stderr) == (0, "toy: schema 0001\n", "")
    differs = run("toy", "--database", database, "--check")
    assert differs.returncode == 1
    assert "shelf_name" in differs.stderr
    toy.add("0002_names_are_unique", SECOND)
    assert run("toy", "--database", database).returncode == 0
    assert run("toy", "--database", database, "--check").returncode == 0
    nobody = run("nobody", "--database", database)
    assert (nobody.returncode, nobody.stderr) == (1, "there is no service 'nobody'\n")


def test_servers_do_not_import_the_migration_tool() -> None:
    code = (
        "import sys, investiture.chassis.schema, investiture.chassis.transaction, "
        "investiture.chassis.relay; sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
