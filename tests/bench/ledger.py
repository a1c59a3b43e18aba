"""Pages of the ledger and of statements while the ledger grows from 10,000 to 1,000,000 entries.

The same pages are timed at each length: a page has to cost what it shows, not what lies before it,
behind it or beside it. So the baseline is the service itself, with the shortest ledger.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp
from tests.bench.company import FAY
from tests.bench.figures import Findings, Row, Target
from tests.bench.scale import Run
from tests.bench.treasury import BUDGET, ENGINES, ENVELOPE_NAME, Treasury, treasury

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.budget.tables import ENTRY, ENVELOPE, HEAD

PAGE, LONG_PAGE = 50, 500
_SMALL_PAGE = 10
"""As many entries as a small program has in the shortest ledger."""

_AMOUNT = 100
BIG = "programs/big"
_TARGET = Target(1.5)
_CALLS_SHARE = 10
"""A round has a tenth of the calls that are made one at a time elsewhere: it has many pages."""

_RAN = (
    "ledger, {engine}: ListLedgerEntries and GetStatement over a socket, pages of {page}, one call"
    " at a time, the fastest of a round; every entry is of one envelope, every second one of one"
    " program and the others of 500. Lengths one after the other: {lengths} (stored by SQL, each"
    " with what it left, and the statements' balances checked)."
)

# Every second entry is the big program's; entry 1 is the appropriation. What each left follows from
# its number, as if it had been posted.
_ENTRIES = """
    WITH RECURSIVE number (n) AS (
        SELECT CAST(:first AS INTEGER) UNION ALL SELECT n + 1 FROM number WHERE n < :last)
    INSERT INTO ledger_entry (sequence, posted_at, envelope, program, debit, credit, amount, kind,
        actor, reference, after_available, after_reserved, after_committed, after_actual,
        after_lapsed, program_reserved, program_committed, program_actual)
    SELECT n, {posted_at}, :envelope,
        CASE WHEN n % 2 = 1 THEN :big ELSE 'programs/p' || (n / 2 % 500) END,
        'AVAILABLE', 'RESERVED', :amount, 'reserve', :actor, 'bench',
        :appropriated - :amount * (n - 1), :amount * (n - 1), 0, 0, 0,
        :amount * CASE WHEN n % 2 = 1 THEN (n - 1) / 2
                       WHEN n / 2 % 500 = 0 THEN n / 2 / 500 ELSE n / 2 / 500 + 1 END, 0, 0
    FROM number
