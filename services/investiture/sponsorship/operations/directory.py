"""The directory: who is who, with what authority."""

from datetime import datetime

from investiture.casework.conflicts import interested
from investiture.casework.facts import Authority, Interest, Revision
from investiture.casework.words import Purpose, Side
from investiture.charter.model import Charter
from investiture.chassis.refusal import Denied
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.authority import authority_of, decides, lent_to
from investiture.sponsorship.domain.delegations import Delegation
from investiture.sponsorship.domain.organisation import side_of
from investiture.sponsorship.domain.people import ImportPlan, Person
from investiture.sponsorship.domain.positions import Able
from investiture.sponsorship.store.delegations import DelegationStore
from investiture.sponsorship.store.interests import InterestStore
from investiture.sponsorship.store.people import PeopleStore

RESOURCE = "directory"
"""The directory's name in the audit trail."""

_HERE = frozenset({Purpose.PLEDGE, Purpose.POSITION})
"""What is decided in this service."""


class DirectoryOperations:
    """Reads and imports people, and resolves their authority.

    Who somebody is follows from the charter in force, whichever charter a case is pinned to: what
    they may do with it was agreed when it was opened, who they are is as of today.
    """

    def __init__(
        self,
        charter: Charter,
        people: PeopleStore,
        delegations: DelegationStore,
        interests: InterestStore,
    ) -> None:
        self._charter = charter
        self._people = people
        self._delegations = delegations
        self._interests = interests

    def person(self, tx: Transaction, name: str) -> Person:
        """The person called `name`, or NOT_FOUND."""
        return self._people.load(tx, name)

    def page(self, tx: Transaction, unit: str, after: str, limit: int) -> list[Person]:
        """People by name, of one unit or of all."""
        return self._people.page(tx, unit, after, limit)

    def lock(self, tx: Transaction) -> tuple[int, dict[str, Person]]:
        """Makes other imports wait until this one has ended; its version, and everybody by name."""
        version = self._people.lock(tx)
        return version, self._people.everybody(tx)

    def apply(self, tx: Transaction, version: int, plan: ImportPlan) -> None:
        """Stores what an import changes."""
        self._people.save(tx, plan.added, (*plan.changed, *plan.deactivated), plan.digest)
        payload = {
            "added": [one.name for one in plan.added],
            "changed": [one.name for one in plan.changed],
            "deactivated": [one.name for one in plan.deactivated],
            "digest": plan.digest,
        }
        tx.record("directory.imported", RESOURCE, version, payload)

    def hold_still(self, tx: Transaction) -> None:
        """Nobody's authority changes before this transaction ends: of the two, one comes first."""
        self._people.share(tx)

    def hold_alone(self, tx: Transaction) -> None:
        """Nobody decides by the directory before this transaction ends."""
        self._people.claim(tx)

    def resolve(
        self,
        tx: Transaction,
        name: str,
        purpose: Purpose,
        on_behalf_of: str = "",
        at: datetime | None = None,
    ) -> Authority:
        """A person's authority for a purpose at an instant, now by default; NOT_FOUND for nobody.

        `on_behalf_of` stays empty in the answer where no delegation covers it.
        """
        person = self._people.load(tx, name)
        return self._authority(tx, person, purpose, on_behalf_of, at or tx.now)

    def decider(self, tx: Transaction, purpose: Purpose, on_behalf_of: str = "") -> Authority:
        """The caller's authority to decide here and now.

        Refuses with NOT_A_HOLDER a workload, who is not in the directory, has left or is a guest,
        and who acts in a name for which no delegation holds. What it reads of the person, the
        delegator and the delegation does not change before the decision is stored: who revokes,
        demotes or removes them meanwhile waits, and what was acknowledged before it is seen.
        """
        actor = tx.call.principal
        person = self._people.hold(tx, actor.subject) if actor.is_person else None
        if person is None:
            raise Denied(
                "NOT_A_HOLDER", f"{actor.subject} is nobody of the directory and decides nothing"
            )
        if not decides(self._charter, person):
            why = "is a guest" if person.guest else "no longer works here"
            raise Denied("NOT_A_HOLDER", f"{person.name} {why} and decides nothing")
        principal = "" if on_behalf_of == person.name else on_behalf_of
        authority = self._authority(tx, person, purpose, principal, tx.now)
        if authority.on_behalf_of != principal:
            raise Denied(
                "NOT_A_HOLDER",
                f"{principal} has delegated nothing of this kind to {person.name} that holds now",
            )
        return authority

    def able(self, tx: Transaction) -> Able:
        """Says of a name whether it may decide; each name is looked up once."""
        known: dict[str, bool] = {}

        def look(name: str) -> bool:
            if name not in known:
                person = self._people.find(tx, name)
                known[name] = person is not None and decides(self._charter, person)
            return known[name]

        return look

    def principals(self, tx: Transaction, name: str) -> list[str]:
        """In whose name a person may pledge or speak for a unit now."""
        person = self._people.find(tx, name)
        if person is None or not person.able:
            return []
        found = {
            one.delegator
            for one in self._delegations.held_by(tx, name)
            if one.purpose in _HERE and one.holds(tx.now) and self._lends(tx, person, one)
        }
        return sorted(found)

    def _lends(self, tx: Transaction, person: Person, one: Delegation) -> bool:
        delegator = self._people.find(tx, one.delegator)
        lent = delegator and lent_to(self._charter, person, delegator, one.purpose, [one], tx.now)
        return lent is not None

    def impartial(self, tx: Transaction, facts: Revision) -> Able:
        """Says of a name whether it may decide on a revision: able, and without an interest."""
        able = self.able(tx)
        known: dict[str, bool] = {}

        def look(name: str) -> bool:
            if name not in known:
                free = able(name) and not interested(facts, self._interests_of(tx, name, tx.now))
                known[name] = free
            return known[name]

        return look

    def present(self, tx: Transaction, name: str) -> bool:
        """Whether a name is of the directory and active, staff or guest."""
        person = self._people.find(tx, name)
        return person is not None and person.active

    def find(self, tx: Transaction, name: str) -> Person | None:
        """The person called `name`; None for nobody."""
        return self._people.find(tx, name)

    def side(self, person: Person) -> Side | None:
        """The side on which a person works today; None where their unit is none."""
        return side_of(self._charter, person.unit)

    def _authority(
        self, tx: Transaction, person: Person, purpose: Purpose, on_behalf_of: str, at: datetime
    ) -> Authority:
        lent = self._lent(tx, person, on_behalf_of, purpose, at)
        both = (person,) if lent is None else (person, lent[1])
        return authority_of(
            self._charter,
            person,
            purpose,
            resolved_at=tx.now,
            directory_digest=self._people.digest(tx),
            delegation=lent,
            interests=[one for who in both for one in self._interests_of(tx, who.name, at)],
            reports_to=[name for who in both for name in self._manager_of(tx, who)],
        )

    def _interests_of(self, tx: Transaction, name: str, at: datetime) -> list[Interest]:
        found = self._interests.in_force(tx, name, at)
        return [Interest(one.name, one.subject) for one in found]

    def _manager_of(self, tx: Transaction, person: Person) -> tuple[str, ...]:
        """The direct manager; nobody where that is who stands at the top of the house."""
        manager = self._people.find(tx, person.manager) if person.manager else None
        return (manager.name,) if manager is not None and manager.manager else ()

    def _lent(
        self, tx: Transaction, person: Person, on_behalf_of: str, purpose: Purpose, at: datetime
    ) -> tuple[Delegation, Person] | None:
        look = self._people.hold if tx.writable else self._people.find
        delegator = look(tx, on_behalf_of) if on_behalf_of else None
        if delegator is None:
            return None
        between = self._delegations.between(tx, delegator.name, person.name, purpose)
        found = lent_to(self._charter, person, delegator, purpose, between, at)
        return None if found is None else (found, delegator)
