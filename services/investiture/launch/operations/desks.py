"""The desks of the gates that launch owns: who is admitted to a stage, and who holds it."""

from collections.abc import Sequence
from dataclasses import replace

from investiture.casework import case as cases
from investiture.casework.case import Candidate, Case, Holder
from investiture.casework.facts import Ending, Evidence, Revision, TrialRun, Warrant
from investiture.casework.standing import Part, anybodys
from investiture.casework.store import CaseStore
from investiture.casework.words import WAITING, CaseState, Gate, Purpose, Verdict
from investiture.charter.model import Charter
from investiture.charter.ownership import GOVERNANCE, escalation_chain
from investiture.charter.vocabulary import Side
from investiture.chassis.refusal import Leg, PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.launch.domain import programs as rules
from investiture.launch.domain import readiness, stages, trial_runs
from investiture.launch.domain.content import Content
from investiture.launch.domain.programs import WALKING, Program, ProgramState
from investiture.launch.operations.path import standing_people
from investiture.launch.store import PathStore, ProgramStore, StageStore

PROPOSER = "proposer"


class _StageDesk:
    """What the three stages share."""

    gate: Gate
    collection: str
    required: tuple[Gate, ...] = readiness.WARRANTS
    role: str
    """The role in which the people of the line hold the case."""

    def __init__(
        self,
        charter: Charter,
        programs: ProgramStore,
        path: PathStore,
        stages_: StageStore,
        store: CaseStore,
    ) -> None:
        self._charter = charter
        self._programs = programs
        self._path = path
        self._stages = stages_
        self._store = store

    def same_tier(self, decided: Revision, revision: Revision) -> bool:
        """Tiers are money's; a stage has none."""
        return True

    def chain(self, tx: Transaction, case: Case) -> Sequence[Candidate]:
        """The sponsors, then the business line above the leading unit, then governance."""
        line = escalation_chain(self._charter, case.facts.owning_unit.removeprefix("units/"))
        business = {unit.id for unit in self._charter.units if unit.side is Side.BUSINESS}
        records = self._path.load(tx, case.program)
        out = standing_people(records, Gate.FUND, Gate.KNIGHT)
        asked = case.state is CaseState.CHANGES_REQUESTED
        role = PROPOSER if asked else self.role
        sponsors = (case.facts.sponsor, case.facts.counter_sponsor)
        found = [] if asked else [Candidate(person, role) for person in sponsors if person]
        for holder in line:
            if holder.role == GOVERNANCE:
                found.append(Candidate(holder.person, GOVERNANCE))
            elif holder.unit in business:
                found.append(Candidate(holder.person, role, f"units/{holder.unit}"))
        return tuple(one for one in found if one.person not in out or one.role == GOVERNANCE)

    def parts(self, tx: Transaction, case: Case) -> Sequence[Part]:
        """One decision, by nobody of the money or the IT side."""
        records = self._path.load(tx, case.program)
        return (anybodys(Purpose.GO, 1, standing_people(records, Gate.FUND, Gate.KNIGHT)),)

    def more_time(self, tx: Transaction, case: Case) -> None:
        """A stage has no dates of its own."""

    def superseded(self, tx: Transaction, old: Case, new: Case) -> None:
        """A stage holds nothing."""

    def voided(self, tx: Transaction, case: Case) -> None:
        """What was launched or proven is not taken back: it is suspended, or it has ended."""
        if case.gate is Gate.PROVE or case.verdict is Verdict.LAUNCHED:
            raise PreconditionFailed(
                "WRONG_STATE",
                f"{case.name} was carried out and cannot be taken back; suspend the program",
                legs=(
                    Leg("STATE", case.name, "it was carried out", "suspend the program instead"),
                ),
            )

    def released(self, tx: Transaction, case: Case, ending: Ending) -> None:
        """A stage holds nothing."""

    def evidence(self, tx: Transaction, case: Case) -> Evidence:
        """The revision: who holds a stage follows from the program itself."""
        return Evidence(case.facts)

    def terms(self, tx: Transaction, case: Case) -> Sequence[str]:
        """A stage asks what its program says."""
        return ()

    def warrant(self, tx: Transaction, case: Case, warrant: Warrant) -> Warrant:
        """A stage adds nothing to its warrant."""
        return warrant

    def _walking(self, tx: Transaction, facts: Revision) -> Program:
        """The program on its path, not suspended, at this very revision."""
        program = self._programs.load(tx, facts.program)
        rules.require_state(program, *WALKING)
        self._require_newest(program, facts)
        rules.require_not_suspended(program)
        return program

    def _require_newest(self, program: Program, facts: Revision) -> None:
        if facts.number != program.revision:
            raise PreconditionFailed(
                "REVISION_SUPERSEDED",
                f"revision {facts.number} of {program.name} was superseded by revision "
                f"{program.revision}; open the case for that one",
            )

    def _is_under_way(self, tx: Transaction, facts: Revision) -> bool:
        """Whether the stage was entered for this very state of the program.

        What bars the entry does not throw out who is in: the launch checks everything again.
        """
        case = self._store.newest(tx, facts.program, self.gate)
        if case is None or case.gate_digest != facts.gate_digest(self.gate):
            return False
        now = cases.as_of(case, tx.now)
        return now.state in WAITING or now.state is CaseState.STANDING

    def _content(self, tx: Transaction, facts: Revision) -> Content:
        return self._programs.revision(tx, facts.program, facts.number).content


