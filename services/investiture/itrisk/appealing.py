"""An appeal against a decline: load → decide → save, inside one transaction."""

from collections.abc import Mapping, Sequence

from investiture.casework import appeals
from investiture.casework import case as cases
from investiture.casework.case import Case
from investiture.casework.conflicts import require_independent
from investiture.casework.directory import require_able
from investiture.casework.facts import Appeal, Authority
from investiture.casework.operations import CaseOperations
from investiture.casework.rules import Pinned
from investiture.casework.words import AppealOutcome
from investiture.charter import timetable as dates
from investiture.chassis.refusal import Stale
from investiture.chassis.transaction import Transaction
from investiture.itrisk import domain
from investiture.itrisk.desk import KnightDesk
from investiture.itrisk.operations import ReviewOperations, ReviewReading
from investiture.itrisk.store import ReviewStore


class AppealOperations:
    """Appeals a decline, accepts it, and decides the appeal."""

    def __init__(
        self,
        cases_: CaseOperations,
        desks: Pinned[KnightDesk],
        reviews: ReviewStore,
        reading: ReviewOperations,
    ) -> None:
        self._cases = cases_
        self._desks = desks
        self._reviews = reviews
        self._reading = reading

    def between(self, tx: Transaction, name: str) -> Sequence[str]:
        """The two sides of an appeal, above which it is decided: who pledged, and who declined."""
        return self._between(tx, self._cases.find(tx, name))

    def appeal(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        grounds: str,
        evidence: Sequence[str],
        superiors: Mapping[str, Sequence[str]],
    ) -> ReviewReading:
        """The appeal of a sponsor or of the proposer, in the hands of who decides it.

        `superiors` is the line above each person of `between`, as the directory has it.
        """
        case = self._cases.find(tx, name, etag)
        person = tx.call.principal.subject
        appeals.require_party(case, self._sponsors(tx, case), person)
        appeals.require_appealable(case, tx.now)
        between = self._between(tx, case)
        if set(between) != set(superiors):
            raise Stale(case.name, case.etag, "somebody else sponsors it since; appeal again")
        line = self._desks.of(tx, case).arbiters.line(tx, case, [superiors[one] for one in between])
        made = Appeal(
            person=person,
            grounds=grounds,
            evidence=tuple(evidence),
            made_at=tx.now,
            declined_by=case.deciders[-1].people,
            line=line,
        )
        rules = self._cases.rules(tx, case)
        table = dates.timetable(rules, case.gate.value, tx.now)
        after = self._cases.governed(tx, appeals.appealed(case, made, table, tx.now))
        payload = {
            "appellant": person,
            "declined_by": list(made.declined_by),
            "evidence": list(made.evidence),
            "line": list(line),
            "holders": [one.person for one in after.holders],
        }
        return self._saved(tx, case, after, "appealed", payload)

    def accept(self, tx: Transaction, name: str, etag: str) -> ReviewReading:
        """The decline final at once, by who might have appealed it."""
        case = self._cases.find(tx, name, etag)
        person = tx.call.principal.subject
        appeals.require_party(case, self._sponsors(tx, case), person)
        appeals.require_appealable(case, tx.now)
        return self._saved(
            tx, case, appeals.accepted(case, person, tx.now), "decline_accepted", {"by": person}
        )

    def decide(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        outcome: AppealOutcome,
        reason: str,
        authority: Authority,
    ) -> ReviewReading:
        """The appeal upheld or granted, by who holds it and stands on none of the three sides."""
        case = self._cases.find(tx, name, etag)
        after = appeals.decided(case, outcome, authority.person, reason, tx.now)
        require_able(authority)
        took_part = self._desks.of(tx, case).arbiters.took_part(tx, case)
        appeals.require_neutral(case, authority.people, took_part)
        require_independent(case.facts, authority)
        cases.require_holder(case, authority.person)
        payload = {
            "authority": authority.evidence(),
            "outcome": outcome.value,
            "appellant": after.appeal.person if after.appeal else "",
            "declined_by": list(after.appeal.declined_by) if after.appeal else [],
            "reason": reason,
        }
        return self._saved(tx, case, after, "appeal_decided", payload)

    def _between(self, tx: Transaction, case: Case) -> Sequence[str]:
        pledged = self._reviews.load(tx, case.name).sponsors
        sponsors = pledged or domain.sponsors(case.facts, ())
        declined_by = case.deciders[-1].people if case.deciders else ()
        return tuple(dict.fromkeys((*sponsors, *declined_by)))

    def _sponsors(self, tx: Transaction, case: Case) -> Sequence[str]:
        return domain.sponsors(case.facts, self._reviews.load(tx, case.name).sponsors)

    def _saved(
        self, tx: Transaction, case: Case, after: Case, what: str, payload: Mapping[str, object]
    ) -> ReviewReading:
        kind = f"{case.gate.value.lower()}.{what}"
        return self._reading.reading(tx, self._cases.store.save(tx, case, after, kind, payload))
