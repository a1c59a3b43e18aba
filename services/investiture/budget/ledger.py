"""The ledger: append-only double entry over the accounts of an envelope, in integer minor units.

Pure. A posting moves an amount from one account to another; what an envelope holds follows from
its postings alone. Two-phase holds as TigerBeetle describes them (two-phase transfers): a hold
counts at once, what is posted of it is at most the hold, the rest returns, and it resolves once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

INT64_MAX = 2**63 - 1


class Account(StrEnum):
    """Accounts of an envelope; APPROPRIATION stands outside, where money comes from."""

    APPROPRIATION = "APPROPRIATION"
    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    COMMITTED = "COMMITTED"
    ACTUAL = "ACTUAL"
    LAPSED = "LAPSED"


class Kind(StrEnum):
    """What a posting is for."""

    APPROPRIATE = "appropriate"
    RESERVE = "reserve"
    COMMIT = "commit"
    ACTUAL = "actual"
    UNCOMMIT = "uncommit"
    RELEASE = "release"


ROUTES: Mapping[Kind, frozenset[tuple[Account, Account]]] = {
    Kind.APPROPRIATE: frozenset({(Account.APPROPRIATION, Account.AVAILABLE)}),
    Kind.RESERVE: frozenset({(Account.AVAILABLE, Account.RESERVED)}),
    Kind.COMMIT: frozenset({(Account.RESERVED, Account.COMMITTED)}),
    Kind.ACTUAL: frozenset({(Account.COMMITTED, Account.ACTUAL)}),
    Kind.UNCOMMIT: frozenset({(Account.COMMITTED, Account.RESERVED)}),
    Kind.RELEASE: frozenset(
        {(Account.RESERVED, Account.AVAILABLE), (Account.COMMITTED, Account.AVAILABLE)}
    ),
}
"""From which account to which each kind moves money; nothing else is ever posted."""


class Overdrawn(Exception):
    """The giving account holds less than the posting takes."""

    def __init__(self, posting: "Posting", has_minor: int) -> None:
        super().__init__(
            f"{posting.debit} of {posting.envelope} holds {has_minor}, not {posting.amount_minor}"
        )
        self.posting = posting
        self.has_minor = has_minor


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement inside an envelope: `debit` gives, `credit` takes, always more than zero.

    Raises ValueError for an amount or a route that no ledger of ours has.
    """

    envelope: str
    kind: Kind
    debit: Account
    credit: Account
    amount_minor: int
    program: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.amount_minor <= INT64_MAX:
            raise ValueError(f"{self.amount_minor} is no amount to post")
        if (self.debit, self.credit) not in ROUTES[self.kind]:
            raise ValueError(f"{self.kind} does not move {self.debit} to {self.credit}")


@dataclass(frozen=True, slots=True)
class Balances:
    """What is where, in minor units. Raises ValueError where money would appear or vanish."""

    appropriated: int = 0
    available: int = 0
    reserved: int = 0
    committed: int = 0
    actual: int = 0
    lapsed: int = 0

    def __post_init__(self) -> None:
        held = self.available + self.reserved + self.committed + self.actual + self.lapsed
        if self.appropriated != held:
            raise ValueError(f"appropriated {self.appropriated}, but the accounts hold {held}")
        if any(getattr(self, field.name) < 0 for field in fields(self)):
            raise ValueError(f"an account below zero: {self}")
        if self.appropriated > INT64_MAX:
            raise ValueError("an envelope holds at most 2^63 - 1 minor units")

    def of(self, account: Account) -> int:
        """The balance of one account; for APPROPRIATION what ever came from it."""
        name = _FIELD[account]
        value: int = getattr(self, name)
        return value

    def after(self, posting: Posting) -> "Balances":
        """The balances after one posting; Overdrawn where the giving account has less."""
        amount = posting.amount_minor
        if posting.debit is Account.APPROPRIATION:
            return replace(
                self, appropriated=self.appropriated + amount, available=self.available + amount
            )
        if self.of(posting.debit) < amount:
            raise Overdrawn(posting, self.of(posting.debit))
        return replace(
            self,
            **{
                _FIELD[posting.debit]: self.of(posting.debit) - amount,
                _FIELD[posting.credit]: self.of(posting.credit) + amount,
            },
        )


_FIELD: Mapping[Account, str] = {
    Account.APPROPRIATION: "appropriated",
    Account.AVAILABLE: "available",
    Account.RESERVED: "reserved",
    Account.COMMITTED: "committed",
    Account.ACTUAL: "actual",
    Account.LAPSED: "lapsed",
}


def balances_of(postings: Iterable[Posting]) -> Balances:
    """What an envelope holds after all its postings, in their order: the row's only truth."""
    balances = Balances()
    for posting in postings:
        balances = balances.after(posting)
    return balances


def apportion(total_minor: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Splits an amount by weights with the largest remainders, ties by index; the sum is kept.

    10,000 by [1, 1, 1] is 3,334, 3,333, 3,333. Raises ValueError for a negative amount or weight,
    or where the weights come to nothing.
    """
    whole = sum(weights)
    if total_minor < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("an amount of zero or more, and weights of zero or more but not all zero")
    shares = [divmod(total_minor * weight, whole) for weight in weights]
    left = total_minor - sum(share for share, _ in shares)
    first = sorted(range(len(shares)), key=lambda index: (-shares[index][1], index))[:left]
    return tuple(share + (index in first) for index, (share, _) in enumerate(shares))
