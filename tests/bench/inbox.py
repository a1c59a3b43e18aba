"""The inbox of one person among 10,000 open and 1,000,000 closed cases, over the bare query.

Bare is the indexed query of the same rows by the driver, in this process: no socket, no decoding of
documents. Beside the whole call stand its page alone, as the service's store reads and decodes it,
and its query alone.
"""

import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from tests.bench.bare.query import Bare, bare
from tests.bench.calls import Timed
from tests.bench.company import FAY
from tests.bench.figures import Findings, Row, Target
from tests.bench.scale import Run, Scale
from tests.bench.treasury import BUDGET, ENGINES, Treasury, approved, treasury
from tests.support.copied import copy_case

from investiture.api.casework.v1 import case_service_pb2 as pb
from investiture.api.casework.v1.case_service_pb2_grpc import CaseServiceStub
from investiture.budget.tables import CASES
from investiture.casework.store import CaseStore
from investiture.chassis.call import Call, Principal
from investiture.chassis.clock import SystemClock
from investiture.chassis.transaction import Transaction

FRANK = "people/frank"
FEW = 50
"""How many cases Frank holds; Fay holds all the others."""

PAGE = 50
_STEPS_EACH = 2
_TARGET = Target(3.0)
_MODEL = "programs/model"

_RAN = (
    "inbox, {engine}: {open} open cases, of which Fay holds all but {few} and Frank these, spread"
    " among {closed} closed ones; pages of {page}. A closed case's document is 400 bytes of 4,000,"
    " for an inbox reads none. Bare: the indexed join of the same rows by the driver, in the"
    " bench's process; query: the store's, page: its cases, there too; call: the RPC over a socket."
)

# Open cases keep the numbers between.
_CLOSED = sa.text(
    "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :most)"
    " INSERT INTO gate_case (name, program, gate, round, state, revision, version, document)"
    " SELECT 'programs/p' || (:base + n) || '/budgetRequests/1', 'programs/p' || (:base + n),"
    " 'FUND', 1, 'STANDING', 1, 4, :document FROM number WHERE n % :every <> 0"
)
_BARE = (
    "SELECT h.overdue_at, h.case_name, c.document FROM gate_case_holder h"
    " JOIN gate_case c ON c.name = h.case_name"
    " WHERE h.person = ? AND (h.overdue_at, h.case_name) > (?, ?)"
    " ORDER BY h.overdue_at, h.case_name LIMIT ?"
)
_BASE = 10_000_000
"""Numbers of programs begin here: of one length, so that names are in the order of numbers."""

_FROM_THE_START = (datetime(2000, 1, 1, tzinfo=UTC), "")

_STORE = CaseStore(CASES, lambda _: None)
_CALL = Call(Principal(FAY, frozenset({"finance"})), "bench/inbox")


@dataclass(frozen=True, slots=True)
class Place:
    """A page of somebody's inbox."""

    key: str
    what: str
    person: str
    after: tuple[datetime, str] | None = None


Read = Callable[[Place], Awaitable[int]]
"""Reads a page one way and says how many cases it has."""


def steps_of(rounds: int) -> int:
    """Return how many steps a measurement takes."""
    return len(ENGINES) * (_STEPS_EACH + rounds)


async def measure(run: Run) -> Findings:
    """Measure both engines."""
    findings = Findings()
    for engine in ENGINES:
        await _engine(run, engine, findings)
    return findings


async def _engine(run: Run, engine: str, findings: Findings) -> None:
    scale, steps = run.scale, run.steps
    steps.begin(f"inbox, {engine}: starting")
    async with treasury(run.folder / f"inbox-{engine}", engine) as money:
        await approved(money.company, _MODEL.removeprefix("programs/"))
        steps.end()
        steps.begin(f"inbox, {engine}: storing {scale.closed_cases} closed cases")
        await money.fill(lambda connection: _fill(connection, scale))
        steps.end()
        with bare(money.url) as query, _transaction(money.url) as tx:
            reads = _reads(money, tx, query)
            places = _places(tx, scale)
            rows = [_rows(engine, place) for place in places]
            for number in range(scale.rounds):
                steps.begin(f"inbox, {engine}: round {number + 1}")
                for place, by_way in zip(places, rows, strict=True):
                    took = await _round(number, reads, place, scale.alone)
                    for way, row in by_way.items():
                        row.add(took[way].p99, took["bare"].p99)
                steps.end()
    findings.rows += [row for by_way in rows for row in by_way.values()]
    given = {"open": scale.open_cases, "closed": scale.closed_cases, "few": FEW, "page": PAGE}
    findings.ran.append(_RAN.format(engine=engine, **given))


