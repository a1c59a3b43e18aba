"""The path of a program: recording what the other services signed, and showing it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median_low

from investiture.casework.amounts import Amount
from investiture.casework.facts import Revision, TrialRun
from investiture.casework.operations import CaseOperations, Reading
from investiture.casework.rules import Rules
from investiture.casework.statements import OWNER
from investiture.casework.words import WAITING, Amber, CaseState, Gate, Outcome
from investiture.chassis.refusal import PreconditionFailed
from investiture.chassis.transaction import Transaction
from investiture.launch.domain import path as paths
from investiture.launch.domain import programs as rules
from investiture.launch.domain import stages, trial_runs
from investiture.launch.domain.path import Recorded
from investiture.launch.domain.programs import Program, ProgramState
from investiture.launch.incidents import StandingIncidents
from investiture.launch.operations.endings import OWN, Endings
from investiture.launch.operations.projection import Projection, Step
from investiture.launch.store import PathStore, ProgramStore, SignedRecord

TYPICAL_OF = 50
"""The typical wait of a gate is the median over so many programs that passed it last."""


@dataclass(frozen=True, slots=True)
class GateReading:
    """One gate of a path. `signed` or `own` is its case, as far as it has one."""

    gate: Gate
    signed: bytes
    own: Reading | None
    standing: bool
    waited_ms: int
    stall_bill: Amount
    typical_ms: int


@dataclass(frozen=True, slots=True)
class PathReading:
    """A path as it reads now; its stall bill is the sum of the gates'."""

    program: Program
    gates: tuple[GateReading, ...]
    waiting_at: Gate | None
    stall_bill: Amount
    trial_runs: tuple[TrialRun, ...]


