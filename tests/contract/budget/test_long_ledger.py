"""A page of the ledger costs what it shows, however long the ledger is (issue 3, must show 7)."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from tests.bench.ledger import BIG, fill
from tests.contract.conftest import START
from tests.support.budget import ENVELOPE
from tests.support.cost import cost

from investiture.budget import tables
from investiture.budget.domain import Envelope
from investiture.budget.ledger import INT64_MAX, Balances
from investiture.budget.ledger_store import LedgerStore, envelope_row
from investiture.budget.statement_store import StatementStore
from investiture.chassis.call import Call, Principal
from investiture.chassis.transaction import Transaction

READER = Call(Principal("people/axel", frozenset()), "test/ledger")
LIMIT = 11
FIRST = 200
"""Pages begin after this entry, and after the first."""


def test_a_page_costs_what_it_shows_however_long_the_ledger_is(empty_database_url: str) -> None:
    engine = sa.create_engine(empty_database_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            begin(connection)
            short = costs(connection, first=2, last=1_000)
            long = costs(connection, first=1_001, last=10_000)
    finally:
        engine.dispose()
    assert {key: much for key, much in long.items() if much > 1.2 * short[key] + 2} == {}


def begin(connection: sa.Connection) -> None:
    """One envelope with its appropriation."""
    tables.METADATA.create_all(connection)
    minor = 100_000_000_00
    envelope = Envelope(
        name=ENVELOPE,
        display_name="Launches 2027",
        fiscal_year=2027,
        cost_centre="4711",
        purpose="launches",
        owner="people/fay",
        currency="EUR",
        balances=Balances(appropriated=minor, available=minor),
    )
    connection.execute(tables.ENVELOPE.insert(), envelope_row(envelope))
    connection.execute(tables.HEAD.insert(), {"id": 1, "sequence": 1, "posted_at": START})
    connection.execute(
        tables.ENTRY.insert(),
        {
            "sequence": 1,
            "posted_at": START,
            "envelope": ENVELOPE,
            "program": "",
            "debit": "APPROPRIATION",
            "credit": "AVAILABLE",
            "amount": minor,
            "kind": "appropriate",
            "actor": "people/ada",
            "reference": ENVELOPE,
            "after_available": minor,
        },
    )


def costs(connection: sa.Connection, *, first: int, last: int) -> Mapping[str, int]:
    """What each page costs once the ledger is longer."""
    fill(connection, ENVELOPE, first, last)
    connection.execute(sa.text("ANALYZE"))
    tx = Transaction(connection, START, READER, writable=False)
    ledger = LedgerStore()
    statements = StatementStore(ledger)
    early, end = START + timedelta(microseconds=FIRST), last - LIMIT

    def statement(name: str, after: int, until: int) -> Callable[[], object]:
        def read() -> object:
            reading = statements.read(tx, name, 0, until, START)
            return statements.lines(tx, reading, after, LIMIT)

        return read

    pages: Mapping[str, Callable[[], object]] = {
        "entries": partial(ledger.entries, tx, "", "", FIRST, LIMIT),
        "by envelope": partial(ledger.entries, tx, ENVELOPE, "", FIRST, LIMIT),
        "by envelope, last": partial(ledger.entries, tx, ENVELOPE, "", end, LIMIT),
        "by program": partial(ledger.entries, tx, "", BIG, FIRST, LIMIT),
        "by both": partial(ledger.entries, tx, ENVELOPE, BIG, FIRST, LIMIT),
        "of a small program": partial(ledger.entries, tx, "", "programs/p7", 0, 1),
        "place of an instant": partial(statements.place, tx, early),
        "statement then": statement(ENVELOPE, 0, FIRST),
        "statement now": statement(ENVELOPE, 0, INT64_MAX),
        "statement of a program": statement(BIG, FIRST, INT64_MAX),
        "statement of a program, last": statement(BIG, end, INT64_MAX),
    }
    return {key: cost(connection, read) for key, read in pages.items()}
