"""Many programs that wait for one decision, for the price of one: its rows, under other names."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

_CASE_TABLES = ("gate_case", "gate_case_holder", "funding")
_NAMED = ("name", "case_name", "program", "document")


def copy_program(database_url: str, model: str, names: Sequence[str]) -> None:
    """Stores a model program's funding case once for each name, as the service stored the model's.

    The service is not running meanwhile. Names replace the model's wherever its rows have it.
    """
    engine = sa.create_engine(database_url)
    metadata = sa.MetaData()
    try:
        with engine.begin() as connection:
            for name in _CASE_TABLES:
                table = sa.Table(name, metadata, autoload_with=connection)
                rows = connection.execute(sa.select(table)).mappings().all()
                connection.execute(
                    table.insert(), [_renamed(row, model, other) for other in names for row in rows]
                )
    finally:
        engine.dispose()


def _renamed(row: Any, model: str, name: str) -> dict[str, Any]:
    return {
        column: value.replace(model, name) if column in _NAMED else value
        for column, value in row.items()
    }
