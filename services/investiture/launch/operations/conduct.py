"""After and around the launch: suspending and resuming, measuring benefits, closing."""

from dataclasses import dataclass, replace

from investiture.casework import case as cases
from investiture.casework.amounts import Amount
from investiture.casework.directory import require_able
from investiture.casework.facts import Authority
from investiture.casework.operations import CaseOperations
from investiture.casework.words import WAITING, Gate, Outcome, Verdict
from investiture.chassis.refusal import Denied, InvalidArgument
from investiture.chassis.transaction import Transaction
from investiture.launch.domain import programs as rules
from investiture.launch.domain import proof, stages
from investiture.launch.domain.programs import Program, ProgramState
from investiture.launch.domain.proof import Measurement
from investiture.launch.doorbell import ring_program
from investiture.launch.incidents import StandingIncidents
from investiture.launch.operations.endings import OWN, Endings
from investiture.launch.operations.path import standing_people
from investiture.launch.store import PathStore, ProgramStore

SUSPENDERS = ("on-call", "legal")
RESUMERS = ("on-call", "legal", "reviewer")
GOVERNANCE = "governance"
_VERDICTS = {
    Outcome.PROVEN: Verdict.PROVEN,
    Outcome.MISSED: Verdict.MISSED,
    Outcome.PROMISE_WAIVED: Verdict.PROMISE_WAIVED,
}


@dataclass(frozen=True, slots=True)
class Closing:
    """How a launched program is to be closed, and why."""

    outcome: Outcome
    reason: str


class ConductOperations:
    """Suspends and resumes programs, records their benefits, closes them."""

    def __init__(
        self,
        programs: ProgramStore,
        path: PathStore,
        cases_: CaseOperations,
        endings: Endings,
        incidents: StandingIncidents,
    ) -> None:
        self._programs = programs
        self._path = path
        self._cases = cases_
        self._endings = endings
        self._incidents = incidents

    def suspend(self, tx: Transaction, name: str, etag: str, reason: str) -> Program:
        """The program stopped at once, without asking the directory: a stop must not wait."""
        program = self._programs.load(tx, name)
        actor = tx.call.principal
        rules.require_responder(program, actor.subject, actor.roles, SUSPENDERS)
        rules.check_etag(program, etag)
        suspended = rules.suspend(program, actor.subject, reason, tx.now)
        saved = self._programs.save(tx, program, suspended)
        payload = {"by": actor.subject, "reason": reason}
        tx.record("program.suspended", name, saved.version, payload, program=name)
        tx.post(ring_program(saved, "suspended"))
        self._incidents.note(tx, saved, self._path.load(tx, name), f"suspended: {reason}")
        return saved

    def resume(
        self, tx: Transaction, name: str, etag: str, reason: str, authority: Authority
    ) -> Program:
        """One person's agreement to resume; with the second one the program runs again."""
        program = self._programs.load(tx, name)
        actor = tx.call.principal
        rules.require_responder(program, actor.subject, actor.roles, RESUMERS)
        require_able(authority)
        rules.check_etag(program, etag)
        agreed = rules.resume(program, actor.subject)
        saved = self._programs.save(tx, program, agreed)
        what = "resume_agreed" if saved.suspended else "resumed"
        people = list(saved.suspension.people) if saved.suspension else []
        payload = {"people": people, "reason": reason, "authority": authority.evidence()}
        tx.record(f"program.{what}", name, saved.version, payload, program=name)
        tx.post(ring_program(saved, what))
        return saved

    def record_benefit(
        self, tx: Transaction, name: str, etag: str, benefit_id: str, value: Amount, evidence: str
    ) -> Program:
        """The measured yearly value of a promised benefit; a later measurement replaces it."""
        program = self._programs.load(tx, name)
        actor = tx.call.principal.subject
        benefit = program.content.benefit(benefit_id)
        owner = benefit.owner if benefit else ""
        if actor not in {owner, *program.content.sponsors}:
            raise Denied(
                "NOT_A_HOLDER",
                f"{actor} answers for no such benefit of {name}; its owner and the sponsor may",
            )
        rules.check_etag(program, etag)
        rules.require_state(program, ProgramState.LAUNCHED)
        if benefit is None:
            promised = ", ".join(one.id for one in program.content.benefits)
            raise InvalidArgument.of(
                "benefit_id", f"{benefit_id!r} was not promised; promised are {promised}"
            )
        if value.currency != benefit.likely.currency:
            raise InvalidArgument.of(
                "measured",
                f"is in {value.currency}; the benefit was promised in {benefit.likely.currency}",
                reason="INVALID_AMOUNT",
            )
        measurement = Measurement(benefit_id, value, evidence, actor, tx.now)
        measurements = proof.measured(program.measurements, measurement)
        saved = self._programs.save(tx, program, replace(program, measurements=measurements))
        payload = {
            "benefit": benefit_id,
            "measured_minor": str(value.minor),
            "currency": value.currency,
            "evidence": evidence,
        }
        tx.record("program.benefit_measured", name, saved.version, payload, program=name)
        return saved

    def close(
        self, tx: Transaction, name: str, etag: str, closing: Closing, authority: Authority
    ) -> Program:
        """The promise settled; the program ends with it."""
        program = self._programs.load(tx, name)
        role = self._closer(tx, program, closing.outcome)
        require_able(authority)
        if role != GOVERNANCE:
            records = self._path.load(tx, name)
            stages.check_decider(authority, standing_people(records, Gate.FUND, Gate.KNIGHT))
        rules.check_etag(program, etag)
        rules.require_state(program, ProgramState.LAUNCHED)
        proof.check_close(closing.outcome, program.content.benefits, program.measurements)
        case = self._cases.newest(tx, name, Gate.PROVE)
        if case is not None and case.state in WAITING:
            by = stages.decider(case, authority, role, tx.now)
            verdict = _VERDICTS[closing.outcome]
            after = stages.proven(case, verdict, by, closing.reason, tx.now)
            kind = f"prove.{verdict.value.lower()}"
            self._cases.store.save(tx, case, after, kind, {"authority": authority.evidence()})
        return self._endings.end(
            tx, program, closing.outcome, authority.person, closing.reason, keep=OWN
        )

    def _closer(self, tx: Transaction, program: Program, outcome: Outcome) -> str:
        """In which role the caller may close the program so; NOT_A_HOLDER otherwise."""
        actor = tx.call.principal
        if outcome is Outcome.PROMISE_WAIVED:
            if GOVERNANCE in actor.roles:
                return GOVERNANCE
            raise Denied("NOT_A_HOLDER", "only governance waives a promise; ask it to close so")
        if actor.subject in program.content.sponsors:
            return stages.SPONSOR
        case = self._cases.newest(tx, program.name, Gate.PROVE)
        if case is not None:
            return cases.require_holder(case, actor.subject).role
        raise Denied("NOT_A_HOLDER", f"{actor.subject} is not a sponsor of {program.name}")
