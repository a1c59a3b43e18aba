"""More time for a wait: once, with a reason, by who has it in hand.

The dates come from the charter; here is who may have them, and when no longer.
"""

from dataclasses import replace
from datetime import datetime

from investiture.casework.case import Case, Extension, Holder
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Leg, PreconditionFailed

MOST_STEPS = 3
"""With more steps taken than these, nudge, warn and overdue, no more time is given.

With the second escalation the decision has gone past whoever might still ask for time.
"""


def extension_of(case: Case) -> Extension | None:
    """The extension of the wait that is running."""
    running = (case.state, case.waiting_since)
    return next((e for e in case.extensions if (e.wait, e.waiting_since) == running), None)


def require_extendable(case: Case) -> None:
    """Refuses a second extension of the wait, and one after its second escalation."""
    earlier = extension_of(case)
    if earlier is not None:
        raise _refusal(
            case,
            "EXTENDED_BEFORE",
            f"{earlier.person} was given more time at {_said(earlier.extended_at)}, until "
            f"{_said(earlier.overdue_at)}: {earlier.reason}",
            "decide by then, ask for changes, or have the case reassigned",
        )
    if case.steps_in_wait > MOST_STEPS:
        raise _refusal(
            case,
            "ESCALATED_TWICE",
            f"the wait was due at {_said(case.timetable.overdue_at)} and was escalated twice",
            "decide now, or have the case reassigned to somebody who can",
        )


def extend(case: Case, holder: Holder, timetable: Timetable, now: datetime, reason: str) -> Case:
    """The case with a wait that follows other dates; the steps that were taken stay taken."""
    require_extendable(case)
    extension = Extension(
        person=holder.person,
        role=holder.role,
        reason=reason,
        wait=case.state,
        waiting_since=case.waiting_since,
        extended_at=now,
        overdue_before=case.timetable.overdue_at,
        overdue_at=timetable.overdue_at,
    )
    return replace(case, timetable=timetable, extensions=(*case.extensions, extension))


def _refusal(case: Case, kind: str, description: str, remedy: str) -> PreconditionFailed:
    return PreconditionFailed(
        "WRONG_STATE",
        f"{case.name} is given no more time: {description}",
        legs=(Leg(kind, case.name, description, remedy),),
    )


def _said(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
