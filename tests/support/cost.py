"""What reading costs a database, counted and not timed."""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event


def cost(connection: sa.Connection, read: Callable[[], object]) -> int:
    """Steps of SQLite's machine, or rows that PostgreSQL's scans read."""
    if connection.dialect.name == "sqlite":
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        driver: Any = connection.connection.dbapi_connection
        driver.set_progress_handler(step, 1)
        read()
        driver.set_progress_handler(None, 0)
        return steps
    asked: list[tuple[str, Any]] = []

    def note(*given: Any) -> None:
        asked.append((given[2], given[3]))

    event.listen(connection, "before_cursor_execute", note)
    read()
    event.remove(connection, "before_cursor_execute", note)
    rows = 0
    for statement, parameters in asked:
        explained = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
        ).scalar_one()
        plan = json.loads(explained) if isinstance(explained, str) else explained
        rows += _rows(plan[0]["Plan"])
    return rows


def _rows(node: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in node:
        read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        own = round(read * node["Actual Loops"])
    return own + sum(_rows(one) for one in node.get("Plans", ()))
