"""What a path remembers of a record it read: until when that may be believed, and what is next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from investiture.api.common.v1 import gate_pb2
from investiture.api.workflows.v1.path_pb2 import GateReading

A_SECOND = timedelta(seconds=1)
A_DAY = timedelta(days=1)
"""Everything is read again after this: it heals whatever ring was lost."""

WAITING = (gate_pb2.CASE_STATE_OPEN, gate_pb2.CASE_STATE_CHANGES_REQUESTED)
GOING_ON = (*WAITING, gate_pb2.CASE_STATE_STANDING)
TERMINAL = (gate_pb2.CASE_STATE_DECLINED, gate_pb2.CASE_STATE_RELEASED)


@dataclass(slots=True)
class Seen:
    """A reading with its dates, made of the durations its service answered.

    Durations and not dates, because the service's clock may differ from the workflow's.
    """

    reading: GateReading
    due_at: datetime | None
    """When the next step of the timetable is due."""
    ends_at: datetime | None
    """When the decision's validity ends."""
    not_before: datetime
    """No escalation before: at least a second after the one before."""
    repetition: int = 0
    """How often this version was escalated without a change."""
    stale: bool = False
    """To be read again, whatever the dates say."""

    @classmethod
    def of(
        cls, reading: GateReading, now: datetime, before: Self | None, *, escalated: bool = False
    ) -> Self:
        """Return the memory of a reading taken now, `before` being the one it replaces."""
        not_before = before.not_before if before else now
        repetition = before.repetition if before and not before.differs(reading) else 0
        if escalated:
            not_before, repetition = now + A_SECOND, repetition + 1
        due_at = ends_at = None
        asked = reading.state in WAITING or reading.appeal_open or reading.provisional
        if reading.next_in_ms >= 0 and asked:
            due_at = max(now + timedelta(milliseconds=reading.next_in_ms), not_before)
        if reading.standing_for_ms >= 0 and reading.state == gate_pb2.CASE_STATE_STANDING:
            ends_at = now + max(timedelta(milliseconds=reading.standing_for_ms), A_SECOND)
        return cls(reading, due_at, ends_at, not_before, repetition)

    def differs(self, reading: GateReading) -> bool:
        """Whether the reading says something new."""
        known = self.reading
        return (known.case_name, known.version, known.state) != (
            reading.case_name,
            reading.version,
            reading.state,
        )

    def stands(self, revision: int) -> bool:
        """Whether its decision stands for this revision."""
        reading = self.reading
        return reading.state == gate_pb2.CASE_STATE_STANDING and reading.revision >= revision

    def ended(self) -> bool:
        """Whether no round comes after it any more."""
        return self.reading.state in TERMINAL and not self.reading.appeal_open

    def gone(self) -> bool:
        """Whether nothing stands any more at a gate that a launched program has passed."""
        kept = (gate_pb2.CASE_STATE_STANDING, gate_pb2.CASE_STATE_RELEASED)
        return self.reading.state not in kept

    def to_be_opened(self, revision: int) -> bool:
        """Whether a case has to be opened for this revision."""
        reading = self.reading
        return reading.state not in TERMINAL and (
            not reading.found or reading.state not in GOING_ON or reading.revision < revision
        )

    def outdated(self, now: datetime) -> bool:
        """Whether it has to be read again without anybody having rung."""
        return self.stale or (self.ends_at is not None and self.ends_at <= now)

    def due(self, now: datetime) -> bool:
        """Whether a step of its timetable is due."""
        return self.due_at is not None and self.due_at <= now


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a gate is left alone for a while, and what ends that: a date, a ring or a retry."""

    state: str
    reason: str
    since: datetime
    until: datetime
    heard: int
    """What the doorbell had heard when the question was asked that led to the hold."""

    def over_at(self, heard: int) -> datetime:
        """When it ends; a ring since then ends it, though not in the same second."""
        return self.until if heard == self.heard else min(self.until, self.since + A_SECOND)
