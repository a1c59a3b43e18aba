"""The databases of a stack: a SQLite file or a PostgreSQL database a service, migrated."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.exc import SQLAlchemyError

from investiture.chassis.schema import applied_version, migrations_of, schema_version
from investiture.chassis.sqlite import DatabaseInUse
from investiture.stack.failures import DatabaseUnusable
from investiture.stack.folder import Folder

SQLITE = "sqlite"
_DEFAULT_PREFIX = "investiture"
_MAINTENANCE = "postgres"


def url_of(database: str, folder: Folder, service: str) -> str:
    """Return the URL of a service's database.

    Args:
        database: ``sqlite``, or a PostgreSQL URL whose database name, unless it is ``postgres``,
            becomes the prefix of the services' databases.
        folder: where SQLite files lie.
        service: whose database.
    """
    if database == SQLITE:
        return f"sqlite:///{(folder.databases / service).resolve()}.db"
    base = sa.make_url(database).set(drivername="postgresql+psycopg")
    return base.set(database=_name(base, service)).render_as_string(hide_password=False)


def shown(database: str) -> str:
    """Return how a database setting may be shown and kept: without its password."""
    return SQLITE if database == SQLITE else sa.make_url(database).render_as_string()


async def prepare(database: str, folder: Folder, services: Iterable[str]) -> None:
    """Make the databases that are missing and migrate each; a second time changes nothing.

    Raises:
        DatabaseUnusable: the URL is not one of PostgreSQL, which does not answer, or forbids it;
            or another process has one of the SQLite files.
    """
    names = tuple(services)
    try:
        if database != SQLITE:
            await asyncio.to_thread(_create_missing, database, names)
        for service in names:
            await asyncio.to_thread(_migrate, service, url_of(database, folder, service))
    except (psycopg.Error, SQLAlchemyError, DatabaseInUse, ValueError) as error:
        raise DatabaseUnusable(f"the databases cannot be used: {error}") from None


def _migrate(service: str, url: str) -> None:
    if _applied(url) == schema_version(migrations_of(service)):
        return
    # Only now: loading the migration tool takes as long as a service takes to start.
    from investiture.chassis.migrate import upgrade

    upgrade(service, url)


def _applied(url: str) -> str:
    """Return the newest migration that a database has had; empty for none, and for no database."""
    file = sa.make_url(url)
    if file.get_backend_name() == SQLITE and not Path(file.database or "").is_file():
        return ""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return applied_version(connection)


def _create_missing(database: str, services: Iterable[str]) -> None:
    base = sa.make_url(database)
    if base.get_backend_name() != "postgresql":
        raise ValueError(f"a stack's database is {SQLITE} or a postgresql:// URL")
    server = base.set(drivername="postgresql", database=_MAINTENANCE)
    with psycopg.connect(
        server.render_as_string(hide_password=False), autocommit=True
    ) as connection:
        there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name in (_name(base, service) for service in services):
            if name not in there:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _name(base: sa.URL, service: str) -> str:
    prefix = base.database if base.database not in (None, "", _MAINTENANCE) else _DEFAULT_PREFIX
    return f"{prefix}_{service}"
