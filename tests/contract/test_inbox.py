"""What waits for people, page by page: in which order, and for which price."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from pydantic import TypeAdapter
from tests.contract.conftest import START
from tests.support.cost import cost
from tests.support.facts import open_case, revision

from investiture.budget.tables import CASES, METADATA
from investiture.casework.case import Case
from investiture.casework.store import CaseStore
from investiture.chassis.call import Call, Principal
from investiture.chassis.transaction import Transaction

ANN, BOB, CLEO = "people/ann", "people/bob", "people/cleo"
STORE = CaseStore(CASES, lambda _: None)
READER = Call(Principal(ANN, frozenset()), "test/inbox")
DOCUMENT = TypeAdapter(Case).dump_json(open_case(revision(program="programs/model"))).decode()


def store(connection: sa.Connection, numbers: Sequence[int], *holders: tuple[str, str]) -> None:
    """Waiting cases, each in the hands of these people for these units; two are due at a time."""
    names = {f"programs/p{number:05}": number for number in numbers}
    connection.execute(
        CASES.cases.insert(),
        [
            {
                "name": f"{name}/pledges/1",
                "program": name,
                "gate": "PLEDGE",
                "round": 1,
                "state": "OPEN",
                "revision": 1,
                "version": 1,
                "document": DOCUMENT.replace("programs/model", name),
            }
            for name in names
        ],
    )
    connection.execute(
        CASES.holders.insert(),
        [
            {
                "case_name": f"{name}/pledges/1",
                "person": person,
                "unit": unit,
                # Later numbers are due first.
                "overdue_at": START - timedelta(minutes=number // 2),
            }
            for name, number in names.items()
            for person, unit in holders
        ],
    )


@contextmanager
def opened(url: str) -> Generator[sa.Connection]:
    """A connection to a database with the tables of a service, outside of transactions."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        METADATA.create_all(engine)
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def pages(
    connection: sa.Connection, people: Sequence[str], size: int, unit: str = ""
) -> Iterator[list[str]]:
    """An inbox as names of programs, a page at a time."""
    tx = Transaction(connection, START, READER, writable=False)
    after = None
    while found := STORE.held(tx, people, unit, after, size):
        yield [case.program for case, _ in found]
        after = (found[-1][1], found[-1][0].name)


def test_an_inbox_of_several_people_has_every_case_once_in_the_order_of_its_dates(
    empty_database_url: str,
) -> None:
    with opened(empty_database_url) as connection:
        store(connection, range(20), (ANN, "units/a"), (ANN, "units/b"))
        store(connection, range(20, 30), (ANN, "units/a"), (BOB, "units/b"))
        store(connection, range(30, 40), (BOB, "units/b"))
        store(connection, range(40, 50), (CLEO, "units/b"))

        def due(numbers: Sequence[int]) -> list[str]:
            return [f"programs/p{n:05}" for n in sorted(numbers, key=lambda n: (-(n // 2), n))]

        def read(people: Sequence[str], unit: str = "") -> list[str]:
            return [name for page in pages(connection, people, 7, unit) for name in page]

        assert read([ANN]) == due(range(30))
        assert read([ANN, BOB]) == due(range(40))
        assert read([ANN, BOB], "units/b") == due([*range(20), *range(20, 40)])
        assert read([ANN], "units/b") == due(range(20))
        assert read(["people/nobody"]) == []
        many = [f"people/of-many-{number}" for number in range(300)]
        assert read([*many[:150], CLEO, *many[150:], ANN]) == due([*range(30), *range(40, 50)])


def test_a_page_of_an_inbox_costs_what_it_shows_however_much_is_held(
    empty_database_url: str,
) -> None:
    with opened(empty_database_url) as connection:
        store(connection, range(500), (ANN, "units/a"), (BOB, "units/a"))
        little = costs(connection)
        store(connection, range(500, 4_000), (ANN, "units/a"), (BOB, "units/a"))
        much = costs(connection)
    assert all(later <= 1.2 * before for before, later in zip(little, much, strict=True))


def costs(connection: sa.Connection) -> list[int]:
    """What a page costs: the first, and one in the middle; of one person's inbox, and of two's."""
    connection.execute(sa.text("ANALYZE"))
    tx = Transaction(connection, START, READER, writable=False)
    middle = (START - timedelta(minutes=100), "programs/p00200/pledges/1")
    return [
        cost(connection, partial(STORE.held, tx, people, "", after, 11))
        for people in ([ANN], [ANN, BOB])
        for after in (None, middle)
    ]
