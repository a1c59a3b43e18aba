"""Who is there to decide, and in whose hands a case is while they are not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.facts import NOW, open_case, revision

from investiture.casework.case import GOVERNANCE, Candidate, Case, Holder, answered, ask
from investiture.casework.standing import (
    Away,
    Loan,
    RollCall,
    Standing,
    anybodys,
    attended,
    callable_chain,
)
from investiture.casework.words import CaseState, Purpose, Step

DAY = timedelta(days=1)
FAY, FINN, FIONA, FELIX, ADA = (f"people/{n}" for n in ("fay", "finn", "fiona", "felix", "ada"))
GRACE, GUS = "people/grace", "people/gus"
CHAIN = (
    Candidate(FAY, "approver"),
    Candidate(FINN, "approver"),
    Candidate(ADA, "approver"),
    Candidate(GRACE, GOVERNANCE),
    Candidate(GUS, GOVERNANCE),
)


def gone(person: str) -> Standing:
    return Standing(person, able=False)


def away(person: str, deputy: str = "", *loans: Loan) -> Standing:
    return Standing(person, True, (Away(NOW - DAY, NOW + DAY, deputy),), loans)


def lent(to: str, purpose: Purpose = Purpose.FUND, until: datetime = NOW + DAY) -> Loan:
    return Loan(to, purpose, NOW - DAY, until)


def held(*people: str) -> Case:
    return replace(
        open_case(revision()), holders=tuple(Holder(one, "approver", NOW) for one in people)
    )


def look(case: Case, *standings: Standing, count: int = 1, barred: Sequence[str] = ()) -> Case:
    known = {one.person: one for one in standings}
    parts = [anybodys(Purpose.FUND, count, barred)]
    return attended(case, parts, lambda: CHAIN, RollCall(known.get, NOW), NOW)


def people(case: Case) -> list[str]:
    return [one.person for one in case.holders]


def test_a_case_in_hands_that_are_there_stays_as_it_is() -> None:
    case = held(FIONA, FELIX)
    assert look(case) is case
    assert look(case, away(FIONA)) is case


def test_who_left_holds_nothing_and_the_next_in_line_gets_it() -> None:
    after = look(held(FIONA), gone(FIONA))
    assert people(after) == [FAY]
    assert not after.no_eligible_holder


def test_who_is_away_keeps_what_they_hold_and_the_next_gets_it_as_well() -> None:
    after = look(held(FIONA), away(FIONA), away(FAY), gone(FINN))
    assert people(after) == [FIONA, ADA]
    assert look(after) is after  # they are back: nothing is taken from anybody


def test_whom_the_absent_name_is_asked_first_if_they_may_be_asked() -> None:
    assert people(look(held(FIONA), away(FIONA, ADA))) == [FIONA, ADA]
    assert people(look(held(FIONA), away(FIONA, "people/zoe"))) == [FIONA, FAY]


@pytest.mark.parametrize(
    ("loan", "standing", "asked"),
    [
        (lent(FELIX), Standing(FELIX), [FIONA]),
        (lent(FELIX), gone(FELIX), [FIONA, FAY]),
        (lent(FELIX), away(FELIX), [FIONA, FAY]),
        (lent(FELIX, Purpose.GO), Standing(FELIX), [FIONA, FAY]),
        (lent(FELIX, until=NOW), Standing(FELIX), [FIONA, FAY]),
    ],
)
def test_a_delegate_counts_as_there_for_whom_they_act(
    loan: Loan, standing: Standing, asked: list[str]
) -> None:
    assert people(look(held(FIONA), away(FIONA, "", loan), standing)) == asked


def test_a_level_that_needs_two_is_filled_from_the_line_above() -> None:
    after = look(held(FAY, FIONA, FELIX), gone(FIONA), gone(FELIX), count=2)
    assert people(after) == [FAY, FINN]
    assert not after.no_eligible_holder
    short = look(held(FAY, FIONA), gone(FIONA), gone(FINN), gone(ADA), count=2)
    assert people(short) == [FAY, GRACE, GUS]
    assert short.no_eligible_holder


def test_who_may_not_decide_is_neither_counted_nor_asked() -> None:
    after = look(held(FIONA), barred=[FIONA, FAY])
    assert people(after) == [FIONA, FINN]


def test_the_alarm_lasts_until_somebody_able_holds_it_and_governance_goes_with_it() -> None:
    nobody = [gone(one) for one in (FIONA, FAY, FINN, ADA)]
    alarmed = look(held(FIONA), *nobody)
    assert people(alarmed) == [GRACE, GUS]
    assert alarmed.no_eligible_holder
    assert look(alarmed, *nobody) is alarmed  # their time runs on
    assert people(look(alarmed, *nobody[:-1])) == [ADA]
    found = look(replace(alarmed, holders=(*alarmed.holders, Holder(FELIX, "approver", NOW))))
    assert people(found) == [FELIX]
    assert not found.no_eligible_holder


def test_governance_that_a_timetable_brought_in_stays() -> None:
    stepped = Holder(GRACE, GOVERNANCE, NOW, "", Step.REPEAT)
    case = replace(held(FIONA), holders=(*held(FIONA).holders, stepped))
    assert look(case) is case
    alarmed = look(case, *(gone(one) for one in (FIONA, FAY, FINN, ADA)))
    assert alarmed.holders == (stepped, Holder(GUS, GOVERNANCE, NOW))


@pytest.mark.parametrize(
    ("standings", "governing"),
    [
        ([away(GRACE)], [GUS]),
        ([gone(GRACE)], [GUS]),
        ([gone(GRACE), away(GUS)], [GRACE, GUS]),
    ],
)
def test_governance_that_is_there_is_asked_and_all_of_it_if_none_is(
    standings: list[Standing], governing: list[str]
) -> None:
    nobody = [gone(one) for one in (FIONA, FAY, FINN, ADA)]
    assert people(look(held(FIONA), *nobody, *standings)) == governing


def test_what_is_decided_is_in_nobodys_hands_and_stays_so() -> None:
    decided = replace(held(), state=CaseState.STANDING)
    assert look(decided, gone(FIONA)) is decided


def test_another_word_on_what_stands_is_not_waited_for_from_who_left() -> None:
    asked = ask(
        replace(held(), state=CaseState.STANDING), held(FIONA).holders, held().timetable, NOW + DAY
    )
    assert (asked.waiting_since, asked.in_hands) == (NOW + DAY, True)
    after = look(asked, *(gone(one) for one in (FIONA, FAY, FINN, ADA)))
    assert (people(after), after.no_eligible_holder) == ([GRACE, GUS], True)
    assert (answered(after).in_hands, answered(after).no_eligible_holder) == (False, False)


def test_an_escalation_adds_nobody_who_is_not_there() -> None:
    known = {one.person: one for one in (gone(FAY), away(FINN), gone(GRACE))}
    roll = RollCall(known.get, NOW)
    left = callable_chain(CHAIN, [anybodys(Purpose.FUND)], roll, NOW)
    assert [one.person for one in left] == [ADA, GRACE, GUS]


def test_a_standing_turns_where_an_absence_or_a_loan_begins_or_ends() -> None:
    standing = Standing(FAY, True, (Away(NOW, NOW + 2 * DAY),), (lent(FINN, until=NOW + DAY),))
    assert standing.turns_at(NOW - 2 * DAY) == NOW - DAY
    assert standing.turns_at(NOW) == NOW + DAY
    assert standing.turns_at(NOW + DAY) == NOW + 2 * DAY
    assert standing.turns_at(NOW + 2 * DAY) is None
    assert Standing(FAY, True, (Away(NOW),)).turns_at(NOW) is None
    assert Standing(FAY, True, (Away(NOW),)).away(datetime(2999, 1, 1, tzinfo=UTC))


NAMES = [FAY, FINN, FIONA, FELIX, ADA, GRACE, GUS]


@given(
    st.lists(st.sampled_from([FIONA, FELIX, FAY]), unique=True),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.integers(1, 3),
)
def test_looking_twice_is_looking_once_and_nobody_who_is_there_loses_a_case(
    holding: list[str], left: list[str], absent: list[str], count: int
) -> None:
    standings = [away(one) for one in absent if one not in left] + [gone(one) for one in left]
    before = held(*holding)
    after = look(before, *standings, count=count)
    assert look(after, *standings, count=count) is after
    assert set(before.holders) <= {*after.holders, *(Holder(p, "approver", NOW) for p in left)}
    deciding = [one for one in after.holders if one.role != GOVERNANCE]
    there = [one for one in deciding if one.person not in {*left, *absent}]
    assert after.no_eligible_holder == (len(there) < count)
    assert after.no_eligible_holder == any(one.role == GOVERNANCE for one in after.holders)
    assert not {one.person for one in deciding} & set(left)
    assert len({one.person for one in after.holders}) == len(after.holders)