def _rows(engine: str, place: Place) -> dict[str, Row]:
    what = f"inbox, {engine}, {place.what}"
    said = {"call": ("call", _TARGET), "page": ("page, decoded", None), "query": ("query", _TARGET)}
    return {
        way: Row(f"inbox.{way}.{engine}.{place.key}", f"{what}: {name}, p99", "ms", target)
        for way, (name, target) in said.items()
    }


async def _round(number: int, reads: dict[str, Read], place: Place, calls: int) -> dict[str, Timed]:
    """Time every way to read a page, in the other order in every second round.

    Once before it counts: plans and statements are known to whoever asks a second time.
    """
    for read in reads.values():
        await read(place)
    names = list(reads) if number % 2 else list(reversed(reads))
    return {name: await _timed(reads[name], place, calls) for name in names}


async def _timed(read: Read, place: Place, calls: int) -> Timed:
    took: list[float] = []
    for _ in range(calls):
        began = time.perf_counter()
        await read(place)
        took.append((time.perf_counter() - began) * 1e3)
    return Timed(tuple(took))


def _reads(money: Treasury, tx: Transaction, query: Bare) -> dict[str, Read]:
    pager, stub = money.pager(), money.company.stub(BUDGET, CaseServiceStub)

    async def call(place: Place) -> int:
        request = pb.ListPendingDecisionsRequest(page_size=PAGE)
        if place.after is not None:
            at, name = place.after
            opened = pager.open(request)
            _, request.page_token = opened.cut(
                [None] * opened.limit, lambda _: (at.isoformat(), name)
            )
        headers = money.company.headers(place.person, "finance")
        return len((await stub.ListPendingDecisions(request, metadata=headers)).cases)

    async def page(place: Place) -> int:
        return len(_STORE.held(tx, [place.person], "", place.after, PAGE + 1))

    async def asked(place: Place) -> int:
        return len(_STORE.held_rows(tx, [place.person], "", place.after, PAGE + 1))

    async def plain(place: Place) -> int:
        at, name = place.after or _FROM_THE_START
        known = at if query.postgres else at.isoformat(timespec="microseconds")
        return len(query.rows(_BARE, (place.person, known, name, PAGE + 1)))

    return {"call": call, "page": page, "query": asked, "bare": plain}


def _places(tx: Transaction, scale: Scale) -> Sequence[Place]:
    """The first page of whom much waits for, one in the middle, and all of a short inbox."""
    held = CASES.holders.c
    middle = tx.connection.execute(
        sa.select(held.overdue_at, held.case_name)
        .where(held.person == FAY)
        .order_by(held.overdue_at, held.case_name)
        .offset(scale.open_cases // 2)
        .limit(1)
    ).one()
    return (
        Place("first", "first page of many", FAY),
        Place("middle", "middle page of many", FAY, (middle.overdue_at, middle.case_name)),
        Place("few", f"all {FEW}", FRANK),
    )


@contextmanager
def _transaction(url: str) -> Generator[Transaction]:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield Transaction(connection, SystemClock().now(), _CALL, writable=False)
    finally:
        engine.dispose()


def _fill(connection: sa.Connection, scale: Scale) -> None:
    """Store the closed cases, and the open ones between them."""
    every = scale.closed_cases // scale.open_cases + 1
    most = every * scale.open_cases
    given = {"most": most, "every": every, "base": _BASE, "document": "x" * 400}
    connection.execute(_CLOSED, given)
    names = [f"programs/p{_BASE + number}" for number in range(every, most + 1, every)]
    copy_case(connection, _MODEL, names)
    holders, cases = CASES.holders, CASES.cases
    now = datetime.now(UTC)
    connection.execute(
        holders.update()
        .where(holders.c.case_name == sa.bindparam("case"))
        .values(overdue_at=sa.bindparam("due")),
        [
            # Not in the order of their names.
            {
                "case": f"{name}/budgetRequests/1",
                "due": now + timedelta(seconds=number * 7919 % 86_400),
            }
            for number, name in enumerate(names)
        ],
    )
    for name in names[:: max(1, len(names) // FEW)][:FEW]:
        case = f"{name}/budgetRequests/1"
        mine = (holders.c.case_name == case) & (holders.c.person == FAY)
        connection.execute(holders.update().where(mine).values(person=FRANK))
        document = sa.func.replace(cases.c.document, f'"{FAY}"', f'"{FRANK}"')
        connection.execute(cases.update().where(cases.c.name == case).values(document=document))
