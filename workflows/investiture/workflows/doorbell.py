"""The doorbell: it says which records may have changed, never what to believe of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from investiture.api.common.v1 import gate_pb2
from investiture.api.workflows.v1.path_pb2 import Ring

GateId: TypeAlias = gate_pb2.Gate.ValueType

PROGRAM = gate_pb2.GATE_UNSPECIFIED
"""Stands for the program itself, wherever a gate is named: a ring without a gate is about it."""

COOL_DOWN = timedelta(seconds=1)
"""One read a second: a reader that answers every ring at once is kept busy by forged ones."""

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class _Mark:
    """What the rings since the last read were about; a mixture has an unknown version."""

    case_name: str
    version: int


class Doorbell:
    """Marks what was rung for. A ring counts for the gate sought and those before it.

    Rings for a later gate are dropped: its record is read when the gate is opened. A ring that
    names the very version that was read is dropped too, for there is nothing newer to read; a
    forged one can at most hide itself.
    """

    def __init__(self) -> None:
        self.heard = 0
        """Rings and retries that counted, so far."""
        self._sought: GateId = PROGRAM
        self._marks: dict[GateId, _Mark] = {}
        self._answered_at: dict[GateId, datetime] = {}

    def seek(self, gate: GateId) -> None:
        """Listen for this gate and those before it; to be called before its case is opened."""
        self._sought = gate
        self._marks = {marked: mark for marked, mark in self._marks.items() if marked <= gate}

    def ring(self, ring: Ring) -> None:
        """Somebody rang."""
        gate = ring.gate
        if not PROGRAM <= gate <= self._sought:
            return
        self.heard += 1
        version = ring.version if ring.version > 0 and ring.case_name else UNKNOWN
        mark = self._marks.get(gate)
        if mark is not None:
            same = mark.case_name == ring.case_name and UNKNOWN not in (mark.version, version)
            version = max(mark.version, version) if same else UNKNOWN
        self._marks[gate] = _Mark(ring.case_name, version)

    def retry(self) -> None:
        """An operator asks to try again what was parked."""
        self.heard += 1

    def answer(self, gate: GateId, now: datetime) -> None:
        """Clear the mark, because the record is about to be read for it."""
        if self._marks.pop(gate, None) is not None:
            self._answered_at[gate] = now

    def forget(self, gate: GateId) -> None:
        """Clear the mark, because the gate is about to be asked anew: its next ring is a first."""
        self._marks.pop(gate, None)
        self._answered_at.pop(gate, None)

    def wants(self, gate: GateId, case_name: str, version: int, now: datetime) -> bool:
        """Whether the record has to be read again now, having been read in this version."""
        return self._news(gate, case_name, version) and now >= self._quiet_until(gate, now)

    def wants_at(
        self, gate: GateId, case_name: str, version: int, now: datetime
    ) -> datetime | None:
        """When the record has to be read again for a ring; None without one."""
        return self._quiet_until(gate, now) if self._news(gate, case_name, version) else None

    def _news(self, gate: GateId, case_name: str, version: int) -> bool:
        mark = self._marks.get(gate)
        if mark is None:
            return False
        known = mark.case_name == case_name and mark.version != UNKNOWN
        return not (known and mark.version <= version)

    def _quiet_until(self, gate: GateId, now: datetime) -> datetime:
        answered = self._answered_at.get(gate)
        return now if answered is None else max(now, answered + COOL_DOWN)


def gate_name(gate: GateId) -> str:
    """Return the gate's name without prefix; the program's where there is no gate."""
    return "PROGRAM" if gate == PROGRAM else gate_pb2.Gate.Name(gate).removeprefix("GATE_")
