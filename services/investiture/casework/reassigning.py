"""A case handed over: whose places somebody takes, and the case in those hands."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from investiture.casework.case import GOVERNANCE, Candidate, Case, Holder, with_holders
from investiture.chassis.refusal import Denied


def handed_over(
    case: Case, actor: Holder, person: str, chain: Sequence[Candidate], now: datetime
) -> tuple[tuple[Holder, ...], Holder]:
    """Whose places `person` takes, and the place as they hold it.

    A holder hands over their own part; governance hands over the part that the person may hold,
    from everybody who holds it. Refuses with NOT_A_HOLDER who is not in the chain of that part.
    """
    able = [one for one in chain if one.role != GOVERNANCE]
    if actor.role != GOVERNANCE:
        alike = [one for one in able if one.role == actor.role]
        line = [one for one in alike if one.unit == actor.unit] or alike
        if any(one.person == person for one in line):
            return (actor,), replace(actor, person=person, since=now, added_by=None)
    else:
        part = next((one for one in able if one.person == person), None)
        if part is not None:
            held = [h for h in case.holders if h.role == part.role]
            same = [h for h in held if h.unit == part.unit] or held
            unit = same[0].unit if same else part.unit
            governing = (h for h in case.holders if h.role == GOVERNANCE)
            return (*same, *governing), Holder(person, part.role, now, unit)
    raise Denied(
        "NOT_A_HOLDER",
        f"{person} cannot hold {case.name}: not in its chain, or on another side",
    )


def reassign(case: Case, given_up: Sequence[Holder], holder: Holder) -> Case:
    """The case in the hands of `holder` instead of `given_up`."""
    place = (holder.person, holder.role, holder.unit)
    kept = [h for h in case.holders if h not in given_up and (h.person, h.role, h.unit) != place]
    return with_holders(case, [*kept, holder])
