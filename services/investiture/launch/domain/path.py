"""The path: how each gate's case stands as last signed, what waiting cost, what a revision does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from investiture.casework.case import Case
from investiture.casework.facts import Condition, Decider, Revision, StandingRef
from investiture.casework.openings import Tolerance, changed_fields, within_tolerance
from investiture.casework.words import WAITING, CaseState, Gate, Verdict
from investiture.chassis.refusal import Leg, PreconditionFailed

WEEK_MS = 7 * 24 * 60 * 60 * 1000
MOST_MINOR = 2**63 - 1
HELD = (Gate.PLEDGE, Gate.FUND, Gate.KNIGHT)
"""Gates of other services: a program that ended is settled once each has released what it held."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A gate's case as its service last signed it, as far as the path needs it.

    `decided_revision` is the revision that its deciders saw. `waited_ms` was waited before
    `waiting_since`, which is unset where nobody waits. `charter_digest` is what the case is pinned
    to; empty in records of before that was kept. `appeal_open` says of a decline that it is not
    final yet.
    """

    gate: Gate
    case_name: str
    round: int
    version: int
    state: CaseState
    verdict: Verdict | None
    revision: int
    gate_digest: str
    opened_at: datetime | None
    waiting_since: datetime | None
    waited_ms: int
    standing_until: datetime | None
    deciders: tuple[Decider, ...]
    reason: str
    charter_digest: str = ""
    standing_decision: StandingRef | None = None
    conditions: tuple[Condition, ...] = ()
    appeal_open: bool = False
    provisional: bool = False
    """It stands by what two people decided in an emergency; its ordinary decision is asked."""

    @property
    def last_decider(self) -> Decider | None:
        """Who decided last, whatever the order in which the service lists its deciders."""
        return max(self.deciders, key=lambda decider: decider.decided_at, default=None)

    @property
    def decided_revision(self) -> int:
        """The revision that the last decider saw; the case's own where nobody decided in person."""
        last = self.last_decider
        return last.revision if last else self.revision

    @property
    def people(self) -> frozenset[str]:
        """Everyone who decided, principals included."""
        return frozenset(person for decider in self.deciders for person in decider.people)

    def stands(self, now: datetime) -> bool:
        """Whether a decision stands at `now`, for the revision it was made or carried for."""
        return self.state is CaseState.STANDING and (
            self.standing_until is None or self.standing_until > now
        )


@dataclass(frozen=True, slots=True)
class GateRecord:
    """What launch keeps of a gate: the newest statement, and the waiting of the rounds before."""

    case: Recorded
    waited_before_ms: int = 0
    passed_at: datetime | None = None

    def waited_ms(self, until: datetime) -> int:
        """Milliseconds waited in this gate over all its rounds, the running wait up to `until`."""
        running = 0
        if self.case.waiting_since is not None:
            running = _ms(self.case.waiting_since, until)
        return self.waited_before_ms + self.case.waited_ms + running

    def standing_for(self, newest: Revision, now: datetime) -> bool:
        """Whether the decision stands for the program as its newest revision says it."""
        digest = newest.gate_digest(self.case.gate)
        return self.case.stands(now) and self.case.gate_digest == digest


def recorded_of(case: Case) -> Recorded:
    """What the path needs of a case of our own."""
    return Recorded(
        gate=case.gate,
        case_name=case.name,
        round=case.round,
        version=case.version,
        state=case.state,
        verdict=case.verdict,
        revision=case.facts.number,
        gate_digest=case.gate_digest,
        opened_at=case.opened_at,
        waiting_since=case.waiting_since if case.state in WAITING else None,
        waited_ms=case.waited_ms,
        standing_until=case.standing_until,
        deciders=case.deciders,
        reason=case.reason,
        charter_digest=case.charter_digest,
        standing_decision=case.standing_decision,
        conditions=case.conditions,
        appeal_open=case.appeal_open,
    )


def record(known: GateRecord | None, new: Recorded, now: datetime) -> GateRecord | None:
    """The gate's record with a newer statement; None where `new` says nothing new.

    Monotone by round, then version. An expiry changes the reading of a case and not its version,
    so that one step from standing to expired counts as newer too; what stood provisionally is open
    after it.
    """
    if known is None:
        return GateRecord(new, 0, _passed(new, None, now))
    old = known.case
    if (new.round, new.version) < (old.round, old.version):
        return None
    if (new.round, new.version) == (old.round, old.version):
        after = CaseState.OPEN if old.provisional else CaseState.EXPIRED
        expired = old.state is CaseState.STANDING and new.state is after
        passed = _passed(new, known.passed_at, now)
        return replace(known, case=new, passed_at=passed) if expired else None
    before = known.waited_before_ms
    if new.round > old.round:
        before += old.waited_ms
        if old.waiting_since is not None and new.opened_at is not None:
            # The older round waited until the newer one took its place.
            before += _ms(old.waiting_since, new.opened_at)
    return GateRecord(new, before, _passed(new, known.passed_at, now))


def _passed(new: Recorded, before: datetime | None, now: datetime) -> datetime | None:
    """When the gate was passed; a gate that waits again has not been."""
    if new.state is CaseState.STANDING:
        return before or now
    return None if new.state in WAITING else before


