"""Who is away: setting, clearing and listing absences."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from investiture.casework.standing_store import Published
from investiture.chassis.refusal import Denied, NotFound
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain import absences as rules
from investiture.sponsorship.domain.absences import Absence, Planned
from investiture.sponsorship.domain.people import Person
from investiture.sponsorship.store.absences import AbsenceStore
from investiture.sponsorship.store.people import PeopleStore
from investiture.sponsorship.store.standing import STANDINGS

_COLLECTION = "/absences/"
_OF_ANYBODY = frozenset({"directory-admin", "governance"})


@dataclass(frozen=True, slots=True)
class Imported:
    """How many absences an import set, and how many it found just so."""

    added: int
    unchanged: int


class AbsenceOperations:
    """Says who is away, and who is back."""

    def __init__(self, people: PeopleStore, absences: AbsenceStore) -> None:
        self._people = people
        self._absences = absences

    def set(self, tx: Transaction, planned: Planned) -> Absence:
        """One absence: of the caller, or by who looks after the directory of anybody."""
        _require_say(tx, planned.person)
        rules.check_one(planned, self._named(tx, [planned]), tx.now)
        made = _made(tx, planned)
        self._absences.insert(tx, [made])
        _record(tx, "absence.set", made)
        return made

    def import_(self, tx: Transaction, planned: Sequence[Planned]) -> Imported:
        """Many absences, all or none; what is known just so stays as it is."""
        rules.check(planned, self._named(tx, planned), tx.now)
        known = {one.person: self._absences.of(tx, one.person) for one in planned}
        new = [one for one in planned if not any(one.says(k) for k in known[one.person])]
        made = [_made(tx, one) for one in new]
        self._absences.insert(tx, made)
        for one in made:
            _record(tx, "absence.set", one)
        return Imported(len(made), len(planned) - len(made))

    def clear(self, tx: Transaction, name: str, etag: str) -> Absence:
        """Ends an absence now: its person, or who looks after the directory."""
        person, found, _ = name.partition(_COLLECTION)
        if not found:
            raise NotFound(name)
        _require_say(tx, person)
        before = self._absences.load(tx, name)
        after = rules.cleared(before, etag, tx.now)
        if after is not before:
            self._absences.clear(tx, before, after)
            _record(tx, "absence.cleared", after)
        return after

    def page(
        self, tx: Transaction, person: str, after: str, limit: int, *, now: bool
    ) -> list[Absence]:
        """Absences that have not ended, by name; with `now` of who is away now only."""
        return self._absences.page(tx, person, tx.now if now else None, after, limit)

    def published(self, tx: Transaction, after: int, limit: int) -> tuple[list[Published], int]:
        """Who is there, as changed after a position, and the newest position there is."""
        return STANDINGS.published(tx, after, limit), STANDINGS.newest(tx)

    def _named(self, tx: Transaction, planned: Sequence[Planned]) -> dict[str, Person]:
        names = {name for one in planned for name in (one.person, one.deputy) if name}
        found = ((name, self._people.find(tx, name)) for name in names)
        return {name: person for name, person in found if person is not None}


def _require_say(tx: Transaction, person: str) -> None:
    actor = tx.call.principal
    if actor.subject != person and not actor.roles & _OF_ANYBODY:
        raise Denied(
            "NOT_A_HOLDER",
            f"{actor.subject} says of themselves when they are away; of {person} they say it, or "
            "a directory administrator or governance",
        )


def _made(tx: Transaction, planned: Planned) -> Absence:
    return Absence(
        name=f"{planned.person}{_COLLECTION}{uuid4().hex[:12]}",
        person=planned.person,
        starts_at=planned.starts_at or tx.now,
        ends_at=planned.ends_at,
        deputy=planned.deputy,
        set_by=tx.call.principal.subject,
    )


def _record(tx: Transaction, kind: str, made: Absence) -> None:
    payload = {
        "starts_at": made.starts_at.isoformat(),
        "ends_at": made.ends_at.isoformat() if made.ends_at else "",
        "deputy": made.deputy,
    }
    tx.record(kind, made.name, made.version, payload)
