"""The steps of a wait: each taken once, from overdue on with one more who may decide."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from investiture.casework.case import (
    GOVERNANCE,
    Candidate,
    Case,
    DueStep,
    Escalation,
    Holder,
    with_holders,
)
from investiture.casework.words import Step


def escalate(
    case: Case,
    now: datetime,
    next_step: Callable[[int], DueStep],
    chain: Sequence[Candidate],
    until: datetime | None = None,
) -> tuple[Case, tuple[Escalation, ...]]:
    """Takes every step that is due at `now` and was not taken; each keeps its own due date.

    `next_step(n)` is the step that comes after n were taken. From OVERDUE on each step adds the
    next candidate of `chain` who does not hold the case yet; the chain is free of people who may
    not hold it. A wait that ends by itself ends at `until`: no step comes after that.
    """
    if not case.in_hands:
        return case, ()
    taken: list[Escalation] = []
    holders = list(case.holders)
    recorded = case.steps_in_wait
    latest = now if until is None else min(now, until)
    while (due := next_step(recorded)).at <= latest:
        before = tuple(h.person for h in holders)
        added = None
        if due.step not in (Step.NUDGE, Step.WARN):
            added = next((c for c in chain if c.person not in before), None)
        if added is not None:
            holders.append(Holder(added.person, added.role, now, added.unit, due.step))
        people = (added.person,) if added is not None else ()
        taken.append(Escalation(due.step, due.at, now, before, people))
        recorded = due.index + 1
    if not taken:
        return case, ()
    moved = replace(case, escalations=(*case.escalations, *taken), steps_in_wait=recorded)
    held = with_holders(moved, holders)
    # An alarm for a part of the case that nobody holds lasts until somebody able is added.
    helped = any(h.role != GOVERNANCE for h in holders[len(case.holders) :])
    alarm = held.no_eligible_holder or (case.no_eligible_holder and not helped)
    return replace(held, no_eligible_holder=alarm), tuple(taken)


def recorded(taken: Sequence[Escalation]) -> dict[str, object]:
    """What the audit trail keeps of steps that were taken."""
    return {
        "steps": [step.step.value for step in taken],
        "due_at": [step.due_at.isoformat() for step in taken],
        "added": [person for step in taken for person in step.added],
    }
