"""Many appropriations in SQL at once: a few statements for all of them, not a few for each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from investiture.budget.domain import Envelope, posted
from investiture.budget.ledger import Posting
from investiture.budget.ledger_store import LedgerStore, entry_row, envelope_of, envelope_row
from investiture.budget.running import Holding, Left
from investiture.budget.tables import ENTRY, ENVELOPE, IMPORT
from investiture.chassis.prepared import Prepared
from investiture.chassis.transaction import Transaction

_BATCH = 500
_E = ENVELOPE.c

_KNOWN = (
    sa.select(ENVELOPE)
    .where(_E.name.in_(sa.bindparam("names", expanding=True)))
    .order_by(_E.name)
    .with_for_update()
)
_ISSUE = Prepared(ENVELOPE.insert(), ENVELOPE.c.keys())
_SUPPLEMENT = Prepared(
    ENVELOPE.update()
    .where(_E.name == sa.bindparam("known_name"))
    .values({name: sa.bindparam(name) for name in ("appropriated", "available", "version")})
)
_ADD = Prepared(ENTRY.insert(), ENTRY.c.keys())
_IMPORTED = sa.select(IMPORT).where(IMPORT.c.digest == sa.bindparam("known_digest"))
_KEEP = IMPORT.insert()


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was imported."""

    digest: str
    lines: int
    imported_by: str
    imported_at: datetime


class AppropriationStore:
    """Posts appropriations of many envelopes, and keeps which files they came from."""

    def __init__(self, ledger: LedgerStore) -> None:
        self._ledger = ledger

    def imported(self, tx: Transaction, digest: str) -> Imported | None:
        """The import of a file with this digest, if there was one."""
        row = tx.connection.execute(_IMPORTED, {"known_digest": digest}).mappings().first()
        return None if row is None else Imported(**row)

    def keep(self, tx: Transaction, imported: Imported) -> None:
        """Keeps that a file was imported."""
        tx.connection.execute(
            _KEEP,
            {
                "digest": imported.digest,
                "lines": imported.lines,
                "imported_by": imported.imported_by,
                "imported_at": imported.imported_at,
            },
        )

    def closed_years(self, tx: Transaction, years: Iterable[int]) -> frozenset[int]:
        """Which of these fiscal years are closed; asked before envelopes are locked."""
        return self._ledger.closed_years(tx, years)

    def known(self, tx: Transaction, names: Sequence[str]) -> Mapping[str, Envelope]:
        """Those envelopes that exist, locked by name until the commit."""
        found: dict[str, Envelope] = {}
        ordered = sorted(names)
        for start in range(0, len(ordered), _BATCH):
            part = {"names": ordered[start : start + _BATCH]}
            for row in tx.connection.execute(_KNOWN, part).mappings():
                found[row["name"]] = envelope_of(row)
        return found

    def appropriate(
        self,
        tx: Transaction,
        postings: Sequence[Posting],
        known: Mapping[str, Envelope],
        new: Mapping[str, Envelope],
    ) -> None:
        """Posts one appropriation an envelope, in order: to those known, and to new ones."""
        before = {**new, **known}
        after = {
            posting.envelope: posted(before[posting.envelope], posting) for posting in postings
        }
        issued = [{**envelope_row(after[name]), "version": 1} for name in new]
        more = [
            {**envelope_row(after[name]), "version": envelope.version + 1, "known_name": name}
            for name, envelope in known.items()
        ]
        if issued:
            _ISSUE.execute(tx.connection, issued)
        if more:
            _SUPPLEMENT.execute(tx.connection, more)
        # Last, because it is locked until the commit: whoever posts meanwhile waits for it.
        head = self._ledger.advance(tx, len(postings))
        actor = tx.call.principal.subject
        first = head.sequence - len(postings) + 1
        rows = [
            entry_row(
                sequence,
                head.posted_at,
                actor,
                posting,
                Left(after[posting.envelope].balances, Holding()),
            )
            for sequence, posting in enumerate(postings, start=first)
        ]
        _ADD.execute(tx.connection, rows)
