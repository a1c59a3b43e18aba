"""What the launch service keeps, in memory: programs, revisions, the path as it was recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from tests.support.case_records import (
    OWNERS,
    WARRANTED,
    CaseRecords,
    Gate,
    ScriptedClock,
    check_warrants,
    name_of,
    opened,
    signed,
    stamp,
)

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.chassis.refusal import NotFound, PreconditionFailed


@dataclass
class Revision:
    number: int
    digests: dict[str, str]
    tolerated: frozenset[str]
    """Gates whose change lies within the charter's tolerance."""


@dataclass
class Program:
    message: launch_pb.Program
    revisions: list[Revision] = field(default_factory=list[Revision])
    recorded: dict[Gate, pb.GateCase] = field(default_factory=dict[Gate, pb.GateCase])
    records: int = 0
    """Statements that launch was asked to record."""
    launches: int = 0


class Records(CaseRecords):
    """Programs, and the cases of every gate."""

    def __init__(
        self,
        clock: ScriptedClock,
        ring: Callable[[str, Gate, pb.GateCase | None], None],
        sla: timedelta = timedelta(days=3),
    ) -> None:
        super().__init__(clock, ring, sla)
        self.programs: dict[str, Program] = {}

    def draft(self, name: str) -> None:
        message = launch_pb.Program(name=name, state=launch_pb.PROGRAM_STATE_DRAFT)
        self.programs[name] = Program(message)

    def submit(self, name: str) -> None:
        digests = {name_of(gate): f"{name_of(gate)}-1" for gate in OWNERS}
        content = launch_pb.ProgramContent(owning_unit="units/pr")
        message = launch_pb.Program(
            name=name, state=launch_pb.PROGRAM_STATE_ON_PATH, revision=1, content=content
        )
        self.programs[name] = Program(message, [Revision(1, digests, frozenset())])
        self.program_changed(name)

    def revise(
        self, name: str, changed: Iterable[Gate] = (), tolerated: Iterable[Gate] = ()
    ) -> None:
        program = self.living(name)
        number = program.message.revision + 1
        digests = dict(program.revisions[-1].digests)
        carried = frozenset(map(name_of, tolerated))
        for gate in {*map(name_of, changed), *carried}:
            digests[gate] = f"{gate}-{number}"
        program.revisions.append(Revision(number, digests, carried))
        program.message.revision = number
        self.program_changed(name)

    def end(self, name: str, outcome: statement_pb.Outcome.ValueType) -> None:
        program = self.living(name)
        program.message.outcome = outcome
        program.message.state = launch_pb.PROGRAM_STATE_ENDED
        self.settle(program)
        self.program_changed(name)

    def suspend(self, name: str, suspended: bool) -> None:
        self.living(name).message.suspended = suspended
        self.program_changed(name)

    def admit(self, name: str, gate: Gate) -> None:
        if OWNERS[gate] == "launch" and self.living(name).message.suspended:
            raise PreconditionFailed("PROGRAM_SUSPENDED", f"{name} is suspended")

    def declined(self, name: str) -> None:
        self.end(name, statement_pb.OUTCOME_DECLINED)

    def tolerates(self, name: str, gate: Gate) -> bool:
        return name_of(gate) in self.program(name).revisions[-1].tolerated

    def living(self, name: str) -> Program:
        program = self.program(name)
        if program.message.outcome:
            raise PreconditionFailed("PROGRAM_ENDED", f"{name} has ended")
        return program

    def program(self, name: str) -> Program:
        if name not in self.programs:
            raise NotFound(name)
        return self.programs[name]

    def program_changed(self, name: str) -> None:
        self.programs[name].message.version += 1
        self.ring(name, pb.GATE_UNSPECIFIED, None)
        self.changed()

    def settle(self, program: Program) -> None:
        held = (program.recorded.get(gate) for gate in WARRANTED)
        program.message.settled = all(
            case is not None and case.state == pb.CASE_STATE_RELEASED for case in held
        )

    def path(self, name: str) -> launch_pb.Path:
        program = self.program(name)
        gates = [
            launch_pb.PathGate(gate=gate, gate_case=case) for gate, case in program.recorded.items()
        ]
        path = launch_pb.Path(program=program.message, gates=gates)
        path.stall_bill.currency_code, path.stall_bill.units = "EUR", program.records
        return path

    def revision(self, name: str) -> launch_pb.Revision:
        program, _, number = name.partition("/revisions/")
        revision = self.program(program).revisions[int(number) - 1]
        return launch_pb.Revision(name=name, number=revision.number, gate_digests=revision.digests)

    def revision_statement(self, name: str) -> launch_pb.SignedRevisionStatement:
        newest = self.living(name).revisions[-1]
        statement = statement_pb.RevisionStatement(
            program=name,
            revision=newest.number,
            gate_digests=newest.digests,
            submitted_at=stamp(self.clock.now()),
        )
        return launch_pb.SignedRevisionStatement(
            statement=signed(statement), revision=newest.number
        )

    def end_statement(self, name: str) -> launch_pb.SignedEndStatement:
        message = self.program(name).message
        if not message.outcome:
            raise PreconditionFailed("WRONG_STATE", f"{name} lives")
        statement = statement_pb.EndStatement(
            program=name, outcome=message.outcome, ended_at=stamp(self.clock.now())
        )
        return launch_pb.SignedEndStatement(statement=signed(statement), outcome=message.outcome)

    def record_standing(self, statement: str) -> launch_pb.PathGate:
        case = opened(statement, statement_pb.CaseStatement()).gate_case
        program = self.program(case.program)
        program.records += 1
        known = program.recorded.get(case.gate)
        newer = known is None or (case.round, case.version) >= (known.round, known.version)
        if newer or case.state == pb.CASE_STATE_RELEASED:
            program.recorded[case.gate] = case
        newest = program.revisions[-1].digests[name_of(case.gate)]
        final = case.state == pb.CASE_STATE_DECLINED and not case.appeal_open
        if final and case.gate_digest == newest:
            if not program.message.outcome:
                self.end(case.program, statement_pb.OUTCOME_DECLINED)
        elif program.message.outcome:
            self.settle(program)
        self.changed()
        return launch_pb.PathGate(gate=case.gate, gate_case=case)

    def execute_launch(self, name: str, warrants: Iterable[str]) -> launch_pb.Program:
        program = self.living(name)
        if program.message.HasField("launch_time"):
            raise PreconditionFailed("WRONG_STATE", f"{name} is launched already")
        if program.message.suspended:
            raise PreconditionFailed("PROGRAM_SUSPENDED", f"{name} is suspended")
        newest = program.revisions[-1].digests
        check_warrants(newest, WARRANTED, warrants, pb.GATE_LAUNCH)
        go = self.newest(name, pb.GATE_LAUNCH)
        if go is None or go.state != pb.CASE_STATE_STANDING:
            raise PreconditionFailed("LAUNCH_NOT_READY", "nobody gave the go")
        program.message.launch_time.CopyFrom(stamp(self.clock.now()))
        program.message.state = launch_pb.PROGRAM_STATE_LAUNCHED
        program.launches += 1
        go.verdict = pb.VERDICT_LAUNCHED
        self.save(go)
        statement = self.revision_statement(name).statement
        self.insert(pb.GATE_PROVE, opened(statement, statement_pb.RevisionStatement()))
        self.program_changed(name)
        return program.message

    def close(self, name: str, outcome: statement_pb.Outcome.ValueType) -> None:
        """A launched program's promise is settled."""
        case = self.present(name, pb.GATE_PROVE)
        case.state = pb.CASE_STATE_STANDING
        self.save(case)
        self.end(name, outcome)
