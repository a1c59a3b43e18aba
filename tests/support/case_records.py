"""What the services keep of their gates' cases, in memory: honest to their rules.

Statements are their messages in base64: what is in them is checked, a signature is not, for no test
here is about trust. Rounds, carrying, expiry, escalation and release follow the real services.
"""

import asyncio
import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from investiture.api.casework.v1 import case_service_pb2 as case_pb
from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.common.v1 import statements_pb2 as statement_pb
from investiture.chassis.refusal import Leg, NotFound, PreconditionFailed

Gate: TypeAlias = pb.Gate.ValueType
M = TypeVar("M", bound=Message)

OWNERS: Mapping[Gate, str] = {
    pb.GATE_PLEDGE: "sponsorship",
    pb.GATE_FUND: "budget",
    pb.GATE_KNIGHT: "itrisk",
    pb.GATE_PILOT: "launch",
    pb.GATE_LAUNCH: "launch",
    pb.GATE_PROVE: "launch",
}
WARRANTED = (pb.GATE_PLEDGE, pb.GATE_FUND, pb.GATE_KNIGHT)
WALKED = (*WARRANTED, pb.GATE_PILOT, pb.GATE_LAUNCH)
VERDICTS: Mapping[Gate, pb.Verdict.ValueType] = {
    pb.GATE_PLEDGE: pb.VERDICT_PLEDGED,
    pb.GATE_FUND: pb.VERDICT_FUNDED,
    pb.GATE_KNIGHT: pb.VERDICT_KNIGHTED,
    pb.GATE_PILOT: pb.VERDICT_PILOT_SUCCEEDED,
    pb.GATE_LAUNCH: pb.VERDICT_GO,
}
ROLES: Mapping[Gate, str] = {
    pb.GATE_PLEDGE: "sponsor",
    pb.GATE_FUND: "approver",
    pb.GATE_KNIGHT: "reviewer",
    pb.GATE_PILOT: "pilot-owner",
    pb.GATE_LAUNCH: "sponsor",
    pb.GATE_PROVE: "benefit-owner",
}
CHAIN = ("deputy", "head", "governance")
WAITING = (pb.CASE_STATE_OPEN, pb.CASE_STATE_CHANGES_REQUESTED)
NEVER_MS = -1


class ScriptedClock:
    """The clock of the services: the system's until a test sets it; each service may lag."""

    def __init__(self) -> None:
        self._set: datetime | None = None
        self.lags: dict[str, timedelta] = {}

    def advance_to(self, instant: datetime) -> None:
        """Never backwards, once set."""
        self._set = instant if self._set is None else max(self._set, instant)

    def now(self, service: str = "launch") -> datetime:
        return (self._set or datetime.now(UTC)) - self.lags.get(service, timedelta())


def name_of(gate: Gate) -> str:
    return pb.Gate.Name(gate).removeprefix("GATE_")


def signed(message: Message) -> str:
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def opened(statement: str, message: M) -> M:
    message.ParseFromString(base64.b64decode(statement))
    return message


