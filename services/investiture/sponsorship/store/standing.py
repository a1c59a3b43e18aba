"""Publishes who is there to decide: whenever people, absences or delegations change.

Positions are given under the directory's lock, which is held until the commit: they commit in the
order in which they count, so nobody who follows them misses one.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from investiture.casework.standing import Away, Loan, Standing
from investiture.casework.standing_store import Published, StandingStore
from investiture.casework.words import Purpose
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.store.tables import ABSENCE, CASES, DELEGATION, DIRECTORY, PERSON

STANDINGS = StandingStore(CASES.standing)

_LOCK = DIRECTORY.update().where(DIRECTORY.c.id == 1).values(version=DIRECTORY.c.version)
_PEOPLE = sa.select(PERSON.c.name, PERSON.c.active, PERSON.c.guest_of)
_ABSENCES = sa.select(ABSENCE).where(ABSENCE.c.cleared_at.is_(None)).order_by(ABSENCE.c.name)
_LOANS = sa.select(DELEGATION).where(DELEGATION.c.revoked_at.is_(None)).order_by(DELEGATION.c.name)
_AT_ONCE = 500
"""People looked up by one statement."""


def publish(tx: Transaction, names: Iterable[str]) -> None:
    """Publishes people as they are now; who has not changed keeps their place."""
    wanted = sorted(set(names))
    tx.connection.execute(_LOCK)
    for start in range(0, len(wanted), _AT_ONCE):
        chosen = wanted[start : start + _AT_ONCE]
        known = {name: one.standing for name, one in STANDINGS.known(tx, chosen).items()}
        changed = [one for one in _standings(tx, chosen) if one != known.get(one.person)]
        newest = STANDINGS.newest(tx)
        numbered = [Published(one, newest + n) for n, one in enumerate(changed, 1)]
        STANDINGS.keep(tx, numbered, own=True)


def _standings(tx: Transaction, names: list[str]) -> list[Standing]:
    absences: dict[str, list[Away]] = {name: [] for name in names}
    loans: dict[str, list[Loan]] = {name: [] for name in names}
    left = sa.or_(ABSENCE.c.ends_at.is_(None), ABSENCE.c.ends_at > tx.now)
    for one in tx.connection.execute(_ABSENCES.where(ABSENCE.c.person.in_(names), left)):
        absences[one.person].append(Away(one.starts_at, one.ends_at, one.deputy))
    unended = DELEGATION.c.ends_at > tx.now
    for one in tx.connection.execute(_LOANS.where(DELEGATION.c.delegator.in_(names), unended)):
        loan = Loan(one.delegate, Purpose(one.purpose), one.starts_at, one.ends_at)
        loans[one.delegator].append(loan)
    return [
        Standing(
            name,
            active and not guest_of,
            tuple(absences[name]),
            tuple(loans[name]),
            guest=active and bool(guest_of),
        )
        for name, active, guest_of in tx.connection.execute(
            _PEOPLE.where(PERSON.c.name.in_(names)).order_by(PERSON.c.name)
        )
    ]
