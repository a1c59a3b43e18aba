"""Pilot, go and the launch itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from investiture.casework import case as cases
from investiture.casework.case import Case
from investiture.casework.conflicts import require_impartial
from investiture.casework.directory import require_able
from investiture.casework.facts import Authority, Evidence, Gap, Revision, Warrant
from investiture.casework.operations import CaseOperations, Reading
from investiture.casework.words import CaseState, Gate, Outcome
from investiture.charter.model import Charter
from investiture.chassis.refusal import NotFound, PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.launch.domain import programs as rules
from investiture.launch.domain import readiness, stages, trial_runs
from investiture.launch.domain.content import PilotPlan
from investiture.launch.domain.digests import digest_of
from investiture.launch.domain.programs import WALKING, Program, ProgramState, Submission
from investiture.launch.domain.stages import GoAnswer, GoDecision, PilotOutcome
from investiture.launch.operations.endings import Endings
from investiture.launch.operations.path import standing_people
from investiture.launch.store import PathStore, ProgramStore, StageStore

_OTHER_SIDES = (Gate.FUND, Gate.KNIGHT)


@dataclass(frozen=True, slots=True)
class PilotReading:
    """A pilot as it reads now."""

    case: Reading
    plan: PilotPlan
    observations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoReading:
    """A go decision as it reads now."""

    case: Reading
    decision: GoDecision


class StageOperations:
    """Records what a pilot showed and what was answered to go, and launches.

    Args:
        fresh: how long after it was minted a warrant is accepted for a launch.
    """

    def __init__(
        self,
        programs: ProgramStore,
        path: PathStore,
        kept: StageStore,
        cases_: CaseOperations,
        endings: Endings,
        charter: Charter,
        fresh: timedelta,
    ) -> None:
        self._programs = programs
        self._path = path
        self._kept = kept
        self._cases = cases_
        self._endings = endings
        self._charter = charter
        self._fresh = fresh

    def pilot(self, tx: Transaction, name: str) -> PilotReading:
        """The pilot called `name`."""
        return self._pilot(tx, self._find(tx, name, Gate.PILOT))

    def record_outcome(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        outcome: PilotOutcome,
        observations: Sequence[str],
        gaps: Sequence[Gap],
        authority: Authority,
    ) -> PilotReading:
        """What the pilot showed: it stands, or what is missing goes to the proposer."""
        case, program, submission = self._decidable(tx, name, etag, Gate.PILOT, authority)
        stages.check_outcome(outcome, submission.content.pilot_plan, observations, gaps)
        if outcome is PilotOutcome.SUCCEEDED:
            rules.require_not_suspended(program)
            self._require_not_frozen(tx, submission.facts, Gate.PILOT)
            by = stages.decider(case, authority, stages.PILOT_OWNER, tx.now)
            validity = self._cases.validity(tx, case)
            after = stages.succeeded(case, by, tx.now, validity)
        else:
            failed = stages.failed(case, gaps, self._cases.changes_timetable(tx, case), tx.now)
            after = self._cases.governed(tx, failed)
        self._kept.observe(tx, case.name, observations)
        payload = {"outcome": outcome.value, "authority": authority.evidence()}
        kind = f"pilot.{outcome.value.lower()}"
        saved = self._cases.store.save(tx, case, after, kind, payload)
        runs = trial_runs.observed(
            program.trial_runs, case.name, after.verdict, observations, tx.now
        )
        after_it = replace(program, state=ProgramState.ON_PATH, trial_runs=runs)
        self._programs.save(tx, program, after_it)
        return self._pilot(tx, saved)

    def go_decision(self, tx: Transaction, name: str) -> GoReading:
        """The go decision called `name`."""
        return self._go(tx, self._find(tx, name, Gate.LAUNCH))

    def decide_go(
        self,
        tx: Transaction,
        name: str,
        etag: str,
        answer: GoAnswer,
        reason: str,
        authority: Authority,
    ) -> GoReading:
        """A person's answer. A go only stands; a no-go ends the program here and now."""
        stages.check_answer(answer, reason)
        case, program, submission = self._decidable(tx, name, etag, Gate.LAUNCH, authority)
        if answer is GoAnswer.GO:
            rules.require_not_suspended(program)
            self._require_not_frozen(tx, submission.facts, Gate.LAUNCH)
            stages.check_limit(authority, submission.content)
        by = stages.decider(case, authority, stages.SPONSOR, tx.now)
        validity = self._cases.validity(tx, case)
        after = stages.answered(case, answer, reason, by, tx.now, validity)
        snapshot = self._snapshot(tx, submission.facts)
        self._kept.decide(tx, case.name, GoDecision(answer, reason, snapshot))
        payload = {
            "answer": answer.value,
            "snapshot_digest": snapshot,
            "authority": authority.evidence(),
        }
        kind = f"launch.{answer.value.lower()}"
        saved = self._cases.store.save(tx, case, after, kind, payload)
        if answer is GoAnswer.NO_GO:
            keep = (Gate.LAUNCH,)
            self._endings.end(tx, program, Outcome.DECLINED, authority.person, reason, keep=keep)
        return self._go(tx, saved)

    def execute(self, tx: Transaction, name: str, warrants: Mapping[Gate, Warrant]) -> Program:
        """Launches, if everything that a launch needs holds at this instant.

        A launched program is answered as it is.
        """
        program = self._programs.load(tx, name)
        if program.launched_at is not None:
            return program
        rules.require_state(program, *WALKING)
        submission = self._programs.revision(tx, name, program.revision)
        case = self._launchable(tx, program, submission, warrants)
        evidence = {
            gate.value: {"case": warrant.case_name, "version": warrant.case_version}
            for gate, warrant in warrants.items()
        }
        self._cases.store.save(tx, case, stages.launched(case), "launch.launched", evidence)
        launched = replace(program, state=ProgramState.LAUNCHED, launched_at=tx.now)
        saved = self._programs.save(tx, program, launched)
        payload = {"revision": program.revision, "warrants": evidence}
        tx.record("program.launched", name, saved.version, payload, program=name)
        # Opening the proof rings its workflow, and so starts it.
        self._cases.open(tx, Gate.PROVE, Evidence(submission.facts))
        return replace(saved, version=self._programs.version(tx, name))

    def _launchable(
        self,
        tx: Transaction,
        program: Program,
        submission: Submission,
        warrants: Mapping[Gate, Warrant],
    ) -> Case:
        """The case whose go stands; refuses with everything that is in the way."""
        newest, content = submission.facts, submission.content
        rules.require_not_suspended(program)
        readiness.require_standing(newest, warrants, tx.now, self._fresh)
        readiness.require_separate(readiness.sides_of(newest, warrants))
        unpiloted = readiness.pilot(self._cases.newest(tx, program.name, Gate.PILOT), newest)
        if unpiloted:
            raise PreconditionFailed("BUSINESS_FIRST", legs=unpiloted)
        case = self._cases.newest(tx, program.name, Gate.LAUNCH)
        readiness.require_nothing_in_the_way(
            (
                *readiness.go(case, newest),
                *readiness.open_conditions(warrants.values(), (Gate.PILOT, Gate.LAUNCH)),
                *readiness.steward(content, program.name),
                *readiness.exposure(content.exposure_bps, warrants.values(), program.name),
                # A freeze is of the house's calendar today, whenever the go was asked.
                *readiness.freeze(self._charter.frozen_by(Gate.LAUNCH.value, tx.now)),
            )
        )
        assert case is not None  # a go stands
        return case

    def _decidable(
        self, tx: Transaction, name: str, etag: str, gate: Gate, authority: Authority
    ) -> tuple[Case, Program, Submission]:
        """The case of a stage that this person may decide now."""
        case = self._find(tx, name, gate, etag)
        program = self._programs.load(tx, case.program)
        rules.require_state(program, *WALKING)
        cases.require_state(case, CaseState.OPEN)
        require_able(authority)
        cases.require_holder(case, *authority.people)
        records = self._path.load(tx, case.program)
        stages.check_decider(authority, standing_people(records, *_OTHER_SIDES))
        submission = self._programs.revision(tx, program.name, program.revision)
        rules.require_current(program, submission.facts, gate, case.gate_digest)
        require_impartial(submission.facts, authority)
        return case, program, submission

    def _require_not_frozen(self, tx: Transaction, newest: Revision, stage: Gate) -> None:
        records = self._path.load(tx, newest.program)
        known = {gate: one.record for gate, one in records.items()}
        readiness.require_not_frozen(newest, known, stage, tx.now)

    def _find(self, tx: Transaction, name: str, gate: Gate, etag: str | None = None) -> Case:
        if f"/{self._cases.desk(gate).collection}/" not in name:
            raise NotFound(name)
        return self._cases.find(tx, name, etag)

    def _snapshot(self, tx: Transaction, newest: Revision) -> str:
        """Digest of what the decider saw: the revision, and how the gates before stand."""
        records = self._path.load(tx, newest.program)
        gates = {
            gate.value: {
                "case": one.record.case.case_name,
                "version": one.record.case.version,
                "state": one.record.case.state.value,
                "verdict": one.record.case.verdict.value if one.record.case.verdict else "",
                "gate_digest": one.record.case.gate_digest,
            }
            for gate, one in records.items()
            if gate not in (Gate.LAUNCH, Gate.PROVE)
        }
        return digest_of({"revision": newest.digest, "gates": gates})

    def _pilot(self, tx: Transaction, case: Case) -> PilotReading:
        content = self._programs.revision(tx, case.program, case.facts.number).content
        observations = self._kept.observations(tx, case.name)
        return PilotReading(self._cases.reading(tx, case), content.pilot_plan, observations)

    def _go(self, tx: Transaction, case: Case) -> GoReading:
        return GoReading(self._cases.reading(tx, case), self._kept.decision(tx, case.name))
