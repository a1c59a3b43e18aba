"""What each entry left in the accounts: of its envelope, and of its program in that envelope. Pure.

Kept beside every entry, so that a balance at any instant is one row and not a sum over history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from investiture.budget.ledger import Account, Balances, Posting

_FIELDS = {
    Account.RESERVED: "reserved",
    Account.COMMITTED: "committed",
    Account.ACTUAL: "actual",
}
ProgramKey = tuple[str, str]
"""A program and an envelope."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one program has in one envelope, in minor units of the envelope's currency."""

    reserved: int = 0
    committed: int = 0
    actual: int = 0

    def after(self, posting: Posting) -> "Holding":
        """The holding after one posting of the program in the envelope."""
        moved = {}
        if posting.debit in _FIELDS:
            name = _FIELDS[posting.debit]
            moved[name] = getattr(self, name) - posting.amount_minor
        if posting.credit in _FIELDS:
            name = _FIELDS[posting.credit]
            moved[name] = getattr(self, name) + posting.amount_minor
        return replace(self, **moved)


@dataclass(frozen=True, slots=True)
class Left:
    """What a posting left: in its envelope, and of its program there."""

    envelope: Balances
    program: Holding


def keys_of(postings: Sequence[Posting]) -> tuple[ProgramKey, ...]:
    """The programs and envelopes whose holdings the postings change, sorted."""
    return tuple(sorted({(p.program, p.envelope) for p in postings if p.program}))


def left_by(
    postings: Sequence[Posting],
    balances: Sequence[Balances],
    before: Mapping[ProgramKey, Holding],
) -> tuple[Left, ...]:
    """What each posting left, in order; `balances` are the envelopes' after each of them."""
    held = dict(before)
    left: list[Left] = []
    for posting, after in zip(postings, balances, strict=True):
        key = (posting.program, posting.envelope)
        if posting.program:
            held[key] = held.get(key, Holding()).after(posting)
        left.append(Left(after, held.get(key, Holding()) if posting.program else Holding()))
    return tuple(left)
