"""What a path keeps of what the services answer: states, dates and digests, nobody's name."""

from collections.abc import Iterable

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from iso4217 import Currency

from investiture.api.casework.v1.case_service_pb2 import CaseReading, EscalateCaseResponse
from investiture.api.common.v1 import gate_pb2
from investiture.api.launch.v1 import launch_service_pb2 as launch_pb
from investiture.api.workflows.v1.path_pb2 import GateReading, ProgramReading
from investiture.workflows.doorbell import PROGRAM, GateId

NEVER_MS = -1


def program_reading(path: launch_pb.Path, revision: launch_pb.Revision | None) -> ProgramReading:
    """Return what a path knows of its program; `revision` is None before the first submission."""
    program = path.program
    launched = program.state == launch_pb.PROGRAM_STATE_LAUNCHED or program.HasField("launch_time")
    units = [program.content.owning_unit]
    for gate in path.gates:
        units += (holder.unit for holder in gate.gate_case.holders)
    return ProgramReading(
        program=program.name,
        revision=program.revision,
        gate_digests=dict(revision.gate_digests) if revision else {},
        outcome=program.outcome,
        launched=launched,
        settled=program.settled,
        suspended=program.suspended,
        version=program.version,
        stall_bill_minor=_minor(path.stall_bill),
        units=sorted(set(_ids(units))),
        appeal_at=next((one.gate for one in path.gates if one.gate_case.appeal_open), PROGRAM),
    )


def gate_reading(gate: GateId, answer: CaseReading) -> GateReading:
    """Return what a path knows of a gate from its record."""
    case = answer.gate_case
    if not case.name:
        return GateReading(gate=gate, next_in_ms=NEVER_MS, standing_for_ms=NEVER_MS)
    taken = [step for step in case.escalations if _not_before(step.due_at, case.waiting_since)]
    reading = GateReading(
        gate=gate,
        found=True,
        case_name=case.name,
        version=case.version,
        state=case.state,
        verdict=case.verdict,
        revision=case.revision,
        gate_digest=case.gate_digest,
        round=case.round,
        next_step=case.timetable.next_step,
        next_in_ms=answer.next_in_ms,
        standing_for_ms=answer.standing_for_ms,
        holder_roles=list(dict.fromkeys(holder.role for holder in case.holders)),
        holder_units=list(dict.fromkeys(_ids(holder.unit for holder in case.holders))),
        escalated=any(step.step >= gate_pb2.STEP_OVERDUE for step in taken),
        steps_taken=len(taken),
        no_eligible_holder=case.no_eligible_holder,
        amber=case.amber,
        standing_decision=case.standing_decision.id,
        appeal_open=case.appeal_open,
        provisional=case.basis == gate_pb2.BASIS_EMERGENCY,
    )
    _copy(case.timetable, "next_at", reading.next_at)
    _copy(case.timetable, "overdue_at", reading.overdue_at)
    _copy(case, "waiting_since", reading.waiting_since)
    _copy(case, "appealable_until", reading.appealable_until)
    return reading


def escalated_reading(gate: GateId, answer: EscalateCaseResponse) -> GateReading:
    """Return what a path knows of a gate after an escalation: its dates are those answered."""
    reading = gate_reading(gate, answer.reading)
    reading.next_in_ms = answer.next_in_ms
    if answer.HasField("next_at"):
        reading.next_at.CopyFrom(answer.next_at)
    else:
        reading.ClearField("next_at")
    return reading


def _copy(source: Message, field: str, target: Timestamp) -> None:
    if source.HasField(field):
        target.CopyFrom(getattr(source, field))


def _not_before(date: Timestamp, since: Timestamp) -> bool:
    return (date.seconds, date.nanos) >= (since.seconds, since.nanos)


def _ids(units: Iterable[str]) -> Iterable[str]:
    return (unit.removeprefix("units/") for unit in units if unit)


def _minor(money: Money) -> int:
    """Minor units of the currency, by the ISO table; hundredths where it does not know the code."""
    try:
        exponent: int = Currency(money.currency_code).exponent or 0
    except ValueError:
        exponent = 2
    return int(money.units * 10**exponent + money.nanos // 10 ** (9 - exponent))
