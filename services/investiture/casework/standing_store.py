"""The standing of people in SQL, and who of them still has to be attended to.

In sponsorship these rows are what it publishes, written with the directory itself; in the other
services they are what was heard of it. How far a service has heard is the newest position it keeps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects import postgresql, sqlite

from investiture.casework.standing import Loan, RollCall, Standing
from investiture.chassis.prepared import Prepared, Query
from investiture.chassis.tables import Instant
from investiture.chassis.transaction import Transaction

_STANDING = TypeAdapter(Standing)
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('investiture.attendance'))")
_AT_ONCE = 500
"""People looked up by one statement."""


@dataclass(frozen=True, slots=True)
class StandingTables:
    """The tables of who is there."""

    standing: sa.Table
    loans: sa.Table
    queue: sa.Table


@dataclass(frozen=True, slots=True)
class Published:
    """A person's standing with its place in the order in which standings were published."""

    standing: Standing
    position: int


def standing_tables(metadata: sa.MetaData) -> StandingTables:
    """Adds the tables to a service's metadata."""
    standing = sa.Table(
        "person_standing",
        metadata,
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("turns_at", Instant),
        sa.Column("document", sa.Text, nullable=False),
        sa.Index("person_standing_by_position", "position"),
        sa.Index("person_standing_by_turn", "turns_at"),
    )
    loans = sa.Table(
        "person_loan",
        metadata,
        sa.Column("delegate", sa.Text, primary_key=True),
        sa.Column("delegator", sa.Text, primary_key=True),
    )
    queue = sa.Table(
        "person_to_attend",
        metadata,
        sa.Column("person", sa.Text, primary_key=True),
        # Counts how often: who was queued again meanwhile is looked at again.
        sa.Column("times", sa.BigInteger, nullable=False),
    )
    return StandingTables(standing, loans, queue)


