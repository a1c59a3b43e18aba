"""Drafts, revisions and withdrawal."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from investiture.casework.facts import Ending, Revision, StandingIncident, TrialRun
from investiture.casework.openings import Tolerance, tolerance_of
from investiture.casework.rules import Rules
from investiture.casework.words import Gate, Outcome
from investiture.charter.authority import NoTier, tier_for
from investiture.charter.model import Charter
from investiture.chassis.refusal import Denied, InvalidArgument
from investiture.chassis.transaction import Transaction
from investiture.launch.domain import content as contents
from investiture.launch.domain import path as paths
from investiture.launch.domain import programs as rules
from investiture.launch.domain.content import Content
from investiture.launch.domain.digests import revision_of
from investiture.launch.domain.path import GateEffect
from investiture.launch.domain.programs import WALKING, Program, ProgramState, Submission
from investiture.launch.domain.stages import SPONSOR
from investiture.launch.doorbell import ring_program
from investiture.launch.incidents import StandingIncidents
from investiture.launch.operations.endings import Endings
from investiture.launch.operations.path import trial_evidence
from investiture.launch.store import PathStore, ProgramStore

FIRST_REASON = "first submission"
_RANDOM_BYTES = 5
_MAY_READ_STATEMENTS = "worker"
_MONEY_GATES = frozenset({Gate.PLEDGE, Gate.FUND})


@dataclass(frozen=True, slots=True)
class Presented:
    """What a gate is shown of a program: its newest revision, and what trials and incidents say.

    `incidents` are those that ended standing decisions, whichever program they were of.
    """

    facts: Revision
    incidents: tuple[StandingIncident, ...]
    trial_runs: tuple[TrialRun, ...]


@dataclass(frozen=True, slots=True)
class Revised:
    """A program after a revision, and what this did to each gate."""

    program: Program
    effects: tuple[GateEffect, ...]


class ProgramOperations:
    """Creates, submits, revises and withdraws programs, and reads them."""

    def __init__(
        self,
        programs: ProgramStore,
        path: PathStore,
        endings: Endings,
        rules: Rules,
        incidents: StandingIncidents,
    ) -> None:
        self._programs = programs
        self._path = path
        self._endings = endings
        self._incidents = incidents
        self._rules = rules
        self._charter = rules.in_force

    def create(
        self, tx: Transaction, program_id: str, content: Content | None, resubmits: str = ""
    ) -> Program:
        """A draft of the caller's; without an id one is chosen.

        One that `resubmits` a program which was withdrawn or declined, or ran as a trial, may take
        over its content; the evidence of its trials goes with it.
        """
        proposer = tx.call.principal.subject
        runs: tuple[TrialRun, ...] = ()
        if resubmits:
            before = self._programs.load(tx, resubmits)
            rules.require_resubmittable(before, proposer)
            content, runs = content or before.content, before.trial_runs
        if content is None:
            raise InvalidArgument.of(
                "content", "say what the program is, or which program it resubmits"
            )
        contents.check(content, self._charter)
        chosen = program_id or f"p-{secrets.token_hex(_RANDOM_BYTES)}"
        draft = Program(
            f"programs/{chosen}",
            proposer,
            content,
            created_at=tx.now,
            resubmits=resubmits,
            trial_runs=runs,
        )
        created = self._programs.create(tx, draft)
        self._record(tx, created, "created", {"proposer": proposer, "resubmits": resubmits})
        return created

    def update_draft(self, tx: Transaction, name: str, etag: str, content: Content) -> Program:
        """The draft with other content."""
        program = self._own(tx, name, etag)
        rules.require_state(program, ProgramState.DRAFT)
        contents.check(content, self._charter)
        saved = self._programs.save(tx, program, replace(program, content=content))
        self._record(tx, saved, "draft_updated", {})
        return saved

    def submit(self, tx: Transaction, name: str, etag: str) -> Program:
        """The draft as revision 1, on its path."""
        program = self._own(tx, name, etag)
        submitted = rules.submit(program, tx.now)
        # The charter may have changed since the draft was written.
        contents.check(program.content, self._charter)
        return self._submit(tx, program, submitted, FIRST_REASON)

    def revise(
        self, tx: Transaction, name: str, etag: str, content: Content, reason: str
    ) -> Revised:
        """The program with a new revision, and what happens to each gate by it."""
        program = self._own(tx, name, etag)
        rules.require_state(program, *WALKING)
        known = self._path.load(tx, name)
        paths.require_no_appeal({gate: one.record for gate, one in known.items()})
        contents.check(content, self._charter)
        old = self._programs.revision(tx, name, program.revision).facts
        new = self._facts(program, content, program.revision + 1, tx)
        pilot_goes_on = old.gate_digest(Gate.PILOT) == new.gate_digest(Gate.PILOT)
        effects = self._effects(tx, program, old, new)
        revised = rules.revise(program, content, tx.now, pilot_goes_on=pilot_goes_on)
        return Revised(self._submit(tx, program, revised, reason), effects)

    def withdraw(self, tx: Transaction, name: str, etag: str, reason: str) -> Program:
        """The program ended by its proposer or a sponsor: a named one, or who pledged for it."""
        program = self._programs.load(tx, name)
        actor = tx.call.principal.subject
        sponsors = {*program.content.sponsors, *self._pledged(tx, program)}
        if actor not in {program.proposer, *sponsors}:
            raise Denied(
                "NOT_A_HOLDER",
                f"{actor} may not withdraw {name}; {program.proposer}, who proposed it, and "
                f"{', '.join(sorted(sponsors))}, who sponsor it, may",
            )
        rules.check_etag(program, etag)
        rules.require_state(program, ProgramState.DRAFT, *WALKING)
        return self._endings.end(tx, program, Outcome.WITHDRAWN, actor, reason)

    def get(self, tx: Transaction, name: str) -> Program:
        """The program called `name`."""
        return self._programs.load(tx, name)

    def page(
        self, tx: Transaction, state: ProgramState | None, after: str, limit: int
    ) -> list[Program]:
        """Programs by name."""
        return self._programs.page(tx, state, after, limit)

    def revision(self, tx: Transaction, program: str, number: int) -> Submission:
        """An immutable revision."""
        return self._programs.revision(tx, program, number)

    def presented(self, tx: Transaction, name: str) -> Presented:
        """What the worker and the proposer present at a gate."""
        program = self._programs.load(tx, name)
        if _MAY_READ_STATEMENTS not in tx.call.principal.roles:
            rules.require_proposer(program, tx.call.principal.subject)
        if program.state is ProgramState.DRAFT:
            rules.require_state(program, *WALKING)
        facts = self._programs.revision(tx, name, program.revision).facts
        runs = trial_evidence(tx, self._programs, program)
        return Presented(facts, self._incidents.every(tx), runs)

    def ending(self, tx: Transaction, name: str) -> Ending:
        """How the program ended; WRONG_STATE while it lives."""
        return rules.ending_of(self._programs.load(tx, name))

    def _own(self, tx: Transaction, name: str, etag: str) -> Program:
        program = self._programs.load(tx, name)
        rules.require_proposer(program, tx.call.principal.subject)
        rules.check_etag(program, etag)
        return program

    def _facts(self, program: Program, content: Content, number: int, tx: Transaction) -> Revision:
        return revision_of(program.name, number, program.proposer, content, self._charter, tx.now)

    def _submit(self, tx: Transaction, before: Program, after: Program, reason: str) -> Program:
        facts = self._facts(after, after.content, after.revision, tx)
        actor = tx.call.principal.subject
        self._programs.add_revision(tx, Submission(facts, after.content, actor, reason))
        saved = self._programs.save(tx, before, after)
        payload = {
            "revision": facts.number,
            "digest": facts.digest,
            "charter_digest": facts.charter_digest,
            "reason": reason,
        }
        what = "submitted" if facts.number == 1 else "revised"
        self._record(tx, saved, what, payload)
        tx.post(ring_program(saved, what))
        return saved

    def _pledged(self, tx: Transaction, program: Program) -> tuple[str, ...]:
        """Who pledged as a sponsor, named or in a named one's place, while the pledge stands."""
        known = self._path.load(tx, program.name).get(Gate.PLEDGE)
        if known is None or not known.record.case.stands(tx.now):
            return ()
        return tuple(one.person for one in known.record.case.deciders if one.role == SPONSOR)

    def _effects(
        self, tx: Transaction, program: Program, old: Revision, new: Revision
    ) -> tuple[GateEffect, ...]:
        records = self._path.load(tx, program.name)
        found: list[GateEffect] = []
        for gate in Gate:
            case = records[gate].record.case if gate in records else None
            charter, decided = self._charter, None
            if case is not None:
                number = case.decided_revision
                decided = self._programs.revision(tx, program.name, number).facts
                charter = self._rules.of(tx, case.charter_digest or decided.charter_digest)
            tolerance = _tolerance(charter, gate, decided)
            effect = paths.effect_on(
                case,
                decided,
                new,
                tolerance,
                tx.now,
                same_tier=decided is None or _same_tier(charter, gate, decided, new),
            )
            found.append(GateEffect(gate, effect, paths.changes(old, new, tolerance)))
        return tuple(found)

    def _record(
        self, tx: Transaction, program: Program, what: str, payload: Mapping[str, object]
    ) -> None:
        tx.record(f"program.{what}", program.name, program.version, payload, program=program.name)


def _same_tier(charter: Charter, gate: Gate, decided: Revision, new: Revision) -> bool:
    if gate not in _MONEY_GATES:
        return True
    try:
        rows = [
            tier_for(charter, one.category, one.amount_minor, one.spend_conditions)
            for one in (decided, new)
        ]
    except NoTier:
        return False
    return rows[0] == rows[1]


def _contingency_bps(charter: Charter, decided: Revision) -> int:
    """How far the money that was approved reaches without a new approval, as its tier says."""
    try:
        tier = tier_for(charter, decided.category, decided.amount_minor, decided.spend_conditions)
    except NoTier:
        return 0
    return tier.contingency_bps


def _tolerance(charter: Charter, gate: Gate, decided: Revision | None) -> Tolerance:
    allowed = tolerance_of(charter, gate)
    ceiling_bps = _contingency_bps(charter, decided) if gate is Gate.FUND and decided else 0
    return replace(allowed, amount_increase_bps=max(allowed.amount_increase_bps, ceiling_bps))
