"""Statements every transaction runs, compiled once and given to the driver as they are.

For statements on the hot path: the others are plain Core (measured unloaded on SQLite: a SELECT of
one row takes Core 20 µs and takes the driver 3 µs; an UPDATE 13 µs and 2 µs; a decision runs about
twenty). Types, errors and, where statements are traced, spans are those of Core.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, cast

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

Row = Mapping[str, object]
"""A statement's parameters by name."""

_Convert = Callable[[Any], Any]
_Change = sa.Insert | sa.Update | sa.Delete


class Prepared:
    """One INSERT, UPDATE or DELETE with named parameters."""

    def __init__(self, statement: _Change, columns: Sequence[str] = ()) -> None:
        """Keep a statement; an INSERT names the columns it sets."""
        self._texts = _Texts(statement, columns)

    def execute(self, connection: sa.Connection, rows: Sequence[Row]) -> int:
        """Execute for each row of parameters and return how many rows it changed."""
        text = self._texts.of(connection.dialect)
        # One row executes as itself: on PostgreSQL a list opens a pipeline.
        many = len(rows) != 1
        parameters = [text.bind(row) for row in rows] if many else text.bind(rows[0])
        if _observed(connection):
            return connection.exec_driver_sql(text.sql, parameters).rowcount
        cursor = _cursor(connection)
        try:
            (cursor.executemany if many else cursor.execute)(text.sql, parameters)
            changed: int = cursor.rowcount
        except Exception as error:  # noqa: BLE001 - sorted out there
            _fail(connection, error, cursor, text.sql)
        finally:
            cursor.close()
        return changed


class Query:
    """One SELECT with named parameters; rows come as tuples in the order of its columns."""

    def __init__(self, statement: "sa.Select[*tuple[Any, ...]]") -> None:
        """Keep a statement."""
        self._texts = _Texts(statement)

    def rows(self, connection: sa.Connection, row: Row) -> list[tuple[Any, ...]]:
        """Return every row for these parameters."""
        text = self._texts.of(connection.dialect)
        parameters = text.bind(row)
        if _observed(connection):
            found = connection.exec_driver_sql(text.sql, parameters).all()
            return [text.read(tuple(one)) for one in found]
        cursor = _cursor(connection)
        try:
            cursor.execute(text.sql, parameters)
            return [text.read(one) for one in cursor.fetchall()]
        except Exception as error:  # noqa: BLE001 - sorted out there
            _fail(connection, error, cursor, text.sql)
        finally:
            cursor.close()

    def first(self, connection: sa.Connection, row: Row) -> tuple[Any, ...] | None:
        """Return the first row, or None; for queries that find one row at most."""
        found = self.rows(connection, row)
        return found[0] if found else None

    def value(self, connection: sa.Connection, row: Row) -> Any:
        """Return the first row's first column, or None where there is no row."""
        found = self.rows(connection, row)
        return found[0][0] if found else None


class _Texts:
    """A statement as each dialect writes it."""

    def __init__(
        self, statement: "_Change | sa.Select[*tuple[Any, ...]]", columns: Sequence[str] = ()
    ) -> None:
        self._statement = statement
        self._columns = columns
        self._by_dialect: dict[str, _Text] = {}

    def of(self, dialect: Dialect) -> "_Text":
        """Return the dialect's text, compiled when first asked for."""
        text = self._by_dialect.get(dialect.name)
        if text is None:
            text = self._by_dialect[dialect.name] = _Text(self._statement, self._columns, dialect)
        return text


class _Text:
    """A statement as one dialect writes it, with what its parameters and columns go through."""

    def __init__(
        self,
        statement: "_Change | sa.Select[*tuple[Any, ...]]",
        columns: Sequence[str],
        dialect: Dialect,
    ) -> None:
        compiled = statement.compile(
            dialect=dialect,
            column_keys=list(columns) if columns else None,
        )
        self.sql = str(compiled)
        if "__[POSTCOMPILE_" in self.sql:
            raise TypeError(f"IN makes a text of each execution's own; spell it out: {self.sql}")
        names: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._by_position = names is not None
        self._parameters: list[tuple[str, _Convert | None]] = []
        self._constants: dict[str, Any] = {}
        defaults = compiled.params
        for name in names or defaults:
            bound = compiled.binds.get(name)
            convert = None if bound is None else _into(bound.type, dialect)
            self._parameters.append((name, convert))
            if bound is None or not bound.required:  # written in the statement: a limit, a state
                self._constants[name] = defaults[name]
        self._columns = _readers(statement, dialect) if isinstance(statement, sa.Select) else None

    def bind(self, row: Row) -> Any:
        """Return a row of parameters as the driver takes it."""
        if self._constants:
            row = {**self._constants, **row}
        if self._by_position:
            return tuple(
                [
                    row[name] if convert is None else convert(row[name])
                    for name, convert in self._parameters
                ]
            )
        return {
            name: row[name] if convert is None else convert(row[name])
            for name, convert in self._parameters
        }

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row of the driver's values as the columns' types have them."""
        readers = self._columns
        if readers is None:
            return row
        return tuple(
            [
                value if convert is None else convert(value)
                for value, convert in zip(row, readers, strict=True)
            ]
        )


def _into(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _readers(
    statement: "sa.Select[*tuple[Any, ...]]", dialect: Dialect
) -> list[_Convert | None] | None:
    """Return what each column goes through; None where all come as they are."""
    readers: list[_Convert | None] = [
        column.type.dialect_impl(dialect).result_processor(dialect, None)
        for column in statement.selected_columns
    ]
    return readers if any(readers) else None


def _observed(connection: sa.Connection) -> bool:
    """Whether somebody listens to statements, as tracing does."""
    return bool(cast("Any", connection.dispatch).before_cursor_execute)


def _cursor(connection: sa.Connection) -> Any:
    return connection.connection.cursor()


def _fail(connection: sa.Connection, error: Exception, cursor: Any, sql: str) -> NoReturn:
    """Raise an error of the driver as Core does, any other one as it is."""
    dialect = connection.dialect
    driver: Any = dialect.dbapi
    if driver is None or not isinstance(error, driver.Error):
        raise error
    own = cast("Any", error)
    lost = dialect.is_disconnect(own, connection.connection.dbapi_connection, cursor)
    if lost:
        connection.invalidate(error)
    raise DBAPIError.instance(
        sql,
        None,
        error,
        driver.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    ) from error
