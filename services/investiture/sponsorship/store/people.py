"""People and the directory's digest in SQL."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from investiture.chassis.prepared import Query
from investiture.chassis.refusal import NotFound
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.people import Person, directory_digest
from investiture.sponsorship.store.standing import publish
from investiture.sponsorship.store.tables import DIRECTORY, PERSON

_THE_DIRECTORY = 1
_FIELDS = tuple(field.name for field in fields(Person))
_COLUMNS = [PERSON.c[name] for name in _FIELDS]
_EMPTY = directory_digest(())

_ALL = sa.select(*_COLUMNS)
_ONE = Query(_ALL.where(PERSON.c.name == sa.bindparam("wanted")))
_HELD = Query(_ALL.where(PERSON.c.name == sa.bindparam("wanted")).with_for_update(read=True))
_INSERT = PERSON.insert()
_UPDATE = (
    PERSON.update()
    .where(PERSON.c.name == sa.bindparam("known"))
    .values({name: sa.bindparam(name) for name in _FIELDS if name != "name"})
    .values(version=PERSON.c.version + 1)
)
_DIGEST = Query(sa.select(DIRECTORY.c.digest).where(DIRECTORY.c.id == _THE_DIRECTORY))
_LOCK = (
    DIRECTORY.update()
    .where(DIRECTORY.c.id == _THE_DIRECTORY)
    .values(version=DIRECTORY.c.version + 1)
    .returning(DIRECTORY.c.version)
)
_KEY = sa.select(DIRECTORY.c.id).where(DIRECTORY.c.id == _THE_DIRECTORY)
# Read, FOR SHARE and FOR UPDATE: SQLite has one writer at a time and leaves both out.
_SHARE, _CLAIM = Query(_KEY.with_for_update(read=True)), Query(_KEY.with_for_update())
_SEAL = (
    DIRECTORY.update().where(DIRECTORY.c.id == _THE_DIRECTORY).values(digest=sa.bindparam("said"))
)


class PeopleStore:
    """Loads and saves people inside a transaction."""

    def find(self, tx: Transaction, name: str) -> Person | None:
        """The person called `name`; None where the directory has nobody of that name."""
        row = _ONE.first(tx.connection, {"wanted": name})
        return None if row is None else Person(*row)

    def hold(self, tx: Transaction, name: str) -> Person | None:
        """As `find`; who changes the person waits until this transaction has ended.

        So a decision and a departure have an order: the first to come here wins. SQLite has one
        writer at a time and needs no lock.
        """
        row = _HELD.first(tx.connection, {"wanted": name})
        return None if row is None else Person(*row)

    def load(self, tx: Transaction, name: str) -> Person:
        """The person called `name`, or NOT_FOUND."""
        person = self.find(tx, name)
        if person is None:
            raise NotFound(name, f"{name} is not in the directory")
        return person

    def everybody(self, tx: Transaction) -> dict[str, Person]:
        """The whole directory, by name."""
        return {row.name: Person(*row) for row in tx.connection.execute(_ALL)}

    def page(self, tx: Transaction, unit: str, after: str, limit: int) -> list[Person]:
        """People by name, those of one unit or all, from the one after `after` on."""
        query = _ALL.where(PERSON.c.name > after).order_by(PERSON.c.name).limit(limit)
        if unit:
            query = query.where(PERSON.c.unit == unit)
        return [Person(*row) for row in tx.connection.execute(query)]

    def digest(self, tx: Transaction) -> str:
        """The digest of the directory as it is."""
        return _DIGEST.value(tx.connection, {}) or _EMPTY

    def lock(self, tx: Transaction) -> int:
        """Makes other imports wait until this one has ended; the version that it makes."""
        version: int = tx.connection.execute(_LOCK).scalar_one()
        return version

    def share(self, tx: Transaction) -> None:
        """Makes imports wait until this transaction has ended; waits for one under way."""
        _SHARE.value(tx.connection, {})

    def claim(self, tx: Transaction) -> None:
        """Makes imports and whoever shares wait until this transaction has ended."""
        _CLAIM.value(tx.connection, {})

    def save(
        self, tx: Transaction, added: Iterable[Person], changed: Iterable[Person], digest: str
    ) -> None:
        """Stores new and changed people and the digest of the directory after it."""
        new: list[Mapping[str, Any]] = [{**asdict(one), "version": 1} for one in added]
        other = [{**asdict(one), "known": one.name} for one in changed]
        if new:
            tx.connection.execute(_INSERT, new)
        if other:
            tx.connection.execute(_UPDATE, other)
        tx.connection.execute(_SEAL, {"said": digest})
        publish(tx, [str(one["name"]) for one in (*new, *other)])
