"""The one timetable of a pledge while it waits for several parts.

Sponsors and heads answer within the agreed time, a committee two days after its next meeting. While
anybody of the former is missing, theirs are the dates: the latest of all would let a head be
silent for a month behind a monthly committee, the earliest of all would escalate a committee before
it could meet. Once committees alone are missing the case follows the one that is due first.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from investiture.casework.case import Case
from investiture.casework.extensions import extension_of
from investiture.casework.words import CaseState
from investiture.charter.model import Charter
from investiture.charter.timetable import Timetable
from investiture.sponsorship.domain.ballots import Ballot, extended
from investiture.sponsorship.domain.committees import Outcome
from investiture.sponsorship.domain.pledges import Pledge, free_seats, unanswered
from investiture.sponsorship.domain.positions import Position


def waiting(case: Case, pledge: Pledge, agreed: Timetable) -> Case:
    """The open case with the timetable of what is still missing.

    `agreed` are the dates of the agreed time from now on: they come into force where somebody is
    asked anew because a committee cannot answer. A timetable that changes starts its steps anew;
    what was extended keeps the dates it was given.
    """
    missing = list(_parts(pledge))
    dated = [one for one in missing if one is not None]
    if not missing:
        return case
    if len(dated) == len(missing):
        due = min(dated, key=lambda one: one.overdue_at)
        if due.overdue_at in _followed(case):
            return case
        return replace(case, timetable=due, steps_in_wait=0)
    if any(one.overdue_at in _followed(case) for one in _of_committees(pledge)):
        return replace(case, timetable=agreed, steps_in_wait=0)
    return case


def more_time(
    charter: Charter, case: Case, pledge: Pledge, now: datetime
) -> tuple[Pledge, Timetable] | None:
    """The pledge and the dates of a wait for a committee that is given more time.

    None where the case follows no committee's dates, or the committee does not meet again.
    """
    if case.state is not CaseState.OPEN:
        return None

    def longer(ballot: Ballot | None) -> Ballot | None:
        if ballot is None or ballot.timetable != case.timetable:
            return ballot
        return extended(charter, ballot, now)

    positions = tuple(
        replace(one, ballot=longer(one.ballot), appeal=longer(one.appeal))
        for one in pledge.positions
    )
    after = replace(pledge, positions=positions)
    dated = [one for one in _parts(after) if one is not None]
    if after == pledge or not dated:
        return None
    return after, min(dated, key=lambda one: one.overdue_at)


def may_be_passed_over(position: Position, now: datetime) -> bool:
    """Whether somebody above a unit may answer for it, or be asked to.

    A committee that can still answer has until it is overdue by its own dates.
    """
    ballot = position.ballot
    if ballot is None or ballot.timetable is None:
        return True
    return ballot.count.outcome is Outcome.NO_QUORUM or ballot.timetable.overdue_at <= now


def _parts(pledge: Pledge) -> Iterator[Timetable | None]:
    """The dates of each part that is missing; None for the agreed time."""
    yield from (None for _ in free_seats(pledge))
    for position in unanswered(pledge):
        if position.objects and position.appeal is not None:
            yield position.appeal.timetable if position.appeal.asked else None
        elif position.members_asked and position.ballot is not None and not position.arbiter:
            yield position.ballot.timetable
        else:
            yield None


def _followed(case: Case) -> tuple[datetime, ...]:
    """When the case is due, and when it was before its present dates were extended."""
    given = extension_of(case)
    if given is not None and given.overdue_at == case.timetable.overdue_at:
        return (given.overdue_at, given.overdue_before)
    return (case.timetable.overdue_at,)


def _of_committees(pledge: Pledge) -> list[Timetable]:
    ballots = (one for position in pledge.positions for one in (position.ballot, position.appeal))
    return [one.timetable for one in ballots if one is not None and one.timetable is not None]
