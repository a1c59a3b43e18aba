"""The vote of a committee; domain.md, Sponsorship: quorum vectors, and what holds for each vote."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from investiture.charter.committees import Committee, Majority, Meetings, Tie
from investiture.sponsorship.domain.committees import Choice, Count, Outcome, Voice, count

YES, NO, ABSTAIN, RECUSE = Choice.YES, Choice.NO, Choice.ABSTAIN, Choice.RECUSE
CARRIED, REJECTED, OPEN = Outcome.CARRIED, Outcome.REJECTED, Outcome.OPEN


def circle(seats: int, **changes: Any) -> Committee:
    people = tuple(f"people/p{number}" for number in range(seats))
    return Committee(
        id="circle",
        name="Circle",
        seats=people,
        chair=people[0],
        meets=Meetings(calendar="office", dates=(date(2027, 1, 1),)),
        **changes,
    )


def voices(committee: Committee, *choices: Choice | None) -> list[Voice]:
    """What the seats say in their order; None for silence."""
    return [
        Voice(seat, choice, seat)
        for seat, choice in zip(committee.seats, choices, strict=False)
        if choice is not None
    ]


def counted(committee: Committee, *choices: Choice | None) -> Count:
    return count(committee, voices(committee, *choices))


def test_seven_seats_two_recused_need_three_of_five() -> None:
    """domain.md, Sponsorship, quorum vectors: 7 seats, strict majority, 2 recused."""
    seven = circle(7)
    before = counted(seven, RECUSE, RECUSE, YES, YES)
    assert (before.needed, before.eligible, before.outcome) == (3, 5, OPEN)
    assert str(before) == "3 of 5 needed, 2 yes, 0 no"
    assert before.asked == seven.seats[4:]
    assert counted(seven, RECUSE, RECUSE, YES, YES, YES).outcome is CARRIED
    assert counted(seven, RECUSE, RECUSE, NO, NO, NO).outcome is REJECTED


def test_four_seats_of_which_all_but_one_recuse_have_no_quorum() -> None:
    """domain.md, Sponsorship, quorum vectors: 4 seats all recused but one → no quorum."""
    four = circle(4)
    assert counted(four, RECUSE, RECUSE).outcome is OPEN
    alone = counted(four, RECUSE, RECUSE, RECUSE)
    assert (alone.outcome, alone.eligible, alone.asked) == (Outcome.NO_QUORUM, 1, ())
    assert counted(four, RECUSE, RECUSE, RECUSE, YES).outcome is Outcome.NO_QUORUM


def test_one_delegate_for_two_members_is_one_presence_and_two_votes() -> None:
    """domain.md, Sponsorship, quorum vectors: one delegate for two members → 1 presence."""
    three = circle(3, quorum=2)
    carried = [Voice(seat, YES, "people/max") for seat in three.seats[:2]]
    both = count(three, carried)
    assert (both.present, both.yes, both.outcome) == (1, 2, OPEN)
    assert count(three, [*carried, Voice(three.seats[2], NO, "people/max")]).outcome is (
        Outcome.NO_QUORUM
    )
    assert count(three, [*carried, Voice(three.seats[2], NO, three.seats[2])]).outcome is CARRIED


@pytest.mark.parametrize(
    ("changes", "choices", "outcome"),
    [
        ({}, (YES, YES, ABSTAIN, ABSTAIN, ABSTAIN), CARRIED),  # of two votes two
        ({}, (YES, ABSTAIN, ABSTAIN, ABSTAIN, ABSTAIN), REJECTED),  # one yes is below the floor
        ({"floor": 1}, (YES, ABSTAIN, ABSTAIN, ABSTAIN, ABSTAIN), CARRIED),
        ({"floor": 1}, (ABSTAIN,) * 5, REJECTED),
        ({"floor": 4}, (YES, YES, YES, NO, NO), REJECTED),
        ({"floor": 4}, (YES, YES, YES, YES, None), CARRIED),
        ({"floor": 4}, (RECUSE, RECUSE, YES, YES, YES), Outcome.NO_QUORUM),
        ({"quorum": 4}, (YES, YES, YES, None, None), OPEN),  # the others may recuse themselves
        ({"quorum": 4}, (YES, YES, YES, ABSTAIN, None), CARRIED),
        ({"quorum": 4}, (YES, YES, YES, RECUSE, RECUSE), Outcome.NO_QUORUM),
        ({"majority": Majority.TWO_THIRDS}, (YES, YES, YES, NO, NO), REJECTED),
        ({"majority": Majority.TWO_THIRDS}, (YES, YES, YES, YES, None), CARRIED),
        ({"majority": Majority.UNANIMOUS}, (YES, YES, YES, YES, None), OPEN),
        ({"majority": Majority.UNANIMOUS}, (YES, YES, YES, YES, ABSTAIN), CARRIED),
        ({"majority": Majority.UNANIMOUS}, (YES, YES, NO, None, None), REJECTED),
        ({}, (YES, YES, NO, NO, ABSTAIN), REJECTED),
        ({"tie": Tie.CHAIR}, (YES, YES, NO, NO, ABSTAIN), CARRIED),
        ({"tie": Tie.CHAIR}, (NO, YES, YES, NO, ABSTAIN), REJECTED),
        ({"tie": Tie.CHAIR}, (RECUSE, YES, YES, NO, NO), REJECTED),
        ({"tie": Tie.CHAIR}, (ABSTAIN, YES, YES, NO, NO), OPEN),
        ({"tie": Tie.CHAIR}, (YES, NO, ABSTAIN, ABSTAIN, ABSTAIN), REJECTED),  # below the floor
        ({"tie": Tie.CHAIR, "floor": 1}, (YES, NO, ABSTAIN, ABSTAIN, ABSTAIN), CARRIED),
        (
            {"tie": Tie.CHAIR, "majority": Majority.TWO_THIRDS},
            (YES, YES, NO, NO, ABSTAIN),
            REJECTED,
        ),
    ],
)
def test_five_seats_decide_by_majority_floor_quorum_and_tie(
    changes: dict[str, Any], choices: tuple[Choice | None, ...], outcome: Outcome
) -> None:
    assert counted(circle(5, **changes), *choices).outcome is outcome


def test_an_abstention_is_a_presence_and_no_vote() -> None:
    """domain.md, Sponsorship: "in a committee an abstention counts as presence, not as a vote"."""
    found = counted(circle(5), ABSTAIN, ABSTAIN, YES)
    assert (found.present, found.votes, found.needed) == (3, 3, 2)
    assert str(found) == "2 of 3 needed, 1 yes, 0 no, 2 abstained"


def test_what_is_below_the_floor_is_not_rejected_before_it_is_sure_that_there_is_a_quorum() -> None:
    four = circle(4, quorum=1, floor=4)
    assert counted(four, NO).outcome is OPEN
    assert counted(four, NO, RECUSE).outcome is Outcome.NO_QUORUM
    assert counted(four, NO, YES, YES, YES).outcome is REJECTED


def test_a_chair_who_abstained_is_asked_again_when_there_is_a_tie() -> None:
    five = circle(5, tie=Tie.CHAIR)
    tied = counted(five, ABSTAIN, YES, YES, NO, NO)
    assert tied.asked == (five.chair,)
    said = voices(five, ABSTAIN, YES, YES, NO, NO)
    assert count(five, [*said, Voice(five.chair, YES, five.chair)]).outcome is CARRIED
    assert count(five, [*said, Voice(five.chair, NO, five.chair)]).outcome is REJECTED


def test_who_takes_no_part_leaves_both_sides_of_the_fraction() -> None:
    seven = circle(7)
    out = seven.seats[:2]
    found = count(seven, voices(seven, YES, YES, YES, YES, YES), out)
    assert (found.yes, found.eligible, found.outcome) == (3, 5, CARRIED)


@st.composite
def committees(draw: st.DrawFn) -> Committee:
    """A committee of up to six seats by any rules that it can keep."""
    seats = draw(st.integers(1, 6))
    return circle(
        seats,
        majority=draw(st.sampled_from(Majority)),
        tie=draw(st.sampled_from(Tie)),
        quorum=draw(st.integers(1, seats)),
        floor=draw(st.integers(1, seats)),
    )


SAID = (YES, NO, ABSTAIN, RECUSE, None)
MOSTLY_YES = (YES, YES, YES, YES, NO, NO, ABSTAIN, None)


@st.composite
def votes(draw: st.DrawFn, among: Sequence[Choice | None] = SAID) -> tuple[Committee, list[Voice]]:
    """A committee and what some of its seats said, in person or by one of few delegates."""
    committee = draw(committees())
    said = [draw(st.sampled_from(among)) for _ in committee.seats]
    by = [draw(st.sampled_from([seat, seat, "people/x", "people/y"])) for seat in committee.seats]
    return committee, [
        Voice(seat, choice, person)
        for seat, choice, person in zip(committee.seats, said, by, strict=True)
        if choice is not None
    ]


def completions(committee: Committee, said: Sequence[Voice]) -> Iterator[list[Voice]]:
    """All that the silent seats may say, each in person or by whoever is there already."""
    silent = [seat for seat in committee.seats if seat not in {one.seat for one in said}]
    there = next((one.person for one in said), "people/somebody")
    for choices in product([YES, NO, ABSTAIN, RECUSE], repeat=len(silent)):
        for people in product((True, False), repeat=len(silent)):
            yield [
                *said,
                *(
                    Voice(seat, choice, f"{seat}-self" if own else there)
                    for seat, choice, own in zip(silent, choices, people, strict=True)
                ),
            ]


@settings(max_examples=1000)
@given(votes())
def test_it_is_decided_as_early_as_nothing_can_change_it_any_more_and_no_earlier(
    vote: tuple[Committee, list[Voice]],
) -> None:
    committee, said = vote
    assume(len(committee.seats) - len(said) <= 3)
    outcomes = {count(committee, full).outcome for full in completions(committee, said)}
    now = count(committee, said).outcome
    assert now is (outcomes.pop() if len(outcomes) == 1 else OPEN)


@given(votes(), st.data())
def test_one_more_yes_never_turns_a_yes_into_a_no(
    vote: tuple[Committee, list[Voice]], data: st.DataObject
) -> None:
    committee, said = vote
    assume(count(committee, said).outcome is CARRIED)
    seat = data.draw(st.sampled_from(committee.seats))
    assume(seat not in {one.seat for one in said if one.choice is RECUSE})
    before = next((one.person for one in said if one.seat == seat), seat)
    more = [*(one for one in said if one.seat != seat), Voice(seat, YES, before)]
    assert count(committee, more).outcome is CARRIED


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # it takes a yes over a no
@given(votes(MOSTLY_YES), st.data())
def test_recusing_who_voted_no_never_turns_a_yes_into_a_no_where_floor_and_quorum_hold(
    vote: tuple[Committee, list[Voice]], data: st.DataObject
) -> None:
    committee, said = vote
    assume(count(committee, said).outcome is CARRIED)
    against = [one for one in said if one.choice is NO]
    assume(against)
    leaves = data.draw(st.sampled_from(against))
    after = count(
        committee,
        [*(one for one in said if one is not leaves), Voice(leaves.seat, RECUSE, leaves.person)],
    )
    assume(after.present >= committee.quorum)
    assume(after.yes + after.no + after.abstained >= committee.floor)
    assert after.outcome is CARRIED


@given(votes(), st.randoms(use_true_random=False))
def test_the_order_in_which_they_vote_is_no_matter(
    vote: tuple[Committee, list[Voice]], random: Any
) -> None:
    committee, said = vote
    shuffled = list(said)
    random.shuffle(shuffled)
    assert count(committee, shuffled) == count(committee, said)


@given(votes())
def test_silence_never_decides_and_nobody_is_counted_who_recused(
    vote: tuple[Committee, list[Voice]],
) -> None:
    committee, said = vote
    found = count(committee, said)
    spoken = [one for one in said if one.choice is not RECUSE]
    assert found.yes + found.no + found.abstained == len(spoken)
    assert found.present == len({one.person for one in spoken})
    assert found.eligible == len(committee.seats) - (len(said) - len(spoken))
    if found.outcome in (CARRIED, REJECTED):
        assert found.present >= committee.quorum
    if found.outcome is CARRIED:
        assert found.yes >= committee.floor
        assert found.yes * 2 >= found.yes + found.no