def stamp(instant: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message


def instant(message: Timestamp) -> datetime:
    return message.ToDatetime(tzinfo=UTC)


class CaseRecords:
    """The cases of every gate of every program."""

    def __init__(
        self,
        clock: ScriptedClock,
        ring: Callable[[str, Gate, pb.GateCase | None], None],
        sla: timedelta = timedelta(days=3),
    ) -> None:
        self.clock = clock
        self.sla = sla
        self.slas: dict[tuple[str, Gate], timedelta] = {}
        self.validity: dict[tuple[str, Gate], timedelta] = {}
        self.cases: dict[tuple[str, Gate], list[pb.GateCase]] = {}
        self.ended: set[tuple[str, Gate]] = set()
        self.on_open: Callable[[pb.GateCase], None] = lambda _: None
        self.ring = ring
        self._changed = asyncio.Event()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until a change of the records makes it true."""
        while not true():
            await self._changed.wait()

    def changed(self) -> None:
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    def admit(self, name: str, gate: Gate) -> None:
        """What else a service asks before it opens a case."""

    def declined(self, name: str) -> None:
        """A gate of launch was declined, which ends the program in the same transaction."""

    def tolerates(self, name: str, gate: Gate) -> bool:
        """Whether the newest revision's change of the gate lies within the tolerance."""
        return False

    def open(self, gate: Gate, statement: str, warrants: Iterable[str]) -> case_pb.CaseReading:
        asked = opened(statement, statement_pb.RevisionStatement())
        if (asked.program, gate) in self.ended:
            raise PreconditionFailed("PROGRAM_ENDED", f"{asked.program} has ended")
        self.admit(asked.program, gate)
        required = [earlier for earlier in WARRANTED if earlier < gate]
        check_warrants(asked.gate_digests, required, warrants, gate)
        present = self.newest(asked.program, gate)
        if present is not None and asked.revision < present.revision:
            raise PreconditionFailed("REVISION_SUPERSEDED", "a newer revision was seen")
        return self.reading(self.reopened(present, gate, asked))

    def reopened(
        self, present: pb.GateCase | None, gate: Gate, asked: statement_pb.RevisionStatement
    ) -> pb.GateCase:
        if present is None:
            return self.insert(gate, asked)
        if present.state in (pb.CASE_STATE_DECLINED, pb.CASE_STATE_RELEASED):
            return present
        digest = asked.gate_digests[name_of(gate)]
        same = present.gate_digest == digest
        standing = present.state == pb.CASE_STATE_STANDING
        carried = standing and self.tolerates(asked.program, gate)
        if present.state in (*WAITING, pb.CASE_STATE_STANDING) and (same or carried):
            if present.revision != asked.revision:
                present.revision, present.gate_digest = asked.revision, digest
                present.basis = present.basis if same else pb.BASIS_CARRIED
                self.save(present)
            return present
        if present.state not in (pb.CASE_STATE_VOIDED, pb.CASE_STATE_EXPIRED):
            present.state = pb.CASE_STATE_SUPERSEDED
            self.save(present)
        return self.insert(gate, asked)

    def insert(self, gate: Gate, asked: statement_pb.RevisionStatement) -> pb.GateCase:
        rounds = self.cases.setdefault((asked.program, gate), [])
        case = pb.GateCase(
            name=f"{asked.program}/{name_of(gate).lower()}s/{len(rounds) + 1}",
            program=asked.program,
            gate=gate,
            revision=asked.revision,
            gate_digest=asked.gate_digests[name_of(gate)],
            round=len(rounds) + 1,
            state=pb.CASE_STATE_OPEN,
        )
        rounds.append(case)
        self.wait(case, ROLES[gate], f"units/{OWNERS[gate]}")
        self.save(case)
        self.on_open(case)
        return case

    def wait(
        self, case: pb.GateCase, role: str, unit: str = "", time: timedelta | None = None
    ) -> None:
        """A new wait, with the dates of its timetable."""
        now = self.clock.now(OWNERS[case.gate])
        sla = time or self.slas.get((case.program, case.gate), self.sla)
        case.waiting_since.CopyFrom(stamp(now))
        case.timetable.opened_at.CopyFrom(stamp(now))
        case.timetable.nudge_at.CopyFrom(stamp(now + sla * 0.5))
        case.timetable.warn_at.CopyFrom(stamp(now + sla * 0.8))
        case.timetable.overdue_at.CopyFrom(stamp(now + sla))
        case.timetable.second_at.CopyFrom(stamp(now + sla * 1.5))
        del case.holders[:]
        case.holders.add(person=f"people/{role}", role=role, unit=unit)

    def save(self, case: pb.GateCase) -> None:
        case.version += 1
        case.etag = f"{case.name}@{case.version}"
        self.ring(case.program, case.gate, case)
        self.changed()

    def newest(self, name: str, gate: Gate) -> pb.GateCase | None:
        rounds = self.cases.get((name, gate))
        if not rounds:
            return None
        case = rounds[-1]
        ended = case.HasField("standing_until") and instant(case.standing_until) <= self.clock.now(
            OWNERS[gate]
        )
        if case.state == pb.CASE_STATE_STANDING and ended:
            case.state = pb.CASE_STATE_EXPIRED
        return case

    def present(self, name: str, gate: Gate) -> pb.GateCase:
        case = self.newest(name, gate)
        if case is None:
            raise NotFound(f"{name}/{name_of(gate)}")
        return case

    def reading(self, case: pb.GateCase) -> case_pb.CaseReading:
        now = self.clock.now(OWNERS[case.gate])
        step, due_at = self.next_step(case)
        case.timetable.next_step = step
        if due_at is None:
            case.timetable.ClearField("next_at")
        else:
            case.timetable.next_at.CopyFrom(stamp(due_at))
        until = instant(case.standing_until) if case.HasField("standing_until") else None
        stands = case.state == pb.CASE_STATE_STANDING
        statement = statement_pb.CaseStatement(gate_case=case, issued_at=stamp(now))
        return case_pb.CaseReading(
            gate_case=case,
            case_statement=signed(statement),
            next_in_ms=milliseconds(due_at, now),
            standing_for_ms=milliseconds(until if stands else None, now),
        )

    def next_step(self, case: pb.GateCase) -> tuple[pb.Step.ValueType, datetime | None]:
        # What stands provisionally is still asked.
        asked = case.appeal_open or case.basis == pb.BASIS_EMERGENCY
        if case.state not in WAITING and not asked:
            return pb.STEP_UNSPECIFIED, None
        dates = case.timetable
        taken = [e for e in case.escalations if instant(e.due_at) > instant(case.waiting_since)]
        planned = [dates.nudge_at, dates.warn_at, dates.overdue_at, dates.second_at]
        if len(taken) < len(planned):
            return pb.Step.ValueType(len(taken) + 1), instant(planned[len(taken)])
        weeks = timedelta(weeks=len(taken) - len(planned) + 1)
        return pb.STEP_REPEAT, instant(dates.second_at) + weeks

    def escalate(self, name: str) -> case_pb.EscalateCaseResponse:
        case = next((c for rounds in self.cases.values() for c in rounds if c.name == name), None)
        if case is None:
            raise NotFound(name)
        now = self.clock.now(OWNERS[case.gate])
        taken: list[pb.Escalation] = []
        while True:
            step, due_at = self.next_step(case)
            if due_at is None or due_at > now:
                break
            if case.HasField("appealable_until") and step == pb.STEP_OVERDUE:
                self._final(case)
                taken.append(pb.Escalation(step=step))
                break
            held = [holder.person for holder in case.holders]
            record = case.escalations.add(step=step, holders=held)
            record.due_at.CopyFrom(stamp(due_at))
            record.recorded_at.CopyFrom(stamp(now))
            added = next((who for who in CHAIN if f"people/{who}" not in held), None)
            if step >= pb.STEP_OVERDUE and added is not None:
                case.holders.add(person=f"people/{added}", role=added, added_by=step)
                record.added.append(f"people/{added}")
            taken.append(record)
        if taken:
            self.save(case)
        reading = self.reading(case)
        response = case_pb.EscalateCaseResponse(
            reading=reading, taken=taken, next_in_ms=reading.next_in_ms
        )
        if reading.gate_case.timetable.HasField("next_at"):
            response.next_at.CopyFrom(reading.gate_case.timetable.next_at)
        return response

    def extend(self, name: str, gate: Gate) -> None:
        """The same timetable once more, from the due date; what was taken stays taken."""
        case = self.present(name, gate)
        assert case.state in WAITING, f"{case.name} is {pb.CaseState.Name(case.state)}"
        dates, due_at = case.timetable, instant(case.timetable.overdue_at)
        sla = self.slas.get((name, gate), self.sla)
        dates.nudge_at.CopyFrom(stamp(due_at + sla * 0.5))
        dates.warn_at.CopyFrom(stamp(due_at + sla * 0.8))
        dates.overdue_at.CopyFrom(stamp(due_at + sla))
        dates.second_at.CopyFrom(stamp(due_at + sla * 1.5))
        self.save(case)

    def release(self, name: str, gate: Gate, end: str) -> case_pb.CaseReading:
        assert opened(end, statement_pb.EndStatement()).program == name
        self.ended.add((name, gate))
        case = self.newest(name, gate)
        if case is None:
            tomb = f"{name}/{name_of(gate).lower()}s/released"
            case = pb.GateCase(name=tomb, program=name, gate=gate, version=1)
            case.state = pb.CASE_STATE_RELEASED
        elif case.state != pb.CASE_STATE_RELEASED:
            case.state = pb.CASE_STATE_RELEASED
            del case.holders[:]
            self.save(case)
        return self.reading(case)

    def warrant(self, name: str, gate: Gate) -> case_pb.SignedWarrant:
        case = self.newest(name, gate)
        if case is None or case.state != pb.CASE_STATE_STANDING:
            raise PreconditionFailed("WRONG_STATE", "nothing stands")
        now = self.clock.now(OWNERS[gate])
        warrant = statement_pb.Warrant(
            program=name,
            gate=gate,
            revision=case.revision,
            gate_digest=case.gate_digest,
            conditions=case.conditions,
            issued_at=stamp(now),
        )
        return case_pb.SignedWarrant(warrant=signed(warrant), issued_at=stamp(now))

    def decide(
        self,
        name: str,
        gate: Gate,
        verdict: pb.Verdict.ValueType = pb.VERDICT_UNSPECIFIED,
        blocks: Gate = pb.GATE_UNSPECIFIED,
    ) -> None:
        """In favour; `blocks` leaves an open condition that blocks that gate."""
        case = self.present(name, gate)
        assert case.state in WAITING, f"{case.name} is {pb.CaseState.Name(case.state)}"
        case.state = pb.CASE_STATE_STANDING
        case.verdict = verdict or VERDICTS[gate]
        case.basis = pb.BASIS_DECISION
        del case.holders[:]
        validity = self.validity.get((name, gate))
        if validity is not None:
            case.standing_until.CopyFrom(stamp(self.clock.now(OWNERS[gate]) + validity))
        if blocks:
            case.conditions.add(id="c1", text="a condition", blocks=blocks)
        self.save(case)

    def request_changes(self, name: str, gate: Gate) -> None:
        case = self.present(name, gate)
        case.state = pb.CASE_STATE_CHANGES_REQUESTED
        case.verdict = pb.VERDICT_CHANGES_REQUESTED
        self.wait(case, "proposer")
        self.save(case)

    def decline(self, name: str, gate: Gate, window: timedelta | None = None) -> None:
        """Against; with a window it may be appealed."""
        case = self.present(name, gate)
        case.state = pb.CASE_STATE_DECLINED
        case.verdict = pb.VERDICT_DECLINED
        if window is not None:
            self.wait(case, "proposer", time=window)
            case.appealable_until.CopyFrom(case.timetable.overdue_at)
            case.appeal_open = True
        self.save(case)
        if OWNERS[gate] == "launch":
            self.declined(name)

    def appeal(self, name: str, gate: Gate) -> None:
        case = self.present(name, gate)
        assert case.HasField("appealable_until"), f"{case.name} may not be appealed"
        case.ClearField("appealable_until")
        self.wait(case, "arbiter")
        case.appeal.person = "people/sponsor"
        self.save(case)

    def decide_appeal(self, name: str, gate: Gate, *, granted: bool) -> None:
        case = self.present(name, gate)
        self._final(case)
        if granted:
            case.state = pb.CASE_STATE_VOIDED
        self.save(case)

    def _final(self, case: pb.GateCase) -> None:
        case.appeal_open = False
        case.ClearField("appealable_until")
        del case.holders[:]

    def ask_sponsors(self, program: str) -> None:
        """What launch does once it knows that something is lost after the launch."""
        case = self.present(program, pb.GATE_PROVE)
        case.amber = pb.AMBER_DECISION_LOST
        self.save(case)

    def void(self, name: str, gate: Gate) -> None:
        case = self.present(name, gate)
        case.state = pb.CASE_STATE_VOIDED
        self.save(case)

    def close_condition(self, name: str, gate: Gate) -> None:
        case = self.present(name, gate)
        for condition in case.conditions:
            condition.closed_at.CopyFrom(stamp(self.clock.now(OWNERS[gate])))
        self.save(case)


def milliseconds(date: datetime | None, now: datetime) -> int:
    """Rounded up; 0 where it has passed."""
    if date is None:
        return NEVER_MS
    return max(0, -((now - date) // timedelta(milliseconds=1)))


def check_warrants(
    digests: Mapping[str, str], required: Iterable[Gate], warrants: Iterable[str], gate: Gate
) -> None:
    """Each required gate's warrant is there and about this revision; no condition blocks."""
    present = {w.gate: w for w in (opened(s, statement_pb.Warrant()) for s in warrants)}
    legs = [
        Leg("WARRANT", name_of(earlier), "missing or unfit", "pass that gate first")
        for earlier in required
        if earlier not in present or present[earlier].gate_digest != digests[name_of(earlier)]
    ]
    if legs:
        raise PreconditionFailed("BUSINESS_FIRST", legs=legs)
    for warrant in present.values():
        for condition in warrant.conditions:
            if condition.blocks == gate and not condition.HasField("closed_at"):
                raise PreconditionFailed("LAUNCH_NOT_READY", "a condition is open")