class StandingStore:
    """Loads and saves standings inside a transaction."""

    def __init__(self, tables: StandingTables) -> None:
        standing, loans = tables.standing, tables.loans
        self._tables = tables
        self._one = Query(
            sa.select(standing.c.document).where(standing.c.person == sa.bindparam("of"))
        )
        self._keep = {
            "sqlite": Prepared(_upsert(sqlite.insert(standing)), standing.c.keys()),
            "postgresql": Prepared(_upsert(postgresql.insert(standing)), standing.c.keys()),
        }
        self._newest = Query(sa.select(sa.func.max(standing.c.position)))
        self._due = Query(
            sa.select(standing.c.document, standing.c.position)
            .where(standing.c.turns_at <= sa.bindparam("now", type_=Instant))
            .order_by(standing.c.turns_at, standing.c.person)
            .limit(sa.bindparam("most", type_=sa.Integer))
        )
        self._lenders = Query(
            sa.select(loans.c.delegator).where(loans.c.delegate == sa.bindparam("to"))
        )
        self._queued = Query(
            sa.select(tables.queue.c.person, tables.queue.c.times)
            .where(tables.queue.c.person > sa.bindparam("after"))
            .order_by(tables.queue.c.person)
            .limit(1)
        )

    def find(self, tx: Transaction, person: str) -> Standing | None:
        """A person's standing; None where nothing is known of them."""
        document = self._one.value(tx.connection, {"of": person})
        return None if document is None else _STANDING.validate_json(document)

    def known(self, tx: Transaction, people: Iterable[str]) -> dict[str, Published]:
        """What is known of people, by name."""
        table, wanted = self._tables.standing, sorted(set(people))
        query = sa.select(table.c.document, table.c.position)
        found: dict[str, Published] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            chosen = table.c.person.in_(wanted[start : start + _AT_ONCE])
            for row in tx.connection.execute(query.where(chosen)):
                one = _published(row)
                found[one.standing.person] = one
        return found

    def roll(self, tx: Transaction, outside: str | None = None) -> RollCall:
        """Who is there at the transaction's instant; `outside` may be a guest."""
        return RollCall(lambda person: self.find(tx, person), tx.now, outside)

    def newest(self, tx: Transaction) -> int:
        """The newest position that is kept; 0 for none."""
        return int(self._newest.value(tx.connection, {}) or 0)

    def published(self, tx: Transaction, after: int, limit: int) -> list[Published]:
        """Standings in the order in which they were published, from the one after `after` on."""
        table = self._tables.standing
        query = (
            sa.select(table.c.document, table.c.position)
            .where(table.c.position > after)
            .order_by(table.c.position)
            .limit(limit)
        )
        return [_published(row) for row in tx.connection.execute(query)]

    def due(self, tx: Transaction, limit: int) -> list[Published]:
        """Standings of which an absence or a loan began or ended since they were looked at."""
        rows = self._due.rows(tx.connection, {"now": tx.now, "most": limit})
        return [_published(row) for row in rows]

    def lenders(self, tx: Transaction, delegate: str) -> list[str]:
        """Who lends authority to a person, now or at another time."""
        return [name for (name,) in self._lenders.rows(tx.connection, {"to": delegate})]

    def lent(self, tx: Transaction, delegate: str) -> list[tuple[str, Loan]]:
        """What is lent to a person now, with who lends it."""
        found = ((name, self.find(tx, name)) for name in self.lenders(tx, delegate))
        return [
            (name, loan)
            for name, standing in found
            if standing is not None and standing.able
            for loan in standing.loans
            if loan.delegate == delegate and loan.holds(tx.now)
        ]

    def keep(self, tx: Transaction, heard: Sequence[Published], *, own: bool = False) -> None:
        """Stores standings that are newer than what is known, and queues whom they concern.

        `own` says that the directory is this service's: nobody holds anything before it has them.
        """
        if not own and tx.connection.dialect.name == "postgresql":
            tx.connection.execute(_ONE_AT_A_TIME)  # of several replicas that heard the same
        known = self.known(tx, [one.standing.person for one in heard])
        concerned: set[str] = set()
        newer: list[Published] = []
        for one in heard:
            standing = one.standing
            before = known.get(standing.person)
            if before is not None and before.position >= one.position:
                continue
            newer.append(one)
            self._save_loans(tx, before.standing if before else None, standing)
            nothing_held = before is None and (standing.plain or own)
            if not nothing_held and (before is None or standing != before.standing):
                concerned.update((standing.person, *self.lenders(tx, standing.person)))
        self._upsert(tx, newer)
        self.queue(tx, concerned)

    def turned(self, tx: Transaction, standing: Standing) -> None:
        """Notes that a standing was looked at now, and queues whom it concerns."""
        table = self._tables.standing
        tx.connection.execute(
            table.update()
            .where(table.c.person == standing.person, table.c.turns_at <= tx.now)
            .values(turns_at=standing.turns_at(tx.now))
        )
        self.queue(tx, (standing.person, *self.lenders(tx, standing.person)))

    def forget(self, tx: Transaction) -> None:
        """Forgets everybody, to be told anew."""
        tx.connection.execute(self._tables.standing.delete())
        tx.connection.execute(self._tables.loans.delete())

    def queue(self, tx: Transaction, people: Iterable[str]) -> None:
        """Queues people whose cases have to be looked at, once more if they are queued already."""
        rows = [{"person": person, "times": 1} for person in sorted(set(people))]
        if rows:
            table = self._tables.queue
            insert = _insert(tx, table).on_conflict_do_update(
                index_elements=[table.c.person], set_={"times": table.c.times + 1}
            )
            tx.connection.execute(insert, rows)

    def queued(self, tx: Transaction, after: str = "") -> tuple[str, int] | None:
        """The next person of the queue and how often they were queued; None at its end."""
        row = self._queued.first(tx.connection, {"after": after})
        return None if row is None else (row[0], row[1])

    def attended(self, tx: Transaction, person: str, times: int) -> None:
        """Takes a person off the queue, unless they were queued again meanwhile."""
        table = self._tables.queue
        mine = (table.c.person == person) & (table.c.times == times)
        tx.connection.execute(table.delete().where(mine))

    def _upsert(self, tx: Transaction, newer: Sequence[Published]) -> None:
        rows = [
            {
                "person": one.standing.person,
                "position": one.position,
                "turns_at": one.standing.turns_at(tx.now),
                "document": _STANDING.dump_json(one.standing).decode(),
            }
            for one in newer
        ]
        if rows:
            self._keep[tx.connection.dialect.name].execute(tx.connection, rows)

    def _save_loans(self, tx: Transaction, before: Standing | None, after: Standing) -> None:
        known = {one.delegate for one in before.loans} if before else set[str]()
        now = {one.delegate for one in after.loans}
        table = self._tables.loans
        if known != now:
            tx.connection.execute(table.delete().where(table.c.delegator == after.person))
        if now and known != now:
            rows = [{"delegate": name, "delegator": after.person} for name in sorted(now)]
            tx.connection.execute(table.insert(), rows)


def _upsert(insert: Any) -> Any:
    """The INSERT that puts a newer row in place of an older one of the same person."""
    changed = {name: insert.excluded[name] for name in ("position", "turns_at", "document")}
    return insert.on_conflict_do_update(index_elements=["person"], set_=changed)


def _insert(tx: Transaction, table: sa.Table) -> Any:
    """An INSERT that may say what a conflict means, in the dialect of the connection."""
    postgres = tx.connection.dialect.name == "postgresql"
    return postgresql.insert(table) if postgres else sqlite.insert(table)


def _published(row: Any) -> Published:
    return Published(_STANDING.validate_json(row[0]), row[1])
