"""Which charter an act reads: a case its own, whatever was signed since; what begins today's."""

from collections.abc import Callable
from typing import Generic, TypeVar

from investiture.casework.case import Case
from investiture.casework.charter_store import CharterStore
from investiture.casework.charters import Charters
from investiture.charter.load import load_text
from investiture.charter.model import Charter
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.chassis.transaction import Transaction

T_co = TypeVar("T_co", covariant=True)


class Rules:
    """The charter in force, and that of each case: each is read from the record once."""

    def __init__(self, charters: Charters, in_force: Charter) -> None:
        self.in_force = in_force
        self._charters = charters
        self._store = CharterStore()
        self._read = {in_force.digest: in_force}

    def of(self, tx: Transaction, digest: str) -> Charter:
        """The charter of a digest, for ever the same but for who governs today.

        Refuses with WRONG_STATE a digest that is not on record: no other charter stands in.
        """
        found = self._read.get(digest)
        if found is None:
            found = self._read[digest] = self._governed(self._on_record(tx, digest))
        return found

    def under(self, charter: Charter) -> "Rules":
        """The rules as they would be if another charter were in force."""
        return Rules(self._charters, charter)

    def _on_record(self, tx: Transaction, digest: str) -> Charter:
        known = self._charters.known(digest)
        if known is not None:
            return known
        document = self._store.document(tx.connection, digest)  # adopted by another replica?
        if document is None:
            why = f"no charter on record has the digest {digest or '(none)'}"
            raise PreconditionFailed(
                "WRONG_STATE",
                f"{why}: what is pinned to it is read by no other charter",
                legs=(
                    Leg(
                        "CHARTER",
                        digest,
                        why,
                        "restore this service's charter_record from its backup, then call again",
                    ),
                ),
            )
        return load_text(document, digest)

    def _governed(self, pinned: Charter) -> Charter:
        """With today's governance, and whom it has now where a stand-in from outside is foreseen.

        Those are posts of the house, and the directory lets only who holds one today decide: a case
        must not wait for a governance owner who is none any more.
        """
        outside = pinned.countersigner and self.in_force.countersigner
        return pinned.model_copy(
            update={"governance": self.in_force.governance, "countersigner": outside}
        )


class Pinned(Generic[T_co]):
    """What is made of each charter once, and found again by a case."""

    def __init__(self, rules: Rules, make: Callable[[Charter], T_co]) -> None:
        self._rules = rules
        self._make = make
        self.in_force = make(rules.in_force)
        self._made = {rules.in_force.digest: self.in_force}

    def of(self, tx: Transaction, case: Case) -> T_co:
        """What the charter that the case was opened under makes of it."""
        digest = case.charter_digest
        found = self._made.get(digest)
        if found is None:
            found = self._made[digest] = self._make(self._rules.of(tx, digest))
        return found

    def under(self, rules: Rules) -> "Pinned[T_co]":
        """The same of other rules."""
        return Pinned(rules, self._make)
