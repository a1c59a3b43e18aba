"""Brings a service's database to the schema its code needs; its own command, run before a start.

    python -m investiture.chassis.migrate SERVICE --database URL [--check]

Migrations run in one transaction: all or none of them. Running it again changes nothing. The
servers never import this module (nor alembic): they compare numbers, see ``schema.py``.
"""

import argparse
import sys
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import autogenerate, command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from investiture.chassis.postgresql import postgres_engine
from investiture.chassis.schema import applied_version, migrations_of, schema_version
from investiture.chassis.sqlite import DatabaseInUse, FileLock, begin, database_file, sqlite_engine

_ADVISORY_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('investiture.migrate'))")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser("python -m investiture.chassis.migrate", description=__doc__)
    parser.add_argument("service", help="sponsorship, budget, itrisk or launch")
    parser.add_argument("--database", required=True, metavar="URL", help="a SQLAlchemy URL")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail unless schema and code agree"
    )
    given = parser.parse_args(arguments)
    try:
        if given.check:
            return _report(check(given.service, given.database))
        print(f"{given.service}: schema {upgrade(given.service, given.database)}")
    except (LookupError, ValueError, DatabaseInUse) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def upgrade(service: str, database: str) -> str:
    """Run the migrations a database has not had; return the number it has then.

    Raises:
        DatabaseInUse: a process serves from the SQLite file.
        LookupError: there is no such service.
    """
    with _migrations(service) as folder, _transaction(database) as connection:
        command.upgrade(_config(folder, connection), "head")
        return applied_version(connection)


def check(service: str, database: str) -> list[str]:
    """Return what a database lacks of the service's tables; empty when they agree.

    The lines are the migration that is missing, as it could be written.
    """
    with _migrations(service) as folder, _look(database) as connection:
        needed, applied = schema_version(folder), applied_version(connection)
        if needed != applied:
            return [f"the database has schema {applied or 'none'}, the code needs {needed}"]
        return _differences(_config(folder, connection))


def _differences(config: Config) -> list[str]:
    found: list[str] = []

    def compare(_revision: Any, context: MigrationContext) -> list[Any]:
        metadata: sa.MetaData = context.opts["target_metadata"]
        operations = autogenerate.produce_migrations(context, metadata).upgrade_ops
        if operations is not None and not operations.is_empty():
            code = autogenerate.render_python_code(operations)
            found.extend(line for line in code.splitlines() if not line.lstrip().startswith("#"))
        return []

    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=compare, dont_mutate=True):
        script.run_env()
    return found


def _config(folder: Path, connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrations(service: str) -> Generator[Path]:
    with as_file(migrations_of(service)) as folder:
        schema_version(folder)  # says at once if a file is misnamed
        yield folder


@contextmanager
def _transaction(database: str) -> Generator[sa.Connection]:
    """Yield a connection in a transaction that nobody else migrates or serves in."""
    url = sa.make_url(database)
    if url.get_backend_name() == "sqlite":
        with closing(FileLock(database_file(url))), _sqlite(url) as connection:
            yield connection
    else:
        with _postgres(url) as connection:
            connection.execute(_ADVISORY_LOCK)
            yield connection


@contextmanager
def _look(database: str) -> Generator[sa.Connection]:
    """Yield a connection that changes nothing; a process may be serving meanwhile."""
    url = sa.make_url(database)
    if url.get_backend_name() != "sqlite":
        with _postgres(url) as connection:
            yield connection
        return
    if not database_file(url).is_file():
        raise ValueError(f"there is no database {database_file(url)}")
    with sqlite_engine(url).connect() as connection, begin(connection, "DEFERRED"):
        yield connection


@contextmanager
def _sqlite(url: sa.URL) -> Generator[sa.Connection]:
    with sqlite_engine(url).connect() as connection:
        # A table that is made anew is dropped first: its references are checked at the end.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.commit()
        with begin(connection):
            yield connection
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise ValueError(f"a migration broke references: {broken}")


@contextmanager
def _postgres(url: sa.URL) -> Generator[sa.Connection]:
    engine = postgres_engine(url, connections=1)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _report(differences: Sequence[str]) -> int:
    for difference in differences:
        print(difference, file=sys.stderr)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
