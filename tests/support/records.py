"""What a database holds, seen from outside the service that owns it."""

from typing import Any

import sqlalchemy as sa


def everything(database_url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in an order of its own."""
    engine = sa.create_engine(database_url)
    try:
        with engine.connect() as connection:
            found = set(sa.inspect(connection).get_table_names())
            names = sorted(found - {"person_to_attend"})  # a queue that empties by itself
            tables = {name: sa.text(f'SELECT * FROM "{name}"') for name in names}
            return {
                name: sorted((tuple(row) for row in connection.execute(query)), key=repr)
                for name, query in tables.items()
            }
    finally:
        engine.dispose()


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    engine = sa.create_engine(database_url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]
    finally:
        engine.dispose()
