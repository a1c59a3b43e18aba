"""Envelopes and the ledger in SQL: one row an envelope, one row an entry."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from investiture.budget import domain
from investiture.budget.domain import Envelope
from investiture.budget.ledger import Account, Balances, Entry, Kind, Posting
from investiture.budget.tables import ENTRY, ENVELOPE, HEAD
from investiture.budget.year_store import YearStore
from investiture.chassis.refusal import AlreadyExists, NotFound, Stale
from investiture.chassis.transaction import Transaction

_BALANCES = ("appropriated", "available", "reserved", "committed", "actual", "lapsed")
_E = ENVELOPE.c

_READ = sa.select(ENVELOPE).where(_E.name == sa.bindparam("known_name"))
_LOCK = _READ.with_for_update()
_INSERT = ENVELOPE.insert()
_UPDATE = (
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
_ADVANCE = (
    HEAD.update()
    .where(HEAD.c.id == 1)
    .values(sequence=HEAD.c.sequence + sa.bindparam("by", type_=sa.BigInteger))
    .returning(HEAD.c.sequence)
)
_ADD = ENTRY.insert()


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
                tx.connection.execute(_INSERT, _row(empty))
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
        row = tx.connection.execute(_READ, {"known_name": name}).mappings().first()
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
        return [_envelope(row) for row in tx.connection.execute(query).mappings()]

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
        for posting in postings:
            after[posting.envelope] = domain.posted(after[posting.envelope], posting)
        for name, envelope in after.items():
            self._save(tx, before[name], envelope, [p for p in postings if p.envelope == name])
        last: int = tx.connection.execute(_ADVANCE, {"by": len(postings)}).scalar_one()
        first = last - len(postings) + 1
        tx.connection.execute(
            _ADD,
            [
                _entry_row(tx, sequence, posting)
                for sequence, posting in enumerate(postings, start=first)
            ],
        )
        actor = tx.call.principal.subject
        return tuple(
            Entry(sequence, tx.now, posting, actor, after[posting.envelope].currency)
            for sequence, posting in enumerate(postings, start=first)
        )

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
        return _entry(row)

    def corrected_minor(self, tx: Transaction, sequence: int) -> int:
        """How much of an entry was corrected already, in minor units."""
        query = sa.select(ENTRY.c.amount).where(
            ENTRY.c.corrects == sequence, ENTRY.c.kind == Kind.CORRECT.value
        )
        return sum(int(amount) for amount in tx.connection.execute(query).scalars())

    def of_year(self, tx: Transaction, year: int) -> list[Envelope]:
        """Every envelope of a fiscal year, by name."""
        query = sa.select(ENVELOPE).where(_E.fiscal_year == year).order_by(_E.name)
        return [_envelope(row) for row in tx.connection.execute(query).mappings()]

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
        return [_entry(row) for row in tx.connection.execute(query)]

    def _locked(self, tx: Transaction, name: str) -> Envelope:
        # On PostgreSQL the row stays locked until the commit; on SQLite there is one writer.
        row = tx.connection.execute(_LOCK, {"known_name": name}).mappings().first()
        if row is None:
            raise NotFound(name)
        return _envelope(row)

    def _save(
        self, tx: Transaction, before: Envelope, after: Envelope, postings: Sequence[Posting]
    ) -> None:
        version = before.version + 1
        done = tx.connection.execute(
            _UPDATE,
            {
                "known_name": before.name,
                "known_version": before.version,
                "version": version,
                **_balances(after),
            },
        )
        if done.rowcount != 1:
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


def _row(envelope: Envelope) -> dict[str, Any]:
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


def _envelope(row: Mapping[Any, Any]) -> Envelope:
    known = {name: value for name, value in row.items() if name not in _BALANCES}
    return Envelope(**known, balances=Balances(**{name: row[name] for name in _BALANCES}))


def _entry_row(tx: Transaction, sequence: int, posting: Posting) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "posted_at": tx.now,
        "envelope": posting.envelope,
        "program": posting.program,
        "debit": posting.debit.value,
        "credit": posting.credit.value,
        "amount": posting.amount_minor,
        "kind": posting.kind.value,
        "actor": tx.call.principal.subject,
        "reference": posting.reference,
        "commitment": posting.commitment,
        "corrects": posting.corrects,
    }


def _entry(row: sa.Row[Any]) -> Entry:
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
