"""What a test knows of envelopes and programs over two years, and how it asks for amounts."""

import re
import uuid
from collections import Counter
from dataclasses import dataclass, field

from google.type.money_pb2 import Money
from hypothesis import strategies as st

from investiture.api.budget.v1 import budget_service_pb2 as pb
from investiture.api.common.v1 import gate_pb2
from investiture.budget.ledger import Account, Kind, Posting

EXPONENTS = {"EUR": 2, "JPY": 0}


def money_of(minor: int, currency: str) -> Money:
    units, rest = divmod(minor, 10 ** EXPONENTS[currency])
    return Money(currency_code=currency, units=units, nanos=rest * 10_000_000)


def near(data: st.DataObject, limit: int) -> int:
    """An amount that is mostly within a limit, and sometimes the limit or just above it."""
    few = st.integers(1, max(1, limit // 4))
    edge = st.sampled_from((max(1, limit), limit + 1))
    minor: int = data.draw(st.one_of(few, few, few, edge))
    return minor


def minor_of(money: Money) -> int:
    digits = EXPONENTS[money.currency_code]
    return money.units * int(10**digits) + money.nanos // int(10 ** (9 - digits))


@dataclass
class Pot:
    """What the model knows of an envelope, in minor units."""

    name: str
    place: str
    currency: str
    held: Counter[str]
    closed: bool = False

    def move(self, minor: int, giving: str, taking: str) -> None:
        """From one account to another; empty is outside."""
        if giving:
            self.held[giving] -= minor
        if taking:
            self.held[taking] += minor


@dataclass
class Actual:
    """An entry that spent something, and what may still be corrected of it."""

    sequence: int
    pot: Pot
    left: int


@dataclass
class Promise:
    """What the model knows of a commitment."""

    made: pb.Commitment
    open_: int
    lapsed: int = 0
    lapsed_in: Pot | None = None
    actuals: list[Actual] = field(default_factory=list[Actual])


@dataclass
class Program:
    """What the model knows of a program."""

    asked: int
    case: gate_pb2.GateCase
    funding: pb.Funding | None = None
    pot: Pot | None = None
    state: str = "asking"
    remaining: int = 0
    promises: list[Promise] = field(default_factory=list[Promise])

    @property
    def spent(self) -> int:
        return sum(actual.left for one in self.promises for actual in one.actuals)


def posting_of(entry: pb.LedgerEntry) -> Posting:
    return Posting(
        envelope=entry.envelope,
        kind=Kind(entry.kind),
        debit=Account(pb.Account.Name(entry.debit).removeprefix("ACCOUNT_")),
        credit=Account(pb.Account.Name(entry.credit).removeprefix("ACCOUNT_")),
        amount_minor=minor_of(entry.amount),
    )


def another(database_url: str) -> str:
    """A database beside the test's own, which is not made yet: a fiscal year closes once."""
    if database_url.startswith("sqlite"):
        return f"{database_url}-{uuid.uuid4().hex}"
    return re.sub(r"/test_[0-9a-f]+", f"/years_{uuid.uuid4().hex}", database_url, count=1)
