"""A gate's case: an immutable value and the transitions that every gate shares.

Nothing here knows a clock or a database: each transition takes the instant and answers the next
case, or refuses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from investiture.casework.facts import (
    Appeal,
    Condition,
    Decider,
    Emergency,
    Ending,
    Gap,
    Provisional,
    Revision,
    StandingRef,
    TrialRun,
)
from investiture.casework.words import WAITING, Amber, Basis, CaseState, Gate, Step, Verdict
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed, Stale

GOVERNANCE = "governance"
"""The role of a holder who reassigns and never decides."""

ARBITER = "arbiter"
"""The role of a holder who decides an appeal."""


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step of a wait and its date; `index` counts the steps of the wait from 0."""

    step: Step
    at: datetime
    index: int


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a decision in hand."""

    person: str
    role: str
    since: datetime
    unit: str = ""
    added_by: Step | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who may be added as a holder, in the order of the charter's escalation chain."""

    person: str
    role: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step of a timetable that was taken."""

    step: Step
    due_at: datetime
    recorded_at: datetime
    holders: tuple[str, ...]
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """More time for one wait; `wait` and `waiting_since` say which."""

    person: str
    role: str
    reason: str
    wait: CaseState
    waiting_since: datetime
    extended_at: datetime
    overdue_before: datetime
    overdue_at: datetime


@dataclass(frozen=True, slots=True)
class CarriedNotice:
    """What the deciders are told when their decision was carried to a later revision."""

    from_revision: int
    to_revision: int
    changes: tuple[str, ...]
    people: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """What every gate's case has in common.

    `facts` is the revision for which it is open or stands, `decided` the one its deciders saw.
    """

    name: str
    program: str
    gate: Gate
    round: int
    facts: Revision
    state: CaseState
    version: int
    timetable: Timetable
    opened_at: datetime
    waiting_since: datetime
    charter_digest: str
    holders: tuple[Holder, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    steps_in_wait: int = 0
    decided: Revision | None = None
    verdict: Verdict | None = None
    basis: Basis | None = None
    deciders: tuple[Decider, ...] = ()
    conditions: tuple[Condition, ...] = ()
    gaps: tuple[Gap, ...] = ()
    exposure_limit_bps: int = 10_000
    decided_at: datetime | None = None
    standing_until: datetime | None = None
    notices: tuple[CarriedNotice, ...] = ()
    no_eligible_holder: bool = False
    reason: str = ""
    waited_ms: int = 0
    extensions: tuple[Extension, ...] = ()
    traceparent: str = ""
    """W3C trace context of the opening: a decision starts a trace of its own that links to it."""
    amber: Amber | None = None
    """Why it needs a look although nobody decided against it; `reason` says it in words."""
    standing_decision: StandingRef | None = None
    not_covered: tuple[str, ...] = ()
    """Why no standing decision covered it when it was opened, one line a cap."""
    trial_runs: tuple[TrialRun, ...] = ()
    """What trials of it had shown when it was opened."""
    appealable_until: datetime | None = None
    """Until when a decline may be appealed; None where it may not, or not any more."""
    appeal: Appeal | None = None
    """The appeal, which later rounds keep: there is one."""
    emergency: Emergency | None = None
    """In which it may be decided provisionally."""
    provisional: Provisional | None = None
    """What was decided so, beside the ordinary decision, which is asked all the same."""

    @property
    def etag(self) -> str:
        """Changes with every version; opaque, so that only who read the case has it."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]

    @property
    def gate_digest(self) -> str:
        """Gate digest of the revision for which the case is open or stands."""
        return self.facts.gate_digest(self.gate)

    @property
    def people(self) -> frozenset[str]:
        """Everyone who decided, principals included."""
        return frozenset(person for decider in self.deciders for person in decider.people)

    @property
    def appealable(self) -> bool:
        """Whether it is a decline that may be appealed, as far as anybody has looked."""
        return self.state is CaseState.DECLINED and self.appealable_until is not None

    @property
    def under_appeal(self) -> bool:
        """Whether it is a decline whose appeal waits for an answer."""
        appeal = self.appeal
        return self.state is CaseState.DECLINED and appeal is not None and appeal.outcome is None

    @property
    def appeal_open(self) -> bool:
        """Whether it is a decline that is not final: the program lives until it is."""
        return self.appealable or self.under_appeal

    @property
    def pending(self) -> bool:
        """Whether it cannot go on without somebody's word: a decision, changes, or on an appeal."""
        return self.state in WAITING or self.under_appeal

    @property
    def waits(self) -> bool:
        """Whether time runs for it: until a word is said, or nobody may say it any more."""
        return self.pending or self.appealable

    @property
    def asked(self) -> bool:
        """Whether somebody is asked for another word on what stands."""
        return self.state is CaseState.STANDING and bool(self.holders)

    @property
    def in_hands(self) -> bool:
        """Whether somebody is waited for: until it is final, and for a word on what stands."""
        return self.waits or self.asked

    def held_by(self, *people: str) -> Holder | None:
        """The first holder among `people`."""
        return next((h for h in self.holders if h.person in people), None)


