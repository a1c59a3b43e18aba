"""Envelopes and the ledger in SQL: one row an envelope, one row an entry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from investiture.budget import domain
from investiture.budget.domain import Envelope
from investiture.budget.ledger import INT64_MAX, Account, Balances, Entry, Kind, Posting
from investiture.budget.running import Holding, Left, keys_of, left_by
from investiture.budget.tables import AFTER, ENTRY, ENVELOPE, HEAD, OF_PROGRAM
from investiture.budget.year_store import YearStore
from investiture.chassis.prepared import Prepared, Query
from investiture.chassis.refusal import AlreadyExists, NotFound, PreconditionFailed, Stale
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction

_BALANCES = ("appropriated", "available", "reserved", "committed", "actual", "lapsed")
_E = ENVELOPE.c

_ONE = sa.select(ENVELOPE).where(_E.name == sa.bindparam("known_name"))
_READ, _LOCK = Query(_ONE), Query(_ONE.with_for_update())
_INSERT = ENVELOPE.insert()
_UPDATE = Prepared(
    ENVELOPE.update()
    .where(_E.name == sa.bindparam("known_name"))
    .where(_E.version == sa.bindparam("known_version"))
    .values({name: sa.bindparam(name) for name in (*_BALANCES, "version")})
)
_CLOSE = (
    ENVELOPE.update()
    .where(_E.name == sa.bindparam("known_name"))
    .where(_E.version == sa.bindparam("known_version"))
    .values(closed=True, successor=sa.bindparam("successor"), version=_E.version + 1)
)
_SET_OWNER = (
    ENVELOPE.update()
    .where(_E.name == sa.bindparam("known_name"))
    .where(_E.version == sa.bindparam("known_version"))
    .values(owner=sa.bindparam("owner"), version=sa.bindparam("version"))
)
_ADVANCE = (
    HEAD.update()
    .where(HEAD.c.id == 1)
    .values(
        sequence=HEAD.c.sequence + sa.bindparam("by", type_=sa.BigInteger),
        posted_at=sa.case(
            (HEAD.c.posted_at > sa.bindparam("now", type_=Instant), HEAD.c.posted_at),
            else_=sa.bindparam("now", type_=Instant),
        ),
    )
    .returning(HEAD.c.sequence, HEAD.c.posted_at)
)
_ADD = Prepared(ENTRY.insert(), ENTRY.c.keys())
_HOLDING = Query(
    sa.select(*(ENTRY.c[name] for name in OF_PROGRAM))
    .where(ENTRY.c.program == sa.bindparam("program"))
    .where(ENTRY.c.envelope == sa.bindparam("envelope"))
    .where(ENTRY.c.sequence <= sa.bindparam("until"))
    .order_by(ENTRY.c.sequence.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Head:
    """The last place taken in the ledger, and the instant of what is posted there."""

    sequence: int
    posted_at: datetime


class LedgerStore:
    """Loads envelopes, posts to them and lists what was posted, inside a transaction."""

    def __init__(self) -> None:
        self._years = YearStore()

    def issue(self, tx: Transaction, envelope: Envelope, appropriation_minor: int) -> Envelope:
        """Stores a new envelope with its appropriation.

        Refused: RESOURCE_EXISTS where the name is taken, WRONG_STATE for a closed fiscal year.
        """
        self._years.join(tx, envelope.fiscal_year)
        if self.find(tx, envelope.name) is not None:
            raise _taken(envelope.name)
        empty = replace(envelope, version=0)
        try:
            with tx.connection.begin_nested():
                tx.connection.execute(_INSERT, envelope_row(empty))
        except IntegrityError:  # another transaction was faster (PostgreSQL)
            raise _taken(envelope.name) from None
        appropriation = Posting(
            envelope=envelope.name,
            kind=Kind.APPROPRIATE,
            debit=Account.APPROPRIATION,
            credit=Account.AVAILABLE,
            amount_minor=appropriation_minor,
            reference=envelope.name,
        )
        self.post(tx, [appropriation])
        return self.envelope(tx, envelope.name)

    def find(self, tx: Transaction, name: str) -> Envelope | None:
        """The envelope called `name`, if there is one."""
        row = _READ.first(tx.connection, {"known_name": name})
        return None if row is None else _envelope(row)

    def envelope(self, tx: Transaction, name: str) -> Envelope:
        """The envelope called `name`, or NOT_FOUND."""
        found = self.find(tx, name)
        if found is None:
            raise NotFound(name)
        return found

    def envelopes(
        self, tx: Transaction, fiscal_year: int, after: str | None, limit: int
    ) -> list[Envelope]:
        """Envelopes by name, of one fiscal year unless it is 0."""
        query = sa.select(ENVELOPE).order_by(_E.name).limit(limit)
        if fiscal_year:
            query = query.where(_E.fiscal_year == fiscal_year)
        if after is not None:
            query = query.where(_E.name > after)
        return [envelope_of(row) for row in tx.connection.execute(query).mappings()]

    def post(self, tx: Transaction, postings: Sequence[Posting]) -> tuple[Entry, ...]:
        """Posts in order, all or none, and answers the entries.

        Refused: FUNDS_INSUFFICIENT where an envelope has not enough, WRONG_STATE where its fiscal
        year is closed.

        Called once a transaction: it locks the envelopes by name, then the ledger's head, so that
        two transactions never wait for each other in a circle.
        """
        if not postings:
            return ()
        before = self.locked(tx, (p.envelope for p in postings))
        after = dict(before)
        balances: list[Balances] = []
        for posting in postings:
            after[posting.envelope] = domain.posted(after[posting.envelope], posting)
            balances.append(after[posting.envelope].balances)
        for name, envelope in after.items():
            self._save(tx, before[name], envelope, [p for p in postings if p.envelope == name])
        holdings = {key: self.holding(tx, *key) for key in keys_of(postings)}
        left = left_by(postings, balances, holdings)
        head = self.advance(tx, len(postings))
        first = head.sequence - len(postings) + 1
        actor = tx.call.principal.subject
        rows = [
            entry_row(sequence, head.posted_at, actor, posting, after_it)
            for sequence, (posting, after_it) in enumerate(
                zip(postings, left, strict=True), start=first
            )
        ]
        _ADD.execute(tx.connection, rows)
        return tuple(
            Entry(sequence, head.posted_at, posting, actor, after[posting.envelope].currency)
            for sequence, posting in enumerate(postings, start=first)
        )

    def advance(self, tx: Transaction, by: int) -> Head:
        """Takes the next places of the ledger, locked until the commit: its last, its instant."""
        row = tx.connection.execute(_ADVANCE, {"by": by, "now": tx.now}).one()
        return Head(row.sequence, row.posted_at)

    def holding(
        self, tx: Transaction, program: str, envelope: str, until: int = INT64_MAX
    ) -> Holding:
        """What a program has in an envelope, after the entry `until` of the ledger."""
        found = _HOLDING.first(
            tx.connection, {"program": program, "envelope": envelope, "until": until}
        )
        return Holding(*found) if found else Holding()

    def close(self, tx: Transaction, seen: Envelope, successor: str) -> None:
        """Closes an envelope: nothing posts into it any more. Its row is locked already."""
        now = self.envelope(tx, seen.name)
        known = {"known_name": now.name, "known_version": now.version}
        tx.connection.execute(_CLOSE, {**known, "successor": successor})
        tx.record(
            "envelope.closed",
            now.name,
            now.version + 1,
            {"fiscal_year": now.fiscal_year, "successor": successor},
        )

    def locked(self, tx: Transaction, names: Iterable[str]) -> dict[str, Envelope]:
        """Envelopes by name, locked until the commit in the one order that everybody keeps."""
        return {name: self._locked(tx, name) for name in sorted(set(names))}

    def entry(self, tx: Transaction, sequence: int) -> Entry:
        """The entry with this sequence, or NOT_FOUND."""
        query = (
            sa.select(ENTRY, _E.currency)
            .join(ENVELOPE, _E.name == ENTRY.c.envelope)
            .where(ENTRY.c.sequence == sequence)
        )
        row = tx.connection.execute(query).first()
        if row is None:
            raise NotFound(f"ledgerEntries/{sequence}")
        return entry_of(row)

    def corrected_minor(self, tx: Transaction, sequence: int) -> int:
        """How much of an entry was corrected already, in minor units."""
        query = sa.select(ENTRY.c.amount).where(
            ENTRY.c.corrects == sequence, ENTRY.c.kind == Kind.CORRECT.value
        )
        return sum(int(amount) for amount in tx.connection.execute(query).scalars())

    def of_year(self, tx: Transaction, year: int) -> list[Envelope]:
        """Every envelope of a fiscal year, by name."""
        query = sa.select(ENVELOPE).where(_E.fiscal_year == year).order_by(_E.name)
        return [envelope_of(row) for row in tx.connection.execute(query).mappings()]

    def entries(
        self, tx: Transaction, envelope: str, program: str, after: int, limit: int
    ) -> list[Entry]:
        """Entries in posting order, of one envelope and program unless empty."""
        query = (
            sa.select(ENTRY, _E.currency)
            .join(ENVELOPE, _E.name == ENTRY.c.envelope)
            .where(ENTRY.c.sequence > after)
            .order_by(ENTRY.c.sequence)
            .limit(limit)
        )
        if envelope:
            query = query.where(ENTRY.c.envelope == envelope)
        if program:
            query = query.where(ENTRY.c.program == program)
        return [entry_of(row) for row in tx.connection.execute(query)]

    def set_owner(self, tx: Transaction, envelope: Envelope, owner: str) -> Envelope:
        """The envelope with another owner; STALE_ETAG where another call changed it."""
        done = tx.connection.execute(
            _SET_OWNER,
            {
                "known_name": envelope.name,
                "known_version": envelope.version,
                "owner": owner,
                "version": envelope.version + 1,
            },
        )
        if done.rowcount != 1:
            raise Stale(envelope.name, "", f"{envelope.name} was changed by another call")
        return replace(envelope, owner=owner, version=envelope.version + 1)

    def closed_years(self, tx: Transaction, years: Iterable[int]) -> frozenset[int]:
        """Which of these fiscal years are closed; the others stay open until the commit."""
        closed: set[int] = set()
        for year in sorted(set(years)):
            try:
                self._years.join(tx, year)
            except PreconditionFailed:
                closed.add(year)
        return frozenset(closed)

    def _locked(self, tx: Transaction, name: str) -> Envelope:
        # On PostgreSQL the row stays locked until the commit; on SQLite there is one writer.
        row = _LOCK.first(tx.connection, {"known_name": name})
        if row is None:
            raise NotFound(name)
        return _envelope(row)

    def _save(
        self, tx: Transaction, before: Envelope, after: Envelope, postings: Sequence[Posting]
    ) -> None:
        version = before.version + 1
        row = {
            "known_name": before.name,
            "known_version": before.version,
            "version": version,
            **_balances(after),
        }
        if _UPDATE.execute(tx.connection, (row,)) != 1:
            raise Stale(before.name, "", f"{before.name} was changed by another call; try again")
        # Amounts as text: canonical JSON keeps integers exactly up to 2^53 - 1 only.
        tx.record(
            "envelope.posted",
            before.name,
            version,
            {
                "postings": [
                    {
                        "kind": p.kind.value,
                        "debit": p.debit.value,
                        "credit": p.credit.value,
                        "amount_minor": str(p.amount_minor),
                        "program": p.program,
                        "reference": p.reference,
                    }
                    for p in postings
                ],
                "balances": {name: str(minor) for name, minor in _balances(after).items()},
            },
        )


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"{name} exists already; take another id", reason="RESOURCE_EXISTS", resource=name
    )


def _balances(envelope: Envelope) -> dict[str, int]:
    return {name: getattr(envelope.balances, name) for name in _BALANCES}


def envelope_row(envelope: Envelope) -> dict[str, Any]:
    """An envelope as its table has it."""
    return {
        "name": envelope.name,
        "display_name": envelope.display_name,
        "fiscal_year": envelope.fiscal_year,
        "cost_centre": envelope.cost_centre,
        "purpose": envelope.purpose,
        "owner": envelope.owner,
        "currency": envelope.currency,
        "version": envelope.version,
        "closed": envelope.closed,
        "successor": envelope.successor,
        **_balances(envelope),
    }


def _envelope(row: tuple[Any, ...]) -> Envelope:
    return envelope_of(dict(zip(_E.keys(), row, strict=True)))


def envelope_of(row: Mapping[Any, Any]) -> Envelope:
    """An envelope from a row of its table."""
    known = {name: value for name, value in row.items() if name not in _BALANCES}
    return Envelope(**known, balances=Balances(**{name: row[name] for name in _BALANCES}))


def entry_row(
    sequence: int, posted_at: datetime, actor: str, posting: Posting, left: Left
) -> dict[str, Any]:
    """An entry as its table has it."""
    return {
        "sequence": sequence,
        "posted_at": posted_at,
        "envelope": posting.envelope,
        "program": posting.program,
        "debit": posting.debit.value,
        "credit": posting.credit.value,
        "amount": posting.amount_minor,
        "kind": posting.kind.value,
        "actor": actor,
        "reference": posting.reference,
        "commitment": posting.commitment,
        "corrects": posting.corrects,
        **{name: getattr(left.envelope, name.removeprefix("after_")) for name in AFTER},
        **{name: getattr(left.program, name.removeprefix("program_")) for name in OF_PROGRAM},
    }


def entry_of(row: sa.Row[Any]) -> Entry:
    """An entry from a row of its table, with the currency of its envelope."""
    posting = Posting(
        envelope=row.envelope,
        kind=Kind(row.kind),
        debit=Account(row.debit),
        credit=Account(row.credit),
        amount_minor=row.amount,
        program=row.program,
        reference=row.reference,
        commitment=row.commitment,
        corrects=row.corrects,
    )
    return Entry(row.sequence, row.posted_at, posting, row.actor, row.currency)
