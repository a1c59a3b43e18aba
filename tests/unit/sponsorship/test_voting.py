"""What a committee's votes make of its unit's position, and whose dates a pledge follows."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.support.facts import NOW

from investiture.casework.facts import Authority, Condition
from investiture.casework.words import Gate, Side
from investiture.charter.committees import Committee, Meetings, Tie
from investiture.sponsorship.domain.ballots import Ballot, vacated
from investiture.sponsorship.domain.committees import Choice, Outcome
from investiture.sponsorship.domain.positions import (
    Position,
    PositionKind,
    PositionRole,
    Statement,
)
from investiture.sponsorship.domain.voting import joined, left, voted, votes_on

SEATS = tuple(f"people/p{number}" for number in range(5))
CIRCLE = Committee(
    id="circle",
    name="Circle",
    seats=SEATS,
    chair=SEATS[0],
    tie=Tie.CHAIR,
    meets=Meetings(calendar="office", dates=(date(2027, 1, 1),)),
)
ASKED = Position("units/press", PositionRole.AGREE, ballot=Ballot(CIRCLE))
OBJECT = Statement(PositionKind.OBJECT, "reputation", "harm", "proposal")
CONDITION = Condition("", "first this", SEATS[1], Gate.LAUNCH)


def authority(name: str, on_behalf_of: str = "") -> Authority:
    return Authority(
        person=name,
        active=True,
        side=Side.BUSINESS,
        unit="units/press",
        grade="boss",
        limit_minor=None,
        limit_currency="",
        unlimited=False,
        resolved_at=NOW,
        on_behalf_of=on_behalf_of,
    )


def said(position: Position, who: Authority, statement: Statement) -> Position:
    """The position after a word that the service would take; else as it is."""
    ballot = votes_on(position, who)
    if ballot is None:
        return position
    said_it = joined(ballot, statement)
    if said_it.kind is PositionKind.OBJECT and not said_it.harm:
        return position
    return voted(position, ballot, said_it, who, (1, "digest"), NOW)


STATEMENTS = st.sampled_from(
    [
        Statement(PositionKind.CONSENT),
        Statement(PositionKind.CONSENT_WITH_CONDITIONS, conditions=(CONDITION,)),
        OBJECT,
        Statement(PositionKind.OBJECT),
        Statement(PositionKind.ABSTAIN),
        Statement(PositionKind.RECUSE),
    ]
)
SPEAKERS = st.sampled_from(
    [*(authority(seat) for seat in SEATS), *(authority("people/x", seat) for seat in SEATS)]
)
ACTS = st.lists(st.one_of(st.tuples(SPEAKERS, STATEMENTS), st.sampled_from(SEATS)), max_size=14)


@given(ACTS)
def test_a_units_position_is_what_its_committees_count_comes_to_after_whatever_they_do(
    acts: list[tuple[Authority, Statement] | str],
) -> None:
    position, gone = ASKED, set[str]()
    for act in acts:
        if isinstance(act, str):
            gone.add(act)
            position = left(position, lambda name: name not in gone, NOW)
        elif not gone & set(act[0].people):
            position = said(position, *act)
        ballot = position.ballot
        assert ballot is not None
        outcome, found = ballot.count.outcome, ballot.count
        assert position.agreed is (outcome is Outcome.CARRIED)
        assert bool(position.carried) is position.agreed
        if outcome is Outcome.REJECTED:
            against = ballot.saying(Choice.NO)
            kind = PositionKind.OBJECT if against else PositionKind.ABSTAIN
            assert position.kind is kind
        elif outcome is not Outcome.CARRIED:
            assert position.kind is None
        if position.objects:
            assert position.harm
        assert all(one.harm for one in ballot.saying(Choice.NO)), "no bare no"
        assert not set(ballot.asked) & {*ballot.out, *position.recused}
        assert bool(ballot.asked) is (outcome in (Outcome.OPEN, Outcome.REJECTED))
        assert found.eligible == len(ballot.members)


def test_a_seat_that_falls_vacant_keeps_what_was_said_for_it() -> None:
    position = said(ASKED, authority(SEATS[0]), Statement(PositionKind.CONSENT))
    assert position.ballot is not None
    after = vacated(position.ballot, SEATS[:2])
    assert (after.out, after.count.yes) == (SEATS[1:2], 1)


def test_an_answer_from_above_stays_while_the_committee_has_not_decided() -> None:
    from_above = replace(ASKED, kind=PositionKind.CONSENT, person="people/ann", recorded_at=NOW)
    one = said(from_above, authority(SEATS[0]), Statement(PositionKind.ABSTAIN))
    assert (one.kind, one.person) == (PositionKind.CONSENT, "people/ann")
    assert not one.carried
    for seat in SEATS[1:]:
        one = said(one, authority(seat), OBJECT)
    assert one.kind is PositionKind.OBJECT


def test_the_decision_is_dated_and_named_by_the_vote_that_made_it() -> None:
    position = ASKED
    for number, seat in enumerate(SEATS[:3]):
        ballot = votes_on(position, authority(seat))
        assert ballot is not None
        later = NOW + timedelta(hours=number)
        consent = Statement(PositionKind.CONSENT)
        position = voted(position, ballot, consent, authority(seat), (1, "digest"), later)
    assert (position.person, position.recorded_at) == (SEATS[2], NOW + timedelta(hours=2))
