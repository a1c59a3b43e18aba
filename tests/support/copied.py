"""Many programs that wait for one decision, for the price of one: its rows, under other names."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

_CASE_TABLES = {"gate_case": "name", "gate_case_holder": "case_name", "funding": "case_name"}
_NAMED = ("name", "case_name", "program", "document")


def copy_program(database_url: str, model: str, names: Sequence[str]) -> None:
    """Stores a model program's funding case once for each name, as the service stored the model's.

    The service is not running meanwhile. Names replace the model's wherever its rows have it.
    """
    engine = sa.create_engine(database_url)
    try:
        with engine.begin() as connection:
            copy_case(connection, model, names)
    finally:
        engine.dispose()


def copy_case(connection: sa.Connection, model: str, names: Sequence[str]) -> None:
    """The same inside a transaction."""
    metadata = sa.MetaData()
    for name, key in _CASE_TABLES.items():
        table = sa.Table(name, metadata, autoload_with=connection)
        of_model = table.c[key].startswith(f"{model}/")
        rows = connection.execute(sa.select(table).where(of_model)).mappings().all()
        connection.execute(
            table.insert(), [_renamed(row, model, other) for other in names for row in rows]
        )


def _renamed(row: Any, model: str, name: str) -> dict[str, Any]:
    return {
        column: value.replace(model, name) if column in _NAMED else value
        for column, value in row.items()
    }
