"""Seeking one gate: open its case, wait for the doorbell, read the record again, escalate."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from google.protobuf.message import Message

    from investiture.api.common.v1 import gate_pb2
    from investiture.api.workflows.v1.path_pb2 import (
        GateInput,
        GateReading,
        PathInput,
        ProgramReading,
    )
    from investiture.workflows.activities import Activities

from investiture.workflows.asking import HistoryFull, UnexpectedAnswer, ask, full
from investiture.workflows.doorbell import PROGRAM, UNKNOWN, Doorbell, GateId, gate_name
from investiture.workflows.records import A_DAY, A_SECOND, Hold, Seen
from investiture.workflows.visibility import BLOCKED, ENDING, PARKED, Display, View

MOST_FRUITLESS = 3
"""Times in a row that a gate may send the path back to where nothing has changed."""

OPENED_BY_LAUNCH = (gate_pb2.GATE_PROVE,)
"""Gates whose case launch opens in the transaction that makes it due; they are only read."""

A = TypeVar("A", bound=Message)
R = TypeVar("R", bound=Message)


class Seeker:
    """What a path knows of its program and its gates, and how it comes to know more."""

    def __init__(
        self, program: str, order: Sequence[GateId], watched: Sequence[GateId] = ()
    ) -> None:
        """Know nothing yet; seek the gates in this order, and only read the `watched` ones."""
        self.bell = Doorbell()
        self.display = Display()
        self._path = PathInput(program=program)
        self._order = order
        self._watched = watched
        self._program = ProgramReading(program=program)
        self._program_stale = True
        self._looked_at: datetime | None = None
        """When everything was read; it is read again a day later, whatever rings were lost."""
        self._seen: dict[GateId, Seen] = {}
        self._holds: dict[GateId, Hold] = {}
        self._fruitless = 0
        self._ending = False

    async def program(self) -> ProgramReading:
        """The program; read again where it was rung for, where a gate said so, and once a day."""
        while self._program_outdated():
            if self._held(PROGRAM):
                await self._wait(PROGRAM)
            else:
                await self._read_program()
        return self._program

    async def first_not_standing(self) -> GateId | None:
        """The first gate without a decision that stands for the program's newest revision.

        While a decline may be appealed, and until the answer, nobody is asked at an earlier gate.
        """
        for gate in self._order:
            seen = await self.reading(gate)
            stands = seen is not None and seen.stands(self._program.revision)
            # What stands provisionally is still asked of people, and escalates meanwhile.
            due = seen is not None and seen.due(workflow.now())
            if stands and not due and not self._held(gate):
                continue
            if gate < self._program.appeal_at:
                continue
            self.bell.seek(gate)
            # What is known of the later gates may be out of date by the time they are reached.
            self._seen = {known: kept for known, kept in self._seen.items() if known <= gate}
            return gate
        return None

    async def provisional(self) -> GateId | None:
        """A gate that stands provisionally: the first with a step that is due, else the last."""
        found: GateId | None = None
        for gate in self._order:
            seen = await self.reading(gate)
            if seen is not None and seen.reading.provisional:
                found = gate
                if seen.due(workflow.now()):
                    break
        if found is not None:
            self.bell.seek(found)
        return found

    async def reading(self, gate: GateId) -> Seen | None:
        """What is known of the gate, read again if there is a reason to."""
        seen = self._seen.get(gate)
        if seen is not None and not self._held(gate) and self._outdated(gate, seen):
            await self._read(gate, seen)
        return self._seen.get(gate)

    async def watch(self) -> None:
        """Read the watched gates where there is a reason to; they were passed and are not moved."""
        for gate in self._watched:
            seen = self._seen.get(gate)
            if self._held(gate):
                continue
            if seen is None or gate in self._holds or self._outdated(gate, seen):
                await self._read(gate, seen)

    async def seek(self, gate: GateId) -> None:
        """Make one move towards the gate's decision, after which everything is looked at again."""
        seen = self._seen.get(gate)
        if self._program_outdated():
            return  # what was just read of a gate is news of the program too
        if self._held(gate):
            await self._wait(gate)
        elif seen is None or seen.to_be_opened(self._program.revision):
            # A draft is not asked about yet; a suspended program makes no forward move.
            idle = self._program.suspended or self._program.revision == 0
            await (self._wait(gate) if idle else self._open(gate))
        elif seen.ended():
            # Yet the program lives: it was revised before the end was recorded. People decide.
            seen.stale = True
            self._hold(gate, PARKED, gate_pb2.CaseState.Name(seen.reading.state), self.bell.heard)
        elif seen.due(workflow.now()):
            await self._escalate(gate, seen)
        else:
            await self._wait(gate)

    async def launch(self) -> None:
        """Launch: every gate stands, and the go is given."""
        gate = gate_pb2.GATE_LAUNCH
        if self._program.suspended or self._held(gate):
            await self._wait(gate)
            return
        heard = self.bell.heard
        answer = await self._ask(
            gate, Activities.execute_launch, self._input(gate), "execute the launch"
        )
        if answer is not None:
            self._heed(gate, answer, heard)

    async def release(self, gate: GateId) -> bool:
        """Have the gate release what it holds for an ended program; False where it could not."""
        if not self._ending:
            self._ending = True
            self._holds.clear()  # what kept the path from going on does not keep it from ending
        if self._held(gate):
            return False
        heard = self.bell.heard
        answer = await self._ask(
            gate, Activities.release_gate, self._input(gate), f"release {gate_name(gate)}"
        )
        if answer is None:
            return False
        self._program_stale = True
        if answer.state != gate_pb2.CASE_STATE_RELEASED:
            self._hold(gate, PARKED, answer.reason or "NOT_RELEASED", heard)
            return False
        return True

    async def rest(self, gate: GateId) -> None:
        """Wait until what holds the gate is over."""
        await self._wait(gate)

    async def settled(self) -> ProgramReading:
        """The program, once launch has recorded that nothing is held for it any more."""
        while not (await self.program()).settled:
            self._send_back(PROGRAM, "NOT_SETTLED", self.bell.heard)
        return self._program

    async def _read_program(self) -> None:
        now, known = workflow.now(), self._program.revision
        if self._looked_at is None:
            self.bell.forget(PROGRAM)
        else:
            self.bell.answer(PROGRAM, now)
        if self._looked_at is None or self._looked_at + A_DAY <= now:
            self._looked_at = now
            for seen in self._seen.values():
                seen.stale = True
        program = await self._ask(
            PROGRAM, Activities.read_program, self._path, "read the program", quick=True
        )
        self._program_stale = program is None
        if program is not None:
            self._program = program
            if program.revision != known:
                self._fruitless = 0

    async def _open(self, gate: GateId) -> None:
        heard = self.bell.heard
        self.bell.forget(gate)
        name = f"{gate_name(gate)} for revision {self._program.revision}"
        if gate in OPENED_BY_LAUNCH or (gate == self._program.appeal_at and gate not in self._seen):
            answer = await self._ask(
                gate, Activities.read_gate, self._input(gate), f"read {name}", quick=True
            )
        else:
            answer = await self._ask(gate, Activities.open_gate, self._input(gate), f"open {name}")
        if answer is None or not self._heed(gate, answer, heard):
            return
        if self._seen[gate].to_be_opened(self._program.revision):
            self._send_back(gate, "NOT_OPENED", heard)
        else:
            self._fruitless = 0

    async def _read(self, gate: GateId, seen: Seen | None) -> None:
        now, heard = workflow.now(), self.bell.heard
        # A date that passed is something operators look for; a ring only costs a local activity.
        quick = seen is None or seen.ends_at is None or seen.ends_at > now
        self.bell.answer(gate, now)
        if seen is not None:
            seen.stale = True
        answer = await self._ask(
            gate, Activities.read_gate, self._input(gate), f"read {gate_name(gate)}", quick=quick
        )
        if answer is not None:
            self._heed(gate, answer, heard)

    async def _escalate(self, gate: GateId, seen: Seen) -> None:
        heard = self.bell.heard
        step = gate_pb2.Step.Name(seen.reading.next_step).removeprefix("STEP_").lower()
        answer = await self._ask(
            gate, Activities.escalate_gate, self._input(gate), f"{step} for {gate_name(gate)}"
        )
        if answer is not None:
            self._heed(gate, answer, heard, escalated=True)

    def _heed(
        self, gate: GateId, answer: GateReading, heard: int, *, escalated: bool = False
    ) -> bool:
        """Act on an answer; True where it is a reading of the gate's record."""
        if answer.blocked:
            self._hold(gate, BLOCKED, answer.reason, heard)
        elif answer.walk_again:
            for earlier, seen in self._seen.items():
                seen.stale = seen.stale or earlier < gate
            self._send_back(gate, answer.reason, heard)
        elif answer.program_changed:
            self._program_stale = True
            self._send_back(gate, answer.reason, heard)
        else:
            self._keep(gate, answer, escalated=escalated)
            return True
        return False

    def _keep(self, gate: GateId, answer: GateReading, *, escalated: bool) -> None:
        before = self._seen.get(gate)
        seen = self._seen[gate] = Seen.of(answer, workflow.now(), before, escalated=escalated)
        if before is not None and not before.differs(answer):
            return
        # The record knows more of the program than the path does.
        self._program_stale = self._program_stale or (
            seen.ended()
            or answer.revision > self._program.revision
            or answer.verdict == gate_pb2.VERDICT_LAUNCHED
            or answer.appeal_open != (gate == self._program.appeal_at)
            or (gate in OPENED_BY_LAUNCH and answer.state == gate_pb2.CASE_STATE_STANDING)
        )

    def _send_back(self, gate: GateId, reason: str, heard: int) -> None:
        """Look at everything again; where that never changes anything, more and more slowly."""
        if gate == PROGRAM:
            self._program_stale = True
        self._fruitless += 1
        if self._fruitless > MOST_FRUITLESS:
            self._hold(gate, PARKED, reason, heard)
        elif self._fruitless > 1:
            pause = A_SECOND * 2 ** (self._fruitless - 2)
            self._hold(gate, BLOCKED, reason, heard, pause)

    def _hold(
        self, gate: GateId, state: str, reason: str, heard: int, pause: timedelta = A_DAY
    ) -> None:
        now = workflow.now()
        self._holds[gate] = Hold(state, reason, now, now + pause, heard)
        if state == PARKED:
            workflow.logger.error("path parked", extra={"gate": gate_name(gate), "reason": reason})

    def _held(self, gate: GateId) -> bool:
        hold = self._holds.get(gate)
        return hold is not None and workflow.now() < hold.over_at(self.bell.heard)

    async def _ask(
        self,
        gate: GateId,
        method: Callable[[Activities, A], Awaitable[R]],
        argument: A,
        summary: str,
        *,
        quick: bool = False,
    ) -> R | None:
        """The activity's answer, or None where nobody expected it and the gate is parked."""
        heard = self.bell.heard
        self._holds.pop(gate, None)
        try:
            return await ask(method, argument, summary, quick=quick)
        except UnexpectedAnswer as unexpected:
            parked = unexpected.parked
            self._hold(gate, PARKED, f"{parked.code} {parked.reason}".strip(), heard)
            return None

    async def _wait(self, gate: GateId) -> None:
        """The one wait, whatever is waited for: until the doorbell, a date, or a day."""
        if not self._held(gate):
            self._holds.pop(gate, None)
        self._show(gate)
        while (until := self._until(gate)) > workflow.now() and not full():
            await self._wait_until(gate, until)
        if full():
            raise HistoryFull

    async def _wait_until(self, gate: GateId, until: datetime) -> None:
        # Signals interleave here: they only mark; what they are about is read after the wait.
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: full() or self._until(gate) < until,
                timeout=until - workflow.now(),
                timeout_summary=f"{gate_name(gate)}: look again",
            )

    def _until(self, gate: GateId) -> datetime:
        """When there is something to look at, while waiting at this gate; now, after a ring."""
        return min(self._dates(gate))

    def _dates(self, gate: GateId) -> Iterator[datetime]:
        hold = self._holds.get(gate)
        if self._ending or gate == PROGRAM:
            yield workflow.now() if hold is None else hold.over_at(self.bell.heard)
            return
        yield from self._rung_at(gate)
        for one in (gate, *self._watched):
            if (hold := self._holds.get(one)) is not None:
                yield hold.over_at(self.bell.heard)
        if self._looked_at is not None:
            yield self._looked_at + A_DAY
        for known, seen in self._seen.items():
            if known <= gate and not self._held(known):
                if seen.ends_at is not None:
                    yield seen.ends_at
                # While suspended, a case of an older revision waits to be opened anew.
                asked = known == gate or (seen.reading.provisional and known not in self._watched)
                opened = not seen.to_be_opened(self._program.revision)
                if asked and opened and seen.due_at is not None:
                    yield seen.due_at

    def _rung_at(self, gate: GateId) -> Iterator[datetime]:
        """When what was rung for may be read again; what is held waits for its hold."""
        now = workflow.now()
        at = self.bell.wants_at(PROGRAM, "", UNKNOWN, now)
        if at is not None:
            yield at
        for known, seen in self._seen.items():
            if known <= gate and not self._held(known):
                reading = seen.reading
                at = self.bell.wants_at(known, reading.case_name, reading.version, now)
                if at is not None:
                    yield at

    def _program_outdated(self) -> bool:
        now, looked_at = workflow.now(), self._looked_at
        if self._program_stale or looked_at is None or looked_at + A_DAY <= now:
            return True
        return self.bell.wants(PROGRAM, "", UNKNOWN, now)

    def _outdated(self, gate: GateId, seen: Seen) -> bool:
        now, reading = workflow.now(), seen.reading
        rung = self.bell.wants(gate, reading.case_name, reading.version, now)
        return rung or seen.outdated(now)

    def _input(self, gate: GateId) -> GateInput:
        seen = self._seen.get(gate)
        reading = seen.reading if seen is not None else GateReading()
        return GateInput(
            program=self._path.program,
            gate=gate,
            revision=self._program.revision,
            gate_digest=self._program.gate_digests.get(gate_name(gate), ""),
            round=reading.round,
            case_name=reading.case_name,
            version=reading.version,
            state=reading.state,
            step=reading.next_step,
            repetition=seen.repetition if seen is not None else 0,
        )

    def _show(self, gate: GateId) -> None:
        # An alarm at a watched gate is what operators have to see, whatever is waited for.
        gate = next((one for one in self._watched if self._held(one)), gate)
        seen, hold = self._seen.get(gate), self._holds.get(gate)
        reading = seen.reading if seen is not None else GateReading(gate=gate)
        if hold is not None and self._held(gate):
            state, reason = hold.state, hold.reason
        else:
            state, reason = ENDING if self._ending else "", ""
        pledge = self._seen.get(gate_pb2.GATE_PLEDGE)
        amber = pledge.reading.amber if pledge is not None else gate_pb2.AMBER_UNSPECIFIED
        decided = (seen.reading.standing_decision for seen in self._seen.values())
        standing = sorted({one for one in decided if one})
        provisional = [
            (known, seen.ends_at)
            for known, seen in sorted(self._seen.items())
            if seen.reading.provisional and seen.ends_at is not None
        ]
        proof = self._seen.get(gate_pb2.GATE_PROVE)
        alarmed = proof is not None and proof.reading.amber == gate_pb2.AMBER_DECISION_LOST
        watched = (self._seen[one] for one in self._watched if alarmed and one in self._seen)
        lost = [seen.reading for seen in watched if seen.gone()]
        self.display.show(
            View(gate, self._program, reading, state, reason, amber, standing, provisional, lost)
        )