def as_of(case: Case, now: datetime) -> Case:
    """The case as it reads at `now`: a decision that outlived its validity has expired."""
    if (
        case.state is CaseState.STANDING
        and case.standing_until is not None
        and case.standing_until <= now
    ):
        return replace(case, state=CaseState.EXPIRED)
    return case


def check_etag(case: Case, etag: str) -> None:
    """Refuses with STALE_ETAG unless the caller saw this version."""
    if etag != case.etag:
        raise Stale(
            case.name,
            case.etag,
            f"{case.name} changed since you read it; read it again and decide on what it says now",
        )


def require_state(case: Case, *allowed: CaseState) -> None:
    """Refuses with WRONG_STATE unless the case is in one of the allowed states."""
    if case.state not in allowed:
        words = " or ".join(state.lower().replace("_", " ") for state in allowed)
        now = case.state.lower().replace("_", " ")
        raise PreconditionFailed(
            "WRONG_STATE",
            f"{case.name} is {now}; this needs it to be {words}",
            legs=(
                Leg(
                    type="STATE",
                    subject=case.name,
                    description=f"the case is {now}",
                    remedy=_STATE_REMEDY.get(
                        case.state, "read the program's path to see where it is"
                    ),
                ),
            ),
        )


_STATE_REMEDY: Mapping[CaseState, str] = {
    CaseState.CHANGES_REQUESTED: "the proposer revises the program; a new round opens then",
    CaseState.SUPERSEDED: "decide on the newest round of this gate",
    CaseState.STANDING: "it is decided; to take it back, void the decision",
    CaseState.DECLINED: "until that is final, who proposed or sponsors it may appeal",
    CaseState.EXPIRED: "before the launch a new round opens by itself; decide there",
    CaseState.VOIDED: "before the launch a new round opens by itself; decide there",
}


def require_holder(case: Case, *people: str) -> Holder:
    """The holder among `people`, or NOT_A_HOLDER. Governance holders reassign and never decide."""
    holder = next((h for h in case.holders if h.person in people and h.role != GOVERNANCE), None)
    if holder is None:
        who = ", ".join(h.person for h in case.holders if h.role != GOVERNANCE) or "nobody yet"
        raise Denied(
            "NOT_A_HOLDER",
            f"{people[0]} does not hold {case.name}; it is in the hands of {who}. "
            "A holder or the governance owner can reassign it",
        )
    return holder


def require_first_time(case: Case, people: Sequence[str]) -> None:
    """Refuses a second decision of one person, in whoever's name: one person is one voice."""
    again = sorted(case.people & set(people))
    if again:
        raise PreconditionFailed(
            "WRONG_STATE",
            f"{again[0]} has decided on {case.name} already; one person is one voice",
            legs=(
                Leg(
                    type="ONE_VOICE",
                    subject=again[0],
                    description=f"{again[0]} has decided already",
                    remedy="another eligible person decides",
                ),
            ),
        )


def with_decider(case: Case, decider: Decider) -> Case:
    """The case with one more decider."""
    return replace(case, deciders=(*case.deciders, decider))


def with_holders(case: Case, holders: Sequence[Holder]) -> Case:
    """The case in these hands; without anyone who may decide it raises its own alarm."""
    able = any(h.role != GOVERNANCE for h in holders)
    return replace(
        case,
        holders=tuple(holders),
        no_eligible_holder=case.pending and not able,
    )


