"""An appeal against a decline: once, to the nearest person above both sides.

While a decline may be appealed, and until an appeal is answered, nothing of the program is undone.
A granted appeal sets the decline aside; the gate opens its next round by the same rule as after a
void, and there others decide.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from investiture.casework import case as cases
from investiture.casework.case import Case, DueStep, Escalation, Holder
from investiture.casework.escalating import escalate
from investiture.casework.facts import Appeal
from investiture.casework.words import AppealOutcome, CaseState
from investiture.charter.model import Charter
from investiture.charter.timetable import Timetable
from investiture.chassis.refusal import Denied, Leg, PreconditionFailed

PROPOSER, SPONSOR = "proposer", "sponsor"

_RESUBMIT = "withdraw it, or take it up again as a new program once it has ended"


def may_be_appealed(case: Case, sponsors: Iterable[str], table: Timetable | None) -> Case:
    """A case that was just declined, in the hands of who may appeal until `table` is overdue.

    Final at once without dates, and where the program has had its appeal.
    """
    if table is None or case.appeal is not None:
        return case
    since, proposer = case.waiting_since, case.facts.proposer
    others = (one for one in dict.fromkeys(sponsors) if one != proposer)
    waiting = replace(case, appealable_until=table.overdue_at, timetable=table, steps_in_wait=0)
    held = (Holder(proposer, PROPOSER, since), *(Holder(one, SPONSOR, since) for one in others))
    return cases.with_holders(waiting, held)


def require_appealable(case: Case, now: datetime) -> None:
    """Refuses with WRONG_STATE what is not declined, is final, or has had its appeal."""
    cases.require_state(case, CaseState.DECLINED)
    made = case.appeal
    if made is not None:
        how = "waits for an answer" if made.outcome is None else f"was {_said(made.outcome)}"
        raise _refusal(
            case,
            "APPEALED_BEFORE",
            f"{made.person} appealed on {made.made_at:%Y-%m-%d}, and the appeal {how}; "
            "there is one in the life of a program",
            _RESUBMIT,
        )
    if case.appealable_until is None:
        raise _refusal(case, "APPEAL_WINDOW", f"the decline is final ({case.reason})", _RESUBMIT)
    if case.appealable_until <= now:
        until = f"{case.appealable_until:%Y-%m-%d %H:%M} UTC"
        raise _refusal(
            case, "APPEAL_WINDOW", f"the decline could be appealed until {until}", _RESUBMIT
        )


def require_party(case: Case, sponsors: Iterable[str], person: str) -> None:
    """Refuses with NOT_A_HOLDER who neither proposed nor sponsors the program."""
    parties = dict.fromkeys((case.facts.proposer, *sponsors))
    if person not in parties:
        raise Denied(
            "NOT_A_HOLDER",
            f"{person} neither proposed nor sponsors {case.program}; {', '.join(parties)} may "
            "appeal the decline or accept it",
        )


def line_of(
    charter: Charter, superiors: Sequence[Sequence[str]], took_part: Iterable[str]
) -> tuple[str, ...]:
    """Who may decide an appeal, nearest first.

    `superiors` is the line above each sponsor and each who declined, nearest first. Where nobody
    stands above all of them, or all who do took part, governance decides, then who countersigns
    from outside.
    """
    out = frozenset(took_part)
    first, *others = superiors or ((),)
    above = tuple(one for one in first if all(one in line for line in others))
    governance = (charter.governance.owner, charter.governance.deputy)
    outside = (charter.countersigner,) if charter.countersigner else ()
    lines = (tuple(p for p in line if p not in out) for line in (above, governance, outside))
    return next((line for line in lines if line), ())


def appealed(case: Case, appeal: Appeal, table: Timetable, now: datetime) -> Case:
    """The declined case with its appeal, still to be put into somebody's hands."""
    return replace(
        case,
        appeal=appeal,
        appealable_until=None,
        timetable=table,
        steps_in_wait=0,
        waited_ms=cases.waited_by(case, now),
        waiting_since=now,
        holders=(),
    )


def awaited(
    case: Case, now: datetime, next_step: Callable[[int], DueStep]
) -> tuple[Case, tuple[Escalation, ...]]:
    """Takes the steps that are due of the time in which a decline may be appealed.

    They add nobody. The last one is its end: then the decline is final.
    """
    until = case.appealable_until
    waited, taken = escalate(case, now, next_step, (), until)
    if until is None or until > now:
        return waited, taken
    return _final(waited, now, f"not appealed until {until:%Y-%m-%d %H:%M} UTC"), taken


def accepted(case: Case, person: str, now: datetime) -> Case:
    """The decline final before its time, by who might have appealed."""
    return _final(case, now, f"accepted by {person}")


def require_neutral(case: Case, people: Iterable[str], took_part: Iterable[str]) -> None:
    """Refuses with SIDES_NOT_SEPARATE who took part in what they would decide an appeal about."""
    holders = ", ".join(one.person for one in case.holders if one.role != cases.GOVERNANCE)
    legs = tuple(
        Leg(
            "SIDES",
            person,
            f"{person} stands on one of the three sides of {case.program}",
            f"who holds the appeal decides it: {holders or 'nobody yet'}",
        )
        for person in sorted(frozenset(people) & frozenset(took_part))
    )
    if legs:
        raise PreconditionFailed("SIDES_NOT_SEPARATE", legs=legs)


def decided(case: Case, outcome: AppealOutcome, person: str, reason: str, now: datetime) -> Case:
    """The appeal answered: the decline final, or set aside so that the gate opens a new round.

    Refuses with WRONG_STATE where no appeal waits.
    """
    appeal = case.appeal
    if appeal is None or not case.under_appeal:
        raise _refusal(
            case,
            "APPEAL",
            "no appeal waits for an answer",
            "read the program's path to see where it is",
        )
    answered = replace(appeal, outcome=outcome, decided_by=person, decided_at=now, reason=reason)
    why = f"appeal of {appeal.person} {_said(outcome)} by {person}: {reason}"
    after = replace(_final(case, now, why), appeal=answered)
    return after if outcome is AppealOutcome.UPHELD else replace(after, state=CaseState.VOIDED)


def barred(case: Case) -> frozenset[str]:
    """Who decides no more at this gate: whose decline an appeal has set aside, and who did that."""
    appeal = case.appeal
    if appeal is None or appeal.outcome is not AppealOutcome.GRANTED:
        return frozenset()
    return frozenset({*appeal.declined_by, appeal.decided_by})


def require_others(case: Case, people: Iterable[str]) -> None:
    """Refuses with WRONG_STATE whose decline was set aside, and who set it aside."""
    legs = tuple(
        Leg(
            "APPEAL",
            person,
            f"{person} declined the program before its appeal, or granted the appeal",
            "another reviewer decides in the round that an appeal opens",
        )
        for person in sorted(barred(case) & frozenset(people))
    )
    if legs:
        raise PreconditionFailed("WRONG_STATE", legs=legs)


def _final(case: Case, now: datetime, why: str) -> Case:
    return replace(
        case,
        appealable_until=None,
        waited_ms=cases.waited_by(case, now),
        waiting_since=now,
        holders=(),
        no_eligible_holder=False,
        reason=f"{case.reason}; {why}" if case.reason else why,
    )


def _refusal(case: Case, kind: str, description: str, remedy: str) -> PreconditionFailed:
    return PreconditionFailed(
        "WRONG_STATE",
        f"{case.name}: {description}",
        legs=(Leg(kind, case.name, description, remedy),),
    )


def _said(outcome: AppealOutcome) -> str:
    return outcome.value.lower()
