"""The budget's ledger as people check it: movements, balances, and the sums that must agree."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from google.type.money_pb2 import Money
from rich.console import Group
from rich.table import Table
from rich.text import Text

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.budget.v1.budget_service_pb2_grpc import BudgetServiceStub
from investiture.cli.output import clock, instant, short, table
from investiture.stack import amounts

_ACCOUNTS = (
    pb.ACCOUNT_AVAILABLE,
    pb.ACCOUNT_RESERVED,
    pb.ACCOUNT_COMMITTED,
    pb.ACCOUNT_ACTUAL,
    pb.ACCOUNT_LAPSED,
)
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Book:
    """Entries of the ledger and the envelopes they belong to."""

    entries: Sequence[pb.LedgerEntry]
    envelopes: Sequence[pb.Envelope]
    whole: bool
    """Whether these are all entries of the envelopes, so that the balances must follow."""

    @property
    def balanced(self) -> bool:
        """Whether every check holds."""
        return all(holds for holds, _ in self._sums())

    def checks(self) -> list[Text]:
        """Return a line for each check."""
        return [
            Text.assemble(("✓ " if holds else "✗ ", "green" if holds else "bold red"), line)
            for holds, line in self._sums()
        ]

    def _sums(self) -> Iterator[tuple[bool, str]]:
        if self.whole:
            moved = balances_of(self.entries)
            for envelope in self.envelopes:
                yield _agrees(envelope, moved[envelope.name])
        for envelope in self.envelopes:
            yield _adds_up(envelope)


async def read_book(stub: BudgetServiceStub, *, envelope: str = "", program: str = "") -> Book:
    """Read the ledger, of an envelope or a program, with the envelopes it touches."""
    entries: list[pb.LedgerEntry] = []
    token = ""
    while True:
        page = await stub.ListLedgerEntries(
            pb.ListLedgerEntriesRequest(
                envelope=envelope, program=program, page_size=_PAGE, page_token=token
            )
        )
        entries.extend(page.entries)
        token = page.next_page_token
        if not token:
            break
    names = dict.fromkeys(entry.envelope for entry in entries)
    envelopes = [await stub.GetEnvelope(pb.GetEnvelopeRequest(name=name)) for name in names]
    return Book(entries, envelopes, whole=not program)


async def read_statement(stub: BudgetServiceStub, request: pb.GetStatementRequest) -> pb.Statement:
    """Read every page of a statement."""
    whole = pb.Statement()
    while True:
        page = await stub.GetStatement(request)
        lines = [*whole.lines, *page.lines]
        whole = pb.Statement(
            name=page.name, at=page.at, opening=page.opening, closing=page.closing, lines=lines
        )
        if not page.next_page_token:
            return whole
        request.page_token = page.next_page_token


def statement_view(statement: pb.Statement) -> Group:
    """Return a statement: what was there, each movement with what it left, what is there."""
    at = clock(instant(statement, "at"))
    of_program = statement.name.startswith("programs/")
    names = _HELD[2:5] if of_program else _HELD
    return Group(
        Text.assemble((short(statement.name), "bold"), f" at {at}"),
        _held_table("before", statement.opening, names),
        _running_table(statement, names[-5:]),
        _held_table("then", statement.closing, names),
    )


def _running_table(statement: pb.Statement, names: Sequence[str]) -> Table:
    """Return the movements with the running balances of the accounts that are used."""
    rows = [[getattr(line.balances, name) for name in names] for line in statement.lines]
    used = [place for place in range(len(names)) if any(amounts.minor(row[place]) for row in rows)]
    headings = [names[place] for place in used]
    drawn = table("#", "at", "movement", "amount", *headings, right=("#", "amount", *headings))
    for line, row in zip(statement.lines, rows, strict=True):
        entry = line.entry
        drawn.add_row(
            str(entry.sequence),
            clock(instant(entry, "posted_at")),
            f"{entry.kind}: {account(entry.debit)} → {account(entry.credit)}",
            amounts.shown(entry.amount),
            *(amounts.shown(row[place]) for place in used),
        )
    return drawn


def _held_table(what: str, held: Iterable[pb.StatementBalance], names: tuple[str, ...]) -> Table:
    """Return balances at one instant."""
    drawn = table(what, *names, right=names)
    for one in held:
        row = (getattr(one.balances, name) for name in names)
        drawn.add_row(short(one.envelope), *(amounts.shown(money) for money in row))
    return drawn


_HELD = ("appropriated", "available", "reserved", "committed", "actual", "lapsed")


def balances_of(entries: Iterable[pb.LedgerEntry]) -> dict[str, dict[int, int]]:
    """Return what each envelope's accounts hold, in minor units, after these movements."""
    held: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for entry in entries:
        minor = amounts.minor(entry.amount)
        held[entry.envelope][entry.debit] -= minor
        held[entry.envelope][entry.credit] += minor
    return held


