"""Emergencies and the reviews that they are owed, as immutable values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from investiture.casework.case import GOVERNANCE, DueStep, Escalation, Holder
from investiture.casework.facts import Emergency, Revision, Voice
from investiture.casework.words import Step
from investiture.charter.model import Charter
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed, Stale

CLOSER = "closer"


class EmergencyState(StrEnum):
    """Where an emergency is; values equal the API's names without their prefix."""

    DECLARED = "DECLARED"
    UNDER_REVIEW = "UNDER_REVIEW"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Review:
    """An emergency, and the review that it is owed once somebody has decided by it.

    `barred` are those who ask for the program and all whom the charter would have let decide by it,
    at whichever gate: none of them closes the review.
    """

    name: str
    program: str
    team: str
    emergency: Emergency
    charter_digest: str
    barred: tuple[str, ...]
    state: EmergencyState = EmergencyState.DECLARED
    version: int = 1
    voices: tuple[Voice, ...] = ()
    timetable: Timetable | None = None
    holders: tuple[Holder, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    steps: int = 0
    next_at: datetime | None = None
    closed_by: str = ""
    closed_at: datetime | None = None
    findings: str = ""

    @property
    def etag(self) -> str:
        """Changes with every version; opaque, so that only who read it has it."""
        return sha256(f"{self.name}\n{self.version}".encode()).hexdigest()[:20]


def name_of(pledge: str) -> str:
    """The name of the emergency that was declared at a pledge."""
    return f"{pledge}/emergency"


def barred(charter: Charter, facts: Revision) -> tuple[str, ...]:
    """Who asks for a program in an emergency, and who may decide by it."""
    path = charter.emergency
    named = () if path is None else (*path.countersigners, *path.fund, *path.knight)
    return tuple(dict.fromkeys((*facts.business_people, *named)))


def closers(review: Review, named: Iterable[str], of_team: Callable[[str], bool]) -> list[str]:
    """Who of those the charter names may close a review: not of the team, and decided nothing."""
    return [one for one in named if one not in review.barred and not of_team(one)]


def require_closers(team: str, found: Sequence[str]) -> None:
    """Refuses an emergency that nobody could review."""
    if not found:
        why = f"nobody who closes reviews stands apart from {team}"
        remedy = "take the ordinary path, or have the charter name a closer from elsewhere"
        raise PreconditionFailed("WRONG_STATE", why, legs=(Leg("REVIEW", team, why, remedy),))


def require_unblocked(team: str, before: Review | None, found: Sequence[str]) -> None:
    """Refuses a team's next emergency while the review of the one `before` is not closed."""
    if before is None:
        return
    due = f", due on {before.timetable.overdue_at:%Y-%m-%d}" if before.timetable else ""
    why = f"{team} has an emergency whose review is not closed: of {before.program}{due}"
    who = " or ".join(found) or "a closer that the charter names"
    remedy = f"{who} closes it with its findings, or the program takes the ordinary path"
    raise PreconditionFailed("WRONG_STATE", why, legs=(Leg("REVIEW", before.name, why, remedy),))


def opened(
    review: Review,
    voices: tuple[Voice, ...],
    dates: Timetable,
    following: datetime,
    found: Sequence[str],
    now: datetime,
) -> Review:
    """The emergency under review, in the hands of the first who may close it."""
    return replace(
        review,
        state=EmergencyState.UNDER_REVIEW,
        voices=voices,
        timetable=dates,
        next_at=following,
        holders=tuple(Holder(person, CLOSER, now) for person in found[:1]),
    )


def escalated(
    review: Review,
    step_after: Callable[[int], DueStep],
    found: Sequence[str],
    governing: Iterable[str],
    now: datetime,
) -> Review:
    """The review after every step that is due; from OVERDUE on each adds the next in line."""
    line = [
        *(Holder(person, CLOSER, now) for person in found),
        *(Holder(person, GOVERNANCE, now) for person in governing),
    ]
    holders, taken, steps = list(review.holders), list(review.escalations), review.steps
    while (due := step_after(steps)).at <= now:
        held = tuple(one.person for one in holders)
        added = next((one for one in line if one.person not in held), None)
        if due.step in (Step.NUDGE, Step.WARN):
            added = None
        if added is not None:
            holders.append(replace(added, added_by=due.step))
        people = () if added is None else (added.person,)
        taken.append(Escalation(due.step, due.at, now, held, people))
        steps = due.index + 1
    return replace(
        review,
        holders=tuple(holders),
        escalations=tuple(taken),
        steps=steps,
        next_at=due.at,
    )


def closed(
    review: Review, etag: str, person: str, found: Sequence[str], findings: str, now: datetime
) -> Review:
    """The review closed with its findings. Refuses STALE_ETAG, WRONG_STATE and NOT_A_HOLDER."""
    if etag != review.etag:
        raise Stale(review.name, review.etag, f"{review.name} changed; read it again, then close")
    if review.state is not EmergencyState.UNDER_REVIEW:
        state = review.state.lower().replace("_", " ")
        why = f"{review.name} is {state}; there is no review to close"
        remedy = "read it again: a review is opened when somebody has decided by the emergency"
        raise PreconditionFailed("WRONG_STATE", why, legs=(Leg("STATE", review.name, why, remedy),))
    if person not in found:
        raise Denied(
            "NOT_A_HOLDER",
            f"{person} does not close {review.name}; who is neither of {review.team} nor decides "
            f"emergencies may: {', '.join(found) or 'nobody at present'}",
        )
    return replace(
        review,
        state=EmergencyState.CLOSED,
        holders=(),
        next_at=None,
        closed_by=person,
        closed_at=now,
        findings=findings,
    )
