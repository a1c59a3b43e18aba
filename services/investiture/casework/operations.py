"""The operations that every gate shares, each load → decide → save inside one transaction.

A service gives a `Desk` for each of its gates: what differs between gates, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from investiture.casework import case as cases
from investiture.casework import extensions
from investiture.casework.case import Case, DueStep, Escalation, Holder
from investiture.casework.desk import Desk, HoldingDesk
from investiture.casework.facts import Ending, Evidence, Warrant
from investiture.casework.openings import Fresh, Tolerance, Weighed, reopen, superseded
from investiture.casework.standing import Part, RollCall, anybodys, attended, callable_chain
from investiture.casework.statements import missing_warrants, warrant_for
from investiture.casework.store import CaseStore
from investiture.casework.succession import succeeding
from investiture.casework.words import WAITING, CaseState, Gate, Step
from investiture.charter import timetable as dates
from investiture.charter.model import Charter
from investiture.chassis.refusal import Denied, InvalidArgument, PreconditionFailed
from investiture.chassis.tracing import link_to
from investiture.chassis.transaction import Transaction

CHANGES = "CHANGES"
"""Key of the proposer's timetable in the charter's SLAs."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A case as it reads now, with the next step of its timetable."""

    case: Case
    following: DueStep | None


class CaseOperations:
    """Opens, reads, escalates, releases, voids and reassigns the cases of a service's gates."""

    def __init__(self, store: CaseStore, charter: Charter, desks: Sequence[Desk]) -> None:
        self.store = store
        self._charter = charter
        self._desks: Mapping[Gate, Desk] = {desk.gate: desk for desk in desks}

    def desk(self, gate: Gate) -> Desk:
        """The desk of a gate that this service owns; INVALID_FIELD for another's."""
        try:
            return self._desks[gate]
        except KeyError:
            owned = ", ".join(self._desks)
            raise InvalidArgument.of(
                "gate", f"this service owns {owned}; ask the service that owns {gate.value}"
            ) from None

    def open(self, tx: Transaction, gate: Gate, evidence: Evidence) -> Reading:
        """Opens the gate's case for a revision, or answers, moves or carries the present one."""
        desk, facts = self.desk(gate), evidence.revision
        if self.store.ended(tx, facts.program, gate):
            raise PreconditionFailed(
                "PROGRAM_ENDED", f"{facts.program} has ended; nothing can be opened for it"
            )
        legs = missing_warrants(evidence, desk.required, tx.now)
        if legs:
            raise PreconditionFailed(
                "BUSINESS_FIRST",
                f"{gate.value.lower()} is asked too early: "
                + "; ".join(x.description for x in legs),
                legs=legs,
            )
        desk.admit(tx, evidence)
        present = self.newest(tx, facts.program, gate)
        decided = present.decided if present else None
        same_tier = decided is None or desk.same_tier(decided, facts)
        weighed = _weighed(tx, desk, present, evidence)
        opening = reopen(
            present,
            facts,
            gate,
            self._tolerance(gate),
            tx.now,
            same_tier=same_tier,
            weighed=weighed,
        )
        if isinstance(opening, Fresh):
            why = weighed.notes if weighed else ()
            return self.reading(self._fresh(tx, desk, evidence, opening, why), tx.now)
        if not opening.changed or present is None:
            return self.reading(opening.case, tx.now)
        kind = f"{gate.value.lower()}.carried"
        after = self.governed(tx, opening.case)  # the new revision may name who must not decide it
        return self.reading(self.store.save(tx, present, after, kind, {}), tx.now)

    def read(self, tx: Transaction, program: str, gate: Gate) -> Reading | None:
        """The newest case of a program's gate as it reads now."""
        case = self.newest(tx, program, self.desk(gate).gate)
        return None if case is None else self.reading(case, tx.now)

    def newest(self, tx: Transaction, program: str, gate: Gate) -> Case | None:
        """The newest round of a gate, expired where its validity ended."""
        case = self.store.newest(tx, program, gate)
        return None if case is None else cases.as_of(case, tx.now)

    def find(self, tx: Transaction, name: str, etag: str | None = None) -> Case:
        """The case called `name` as it reads now; with an etag, refused where it is another's."""
        gate = next(
            (g for g, d in self._desks.items() if f"/{d.collection}/" in name),
            next(iter(self._desks)),
        )
        case = cases.as_of(self.store.find(tx, name, gate), tx.now)
        if etag is not None:
            link_to(case.traceparent)
            cases.check_etag(case, etag)
        return case

    def escalate(self, tx: Transaction, name: str) -> tuple[Reading, tuple[Escalation, ...]]:
        """Takes every step that is due by the service's clock; harmless where none is."""
        case = self.find(tx, name)
        moved, taken = self.escalated(tx, case)
        if not taken:
            return self.reading(case, tx.now), ()
        payload = {**_steps(taken), "no_eligible_holder": moved.no_eligible_holder}
        saved = self.store.save(tx, case, moved, f"{case.gate.value.lower()}.escalated", payload)
        return self.reading(saved, tx.now), taken

    def extend(self, tx: Transaction, name: str, etag: str, reason: str) -> Reading:
        """Gives the present wait more time, once: a holder who may decide may have it.

        What is due by now is taken first, so that it does not matter whether the path was awake.
        """
        case = self.find(tx, name, etag)
        cases.require_state(case, CaseState.OPEN, CaseState.CHANGES_REQUESTED)
        holder = cases.require_holder(case, tx.call.principal.subject)
        due, taken = self.escalated(tx, case)
        extensions.require_extendable(due)
        own = self.desk(case.gate).more_time(tx, case)
        table = own or dates.extended(self._charter, _wait_of(case), case.timetable, tx.now)
        after = extensions.extend(due, holder, table, tx.now, reason)
        kind = f"{case.gate.value.lower()}.extended"
        payload = {
            **_steps(taken),
            "reason": reason,
            "overdue_before": case.timetable.overdue_at.isoformat(),
            "overdue_at": table.overdue_at.isoformat(),
        }
        return self.reading(self.store.save(tx, case, after, kind, payload), tx.now)

    def escalated(self, tx: Transaction, case: Case) -> tuple[Case, tuple[Escalation, ...]]:
        """The case after every step that is due, still to be saved, and the steps."""
        roll = self.store.standings.roll(tx, self._charter.countersigner)
        line = self.desk(case.gate).chain(tx, case)
        chain = callable_chain(line, self.parts(tx, case), roll, tx.now)
        stepped, taken = cases.escalate(
            case, tx.now, lambda recorded: self._next(case, recorded, tx.now), chain
        )
        return (self._attended(tx, stepped, roll) if taken else case), taken

    def release(self, tx: Transaction, gate: Gate, ending: Ending) -> Reading | None:
        """Gives back everything held for a program that has ended; harmless when repeated."""
        desk = self.desk(gate)
        case = self.newest(tx, ending.program, gate)
        if not self.store.ended(tx, ending.program, gate):
            self.store.end(tx, ending, gate)
        if case is None:
            return None
        if case.state is CaseState.RELEASED:
            return self.reading(case, tx.now)
        desk.released(tx, case, ending)
        after = cases.release(case, ending, tx.now)
        kind = f"{gate.value.lower()}.released"
        payload = {"outcome": ending.outcome.value, "decided_by": ending.decided_by}
        return self.reading(self.store.save(tx, case, after, kind, payload), tx.now)

    def void(self, tx: Transaction, name: str, etag: str, reason: str) -> Reading:
        """Takes a standing decision back: its deciders may, and governance."""
        case = self.find(tx, name, etag)
        actor = tx.call.principal
        if actor.subject not in case.people and "governance" not in actor.roles:
            raise Denied(
                "NOT_A_HOLDER",
                f"{actor.subject} did not decide {case.name}; who decided it, or governance, may "
                "void it",
            )
        cases.require_state(case, CaseState.STANDING)
        self.desk(case.gate).voided(tx, case)
        after = cases.void(case, tx.now, reason)
        kind = f"{case.gate.value.lower()}.voided"
        return self.reading(self.store.save(tx, case, after, kind, {"reason": reason}), tx.now)

    def close_condition(
        self, tx: Transaction, name: str, etag: str, condition_id: str, evidence: str
    ) -> Reading:
        """Closes a condition with its evidence: its owner may, and the case's deciders."""
        case = self.find(tx, name, etag)
        condition = cases.find_condition(case, condition_id)
        actor = tx.call.principal.subject
        if actor != condition.owner and actor not in case.people:
            raise Denied(
                "NOT_A_HOLDER",
                f"the condition belongs to {condition.owner}; its owner or a decider of the case "
                "closes it",
            )
        cases.require_state(case, CaseState.STANDING, CaseState.OPEN)
        after = cases.close_condition(case, condition_id, evidence, tx.now)
        kind = f"{case.gate.value.lower()}.condition_closed"
        payload = {"condition": condition_id, "evidence": evidence}
        return self.reading(self.store.save(tx, case, after, kind, payload), tx.now)

    def reassign(self, tx: Transaction, name: str, etag: str, person: str, reason: str) -> Reading:
        """Hands the caller's part of an open case, or by governance any part, to a person."""
        case = self.find(tx, name, etag)
        cases.require_state(case, CaseState.OPEN)
        actor = tx.call.principal.subject
        held = case.held_by(actor)
        governance = self._charter.governance
        if held is None and actor in (governance.owner, governance.deputy):
            held = Holder(actor, cases.GOVERNANCE, tx.now)
        if held is None:
            raise Denied("NOT_A_HOLDER", f"{actor} does not hold {case.name}")
        roll = self.store.standings.roll(tx, self._charter.countersigner)
        chain = [one for one in self.desk(case.gate).chain(tx, case) if roll.able(one.person)]
        given_up, holder = cases.handed_over(case, held, person, chain, tx.now)
        after = self._attended(tx, cases.reassign(case, given_up, holder), roll)
        kind = f"{case.gate.value.lower()}.reassigned"
        payload = {"to": person, "reason": reason}
        return self.reading(self.store.save(tx, case, after, kind, payload), tx.now)

    def warrant(self, tx: Transaction, program: str, gate: Gate) -> Warrant:
        """A fresh warrant from the present record; WRONG_STATE where nothing stands."""
        desk = self.desk(gate)
        case = self.newest(tx, program, gate)
        if case is None:
            raise PreconditionFailed(
                "WRONG_STATE", f"{program} has no {gate.value.lower()} case yet; nothing stands"
            )
        return desk.warrant(tx, case, warrant_for(case, tx.now))

    def terms(self, tx: Transaction, case: Case) -> Sequence[str]:
        """What the case would ask if it were opened now, one line each; it is opened by that."""
        desk = self.desk(case.gate)
        new = self._fresh(tx, desk, desk.evidence(tx, case), Fresh(case.round + 1, None), ())
        held = sorted(
            f"held by {one.person} as {one.role}{f' for {one.unit}' if one.unit else ''}"
            for one in new.holders
        )
        due = f"due {new.timetable.overdue_at:%Y-%m-%d %H:%M} UTC"
        return (*held, due, *desk.terms(tx, new))

    def governed(self, tx: Transaction, case: Case) -> Case:
        """The case in the hands of people who are there; in nobody's it is governance's at once."""
        return self._attended(tx, case, self.store.standings.roll(tx, self._charter.countersigner))

    @property
    def governing(self) -> tuple[str, str]:
        """The governance owner and deputy."""
        return self._charter.governance.owner, self._charter.governance.deputy

    def attend(self, tx: Transaction, name: str) -> Case:
        """Looks again at who holds a waiting case, and saves it where that changed."""
        case = self.store.load(tx, name)
        after = self.governed(tx, case)
        if after is case:
            return case
        before = {one.person for one in case.holders}
        now = {one.person for one in after.holders}
        payload = {
            "left": sorted(before - now),
            "added": sorted(now - before),
            "no_eligible_holder": after.no_eligible_holder,
        }
        return self.store.save(tx, case, after, f"{case.gate.value.lower()}.attended", payload)

    def _attended(self, tx: Transaction, case: Case, roll: RollCall) -> Case:
        if case.state not in WAITING:
            return case
        parts, desk = self.parts(tx, case), self.desk(case.gate)
        return attended(case, parts, lambda: desk.chain(tx, case), roll, tx.now)

    def parts(self, tx: Transaction, case: Case) -> Sequence[Part]:
        """Changes that are requested are one person's to make; else the gate's desk knows."""
        if case.state is CaseState.OPEN:
            return self.desk(case.gate).parts(tx, case)
        return (anybodys(None),)

    def reading(self, case: Case, now: datetime) -> Reading:
        """The case with the next step of its timetable."""
        if not case.in_hands:
            return Reading(case, None)
        return Reading(case, self._next(case, case.steps_in_wait, now))

    def changes_timetable(self, now: datetime) -> dates.Timetable:
        """The proposer's timetable while changes are requested."""
        return dates.timetable(self._charter, CHANGES, now)

    def validity(self, gate: Gate) -> timedelta:
        """How long a decision of this gate stands."""
        return self._charter.validity(gate.value).elapsed

    def _next(self, case: Case, recorded: int, now: datetime) -> DueStep:
        due = dates.next_step(self._charter, _wait_of(case), case.timetable, recorded, now)
        return DueStep(Step(due.step.value), due.at, due.index)

    def _fresh(
        self, tx: Transaction, desk: Desk, evidence: Evidence, opening: Fresh, why: Sequence[str]
    ) -> Case:
        facts, gate = evidence.revision, desk.gate
        new = Case(
            name=f"{facts.program}/{desk.collection}/{opening.round}",
            program=facts.program,
            gate=gate,
            round=opening.round,
            facts=facts,
            state=CaseState.OPEN,
            version=1,
            timetable=dates.timetable(self._charter, gate.value, tx.now),
            opened_at=tx.now,
            waiting_since=tx.now,
            charter_digest=self._charter.digest,
            traceparent=tx.call.traceparent,
        )
        old = opening.superseded
        if old is not None:
            replaced = superseded(old, tx.now)
            kind = f"{gate.value.lower()}.superseded"
            self.store.save(tx, old, replaced, kind, {"by": new.name})
            new = succeeding(old, replace(new, escalations=(), waited_ms=0))
            desk.superseded(tx, old, new)
        new = self.governed(tx, cases.with_holders(new, desk.holders(tx, new, evidence)))
        own = desk.reason(tx, new) if isinstance(desk, HoldingDesk) else ""
        reasons = dict.fromkeys(filter(None, (new.reason, *why, own)))
        new = replace(new, reason="; ".join(reasons))
        return self.store.insert(tx, new, f"{gate.value.lower()}.opened", {"round": new.round})

    def _tolerance(self, gate: Gate) -> Tolerance:
        allowed = self._charter.tolerance(gate.value)
        return Tolerance(
            material=self._charter.material_of(gate.value),
            amount_increase_bps=allowed.amount_increase_bps,
            exposure_increase_bps=allowed.exposure_increase_bps,
        )


def _wait_of(case: Case) -> str:
    """Key of the case's present wait in the charter's SLAs."""
    return CHANGES if case.state is CaseState.CHANGES_REQUESTED else case.gate.value


def _steps(taken: Sequence[Escalation]) -> dict[str, object]:
    """What the audit trail keeps of steps that were taken."""
    return {
        "steps": [step.step.value for step in taken],
        "due_at": [step.due_at.isoformat() for step in taken],
        "added": [person for step in taken for person in step.added],
    }


def _weighed(
    tx: Transaction, desk: Desk, present: Case | None, evidence: Evidence
) -> Weighed | None:
    """What a desk that holds something says of a materially other, later revision."""
    if present is None or not isinstance(desk, HoldingDesk):
        return None
    facts = evidence.revision
    later = facts.number > present.facts.number
    same = present.gate_digest == facts.gate_digest(present.gate)
    if present.state is not CaseState.STANDING or not later or same:
        return None
    return desk.weigh(tx, present, evidence)
