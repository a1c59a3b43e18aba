"""The path as it was recorded: monotone, with the waiting of every round, and what that cost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.facts import NOW, open_case, revision, standing

from investiture.casework import case as cases
from investiture.casework import wire as casework_wire
from investiture.casework.case import Holder
from investiture.casework.facts import Decider
from investiture.casework.words import CaseState, Gate, Side, Verdict
from investiture.launch import wire
from investiture.launch.domain.path import (
    MOST_MINOR,
    WEEK_MS,
    GateRecord,
    Recorded,
    all_released,
    lost,
    record,
    recorded_of,
    stall_bill_minor,
    waiting_at,
)

HOUR_MS = 3_600_000
FACTS = revision()


def signed(state: CaseState = CaseState.OPEN, **changes: Any) -> Recorded:
    made = recorded_of(open_case(FACTS))
    values: dict[str, Any] = {"state": state, "waiting_since": None, **changes}
    if state in (CaseState.OPEN, CaseState.CHANGES_REQUESTED):
        values["waiting_since"] = changes.get("waiting_since", NOW)
    return replace(made, **values)


def known(case: Recorded, before: int = 0) -> GateRecord:
    return GateRecord(case, before)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("round_", "version", "newer"),
    [(1, 4, False), (1, 5, False), (1, 6, True), (2, 1, True), (0, 9, False)],
)
def test_only_a_later_version_or_round_changes_the_record(
    round_: int, version: int, newer: bool
) -> None:
    present = known(signed(CaseState.STANDING, round=1, version=5))
    new = signed(CaseState.VOIDED, round=round_, version=version)
    assert (record(present, new, NOW) is not None) is newer


def test_an_expiry_is_news_although_the_version_is_the_same_and_never_goes_back() -> None:
    stands = known(signed(CaseState.STANDING, version=3))
    expired = record(stands, signed(CaseState.EXPIRED, version=3), NOW)
    assert expired is not None
    assert expired.case.state is CaseState.EXPIRED
    assert record(expired, signed(CaseState.STANDING, version=3), NOW) is None


def test_the_running_wait_counts_until_now_and_not_below_nothing() -> None:
    waiting = known(signed(waited_ms=HOUR_MS), before=2 * HOUR_MS)
    assert waiting.waited_ms(NOW + hours(1)) == 4 * HOUR_MS
    assert waiting.waited_ms(NOW - hours(1)) == 3 * HOUR_MS


def test_what_was_decided_does_not_wait() -> None:
    decided = known(signed(CaseState.STANDING, waited_ms=HOUR_MS))
    assert decided.waited_ms(NOW + hours(9)) == HOUR_MS


def test_the_waiting_of_older_rounds_is_kept() -> None:
    first = known(signed(waited_ms=HOUR_MS), before=HOUR_MS)
    # Last seen while it waited: it went on waiting until the second round took its place.
    opened_at = NOW + hours(2)
    second = signed(round=2, version=1, opened_at=opened_at, waiting_since=opened_at)
    taken = record(first, second, opened_at)
    assert taken is not None
    assert taken.waited_before_ms == (1 + 1 + 2) * HOUR_MS
    assert taken.waited_ms(opened_at + hours(1)) == 5 * HOUR_MS


def test_a_round_that_stood_adds_what_it_had_waited_and_no_more() -> None:
    first = known(signed(CaseState.STANDING, waited_ms=HOUR_MS))
    second = signed(round=2, version=1, opened_at=NOW + hours(50))
    taken = record(first, second, NOW + hours(50))
    assert taken is not None
    assert taken.waited_before_ms == HOUR_MS


def test_a_gate_was_passed_when_it_first_stood_and_not_while_it_waits_again() -> None:
    opened = record(None, signed(version=1), NOW)
    assert opened is not None
    assert opened.passed_at is None
    stood = record(opened, signed(CaseState.STANDING, version=2), NOW + hours(1))
    assert stood is not None
    carried = record(stood, signed(CaseState.STANDING, version=3), NOW + hours(2))
    assert carried is not None
    assert carried.passed_at == NOW + hours(1)
    again = record(carried, signed(round=2, version=1, opened_at=NOW), NOW + hours(3))
    assert again is not None
    assert again.passed_at is None
    released = record(carried, signed(CaseState.RELEASED, version=4), NOW + hours(3))
    assert released is not None
    assert released.passed_at == NOW + hours(1)


def test_a_week_of_waiting_costs_what_a_week_of_delay_costs() -> None:
    assert stall_bill_minor(Gate.FUND, WEEK_MS, 7_000_00) == 7_000_00
    assert stall_bill_minor(Gate.FUND, WEEK_MS // 7, 7_000_00) == 1_000_00
    assert stall_bill_minor(Gate.FUND, 1, 7_000_00) == 0, "rounded down"
    assert stall_bill_minor(Gate.FUND, WEEK_MS, 0) == 0
    assert stall_bill_minor(Gate.FUND, 10 * WEEK_MS, MOST_MINOR) == MOST_MINOR


def test_proving_the_return_delays_nothing_any_more() -> None:
    assert stall_bill_minor(Gate.PROVE, 52 * WEEK_MS, 7_000_00) == 0


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(0, 10**12))
def test_a_bill_never_falls_while_one_waits(waited_ms: int, more_ms: int, cost: int) -> None:
    before = stall_bill_minor(Gate.KNIGHT, waited_ms, cost)
    assert stall_bill_minor(Gate.KNIGHT, waited_ms + more_ms, cost) >= before


def test_the_path_waits_at_the_first_gate_that_does_not_stand() -> None:
    stands = {gate: GateRecord(recorded_of(standing(FACTS, gate))) for gate in Gate}
    assert waiting_at({}, FACTS, NOW) is Gate.PLEDGE
    pledged = {Gate.PLEDGE: stands[Gate.PLEDGE]}
    assert waiting_at(pledged, FACTS, NOW) is Gate.FUND
    without_fund: dict[Gate, GateRecord] = {
        gate: one for gate, one in stands.items() if gate is not Gate.FUND
    }
    assert waiting_at(without_fund, FACTS, NOW) is Gate.FUND


def test_a_go_alone_does_not_pass_the_launch() -> None:
    stands = {gate: GateRecord(recorded_of(standing(FACTS, gate))) for gate in Gate}
    assert waiting_at(stands, FACTS, NOW) is Gate.LAUNCH
    launched = replace(stands[Gate.LAUNCH].case, verdict=Verdict.LAUNCHED)
    stands[Gate.LAUNCH] = GateRecord(launched)
    assert waiting_at(stands, FACTS, NOW) is None
    del stands[Gate.KNIGHT], stands[Gate.PROVE]
    assert waiting_at(stands, FACTS, NOW) is Gate.PROVE, "whatever is lost after the launch"


def test_a_decision_stands_only_for_the_newest_digest_and_while_it_is_valid() -> None:
    stood = GateRecord(recorded_of(standing(FACTS)))
    assert stood.standing_for(FACTS, NOW)
    assert stood.standing_for(revision(2, vendors=("Acme",)), NOW), "not material to a pledge"
    assert not stood.standing_for(revision(2, objective="another"), NOW)
    assert not stood.standing_for(FACTS, NOW + timedelta(days=90))


def test_a_program_is_settled_once_all_three_gates_of_others_recorded_their_release() -> None:
    released = {
        gate: GateRecord(signed(CaseState.RELEASED, gate=gate))
        for gate in (Gate.PLEDGE, Gate.FUND, Gate.KNIGHT)
    }
    assert all_released(released)
    assert not all_released({Gate.PLEDGE: released[Gate.PLEDGE], Gate.FUND: released[Gate.FUND]})
    standing_still = GateRecord(signed(CaseState.STANDING, gate=Gate.FUND))
    assert not all_released({**released, Gate.FUND: standing_still})


@pytest.mark.parametrize("state", [CaseState.VOIDED, CaseState.EXPIRED])
def test_a_decision_is_lost_once(state: CaseState) -> None:
    stood = known(signed(CaseState.STANDING))
    gone = signed(state, version=2)
    assert lost(stood, gone)
    assert not lost(known(gone), gone)
    assert not lost(stood, replace(gone, gate=Gate.PILOT)), "only what other services decided"


def test_the_waiting_recorded_of_our_own_case_is_the_cases_own() -> None:
    case = open_case(FACTS)
    assert recorded_of(case).waiting_since == NOW
    decided = cases.decide(case, Verdict.PLEDGED, NOW + hours(3), validity=None)
    assert recorded_of(decided).waiting_since is None
    assert recorded_of(decided).waited_ms == 3 * HOUR_MS


def test_the_last_decider_is_the_latest_however_they_are_listed() -> None:
    first = Decider("people/fay", Side.MONEY, "approver", NOW, 1, "d")
    last = replace(first, person="people/finn", decided_at=NOW + hours(1), revision=2)
    for listed in ((first, last), (last, first)):
        decided = signed(CaseState.DECLINED, deciders=listed)
        assert decided.last_decider == last
        assert decided.decided_revision == 2
    assert signed(CaseState.DECLINED).last_decider is None


def test_who_is_asked_for_another_word_on_what_stands_runs_up_no_bill() -> None:
    stands = standing(FACTS)
    held = (Holder("people/sara", "sponsor", NOW),)
    asked = cases.ask(stands, held, stands.timetable, NOW + hours(3))
    message = casework_wire.case_to(asked, None)
    assert message.waiting_since == casework_wire.stamp(NOW + hours(3))
    assert wire.recorded_of(message).waiting_since is None
    assert wire.recorded_of(casework_wire.case_to(open_case(FACTS), None)).waiting_since == NOW
