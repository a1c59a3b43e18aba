"""The ledger: append-only double entry over the accounts of an envelope, in integer minor units.

Pure. A posting moves an amount from one account to another; what an envelope holds follows from
its postings alone. Two-phase holds as TigerBeetle describes them (two-phase transfers): a hold
counts at once, what is posted of it is at most the hold, the rest returns, and it resolves once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum

INT64_MAX = 2**63 - 1


class Account(StrEnum):
    """Accounts of an envelope, and the three that stand outside of it.

    APPROPRIATION is where money comes from. TRANSIT is what left one envelope for another in its
    currency, and is empty after every transaction. EXCHANGE is what was given in one currency
    against what was bought in another: it holds a position in each, as a bank's trading account.
    """

    APPROPRIATION = "APPROPRIATION"
    TRANSIT = "TRANSIT"
    EXCHANGE = "EXCHANGE"
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
    EXPIRE = "expire"
    TRANSFER = "transfer"
    CARRY = "carry"
    LAPSE = "lapse"
    CORRECT = "correct"
    ROLL_FORWARD = "roll_forward"


OUTSIDE = frozenset({Account.APPROPRIATION, Account.TRANSIT, Account.EXCHANGE})
"""Accounts of no envelope: what comes from them is appropriated, what goes to them no more is."""

_CARRIED = (Account.AVAILABLE, Account.RESERVED, Account.COMMITTED)

ROUTES: Mapping[Kind, frozenset[tuple[Account, Account]]] = {
    Kind.APPROPRIATE: frozenset({(Account.APPROPRIATION, Account.AVAILABLE)}),
    Kind.RESERVE: frozenset({(Account.AVAILABLE, Account.RESERVED)}),
    Kind.COMMIT: frozenset({(Account.RESERVED, Account.COMMITTED)}),
    Kind.ACTUAL: frozenset({(Account.COMMITTED, Account.ACTUAL)}),
    Kind.UNCOMMIT: frozenset({(Account.COMMITTED, Account.RESERVED)}),
    Kind.RELEASE: frozenset(
        {(Account.RESERVED, Account.AVAILABLE), (Account.COMMITTED, Account.AVAILABLE)}
    ),
    Kind.EXPIRE: frozenset({(Account.RESERVED, Account.AVAILABLE)}),
    Kind.TRANSFER: frozenset(
        {
            (Account.AVAILABLE, Account.TRANSIT),
            (Account.TRANSIT, Account.AVAILABLE),
            (Account.AVAILABLE, Account.EXCHANGE),
            (Account.EXCHANGE, Account.AVAILABLE),
        }
    ),
    Kind.CARRY: frozenset(
        [(one, Account.TRANSIT) for one in _CARRIED] + [(Account.TRANSIT, one) for one in _CARRIED]
    ),
    Kind.LAPSE: frozenset((one, Account.LAPSED) for one in _CARRIED),
    Kind.CORRECT: frozenset({(Account.ACTUAL, Account.COMMITTED)}),
    Kind.ROLL_FORWARD: frozenset(
        {(Account.AVAILABLE, Account.ACTUAL), (Account.RESERVED, Account.ACTUAL)}
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


class Overfull(Exception):
    """The envelope would hold more than 64 bits of minor units."""

    def __init__(self, posting: "Posting") -> None:
        super().__init__(f"{posting.envelope} cannot hold {posting.amount_minor} more")
        self.posting = posting


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement of an envelope: `debit` gives, `credit` takes, always more than zero.

    `commitment` is the one that is spent or corrected, `corrects` the sequence of the entry that
    a correction refers to.
    Raises ValueError for an amount or a route that no ledger of ours has.
    """

    envelope: str
    kind: Kind
    debit: Account
    credit: Account
    amount_minor: int
    program: str = ""
    reference: str = ""
    commitment: str = ""
    corrects: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.amount_minor <= INT64_MAX:
            raise ValueError(f"{self.amount_minor} is no amount to post")
        if (self.debit, self.credit) not in ROUTES[self.kind]:
            raise ValueError(f"{self.kind} does not move {self.debit} to {self.credit}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting as it stands in the ledger; the amount is minor units of `currency`."""

    sequence: int
    posted_at: datetime
    posting: Posting
    actor: str
    currency: str


@dataclass(frozen=True, slots=True)
class Balances:
    """What is where, in minor units. Raises ValueError where money would appear or vanish.

    `appropriated` is what the committee issued, and what came from other envelopes (by transfer,
    or carried from the year before) less what went to them: the appropriation as it is now.
    """

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
        """The balance of one account of the envelope."""
        value: int = getattr(self, _FIELD[account])
        return value

    def after(self, posting: Posting) -> "Balances":
        """The balances after one posting.

        Raises Overdrawn where the giving account has less, Overfull where 64 bits do not suffice.
        """
        amount, debit, credit = posting.amount_minor, posting.debit, posting.credit
        moved: dict[str, int] = {}
        if debit in OUTSIDE:
            if self.appropriated > INT64_MAX - amount:
                raise Overfull(posting)
            moved["appropriated"] = self.appropriated + amount
        elif self.of(debit) < amount:
            raise Overdrawn(posting, self.of(debit))
        else:
            moved[_FIELD[debit]] = self.of(debit) - amount
        if credit in OUTSIDE:
            moved["appropriated"] = self.appropriated - amount
        else:
            moved[_FIELD[credit]] = self.of(credit) + amount
        return replace(self, **moved)


_FIELD: Mapping[Account, str] = {
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