class PilotDesk(_StageDesk):
    """What the PILOT gate does differently."""

    gate = Gate.PILOT
    collection = "pilots"
    role = stages.PILOT_OWNER

    def admit(self, tx: Transaction, evidence: Evidence) -> None:
        """Three separate sides, conditions closed, the exposure allowed, no freeze."""
        facts, warrants = evidence.revision, evidence.warrants
        self._walking(tx, facts)
        readiness.require_separate(readiness.sides_of(facts, warrants))
        if self._is_under_way(tx, facts):
            return
        plan = self._content(tx, facts).pilot_plan
        readiness.require_nothing_in_the_way(
            (
                *readiness.open_conditions(warrants.values(), (Gate.PILOT,)),
                *readiness.exposure(plan.exposure_bps, warrants.values(), facts.program),
                *readiness.freeze(self._charter.frozen_by(self.gate.value, tx.now)),
            )
        )

    def holders(self, tx: Transaction, case: Case, evidence: Evidence) -> Sequence[Holder]:
        """Who the plan says runs it. The pilot begins with its case."""
        self._stages.add_pilot(tx, case.name)
        program = self._programs.load(tx, case.program)
        plan = self._content(tx, evidence.revision).pilot_plan
        after = replace(program, state=ProgramState.PILOTING)
        ref = trial_runs.ref_of(evidence.warrants)
        if ref is not None:
            run = TrialRun(
                program=case.program,
                pilot=case.name,
                revision=evidence.revision.number,
                standing=ref,
                people=plan.people,
                days=plan.days,
                exposure_bps=plan.exposure_bps,
                began_at=tx.now,
            )
            after = replace(after, trial_runs=trial_runs.begun(program.trial_runs, run))
        if after != program:
            self._programs.save(tx, program, after)
        return (Holder(plan.owner, stages.PILOT_OWNER, tx.now),)


class LaunchDesk(_StageDesk):
    """What the LAUNCH gate does differently."""

    gate = Gate.LAUNCH
    collection = "goDecisions"
    role = stages.SPONSOR

    def admit(self, tx: Transaction, evidence: Evidence) -> None:
        """As for a pilot, and a pilot succeeded, and somebody looks after the community."""
        facts, warrants = evidence.revision, evidence.warrants
        self._walking(tx, facts)
        readiness.require_separate(readiness.sides_of(facts, warrants))
        piloted = self._store.newest(tx, facts.program, Gate.PILOT)
        legs = readiness.pilot(piloted and cases.as_of(piloted, tx.now), facts)
        if legs:
            raise PreconditionFailed("BUSINESS_FIRST", legs=legs)
        if self._is_under_way(tx, facts):
            return
        content = self._content(tx, facts)
        readiness.require_nothing_in_the_way(
            (
                *readiness.open_conditions(warrants.values(), (Gate.PILOT, Gate.LAUNCH)),
                *readiness.steward(content, facts.program),
                *readiness.exposure(content.exposure_bps, warrants.values(), facts.program),
                *readiness.freeze(self._charter.frozen_by(self.gate.value, tx.now)),
            )
        )

    def holders(self, tx: Transaction, case: Case, evidence: Evidence) -> Sequence[Holder]:
        """The program's sponsors, as its pledge stands."""
        self._stages.add_decision(tx, case.name)
        content = self._content(tx, evidence.revision)
        return stages.go_holders(content, evidence.warrants[Gate.PLEDGE].deciders, tx.now)


class ProveDesk(_StageDesk):
    """What the PROVE gate does differently: the launch itself opens it."""

    gate = Gate.PROVE
    collection = "proofs"
    required = ()
    role = stages.SPONSOR

    def admit(self, tx: Transaction, evidence: Evidence) -> None:
        """The program was launched."""
        program = self._programs.load(tx, evidence.revision.program)
        rules.require_state(program, ProgramState.LAUNCHED)
        self._require_newest(program, evidence.revision)

    def holders(self, tx: Transaction, case: Case, evidence: Evidence) -> Sequence[Holder]:
        """The owners of the promised benefits."""
        owners = evidence.revision.benefit_owners
        return tuple(Holder(owner, stages.BENEFIT_OWNER, tx.now) for owner in owners)