class PathOperations:
    """Records how cases stand, and reads the path."""

    def __init__(
        self,
        programs: ProgramStore,
        path: PathStore,
        projection: Projection,
        endings: Endings,
        cases: CaseOperations,
        incidents: StandingIncidents,
        rules_: Rules,
    ) -> None:
        self._rules = rules_
        self._programs = programs
        self._path = path
        self._projection = projection
        self._endings = endings
        self._cases = cases
        self._incidents = incidents

    def record_standing(
        self, tx: Transaction, name: str, new: Recorded, signed: bytes
    ) -> GateReading:
        """Takes a verified statement over; an older one, or the same again, changes nothing."""
        program = self._programs.load(tx, name)
        records = self._path.load(tx, name)
        kept = b"" if new.gate in OWN else signed
        step = self._projection.take(tx, name, records, new, kept)
        if step is not None:
            self._record(tx, name, step)
            if program.suspension is not None and program.suspended:
                # It was suspended before launch heard by what the gate was decided.
                why = f"suspended: {program.suspension.reason}"
                self._incidents.note(tx, program, records, why)
            program = self._follow(tx, program, step, records)
        newest, signed_now = self._newest(tx, program), records.get(new.gate)
        waits = self._path.waits_ms(tx, TYPICAL_OF, new.gate)
        return self._gate(tx, program, newest, new.gate, signed_now, _typical_ms(waits, new.gate))

    def read(self, tx: Transaction, name: str) -> PathReading:
        """Every gate, in order, and what all waiting cost so far."""
        program = self._programs.load(tx, name)
        newest = self._newest(tx, program)
        records = self._path.load(tx, name)
        waits = self._path.waits_ms(tx, TYPICAL_OF)
        gates = tuple(
            self._gate(tx, program, newest, gate, records.get(gate), _typical_ms(waits, gate))
            for gate in Gate
        )
        waiting_at = None
        if newest is not None and program.state is not ProgramState.ENDED:
            known = {gate: one.record for gate, one in records.items()}
            waiting_at = paths.waiting_at(known, newest, tx.now)
        total_minor = min(sum(gate.stall_bill.minor for gate in gates), paths.MOST_MINOR)
        total = Amount(total_minor, program.content.amount.currency)
        runs = trial_evidence(tx, self._programs, program)
        return PathReading(program, gates, waiting_at, total, runs)

    def read_after(self, tx: Transaction, name: str, version: int) -> PathReading | None:
        """The path where the program changed after `version`; None where it did not."""
        if self._programs.version(tx, name) <= version:
            return None
        return self.read(tx, name)

    def _newest(self, tx: Transaction, program: Program) -> Revision | None:
        if not program.revision:
            return None
        return self._programs.revision(tx, program.name, program.revision).facts

    def _gate(
        self,
        tx: Transaction,
        program: Program,
        newest: Revision | None,
        gate: Gate,
        signed: SignedRecord | None,
        typical_ms: int,
    ) -> GateReading:
        currency = program.content.amount.currency
        if signed is None:
            return GateReading(gate, b"", None, False, 0, Amount(0, currency), typical_ms)
        record = signed.record
        waited_ms = record.waited_ms(min(tx.now, program.ended_at or tx.now))
        cost = program.content.cost_of_delay_per_week
        bill_minor = paths.stall_bill_minor(gate, waited_ms, cost.minor if cost else 0)
        return GateReading(
            gate=gate,
            signed=signed.signed,
            own=self._cases.read(tx, program.name, gate) if gate in OWN else None,
            standing=newest is not None and record.standing_for(newest, tx.now),
            waited_ms=waited_ms,
            stall_bill=Amount(bill_minor, currency),
            typical_ms=typical_ms,
        )

    def _follow(
        self, tx: Transaction, program: Program, step: Step, records: Mapping[Gate, SignedRecord]
    ) -> Program:
        """What follows from a newer statement: an end, an incident, that all is released."""
        case = step.after.case
        if program.state is ProgramState.ENDED:
            return self._settle(tx, program, records)
        final = case.state is CaseState.DECLINED and not case.appeal_open
        if final and program.state in rules.WALKING:
            # A declined case never reopens at its service, whatever was revised meanwhile.
            last = case.last_decider
            by = last.person if last else f"workloads/{OWNER[case.gate]}"
            return self._endings.end(tx, program, Outcome.DECLINED, by, case.reason)
        line = _incident(case, tx.now)
        by_it = case.standing_decision is not None and paths.taken_back(step.before, case)
        harmed = rules.harmed(program, line) if by_it else program
        if program.state is ProgramState.LAUNCHED and self._lost(tx, step):
            if case.state is CaseState.VOIDED:  # an expiry harms nobody: a trial's days are over
                self._incidents.note(tx, program, records, line)
            saved = self._programs.save(tx, program, rules.with_incident(harmed, line))
            self._ask_sponsors(tx, saved, records)
            return saved
        if program.state is ProgramState.LAUNCHED:
            self._ask_no_more(tx, program, records)
        if harmed != program:
            return self._programs.save(tx, program, harmed)
        return self._touched(tx, program)

    def _lost(self, tx: Transaction, step: Step) -> bool:
        """Whether something is gone on which the launch still rests."""
        case = step.after.case
        if not paths.lost(step.before, case):
            return False
        if case.state is not CaseState.EXPIRED:
            return True
        try:
            charter = self._rules.of(tx, case.charter_digest or self._rules.in_force.digest)
        except PreconditionFailed:  # in force while this service was down: rather ask in vain
            return True
        return not paths.outlived(case, charter.validity(case.gate.value).elapsed)

    def _ask_sponsors(
        self, tx: Transaction, program: Program, records: Mapping[Gate, SignedRecord]
    ) -> None:
        """Puts the open proof into the sponsors' hands too; no other case of the program waits."""
        case = self._cases.newest(tx, program.name, Gate.PROVE)
        if case is None or case.state not in WAITING:
            return
        pledge = records.get(Gate.PLEDGE)
        deciders = pledge.record.case.deciders if pledge else ()
        sponsors = stages.go_holders(program.content, deciders, tx.now)
        asked = self._cases.governed(tx, stages.lost(case, program.incidents, sponsors))
        payload = {"incident": program.incidents[-1], "to": [one.person for one in asked.holders]}
        self._cases.store.save(tx, case, asked, "prove.asked", payload)

    def _ask_no_more(
        self, tx: Transaction, program: Program, records: Mapping[Gate, SignedRecord]
    ) -> None:
        """What ran out provisionally was decided in full: nothing is lost any more."""
        if not paths.all_stand({gate: one.record for gate, one in records.items()}, tx.now):
            return
        case = self._cases.newest(tx, program.name, Gate.PROVE)
        if case is not None and case.amber is Amber.DECISION_LOST:
            found = replace(case, amber=None, reason="")
            self._cases.store.save(tx, case, found, "prove.asked_no_more", {})

    def _settle(
        self, tx: Transaction, program: Program, records: Mapping[Gate, SignedRecord]
    ) -> Program:
        known = {gate: one.record for gate, one in records.items()}
        if program.settled or not paths.all_released(known):
            return self._touched(tx, program)
        saved = self._programs.save(tx, program, replace(program, settled=True))
        tx.record("program.settled", saved.name, saved.version, {}, program=saved.name)
        return saved

    def _touched(self, tx: Transaction, program: Program) -> Program:
        return replace(program, version=self._programs.touch(tx, program.name))

    def _record(self, tx: Transaction, name: str, step: Step) -> None:
        case = step.after.case
        tx.record(
            f"path.{case.gate.value.lower()}.recorded",
            case.case_name,
            case.version,
            {
                "gate": case.gate.value,
                "state": case.state.value,
                "round": case.round,
                "revision": case.revision,
                "gate_digest": case.gate_digest,
            },
            program=name,
        )


def trial_evidence(
    tx: Transaction, programs: ProgramStore, program: Program
) -> tuple[TrialRun, ...]:
    """What trials showed, of a program and of those that it takes up again, as of now."""
    others = sorted({run.program for run in program.trial_runs} - {program.name})
    elsewhere = [
        run
        for name in others
        for run in programs.load(tx, name).trial_runs
        if run.program == name  # what it took up itself may have changed since
    ]
    return trial_runs.evidence(program.trial_runs, elsewhere)


def standing_people(records: dict[Gate, SignedRecord], *gates: Gate) -> frozenset[str]:
    """Who decided at these gates, as last recorded."""
    return frozenset(
        person for gate in gates if gate in records for person in records[gate].record.case.people
    )


def _incident(case: Recorded, now: datetime) -> str:
    how = _HOW.get(case.state, "is no longer valid")
    why = f": {case.reason}" if case.reason else ""
    return f"{now:%Y-%m-%d %H:%M} the decision of {case.gate.value.lower()} {how}{why}"


_HOW = {CaseState.VOIDED: "was taken back", CaseState.DECLINED: "gave way to a decline"}


def _typical_ms(waits: Mapping[Gate, list[int]], gate: Gate) -> int:
    found = waits.get(gate)
    return median_low(found) if found else 0
