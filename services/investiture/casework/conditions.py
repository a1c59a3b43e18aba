"""The conditions of an approval: found by their id, closed by their evidence."""

from dataclasses import replace
from datetime import datetime

from investiture.casework.case import Case
from investiture.casework.facts import Condition
from investiture.chassis.refusal import NotFound


def find_condition(case: Case, condition_id: str) -> Condition:
    """The condition with this id, or NOT_FOUND."""
    for condition in case.conditions:
        if condition.id == condition_id:
            return condition
    raise NotFound(f"{case.name}/conditions/{condition_id}")


def close_condition(case: Case, condition_id: str, evidence: str, now: datetime) -> Case:
    """The case with one condition closed by its evidence; closing it again changes nothing."""
    condition = find_condition(case, condition_id)
    if condition.closed_at is not None:
        return case
    closed = replace(condition, closed_at=now, evidence=evidence)
    return replace(
        case,
        conditions=tuple(closed if c.id == condition_id else c for c in case.conditions),
    )
