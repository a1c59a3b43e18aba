"""The registers: conflicts of interest, and delegations in bulk."""

from collections.abc import Sequence
from uuid import uuid4

from investiture.charter.model import Charter
from investiture.chassis.refusal import Denied, FieldViolation, InvalidArgument, NotFound
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain.delegations import Delegation
from investiture.sponsorship.domain.interests import (
    Declaration,
    Interest,
    declared,
    ended,
    repeated,
    require_declarer,
    violations,
)
from investiture.sponsorship.domain.lending import Row, plan_lending
from investiture.sponsorship.store.delegations import DelegationStore
from investiture.sponsorship.store.interests import InterestStore
from investiture.sponsorship.store.people import PeopleStore

_INTERESTS = "/interests/"
_ROWS = "interests"
_SEE_INTERESTS = frozenset({"governance", "auditor", "operator"})
_SEE_DELEGATIONS = frozenset({*_SEE_INTERESTS, "directory-admin"})


class RegisterOperations:
    """Declares, ends, lists and imports interests; lists and imports delegations."""

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

    def declare(self, tx: Transaction, said: Declaration) -> Interest:
        """Declares an interest of the caller's or, by office, of somebody else's."""
        actor = tx.call.principal
        require_declarer(said.person, actor.subject, actor.roles)
        self._people.load(tx, said.person)
        made = declared(
            self._charter, said, _interest_name(said.person), actor.subject, tx.now, "interest."
        )
        self._interests.insert(tx, (made,))
        tx.record("interest.declared", made.name, made.version, _payload(made))
        return made

    def end(self, tx: Transaction, name: str, etag: str, reason: str) -> Interest:
        """Ends an interest; it stays on record."""
        actor = tx.call.principal
        person, found, _ = name.partition(_INTERESTS)
        if not found:
            raise NotFound(name)
        require_declarer(person, actor.subject, actor.roles)
        before = self._interests.load(tx, name)
        after = ended(before, etag, actor.subject, actor.roles, tx.now)
        if after is not before:
            self._interests.end(tx, before, after)
            tx.record("interest.ended", name, after.version, {"reason": reason})
        return after

    def interests(
        self,
        tx: Transaction,
        person: str,
        subject: str,
        after: str,
        limit: int,
        *,
        include_ended: bool,
    ) -> list[Interest]:
        """Interests by name; of others' only for who may see them."""
        whose = self._seen(tx, person, _SEE_INTERESTS, "interests")
        at = None if include_ended else tx.now
        return self._interests.page(tx, whose, subject, at, after, limit)

    def import_interests(self, tx: Transaction, said: Sequence[Declaration]) -> list[Interest]:
        """Declares many, all or none; INVALID_FIELD names each field that is wrong by its row."""
        actor = tx.call.principal.subject
        people = self._people.everybody(tx)
        wrong = [*repeated(said, _ROWS)]
        for index, one in enumerate(said):
            at = f"{_ROWS}[{index}]."
            if one.person not in people:
                who = f"{one.person} is not in the directory" if one.person else "say whose it is"
                wrong.append(FieldViolation(f"{at}person", who))
            wrong += violations(self._charter, one, tx.now, at)
        if wrong:
            raise InvalidArgument(violations=wrong)
        made = [
            declared(self._charter, one, _interest_name(one.person), actor, tx.now) for one in said
        ]
        self._interests.insert(tx, made)
        for interest in made:
            tx.record("interest.declared", interest.name, interest.version, _payload(interest))
        return made

    def delegations(
        self, tx: Transaction, person: str, after: str, limit: int, *, include_ended: bool
    ) -> list[Delegation]:
        """Delegations by name; of others' only for who may see them."""
        whose = self._seen(tx, person, _SEE_DELEGATIONS, "delegations")
        at = None if include_ended else tx.now
        return self._delegations.page(tx, whose, at, after, limit)

    def import_delegations(self, tx: Transaction, rows: Sequence[Row]) -> tuple[Delegation, ...]:
        """Draws up many, all or none; INVALID_FIELD names each field that is wrong by its row."""
        self._people.lock(tx)  # two imports follow each other, and none meets a changing directory
        made = plan_lending(
            self._charter,
            self._people.everybody(tx),
            self._delegations.living(tx, tx.now),
            [(f"{row.delegator}/delegations/{uuid4().hex[:12]}", row) for row in rows],
            tx.call.principal.subject,
            tx.now,
        )
        self._delegations.insert_all(tx, made)
        for one in made:
            payload: dict[str, object] = {
                "delegate": one.delegate,
                "purpose": one.purpose.value,
                "limit_minor": None if one.limit_minor is None else str(one.limit_minor),
                "starts_at": one.starts_at.isoformat(),
                "ends_at": one.ends_at.isoformat(),
            }
            tx.record("delegation.imported", one.name, one.version, payload)
        return made

    def _seen(self, tx: Transaction, person: str, offices: frozenset[str], what: str) -> str:
        """Whose rows a caller gets: everybody's (empty) only by office."""
        actor = tx.call.principal
        if offices & actor.roles:
            return person
        if person not in ("", actor.subject):
            raise Denied(
                "NOT_A_HOLDER",
                f"you may list your own {what}; {', '.join(sorted(offices))} list others'",
            )
        return actor.subject


def _interest_name(person: str) -> str:
    return f"{person}{_INTERESTS}{uuid4().hex[:12]}"


def _payload(made: Interest) -> dict[str, object]:
    return {
        "subject": made.subject,
        "kind": made.kind.value,
        "starts_at": made.starts_at.isoformat(),
        "ends_at": made.ends_at.isoformat() if made.ends_at else "",
    }
