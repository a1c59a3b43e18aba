"""Handing a case over: one's own part of it, to who is in the chain of that part."""

from dataclasses import replace

import pytest
from tests.support.facts import NOW, open_case, revision

from investiture.casework import case as cases
from investiture.casework.case import Candidate, Case, Holder
from investiture.casework.escalating import escalate
from investiture.casework.handing_over import handed_over, reassign
from investiture.casework.words import Step
from investiture.chassis.refusal import Denied

SAM = Holder("people/sam", "sponsor", NOW, "units/support")
VERA = Holder("people/vera", "endorser", NOW, "units/sales")
GRACE = Holder("people/grace", "governance", NOW)
CHAIN = (
    Candidate("people/sara", "sponsor", "units/support"),
    Candidate("people/viktor", "endorser", "units/sales"),
    Candidate("people/mira", "endorser", "units/marketing"),
    Candidate("people/gus", "governance"),
)


def reassigned(
    actor: Holder, person: str, holders: tuple[Holder, ...] = (SAM, VERA)
) -> list[tuple[str, str, str]]:
    case = held_by(*holders)
    given_up, holder = handed_over(case, actor, person, CHAIN, NOW)
    after = reassign(case, given_up, holder)
    return [(h.person, h.role, h.unit) for h in after.holders]


def held_by(*holders: Holder) -> Case:
    return cases.with_holders(open_case(revision()), holders)


def test_a_holder_gives_up_their_own_part_and_no_more() -> None:
    assert reassigned(SAM, "people/sara") == [
        ("people/vera", "endorser", "units/sales"),
        ("people/sara", "sponsor", "units/support"),
    ]


@pytest.mark.parametrize("person", ["people/viktor", "people/mira", "people/gus", "people/x"])
def test_who_is_not_in_the_chain_of_the_part_does_not_get_it(person: str) -> None:
    with pytest.raises(Denied) as refused:
        reassigned(SAM, person)
    assert refused.value.reason == "NOT_A_HOLDER"


def test_the_unit_of_the_part_decides_where_the_chain_names_it() -> None:
    with pytest.raises(Denied):
        reassigned(VERA, "people/mira")
    level = Holder("people/fiona", "endorser", NOW, "units/finance")
    assert ("people/mira", "endorser", "units/finance") in reassigned(
        level, "people/mira", (level,)
    )


def test_governance_gives_the_part_that_the_person_may_hold_and_keeps_none() -> None:
    assert reassigned(GRACE, "people/viktor", (SAM, VERA, GRACE)) == [
        ("people/sam", "sponsor", "units/support"),
        ("people/viktor", "endorser", "units/sales"),
    ]
    with pytest.raises(Denied):
        reassigned(GRACE, "people/gus", (SAM, VERA, GRACE))


def test_governance_fills_a_part_that_nobody_holds() -> None:
    assert reassigned(GRACE, "people/viktor", (GRACE,)) == [
        ("people/viktor", "endorser", "units/sales")
    ]


def test_an_alarm_for_an_empty_part_lasts_until_somebody_able_is_added() -> None:
    case = replace(held_by(SAM), no_eligible_holder=True)

    def due(step: Step) -> Case:
        steps = {case.steps_in_wait: cases.DueStep(step, NOW, case.steps_in_wait)}
        later = cases.DueStep(Step.REPEAT, NOW.replace(year=2028), 9)
        moved, taken = escalate(case, NOW, lambda index: steps.get(index, later), CHAIN)
        assert len(taken) == 1
        return moved

    assert due(Step.NUDGE).no_eligible_holder
    assert not due(Step.OVERDUE).no_eligible_holder
