"""The migrations make exactly the tables that the code works on, and fill what they add."""

from importlib.resources import as_file
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError
from tests.support.facts import open_case, revision

from investiture.casework.case import Case
from investiture.casework.words import Gate
from investiture.chassis import migrate
from investiture.chassis.schema import migrations_of, schema_version

PROGRAM = "programs/community"
ENTRIES = (
    ("one", "", "APPROPRIATION", "AVAILABLE", 100, "appropriate"),
    ("two", "", "APPROPRIATION", "AVAILABLE", 50, "appropriate"),
    ("one", PROGRAM, "AVAILABLE", "RESERVED", 40, "reserve"),
    ("one", PROGRAM, "RESERVED", "COMMITTED", 30, "commit"),
    ("one", "programs/other", "AVAILABLE", "RESERVED", 5, "reserve"),
    ("one", PROGRAM, "COMMITTED", "ACTUAL", 10, "actual"),
    ("two", PROGRAM, "AVAILABLE", "RESERVED", 7, "reserve"),
)


def test_a_migrated_database_is_what_the_code_needs(empty_database_url: str) -> None:
    newest = schema_version(migrations_of("budget"))
    assert migrate.upgrade("budget", empty_database_url) == newest
    assert migrate.check("budget", empty_database_url) == []


def upgraded(connection: sa.Connection, version: str) -> None:
    with as_file(migrations_of("budget")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def add(connection: sa.Connection, table: str, **row: Any) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def older(connection: sa.Connection) -> None:
    """A database of before balances were kept with the entries, with a request under way."""
    upgraded(connection, "0004")
    for name in ("one", "two"):
        add(
            connection, "envelope", name=name, display_name=name, fiscal_year=2027,
            cost_centre=f"CC-{name}", purpose="x", owner="people/fay", currency="EUR",
            appropriated=0, available=0, reserved=0, committed=0, actual=0, lapsed=0, version=1,
        )  # fmt: skip
    for place, (envelope, program, debit, credit, amount, kind) in enumerate(ENTRIES, start=1):
        add(
            connection, "ledger_entry", sequence=place,
            posted_at=f"2027-01-0{place}T09:00:00.000000+00:00", envelope=envelope,
            program=program, debit=debit, credit=credit, amount=amount, kind=kind,
            actor="people/fay", reference="x",
        )  # fmt: skip
    case = open_case(revision(envelope="one", vendors=("Brightside",)), Gate.FUND)
    document = TypeAdapter(Case).dump_json(case).decode()
    add(
        connection, "gate_case", name=case.name, program=case.program, gate="FUND", round=1,
        state="OPEN", revision=1, version=1, document=document,
    )  # fmt: skip


def test_balances_are_filled_from_the_entries_that_are_there(empty_database_url: str) -> None:
    engine = sa.create_engine(empty_database_url)
    with engine.begin() as connection:
        older(connection)
        upgraded(connection, "0005")
        rows = connection.execute(
            sa.text(
                "SELECT after_available, after_reserved, after_committed, after_actual,"
                " program_reserved, program_committed, program_actual"
                " FROM ledger_entry ORDER BY sequence"
            )
        )
        assert [tuple(row) for row in rows] == [
            (100, 0, 0, 0, 0, 0, 0),
            (50, 0, 0, 0, 0, 0, 0),
            (60, 40, 0, 0, 40, 0, 0),
            (60, 10, 30, 0, 10, 30, 0),
            (55, 15, 30, 0, 5, 0, 0),
            (55, 15, 20, 10, 10, 20, 10),
            (43, 7, 0, 0, 7, 0, 0),
        ]
        asked = connection.execute(sa.text("SELECT program, amount, cost_centre FROM asked"))
        assert [tuple(row) for row in asked] == [(PROGRAM, 100_000_00, "CC-one")]
        head = connection.execute(sa.text("SELECT posted_at FROM ledger_head")).scalar_one()
        assert str(head).startswith("2027-01-07")
    with engine.begin() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(sa.text("UPDATE ledger_entry SET amount = 1"))
    engine.dispose()