def stall_bill_minor(gate: Gate, waited_ms: int, cost_per_week_minor: int) -> int:
    """What waiting cost, in minor units, rounded down; at most what 64 bits hold.

    Proving the return delays nothing any more: it costs nothing.
    """
    if gate is Gate.PROVE:
        return 0
    return min(waited_ms * cost_per_week_minor // WEEK_MS, MOST_MINOR)


def waiting_at(records: Mapping[Gate, GateRecord], newest: Revision, now: datetime) -> Gate | None:
    """The first gate that does not stand; the go alone does not pass LAUNCH, the launch does.

    What was passed before the launch is not waited for after it, whatever became of it.
    """
    go = records.get(Gate.LAUNCH)
    launched = go is not None and go.case.verdict is Verdict.LAUNCHED
    for gate in (Gate.PROVE,) if launched else Gate:
        known = records.get(gate)
        if known is None or not known.standing_for(newest, now):
            return gate
        if gate is Gate.LAUNCH and known.case.verdict is not Verdict.LAUNCHED:
            return gate
    return None


def all_released(records: Mapping[Gate, GateRecord]) -> bool:
    """Whether every gate of another service has recorded that it holds nothing any more."""
    states = (records[gate].case.state for gate in HELD if gate in records)
    return sum(state is CaseState.RELEASED for state in states) == len(HELD)


def lost(known: GateRecord | None, new: Recorded) -> bool:
    """Whether a decision that stood is gone with this statement: taken back or outlived."""
    was = known.case.state if known else CaseState.OPEN
    gone = (CaseState.VOIDED, CaseState.EXPIRED)
    if known is not None and known.case.provisional and new.round == known.case.round:
        return was is CaseState.STANDING and new.state in (*gone, *WAITING, CaseState.DECLINED)
    before = (*gone, CaseState.DECLINED)  # an appeal granted takes back a decline, no decision
    return new.gate in HELD and new.state in gone and was not in before


def taken_back(known: GateRecord | None, new: Recorded) -> bool:
    """Whether a decision was taken back with this statement, and not with one before it."""
    if new.state is not CaseState.VOIDED:
        return False
    was = known.case if known else None
    return was is None or was.round != new.round or was.state is not CaseState.VOIDED


def outlived(case: Recorded, validity: timedelta) -> bool:
    """Whether a decision has only outlived its validity by the charter, and nothing under it ended.

    It let the program launch, and that is done. One that ends sooner rested on something that ends:
    an accepted risk, an exception of a duty, the days of a trial, money that was held.
    """
    last = case.last_decider
    if case.state is not CaseState.EXPIRED or case.standing_until is None or last is None:
        return False
    return case.standing_until >= last.decided_at + validity


def all_stand(records: Mapping[Gate, GateRecord], now: datetime) -> bool:
    """Whether every decision of another service that a launch rests on stands."""
    return all(gate in records and records[gate].case.stands(now) for gate in HELD)


def require_no_appeal(records: Mapping[Gate, GateRecord]) -> None:
    """Refuses with WRONG_STATE a revision while a decline waits for its appeal, or for the answer.

    An appeal is about what was declined. A revision would take the path back to earlier gates, for
    a program that may end any moment.
    """
    legs = tuple(
        Leg(
            "APPEAL",
            one.case.case_name,
            f"the decline of {gate.value.lower()} is not final: it can be appealed, or was",
            "appeal the decline, and revise once the appeal is granted; or withdraw the program "
            "and take it up again as a new one that says something else",
        )
        for gate, one in records.items()
        if one.case.appeal_open
    )
    if legs:
        raise PreconditionFailed("WRONG_STATE", legs=legs)


class Effect(StrEnum):
    """What a revision does to a gate; values equal the API's names without their prefix."""

    NOT_DECIDED = "NOT_DECIDED"
    UNCHANGED = "UNCHANGED"
    CARRIED = "CARRIED"
    REOPENED = "REOPENED"


@dataclass(frozen=True, slots=True)
class GateEffect:
    """What a revision does to one gate, and which of its material fields changed."""

    gate: Gate
    effect: Effect
    changed: tuple[str, ...]


def effect_on(
    case: Recorded | None,
    decided: Revision | None,
    new: Revision,
    tolerance: Tolerance,
    now: datetime,
    *,
    same_tier: bool,
) -> Effect:
    """What `new` does to a gate: the rule of `casework.openings`, from what was recorded of it.

    `decided` is the revision that its deciders saw. The gate's service decides when its case is
    opened; this says beforehand what it will find.
    """
    undecided = (CaseState.OPEN, CaseState.SUPERSEDED, CaseState.RELEASED)
    if case is None or case.state in undecided:
        return Effect.NOT_DECIDED
    if case.state is CaseState.STANDING and not case.stands(now):
        return Effect.REOPENED
    kept = (CaseState.STANDING, CaseState.CHANGES_REQUESTED, CaseState.DECLINED)
    if case.state in kept and case.gate_digest == new.gate_digest(case.gate):
        return Effect.UNCHANGED
    carries = case.state is CaseState.STANDING and not case.provisional
    stood = decided if carries else None
    if stood is not None and within_tolerance(stood, new, tolerance, same_tier=same_tier):
        return Effect.CARRIED
    return Effect.REOPENED


def changes(old: Revision, new: Revision, tolerance: Tolerance) -> tuple[str, ...]:
    """Material fields that `new` changes, sorted."""
    return changed_fields(old, new, tolerance.material)


def _ms(start: datetime, end: datetime) -> int:
    return max(0, (end - start) // timedelta(milliseconds=1))
