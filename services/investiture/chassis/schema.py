"""Which schema a service needs and which its database has, without the migration tool.

Migrations are files ``versions/NNNN_<slug>.py`` in the service's ``migrations`` folder, numbered
from 0001 without gaps; a file's ``revision`` is its number, its ``down_revision`` the number
before. So the newest file's name says which schema the code needs, and a server need not load a
migration to know that it must not start.
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

import sqlalchemy as sa

from investiture.chassis.database import Database

_VERSION_FILE = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.py")
_APPLIED: sa.Select[str] = sa.select(sa.column("version_num", sa.String)).select_from(
    sa.table("alembic_version")
)


class SchemaMismatch(RuntimeError):
    """The database's schema is not the one this code needs."""


def migrations_of(service: str) -> Traversable:
    """Return the migrations folder of a service of this installation.

    Raises:
        LookupError: there is no such service, or it has no migrations.
    """
    try:
        folder = files(f"investiture.{service}") / "migrations"
    except ModuleNotFoundError:
        raise LookupError(f"there is no service {service!r}") from None
    if not folder.is_dir():
        raise LookupError(f"{service} has no migrations")
    return folder


def schema_version(folder: Traversable) -> str:
    """Return the number of the newest migration in a ``migrations`` folder.

    Raises:
        ValueError: a file is named otherwise, or the numbers have a gap or a double.
    """
    numbers = sorted(_numbers(folder))
    expected = [f"{number:04}" for number in range(1, len(numbers) + 1)]
    if numbers != expected or not numbers:
        raise ValueError(f"migrations are numbered from 0001 without gaps, not {numbers}")
    return numbers[-1]


def applied_version(connection: sa.Connection) -> str:
    """Return the number of the newest migration a database has had; empty for none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(_APPLIED).scalar_one_or_none() or ""


async def require_schema(database: Database, service: str) -> None:
    """Let a server start only on the schema its code was written for.

    Raises:
        SchemaMismatch: the database has another; the message says what to do.
        Unavailable: the database is away.
    """
    needed = schema_version(migrations_of(service))
    applied = await database.read(applied_version)
    if applied == needed:
        return
    if applied > needed:
        raise SchemaMismatch(
            f"the database of {service} has schema {applied}, newer than this code's {needed}: "
            "start the version that belongs to it"
        )
    raise SchemaMismatch(
        f"the database of {service} has schema {applied or 'none'} and needs {needed}: "
        f"run python -m investiture.chassis.migrate {service} --database URL"
    )


def _numbers(folder: Traversable) -> Iterator[str]:
    for entry in (folder / "versions").iterdir():
        if not entry.name.endswith(".py") or entry.name == "__init__.py":
            continue
        named = _VERSION_FILE.fullmatch(entry.name)
        if named is None:
            raise ValueError(f"a migration is named NNNN_<slug>.py, not {entry.name}")
        yield named["number"]
