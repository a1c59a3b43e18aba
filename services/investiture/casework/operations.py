"""The operations that every gate shares, each load → decide → save inside one transaction.

A service gives a `Desk` for each of its gates: what differs between gates, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from investiture.casework import appeals, conditions, emergencies, extensions
from investiture.casework import case as cases
from investiture.casework.case import Case, DueStep, Escalation, Holder
from investiture.casework.desk import Desk, EmergencyDesk, HoldingDesk, LaneDesk, ReviewingDesk
from investiture.casework.directory import require_able
from investiture.casework.escalating import escalate, recorded
from investiture.casework.facts import Authority, Ending, Evidence, Warrant
from investiture.casework.handing_over import handed_over, reassign
from investiture.casework.openings import Fresh, Kept, Weighed, reopen, superseded, tolerance_of
from investiture.casework.rules import Pinned, Rules
from investiture.casework.standing import Part, RollCall, anybodys, attended, callable_chain
from investiture.casework.statements import missing_warrants, warrant_for
from investiture.casework.store import CaseStore
from investiture.casework.succession import succeeding
from investiture.casework.trial_lane import ON_FOOT
from investiture.casework.words import Basis, CaseState, Gate, Step
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

    def __init__(self, store: CaseStore, rules: Rules, desks: Sequence[Pinned[Desk]]) -> None:
        self.store = store
        self._rules = rules
        self._desks: Mapping[Gate, Pinned[Desk]] = {desk.in_force.gate: desk for desk in desks}

    def under(self, charter: Charter) -> "CaseOperations":
        """The operations as they would be if another charter were in force."""
        rules = self._rules.under(charter)
        return CaseOperations(self.store, rules, [one.under(rules) for one in self._desks.values()])

    def rules(self, tx: Transaction, case: Case) -> Charter:
        """The charter that the case was opened under: every act on it reads that one."""
        return self._rules.of(tx, case.charter_digest)

    def desk(self, gate: Gate) -> Desk:
        """The desk of a gate that this service owns, for what is opened; INVALID_FIELD else."""
        try:
            return self._desks[gate].in_force
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
        present = self.newest(tx, facts.program, gate)
        opening, why = self._opening(tx, desk, present, evidence)
        if isinstance(opening, Fresh):
            desk.admit(tx, evidence)
            return self.reading(tx, self._fresh(tx, desk, evidence, opening, why))
        self._desk_of(tx, opening.case).admit(tx, evidence)
        if not opening.changed or present is None:
            return self.reading(tx, opening.case)
        kind = f"{gate.value.lower()}.carried"
        after = self.governed(tx, opening.case)  # the new revision may name who must not decide it
        return self.reading(tx, self.store.save(tx, present, after, kind, {}))

    def read(self, tx: Transaction, program: str, gate: Gate) -> Reading | None:
        """The newest case of a program's gate as it reads now."""
        case = self.newest(tx, program, self.desk(gate).gate)
        return None if case is None else self.reading(tx, case)

    def newest(self, tx: Transaction, program: str, gate: Gate) -> Case | None:
        """The newest round of a gate, expired where its validity ended."""
        case = self.store.newest(tx, program, gate)
        return None if case is None else cases.as_of(case, tx.now)

    def find(self, tx: Transaction, name: str, etag: str | None = None) -> Case:
        """The case called `name` as it reads now; with an etag, refused where it is another's."""
        case = cases.as_of(self.store.find(tx, name, self.gate_of(name)), tx.now)
        if etag is not None:
            link_to(case.traceparent)
            cases.check_etag(case, etag)
        return case

    def gate_of(self, name: str) -> Gate:
        """The gate of a case by its name; the service's first for a name that is nobody's."""
        return next(
            (g for g, d in self._desks.items() if f"/{d.in_force.collection}/" in name),
            next(iter(self._desks)),
        )

    def decide_provisionally(
        self, tx: Transaction, name: str, etag: str, reason: str, authority: Authority
    ) -> Reading:
        """One of two voices by which an open case stands for a while in an emergency."""
        case = self.find(tx, name, etag)
        rules, desk = self.rules(tx, case), self._desk_of(tx, case)
        path = emergencies.require_possible(rules, case, tx.now)
        assert isinstance(desk, EmergencyDesk), f"nothing is declared for {case.gate}"
        acting = desk.acting(tx, authority)
        require_able(acting)
        emergencies.require_seat(rules, path, case, acting)
        bound = desk.may_decide(tx, case, acting)
        until = emergencies.runs_out(path, tx.now, bound)
        after = emergencies.voiced(case, acting, reason, tx.now, until)
        stands = emergencies.in_force(after, tx.now)
        payload: dict[str, object] = {"authority": acting.evidence(), "reason": reason}
        if stands:
            payload["standing_until"] = until.isoformat()
        kind = f"{case.gate.value.lower()}.decided_provisionally"
        saved = self.store.save(tx, case, after, kind, payload)
        if stands:
            desk.decided_provisionally(tx, saved)
        return self.reading(tx, saved)

    def escalate(self, tx: Transaction, name: str) -> tuple[Reading, tuple[Escalation, ...]]:
        """Takes every step that is due by the service's clock; harmless where none is."""
        case = self.find(tx, name)
        moved, taken = self.escalated(tx, case)
        if not taken:
            return self.reading(tx, case), ()
        payload = {**recorded(taken), "no_eligible_holder": moved.no_eligible_holder}
        what = "decline_final" if case.appealable and not moved.appealable else "escalated"
        saved = self.store.save(tx, case, moved, f"{case.gate.value.lower()}.{what}", payload)
        return self.reading(tx, saved), taken

    def extend(self, tx: Transaction, name: str, etag: str, reason: str) -> Reading:
        """Gives the present wait more time, once: a holder who may decide may have it.

        What is due by now is taken first, so that it does not matter whether the path was awake.
        """
        case = self.find(tx, name, etag)
        if not case.under_appeal:
            cases.require_state(case, CaseState.OPEN, CaseState.CHANGES_REQUESTED)
        holder = cases.require_holder(case, tx.call.principal.subject)
        due, taken = self.escalated(tx, case)
        extensions.require_extendable(due)
        own = self._desk_of(tx, case).more_time(tx, case)
        rules = self.rules(tx, case)
        table = own or dates.extended(rules, _wait_of(case), case.timetable, tx.now)
        after = extensions.extend(due, holder, table, tx.now, reason)
        kind = f"{case.gate.value.lower()}.extended"
        payload = {
            **recorded(taken),
            "reason": reason,
            "overdue_before": case.timetable.overdue_at.isoformat(),
            "overdue_at": table.overdue_at.isoformat(),
        }
        return self.reading(tx, self.store.save(tx, case, after, kind, payload))

    def escalated(self, tx: Transaction, case: Case) -> tuple[Case, tuple[Escalation, ...]]:
        """The case after every step that is due, still to be saved, and the steps."""
        rules = self.rules(tx, case)

        def following(recorded: int) -> DueStep:
            return _next(rules, case, recorded, tx.now)

        if case.appealable:
            return appeals.awaited(case, tx.now, following)
        roll = self.store.standings.roll(tx, rules.countersigner)
        line = self._desk_of(tx, case).chain(tx, case)
        chain = callable_chain(line, self.parts(tx, case), roll, tx.now)
        stepped, taken = escalate(case, tx.now, following, chain)
        return (self._attended(tx, stepped, roll) if taken else case), taken

    def release(self, tx: Transaction, gate: Gate, ending: Ending) -> Reading | None:
        """Gives back everything held for a program that has ended; harmless when repeated."""
        case = self.newest(tx, ending.program, self.desk(gate).gate)
        if not self.store.ended(tx, ending.program, gate):
            self.store.end(tx, ending, gate)
        if case is None:
            return None
        if case.state is CaseState.RELEASED:
            return self.reading(tx, case)
        self._desk_of(tx, case).released(tx, case, ending)
        after = cases.release(case, ending, tx.now)
        kind = f"{gate.value.lower()}.released"
        payload = {"outcome": ending.outcome.value, "decided_by": ending.decided_by}
        return self.reading(tx, self.store.save(tx, case, after, kind, payload))

    def void(self, tx: Transaction, name: str, etag: str, reason: str) -> Reading:
        """Takes a standing decision back: its deciders may, and governance."""
        case = self.find(tx, name, etag)
        actor = tx.call.principal
        people = emergencies.shown(case, tx.now).people
        if actor.subject not in people and "governance" not in actor.roles:
            raise Denied(
                "NOT_A_HOLDER",
                f"{actor.subject} did not decide {case.name}; who decided it, or governance, may "
                "void it",
            )
        return self.reading(tx, self.take_back(tx, case, reason))

    def take_back(self, tx: Transaction, case: Case, reason: str) -> Case:
        """Voids a standing decision for a reason that is on record: its gate reopens."""
        cases.require_state(emergencies.shown(case, tx.now), CaseState.STANDING)
        self._desk_of(tx, case).voided(tx, case)
        after = cases.void(case, tx.now, reason)
        kind = f"{case.gate.value.lower()}.voided"
        return self.store.save(tx, case, after, kind, {"reason": reason})

    def close_condition(
        self, tx: Transaction, name: str, etag: str, condition_id: str, evidence: str
    ) -> Reading:
        """Closes a condition with its evidence: its owner may, and the case's deciders."""
        case = self.find(tx, name, etag)
        condition = conditions.find_condition(case, condition_id)
        actor = tx.call.principal.subject
        if actor != condition.owner and actor not in case.people:
            raise Denied(
                "NOT_A_HOLDER",
                f"the condition belongs to {condition.owner}; its owner or a decider of the case "
                "closes it",
            )
        cases.require_state(case, CaseState.STANDING, CaseState.OPEN)
        after = conditions.close_condition(case, condition_id, evidence, tx.now)
        kind = f"{case.gate.value.lower()}.condition_closed"
        payload = {"condition": condition_id, "evidence": evidence}
        return self.reading(tx, self.store.save(tx, case, after, kind, payload))

    def reassign(self, tx: Transaction, name: str, etag: str, person: str, reason: str) -> Reading:
        """Hands the caller's part of an open case, or by governance any part, to a person.

        Of a declined one it is its appeal that is handed on.
        """
        case = self.find(tx, name, etag)
        if not case.under_appeal:
            cases.require_state(case, CaseState.OPEN)
        actor = tx.call.principal.subject
        held = case.held_by(actor)
        if held is None and actor in self.governing:
            held = Holder(actor, cases.GOVERNANCE, tx.now)
        if held is None:
            raise Denied("NOT_A_HOLDER", f"{actor} does not hold {case.name}")
        roll = self._roll(tx, case)
        chain = [one for one in self._desk_of(tx, case).chain(tx, case) if roll.able(one.person)]
        given_up, holder = handed_over(case, held, person, chain, tx.now)
        after = self._attended(tx, reassign(case, given_up, holder), roll)
        kind = f"{case.gate.value.lower()}.reassigned"
        payload = {"to": person, "reason": reason}
        return self.reading(tx, self.store.save(tx, case, after, kind, payload))

    def warrant(self, tx: Transaction, program: str, gate: Gate) -> Warrant:
        """A fresh warrant from the present record; WRONG_STATE where nothing stands."""
        case = self.newest(tx, program, self.desk(gate).gate)
        if case is None:
            raise PreconditionFailed(
                "WRONG_STATE", f"{program} has no {gate.value.lower()} case yet; nothing stands"
            )
        return self._desk_of(tx, case).warrant(tx, case, warrant_for(case, tx.now))

    def terms(self, tx: Transaction, case: Case) -> Sequence[str]:
        """What the next round of the case would ask, one line each; it is opened by that."""
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
        return self._attended(tx, case, self._roll(tx, case))

    @property
    def governing(self) -> tuple[str, str]:
        """The governance owner and deputy, who they are today."""
        governance = self._rules.in_force.governance
        return governance.owner, governance.deputy

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

    def asked(self, tx: Transaction, case: Case, holders: Sequence[Holder]) -> Case:
        """What stands, in the hands of who looks at it again, or of who is there in their place."""
        rules, chain = self.rules(tx, case), self._desk_of(tx, case).chain(tx, case)
        first = holders or [Holder(c.person, c.role, tx.now, c.unit) for c in chain[:1]]
        table = dates.timetable(rules, case.gate.value, tx.now)
        return self.governed(tx, cases.ask(case, first, table, tx.now))

    def _attended(self, tx: Transaction, case: Case, roll: RollCall) -> Case:
        desk = self._desk_of(tx, case)
        if not case.pending and not (case.asked and isinstance(desk, ReviewingDesk)):
            return case
        parts = self.parts(tx, case)
        return attended(case, parts, lambda: desk.chain(tx, case), roll, tx.now)

    def parts(self, tx: Transaction, case: Case) -> Sequence[Part]:
        """Changes and the answer to an appeal are one person's; else the gate's desk knows."""
        desk = self._desk_of(tx, case)
        if case.state is CaseState.OPEN:
            return desk.parts(tx, case)
        if case.asked and isinstance(desk, ReviewingDesk):
            return (desk.reviewing(tx, case),)
        return (anybodys(None),)

    def reading(self, tx: Transaction, case: Case) -> Reading:
        """The case as it is shown, with the next step of its timetable."""
        shown = emergencies.shown(case, tx.now)
        if not case.in_hands:
            return Reading(shown, None)
        return Reading(shown, _next(self.rules(tx, case), case, case.steps_in_wait, tx.now))

    def changes_timetable(self, tx: Transaction, case: Case) -> dates.Timetable:
        """The proposer's timetable while changes are requested."""
        return dates.timetable(self.rules(tx, case), CHANGES, tx.now)

    def validity(self, tx: Transaction, case: Case) -> timedelta:
        """How long a decision of this case stands."""
        return self.rules(tx, case).validity(case.gate.value).elapsed

    def _desk_of(self, tx: Transaction, case: Case) -> Desk:
        return self._desks[case.gate].of(tx, case)

    def _roll(self, tx: Transaction, case: Case) -> RollCall:
        return self.store.standings.roll(tx, self.rules(tx, case).countersigner)

    def _opening(
        self, tx: Transaction, desk: Desk, present: Case | None, evidence: Evidence
    ) -> tuple[Kept | Fresh, Sequence[str]]:
        """What an opening does, and why it opens anew; a case is judged by its own charter."""
        facts = evidence.revision
        if present is None:
            return Fresh(1, None), ()
        own = self._desk_of(tx, present)
        by_lane = present.basis is Basis.STANDING_DECISION and isinstance(own, LaneDesk)
        weighed = None if by_lane else _weighed(tx, own, present, evidence)
        opening = reopen(
            present,
            facts,
            desk.gate,
            tolerance_of(self.rules(tx, present), desk.gate),
            tx.now,
            same_tier=present.decided is None or own.same_tier(present.decided, facts),
            weighed=weighed,
            fits=not (by_lane and isinstance(own, LaneDesk)) or own.fits(tx, present, evidence),
        )
        return opening, weighed.notes if weighed else ()

    def _fresh(
        self, tx: Transaction, desk: Desk, evidence: Evidence, opening: Fresh, why: Sequence[str]
    ) -> Case:
        facts, gate = evidence.revision, desk.gate
        pledge = evidence.warrants.get(Gate.PLEDGE)
        new = Case(
            name=f"{facts.program}/{desk.collection}/{opening.round}",
            program=facts.program,
            gate=gate,
            round=opening.round,
            facts=facts,
            state=CaseState.OPEN,
            version=1,
            timetable=dates.timetable(self._rules.in_force, gate.value, tx.now),
            opened_at=tx.now,
            waiting_since=tx.now,
            charter_digest=self._rules.in_force.digest,
            traceparent=tx.call.traceparent,
            trial_runs=evidence.trial_runs,
            emergency=pledge.emergency if pledge and isinstance(desk, EmergencyDesk) else None,
        )
        old = opening.superseded
        if old is not None:
            replaced = superseded(old, tx.now)
            kind = f"{gate.value.lower()}.superseded"
            self.store.save(tx, old, replaced, kind, {"by": new.name})
            new = succeeding(old, replace(new, appeal=old.appeal))
            desk.superseded(tx, old, new)
        lane = desk.lane(tx, new, evidence) if isinstance(desk, LaneDesk) else ON_FOOT
        if lane.covered is not None and isinstance(desk, LaneDesk):
            decided = desk.by_standing_decision(tx, new, evidence, lane.covered)
            payload = {"round": new.round, "standing_decision": lane.covered.ref.id}
            return self.store.insert(tx, decided, f"{gate.value.lower()}.opened", payload)
        new = replace(new, not_covered=lane.why)
        new = self.governed(tx, cases.with_holders(new, desk.holders(tx, new, evidence)))
        own = desk.reason(tx, new) if isinstance(desk, HoldingDesk) else ""
        reasons = dict.fromkeys(filter(None, (new.reason, *why, own)))
        new = replace(new, reason="; ".join(reasons))
        return self.store.insert(tx, new, f"{gate.value.lower()}.opened", {"round": new.round})


def _next(rules: Charter, case: Case, recorded: int, now: datetime) -> DueStep:
    due = dates.next_step(rules, _wait_of(case), case.timetable, recorded, now)
    return DueStep(Step(due.step.value), due.at, due.index)


def _wait_of(case: Case) -> str:
    """Key of the case's present wait in the charter's SLAs."""
    return CHANGES if case.state is CaseState.CHANGES_REQUESTED else case.gate.value


def _weighed(tx: Transaction, desk: Desk, present: Case, evidence: Evidence) -> Weighed | None:
    """What a desk that holds something says of a materially other, later revision."""
    if not isinstance(desk, HoldingDesk):
        return None
    facts = evidence.revision
    later = facts.number > present.facts.number
    same = present.gate_digest == facts.gate_digest(present.gate)
    if present.state is not CaseState.STANDING or not later or same:
        return None
    return desk.weigh(tx, present, evidence)