def waited_by(case: Case, now: datetime) -> int:
    """Milliseconds that were waited in a case by now, the running wait included."""
    if not case.waits:
        return case.waited_ms
    return case.waited_ms + max(0, (now - case.waiting_since) // timedelta(milliseconds=1))


def decide(
    case: Case,
    verdict: Verdict,
    now: datetime,
    *,
    validity: timedelta | None,
    conditions: Sequence[Condition] | None = None,
    exposure_limit_bps: int | None = None,
    reason: str = "",
) -> Case:
    """The case decided in favour: STANDING until `now + validity`."""
    return replace(
        case,
        state=CaseState.STANDING,
        verdict=verdict,
        basis=Basis.DECISION,
        decided=case.facts,
        decided_at=now,
        standing_until=None if validity is None else now + validity,
        conditions=case.conditions if conditions is None else tuple(conditions),
        exposure_limit_bps=(
            case.exposure_limit_bps if exposure_limit_bps is None else exposure_limit_bps
        ),
        waited_ms=waited_by(case, now),
        waiting_since=now,
        holders=(),
        no_eligible_holder=False,
        gaps=(),
        reason=reason or ("" if case.amber else case.reason),
        amber=None,
    )


def decline(case: Case, gaps: Sequence[Gap], now: datetime, reason: str = "") -> Case:
    """The case decided against, for good: the program ends with it."""
    return replace(
        case,
        state=CaseState.DECLINED,
        verdict=Verdict.DECLINED,
        decided=case.facts,
        decided_at=now,
        gaps=tuple(gaps),
        waited_ms=waited_by(case, now),
        waiting_since=now,
        holders=(),
        no_eligible_holder=False,
        amber=None,
        reason=reason or "; ".join(f"{g.risk}: {g.excess}" for g in gaps),
    )


def request_changes(case: Case, gaps: Sequence[Gap], timetable: Timetable, now: datetime) -> Case:
    """The case in the proposer's hands: the deciders' clock stands, the proposer's runs."""
    proposer = Holder(case.facts.proposer, "proposer", now)
    return with_holders(
        replace(
            case,
            state=CaseState.CHANGES_REQUESTED,
            verdict=Verdict.CHANGES_REQUESTED,
            gaps=tuple(gaps),
            decided_at=now,
            waited_ms=waited_by(case, now),
            waiting_since=now,
            timetable=timetable,
            steps_in_wait=0,
        ),
        (proposer,),
    )


def ask(case: Case, holders: Iterable[Holder], timetable: Timetable, now: datetime) -> Case:
    """What stands, with the question in the hands of who is asked for another word on it."""
    return replace(
        case, holders=tuple(holders), timetable=timetable, steps_in_wait=0, waiting_since=now
    )


def answered(case: Case) -> Case:
    """What stands once the word was said: nobody is asked any more."""
    return replace(case, holders=(), steps_in_wait=0, no_eligible_holder=False)


def void(case: Case, now: datetime, reason: str, amber: Amber | None = None) -> Case:
    """The decision taken back; the gate reopens with a new round."""
    return replace(
        case,
        state=CaseState.VOIDED,
        waited_ms=waited_by(case, now),
        waiting_since=now,
        reason=reason,
        holders=(),
        no_eligible_holder=False,
        amber=amber,
    )


def supersede(case: Case, now: datetime) -> Case:
    """The case replaced by a newer round: it never takes a yes again."""
    return replace(
        case,
        state=CaseState.SUPERSEDED,
        waited_ms=waited_by(case, now),
        waiting_since=now,
        holders=(),
        no_eligible_holder=False,
        amber=None,
    )


def release(case: Case, ending: Ending, now: datetime) -> Case:
    """The case of a program that has ended: nothing is held any more."""
    return replace(
        case,
        state=CaseState.RELEASED,
        waited_ms=waited_by(case, now),
        waiting_since=now,
        holders=(),
        no_eligible_holder=False,
        amber=None,
        appealable_until=None,
        reason=case.reason or f"the program ended: {ending.outcome.lower().replace('_', ' ')}",
    )
