"""Changes of the charter and of the directory that two people sign, and imports that need none."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from investiture.casework.charter_store import CharterStore
from investiture.casework.charters import CharterRecord, Charters, proposed_charter
from investiture.casework.words import Purpose
from investiture.charter.load import load_text
from investiture.chassis.refusal import InvalidArgument, Leg, NotFound, PreconditionFailed, Refusal
from investiture.chassis.transaction import Transaction
from investiture.sponsorship.domain import changes
from investiture.sponsorship.domain.changes import Change, ChangeKind, ChangeState
from investiture.sponsorship.domain.people import Aftermath, ImportPlan, Person, plan_import
from investiture.sponsorship.operations.directory import DirectoryOperations
from investiture.sponsorship.store.changes import ChangeStore

Applied = Callable[[Transaction, ImportPlan], Aftermath]
"""Does in an import's transaction what follows from it, and answers that."""


@dataclass(frozen=True, slots=True)
class Import:
    """People to import; `replacing` makes inactive whom it does not name.

    `effective_at` in the future makes the whole import wait for a second person and that date.
    """

    people: Sequence[Person]
    replacing: bool
    reason: str = ""
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did at once, what followed from it, and what waits for a second person."""

    plan: ImportPlan
    aftermath: Aftermath
    change: Change | None = None


class ChangeOperations:
    """Imports people, and proposes, signs, declines and applies changes."""

    def __init__(
        self,
        charters: Charters,
        directory: DirectoryOperations,
        store: ChangeStore,
        records: CharterStore,
        applied: Applied,
    ) -> None:
        self._charters = charters
        self._directory = directory
        self._store = store
        self._records = records
        self._applied = applied

    def import_people(self, tx: Transaction, asked: Import) -> Imported:
        """Imports people, all or none.

        What gives somebody authority waits for a second person, except in an empty directory;
        everything else, and above all what takes authority away, holds at once.
        """
        version, present = self._directory.lock(tx)
        charter = self._charters.in_force(tx.now)
        whole = plan_import(charter, present, asked.people, replacing=asked.replacing)
        gaining = changes.gaining_authority(charter, present, whole) if present else ()
        if asked.effective_at is not None and asked.effective_at > tx.now:
            change = self._wait(tx, asked, asked.people, whole, gaining)
            return Imported(
                replace(whole, added=(), changed=(), deactivated=()), Aftermath(), change
            )
        if not gaining:
            self._directory.apply(tx, version, whole)
            return Imported(whole, self._applied(tx, whole))
        held = _held_back(asked.people, present.keys(), gaining)
        waiting = [one for one in asked.people if one.name in held]
        change = self._wait(tx, replace(asked, replacing=False), waiting, whole, gaining)
        rest = [one for one in asked.people if one.name not in held]
        plan = plan_import(charter, present, rest, replacing=asked.replacing, keeping=held)
        self._directory.apply(tx, version, plan)
        return Imported(plan, self._applied(tx, plan), change)

    def propose_charter(
        self, tx: Transaction, document: str, reason: str, effective_at: datetime | None
    ) -> Change:
        """Proposes a charter in place of the newest that two people signed."""
        proposed = proposed_charter(document)
        authority = self._directory.decider(tx, Purpose.HOLD)
        newest = self._records.newest(tx.connection)
        change = changes.propose_charter(
            proposed,
            document,
            self._charters.known(newest.digest) or load_text(newest.document, newest.digest),
            authority.person,
            reason,
            effective_at,
            tx.now,
        )
        return self._proposed(tx, change)

    def approve(self, tx: Transaction, name: str, etag: str, comment: str) -> Change:
        """Signs a change as the second person; where its date has come it takes effect."""
        self._directory.hold_alone(tx)  # of two who sign, on any replica, one is first
        change = self._store.load(tx, name)
        changes.check_etag(change, etag)
        person = self._directory.decider(tx, Purpose.HOLD).person
        charter, able = self._charters.in_force(tx.now), self._directory.able(tx)
        changes.require_signer(charter, change, person, able)
        latest = self._records.newest(tx.connection).digest
        after = changes.approved(change, person, comment, latest, tx.now)
        if after.kind is ChangeKind.CHARTER:
            self._adopt(tx, after)
        elif after.effective_at is not None and after.effective_at <= tx.now:
            after = self._take_effect(tx, after)
        return self._saved(tx, change, after, "change.approved")

    def decline(self, tx: Transaction, name: str, etag: str, reason: str) -> Change:
        """Ends a change that was not signed yet."""
        change = self._store.load(tx, name)
        changes.check_etag(change, etag)
        actor = tx.call.principal
        person = self._directory.decider(tx, Purpose.HOLD).person if actor.is_person else ""
        charter = self._charters.in_force(tx.now)
        after = changes.declined(charter, change, person or actor.subject, reason, tx.now)
        return self._saved(tx, change, after, "change.declined")

    def read(self, tx: Transaction, name: str) -> Change:
        """The change called `name` as it reads now."""
        return changes.as_of(self._store.load(tx, name), tx.now)

    def page(
        self,
        tx: Transaction,
        kind: ChangeKind | None,
        state: ChangeState | None,
        before: int | None,
        limit: int,
    ) -> list[Change]:
        """Changes as they read now, the newest first."""
        found = self._store.page(tx, kind, state, before, limit)
        return [changes.as_of(one, tx.now) for one in found]

    def charter(self, tx: Transaction, digest: str) -> tuple[CharterRecord, bool]:
        """The charter of a digest, by default the one in force, and whether it is in force."""
        in_force = self._charters.in_force(tx.now)
        wanted = digest or in_force.digest
        found = [one for one in self._records.records(tx.connection) if one.digest == wanted]
        if not found:
            raise NotFound(f"charters/{digest}", f"no charter on record has the digest {digest}")
        begun = [one for one in found if one.since <= tx.now]
        return (begun or found)[-1], wanted == in_force.digest

    def any_due(self, tx: Transaction) -> bool:
        """Whether the date of a signed change of the directory has come."""
        return self._store.due(tx) is not None

    def apply_due(self, tx: Transaction) -> bool:
        """Applies the directory change whose date has come; whether there was one."""
        change = self._store.due(tx)
        if change is None:
            return False
        try:
            after = self._take_effect(tx, change)
        except Refusal as refusal:  # the directory has moved on since it was signed
            after = changes.failed(change, refusal.message)
        self._saved(tx, change, after, f"change.{after.state.lower()}")
        return True

    def _wait(
        self,
        tx: Transaction,
        asked: Import,
        people: Sequence[Person],
        plan: ImportPlan,
        gaining: Sequence[str],
    ) -> Change:
        content = {"people": [asdict(one) for one in people], "replacing": asked.replacing}
        document = json.dumps(content, ensure_ascii=False)
        change = changes.propose_people(
            people,
            document,
            plan,
            gaining,
            tx.call.principal.subject,
            asked.reason,
            asked.effective_at,
            tx.now,
        )
        return self._proposed(tx, change)

    def _take_effect(self, tx: Transaction, change: Change) -> Change:
        content = json.loads(change.document)
        people = [Person(**one) for one in content["people"]]
        version, present = self._directory.lock(tx)
        charter = self._charters.in_force(tx.now)
        try:
            plan = plan_import(charter, present, people, replacing=content["replacing"])
        except InvalidArgument as stale:
            raise PreconditionFailed(
                "WRONG_STATE",
                f"{change.name} fits the directory no more: {stale.message}",
                legs=(
                    Leg(
                        "DIRECTORY",
                        change.name,
                        stale.message,
                        "decline it and import these people again",
                    ),
                ),
            ) from None
        self._directory.apply(tx, version, plan)
        self._applied(tx, plan)
        return changes.effective(change, tx.now)

    def _adopt(self, tx: Transaction, change: Change) -> None:
        since = change.effective_at
        assert since is not None, "an approved change has its date"
        record = CharterRecord(change.digest, change.document, since, change.name)
        self._records.add(tx.connection, record)
        tx.after_commit(lambda: self._charters.adopt((record,)))

    def _proposed(self, tx: Transaction, change: Change) -> Change:
        stored = replace(change, number=self._store.insert(tx, change))
        payload = {
            "kind": stored.kind,
            "digest": stored.digest,
            "reason": stored.reason,
            "gaining": list(stored.gaining),
        }
        tx.record("change.proposed", stored.name, stored.version, payload)
        return stored

    def _saved(self, tx: Transaction, before: Change, after: Change, kind: str) -> Change:
        self._store.save(tx, before, after)
        payload = {
            "kind": after.kind,
            "digest": after.digest,
            "proposer": after.proposer,
            "decided_by": after.decided_by,
            "comment": after.comment,
            "failure": after.failure,
        }
        tx.record(kind, after.name, after.version, payload)
        return changes.as_of(after, tx.now)


def _held_back(
    people: Sequence[Person], present: Collection[str], gaining: Sequence[str]
) -> frozenset[str]:
    """Who waits with those who gain authority: new people below a manager who is not there yet."""
    held = set(gaining)
    while True:
        below = {
            one.name
            for one in people
            if one.manager in held and one.manager not in present and one.name not in held
        }
        if not below:
            return frozenset(held)
        held |= below
