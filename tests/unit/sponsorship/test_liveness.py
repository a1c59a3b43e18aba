"""When sponsors are asked, what silence does, and who carries a pledge: the pure rules.

domain.md, Sponsorship, Liveness.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import halden
from tests.support.facts import NOW, open_case, revision
from tests.unit.sponsorship.test_pledges import authority

from investiture.casework import case as cases
from investiture.casework.case import Case, Escalation
from investiture.casework.succession import passes_on, succeeding
from investiture.casework.words import Amber, CaseState, Gate, Step, Verdict
from investiture.charter.timetable import timetable
from investiture.chassis.refusal import Denied, PreconditionFailed
from investiture.sponsorship.domain import attestation, succession
from investiture.sponsorship.domain.pledges import Place, Pledge, Seat
from investiture.sponsorship.domain.positions import Position, PositionKind, PositionRole

SARA, SAM, HANA, VERA = "people/sara", "people/sam", "people/hana", "people/vera"
SEAT = Seat(Place.SPONSOR, SARA, "units/support", SARA, pledged_at=NOW, gate_digest="d1")
SALES = Position(
    "units/sales", PositionRole.AGREE, kind=PositionKind.CONSENT, person=VERA, gate_digest="d1"
)
OWN = Position(
    "units/support",
    PositionRole.AGREE,
    kind=PositionKind.CONSENT,
    person=SARA,
    gate_digest="d1",
    counts_with=SARA,
)
PLEDGE = Pledge((SEAT,), (OWN, SALES))
INTERVAL = halden.charter().sponsorship.reattestation.elapsed
TABLE = timetable(halden.charter(), Gate.PLEDGE.value, NOW)


def standing(case: Case | None = None) -> Case:
    return cases.decide(
        case or open_case(revision()), Verdict.PLEDGED, NOW, validity=timedelta(days=90)
    )


def asked() -> Case:
    return attestation.asked(standing(), PLEDGE, TABLE, NOW)


def test_sponsors_are_asked_an_interval_after_the_oldest_of_their_words() -> None:
    later = replace(SEAT, place=Place.COUNTER_SPONSOR, attested_at=NOW + timedelta(days=5))
    both = Pledge((SEAT, later), ())
    assert attestation.due_at(halden.charter(), both, NOW) == NOW + INTERVAL
    spoken = attestation.attested(both, SEAT, "yes", 1, NOW + timedelta(days=9))
    assert attestation.due_at(halden.charter(), spoken, NOW) == NOW + timedelta(days=5) + INTERVAL


@given(st.integers(0, 400), st.integers(0, 400))
def test_nobody_is_asked_before_the_pledge_stands(pledged: int, stands: int) -> None:
    pledge = Pledge((replace(SEAT, pledged_at=NOW + timedelta(days=pledged)),), ())
    now = NOW + timedelta(days=pledged + stands)
    due = attestation.due_at(halden.charter(), pledge, now)
    assert due == max(now, NOW + timedelta(days=pledged) + INTERVAL)


@pytest.mark.parametrize(
    ("gate", "age", "asks"),
    [
        (Gate.FUND, INTERVAL, False),
        (Gate.KNIGHT, INTERVAL / 4 - timedelta(microseconds=1), False),
        (Gate.KNIGHT, INTERVAL / 4, True),
        (Gate.PILOT, timedelta(0), False),
        (Gate.LAUNCH, INTERVAL, True),
    ],
)
def test_a_gate_asks_unless_the_word_is_younger_than_a_quarter_of_the_interval(
    gate: Gate, age: timedelta, asks: bool
) -> None:
    assert attestation.asked_at_gate(halden.charter(), PLEDGE, gate, NOW + age) is asks


def test_only_who_pledged_attests_themselves_or_by_a_delegate() -> None:
    assert attestation.seat_of(PLEDGE, asked(), authority(SARA)) == SEAT
    assert attestation.seat_of(PLEDGE, asked(), authority(SAM, on_behalf_of=SARA)) == SEAT
    with pytest.raises(Denied, match=SARA):
        attestation.seat_of(PLEDGE, asked(), authority(SAM))


@pytest.mark.parametrize(
    ("steps", "amber"),
    [
        ((Step.NUDGE, Step.WARN), None),
        ((Step.OVERDUE,), Amber.SPONSOR_IN_NAME_ONLY),
        ((Step.OVERDUE, Step.SECOND), Amber.FORWARD_MOVES_PAUSED),
    ],
)
def test_the_step_by_which_the_word_was_missed_makes_it_amber(
    steps: tuple[Step, ...], amber: Amber | None
) -> None:
    taken = [Escalation(step, NOW, NOW, (SARA,)) for step in steps]
    after = attestation.escalated(asked(), taken)
    assert after.amber is amber
    assert bool(after.reason) is (amber is not None)


def test_a_reminder_after_the_pause_does_not_end_it() -> None:
    paused = attestation.escalated(asked(), [Escalation(Step.SECOND, NOW, NOW, (SARA,))])
    again = attestation.escalated(paused, [Escalation(Step.REPEAT, NOW, NOW, (SARA,))])
    assert again.amber is Amber.FORWARD_MOVES_PAUSED


def test_a_pause_begins_with_its_date_and_only_for_who_was_asked() -> None:
    second = TABLE.second_at
    attestation.require_not_paused(asked(), second - timedelta(microseconds=1))
    with pytest.raises(PreconditionFailed) as refused:
        attestation.require_not_paused(asked(), second)
    assert refused.value.reason == "FORWARD_MOVES_PAUSED"
    attestation.require_not_paused(standing(), second + timedelta(days=365))


def test_a_word_makes_it_green_again() -> None:
    silent = attestation.escalated(asked(), [Escalation(Step.OVERDUE, NOW, NOW, (SARA,))])
    spoken = attestation.attested(PLEDGE, SEAT, "yes", 1, NOW + timedelta(days=1))
    after = attestation.answered(silent, spoken)
    assert (after.holders, after.amber, after.reason) == ((), None, "")
    assert (after.state, after.verdict) == (CaseState.STANDING, Verdict.PLEDGED)


@pytest.mark.parametrize(
    ("seat", "carrier"),
    [
        (SEAT, (SARA, "")),
        (replace(SEAT, person=SAM, on_behalf_of=SARA), (SARA, "")),
        (replace(SEAT, person=SARA, on_behalf_of=HANA), (SARA, HANA)),
        (replace(SEAT, person=SAM, on_behalf_of=""), (SAM, "")),
        (replace(SEAT, person=SAM, on_behalf_of=HANA), (SAM, HANA)),
    ],
)
def test_whose_authority_carries_a_pledge(seat: Seat, carrier: tuple[str, str]) -> None:
    assert succession.carrier_of(seat) == carrier


def test_a_transfer_asks_for_the_lost_seat_only() -> None:
    old = succession.without(PLEDGE, SEAT, "left", HANA)
    assert old.seats[0].person == SARA, "what was decided stays readable"
    bare = replace(SALES, kind=None, person="", gate_digest="")
    fresh = Pledge((Seat(Place.SPONSOR, SARA, "units/support"),), (_unsaid(OWN), bare))
    new = succession.renewed(fresh, old, "d1")
    (seat,) = new.seats
    assert (seat.taken, seat.lost, seat.former, seat.successor) == (False, "left", SARA, HANA)
    assert new.position("units/sales") == SALES
    assert new.position("units/support") == _unsaid(OWN), "it counted with who was lost"
    changed = succession.renewed(fresh, old, "d2")
    assert changed.position("units/sales") == bare, "another digest is another question"


def test_a_seat_that_was_not_lost_is_kept_with_what_counted_with_it() -> None:
    counter = Seat(Place.COUNTER_SPONSOR, HANA, "units/hr", HANA, pledged_at=NOW)
    hers = replace(OWN, unit="units/hr", person=HANA, counts_with=HANA)
    old = succession.without(Pledge((SEAT, counter), (hers,)), SEAT, "left")
    fresh = Pledge(
        (Seat(Place.SPONSOR, SARA, "units/support"), Seat(Place.COUNTER_SPONSOR, HANA, "units/hr")),
        (_unsaid(hers),),
    )
    new = succession.renewed(fresh, old, "d1")
    assert new.seats[1] == counter
    assert new.positions == (hers,)


def test_an_open_pledge_frees_the_seat_and_what_counted_with_it() -> None:
    after = succession.vacated(PLEDGE, SEAT, "left")
    assert (after.seats[0].taken, after.seats[0].former) == (False, SARA)
    own, sales = after.positions
    assert (own.kind, own.person) == (None, "")
    assert sales == SALES


def test_only_a_transfer_of_the_very_same_question_passes_on_with_its_conditions() -> None:
    old, new = standing(), open_case(revision())
    void = cases.void(old, NOW, f"{SARA} has left", Amber.TRANSFER)
    assert succeeding(void, new).reason == f"{SARA} has left"
    assert succeeding(void, new).amber is Amber.TRANSFER
    assert not passes_on(cases.void(old, NOW, "a mistake"), new)
    assert not passes_on(old, new)


def _unsaid(position: Position) -> Position:
    return replace(position, kind=None, person="", gate_digest="")