"""
_POSTED_AT = {
    "sqlite": (
        "strftime('%Y-%m-%dT%H:%M:%S', (:began + n) / 1000000, 'unixepoch')"
        " || printf('.%06d+00:00', (:began + n) % 1000000)"
    ),
    "postgresql": "timestamptz 'epoch' + (:began + n) * interval '1 microsecond'",
}

Ask = Callable[[], Awaitable[Any]]
Figures = Mapping[str, list[float]]
"""Milliseconds of each round, by page."""


def steps_of(lengths: Sequence[int], rounds: int) -> int:
    """Return how many steps a measurement takes."""
    return len(ENGINES) * (1 + len(lengths) * (1 + rounds))


async def measure(run: Run) -> Findings:
    """Measure both engines."""
    findings = Findings()
    for engine in ENGINES:
        await _engine(run, engine, findings)
    return findings


async def _engine(run: Run, engine: str, findings: Findings) -> None:
    scale, steps = run.scale, run.steps
    by_length: dict[int, Figures] = {}
    steps.begin(f"ledger, {engine}: starting")
    async with treasury(run.folder / f"ledger-{engine}", engine) as money:
        steps.end()
        known = 1
        for length in scale.entries:
            steps.begin(f"ledger, {engine}: storing {length} entries")
            await money.fill(partial(fill, name=ENVELOPE_NAME, first=known + 1, last=length))
            began = await _check(money, length)
            known = length
            steps.end()
            pages = _pages(money, length, began)
            figures: dict[str, list[float]] = {key: [] for key in pages}
            for number in range(scale.rounds):
                steps.begin(f"ledger, {engine}, {length} entries: round {number + 1}")
                for key, ask in pages.items():
                    figures[key].append(await _fastest(ask, max(2, scale.alone // _CALLS_SHARE)))
                steps.end()
            by_length[length] = figures
    findings.rows += _rows(engine, by_length)
    said = ", ".join(f"{length:,}" for length in scale.entries)
    findings.ran.append(_RAN.format(engine=engine, page=PAGE, lengths=said))


def _rows(engine: str, by_length: Mapping[int, Figures]) -> list[Row]:
    """Of each page: with the longest ledger over the shortest; and a long page over a short one."""
    shortest, longest = min(by_length), max(by_length)
    between = sorted(by_length)[1:-1]
    rows: list[Row] = []
    for key in by_length[longest]:
        if key == _LONG:
            continue
        medians = (f"{median(by_length[one][key]):.1f} ms at {one:,}" for one in between)
        row = Row(
            f"ledger.{engine}.{key}",
            f"{key}, {engine}, {longest:,} entries over {shortest:,}",
            "ms",
            _TARGET,
            ", ".join(medians),
        )
        row.ours, row.bare = by_length[longest][key], by_length[shortest][key]
        rows.append(row)
    grown = Row(
        f"ledger.{engine}.page",
        f"entries by envelope, middle, {engine}: page of {LONG_PAGE} over page of {PAGE}",
        "ms",
    )
    grown.ours, grown.bare = by_length[longest][_LONG], by_length[longest][_SHORT]
    return [*rows, grown]


_SHORT, _LONG = "entries by envelope, middle", "entries by envelope, long page"


def _pages(money: Treasury, length: int, began: datetime) -> dict[str, Ask]:
    """Every page that is timed, with the token that the page before it would have given."""
    headers = money.company.headers("people/axel", "auditor")
    stub, pager = money.company.stub(BUDGET, BudgetServiceStub), money.pager()

    def entries(after: int, size: int = PAGE, **filters: str) -> Ask:
        request = pb.ListLedgerEntriesRequest(page_size=size, **filters)
        if after:
            page = pager.open(request)
            _, request.page_token = page.cut([None] * page.limit, lambda _: (after,))
        return lambda: stub.ListLedgerEntries(request, metadata=headers)

    def statement(name: str, after: int, at: datetime | None = None) -> Ask:
        request = pb.GetStatementRequest(page_size=PAGE, name=name)
        if at is not None:
            request.at.CopyFrom(_stamp(at))
        if after:
            now, page = datetime.now(UTC).isoformat(), pager.open(request)
            _, request.page_token = page.cut([None] * page.limit, lambda _: (after, 0, length, now))
        return lambda: stub.GetStatement(request, metadata=headers)

    asks: dict[str, Ask] = {}
    places = {"first": 0, "middle": length // 2, "last": length - PAGE}
    for place, after in places.items():
        asks[f"entries by envelope, {place}"] = entries(after, envelope=ENVELOPE_NAME)
        asks[f"entries by program, {place}"] = entries(after, program=BIG)
        asks[f"statement of envelope, {place}"] = statement(ENVELOPE_NAME, after)
        asks[f"statement of program, {place}"] = statement(BIG, after)
    asks["entries by both, middle"] = entries(length // 2, envelope=ENVELOPE_NAME, program=BIG)
    asks["entries of a small program, first"] = entries(0, _SMALL_PAGE, program="programs/p7")
    past = began + timedelta(microseconds=length // 2)
    asks["statement of envelope at a past instant"] = statement(ENVELOPE_NAME, 0, past)
    asks[_LONG] = entries(length // 2, LONG_PAGE, envelope=ENVELOPE_NAME)
    return asks


async def _fastest(ask: Ask, calls: int) -> float:
    """Return what a page costs, in milliseconds: whatever takes longer is not the page's."""
    took: list[float] = []
    for _ in range(calls):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1e3)
    return min(took)


async def _check(money: Treasury, length: int) -> datetime:
    """Return when the ledger began; AssertionError where entries do not come to what is held."""
    stub = money.company.stub(BUDGET, BudgetServiceStub)
    headers = money.company.headers("people/axel", "auditor")
    for name, entries in ((ENVELOPE_NAME, length - 1), (BIG, (length - 1) // 2)):
        request = pb.GetStatementRequest(name=name, page_size=1)
        (closing,) = (await stub.GetStatement(request, metadata=headers)).closing
        held = closing.balances.reserved
        assert held.units * 100 + held.nanos // 10_000_000 == entries * _AMOUNT, name
    first = pb.ListLedgerEntriesRequest(page_size=1)
    (entry,) = (await stub.ListLedgerEntries(first, metadata=headers)).entries
    return entry.posted_at.ToDatetime(tzinfo=UTC)


def _stamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def fill(connection: sa.Connection, name: str, first: int, last: int) -> None:
    """Store entries of an envelope with what each left, a microsecond apart, and its balances."""
    envelope = ENVELOPE.c.name == name
    query = sa.select(ENVELOPE.c.appropriated).where(envelope)
    appropriated = connection.execute(query).scalar_one()
    began: datetime = connection.execute(
        sa.select(ENTRY.c.posted_at).where(ENTRY.c.sequence == 1)
    ).scalar_one()
    entries = _ENTRIES.format(posted_at=_POSTED_AT[connection.dialect.name])
    given = {
        "first": first,
        "last": last,
        "began": int(began.timestamp()) * 1_000_000 + began.microsecond,
        "envelope": name,
        "big": BIG,
        "amount": _AMOUNT,
        "actor": FAY,
        "appropriated": appropriated,
    }
    connection.execute(sa.text(entries), given)
    held = _AMOUNT * (last - 1)
    values = {"reserved": held, "available": appropriated - held}
    connection.execute(ENVELOPE.update().where(envelope).values(values))
    ended = began + timedelta(microseconds=last)
    connection.execute(HEAD.update().values(sequence=last, posted_at=ended))