def ledger_table(entries: Iterable[pb.LedgerEntry]) -> Table:
    """Return the movements in posting order."""
    drawn = table(
        "#", "at", "envelope", "program", "movement", "by", "amount", right=("#", "amount")
    )
    for entry in entries:
        drawn.add_row(
            str(entry.sequence),
            clock(instant(entry, "posted_at")),
            short(entry.envelope),
            short(entry.program) if entry.program else "",
            movement(entry),
            short(entry.actor),
            amounts.shown(entry.amount),
        )
    return drawn


def movements_table(entries: Iterable[pb.LedgerEntry]) -> Table:
    """Return the movements of one program."""
    drawn = table("#", "movement", "by", "amount", right=("#", "amount"))
    for entry in entries:
        drawn.add_row(
            str(entry.sequence),
            movement(entry),
            short(entry.actor),
            amounts.shown(entry.amount),
        )
    return drawn


def balances_table(envelopes: Sequence[pb.Envelope]) -> Table:
    """Return what is where in each envelope, without the accounts that are empty in all."""
    names = ("appropriated", *(account(one) for one in _ACCOUNTS))
    rows = [_balances(envelope) for envelope in envelopes]
    used = [place for place in range(len(names)) if any(amounts.minor(row[place]) for row in rows)]
    headings = tuple(names[place] for place in used)
    drawn = table("envelope", *headings, right=headings)
    for envelope, row in zip(envelopes, rows, strict=True):
        drawn.add_row(short(envelope.name), *(amounts.shown(row[place]) for place in used))
    return drawn


def movement(entry: pb.LedgerEntry) -> str:
    """Return what an entry moved: ``correct #4: actual → committed``."""
    of = f" #{entry.corrects}" if entry.corrects else ""
    return f"{entry.kind}{of}: {account(entry.debit)} → {account(entry.credit)}"


def account(value: int) -> str:
    """Return an account's name: ``available``."""
    return pb.Account.Name(pb.Account.ValueType(value)).removeprefix("ACCOUNT_").lower()


def _balances(envelope: pb.Envelope) -> list[Money]:
    held = envelope.balances
    return [
        *(held.appropriated, held.available, held.reserved),
        *(held.committed, held.actual, held.lapsed),
    ]


def _adds_up(envelope: pb.Envelope) -> tuple[bool, str]:
    appropriated, *parts = (amounts.minor(one) for one in _balances(envelope))
    held = envelope.balances
    line = (
        f"{short(envelope.name)}: {amounts.shown(held.appropriated)} appropriated = "
        "Σ of its accounts, none overdrawn"
    )
    return appropriated == sum(parts) and min(parts) >= 0, line


def _agrees(envelope: pb.Envelope, moved: dict[int, int]) -> tuple[bool, str]:
    _, *parts = (amounts.minor(one) for one in _balances(envelope))
    whole = sum(moved.values())
    same = all(moved.get(one, 0) == part for one, part in zip(_ACCOUNTS, parts, strict=True))
    line = f"{short(envelope.name)}: Σ debits = Σ credits = the balances"
    return whole == 0 and same, line
