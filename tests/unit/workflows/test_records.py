"""What a path remembers of a record: durations of its service, never another clock's dates."""

from datetime import UTC, datetime, timedelta

import pytest

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.workflows.v1.path_pb2 import GateReading
from investiture.workflows.records import A_SECOND, Hold, Seen
from investiture.workflows.request_ids import request_id

NOW = datetime(2026, 12, 18, 16, tzinfo=UTC)


def reading(state: pb.CaseState.ValueType = pb.CASE_STATE_OPEN, **fields: int) -> GateReading:
    values = {"version": 1, "revision": 1, "next_in_ms": -1, "standing_for_ms": -1, **fields}
    made = GateReading(found=True, case_name="programs/p/funds/1", state=state)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def test_a_step_is_due_after_the_milliseconds_that_the_service_answered() -> None:
    seen = Seen.of(reading(next_in_ms=1500), NOW, None)
    assert seen.due_at == NOW + timedelta(milliseconds=1500)
    assert not seen.due(NOW + A_SECOND)
    assert seen.due(NOW + 2 * A_SECOND)


def test_what_is_due_already_is_due_at_once_but_never_twice_in_a_second() -> None:
    first = Seen.of(reading(next_in_ms=0), NOW, None)
    assert first.due(NOW)
    escalated = Seen.of(reading(next_in_ms=0), NOW, first, escalated=True)
    assert escalated.due_at == NOW + A_SECOND
    reread = Seen.of(reading(next_in_ms=0), NOW, escalated)
    assert reread.due_at == NOW + A_SECOND


def test_each_repetition_of_an_escalation_is_counted_until_the_case_changes() -> None:
    seen = Seen.of(reading(next_in_ms=0), NOW, None)
    seen = Seen.of(reading(next_in_ms=0), NOW, seen, escalated=True)
    assert seen.repetition == 1
    assert Seen.of(reading(next_in_ms=0, version=2), NOW, seen).repetition == 0


@pytest.mark.parametrize("state", [pb.CASE_STATE_STANDING, pb.CASE_STATE_DECLINED])
def test_a_decided_case_has_no_next_step(state: pb.CaseState.ValueType) -> None:
    assert Seen.of(reading(state, next_in_ms=0), NOW, None).due_at is None


def test_a_decision_is_read_again_when_its_validity_ends() -> None:
    seen = Seen.of(reading(pb.CASE_STATE_STANDING, standing_for_ms=5000), NOW, None)
    assert not seen.outdated(NOW)
    assert seen.outdated(NOW + timedelta(seconds=5))
    lagging = Seen.of(reading(pb.CASE_STATE_STANDING, standing_for_ms=1), NOW, None)
    assert lagging.ends_at == NOW + A_SECOND


@pytest.mark.parametrize(
    ("state", "revision", "opened"),
    [
        (pb.CASE_STATE_OPEN, 1, False),
        (pb.CASE_STATE_OPEN, 2, True),
        (pb.CASE_STATE_CHANGES_REQUESTED, 1, False),
        (pb.CASE_STATE_CHANGES_REQUESTED, 2, True),
        (pb.CASE_STATE_STANDING, 1, False),
        (pb.CASE_STATE_STANDING, 2, True),
        (pb.CASE_STATE_VOIDED, 1, True),
        (pb.CASE_STATE_EXPIRED, 1, True),
        (pb.CASE_STATE_SUPERSEDED, 1, True),
        (pb.CASE_STATE_DECLINED, 2, False),
        (pb.CASE_STATE_RELEASED, 2, False),
    ],
)
def test_a_case_is_opened_where_none_goes_on_for_the_revision(
    state: pb.CaseState.ValueType, revision: int, opened: bool
) -> None:
    assert Seen.of(reading(state), NOW, None).to_be_opened(revision) is opened


def test_a_decline_that_is_not_final_goes_on_and_is_never_opened_anew() -> None:
    seen = Seen.of(reading(pb.CASE_STATE_DECLINED, next_in_ms=1500, appeal_open=1), NOW, None)
    assert seen.due_at == NOW + timedelta(milliseconds=1500)
    assert not seen.ended()
    assert not seen.to_be_opened(2), "a revision does not answer an appeal"
    final = Seen.of(reading(pb.CASE_STATE_DECLINED, version=2), NOW, seen)
    assert final.ended()


def test_a_hold_ends_by_its_date_or_by_a_ring_but_not_in_the_same_second() -> None:
    hold = Hold("PARKED", "why", NOW, NOW + timedelta(days=1), heard=3)
    assert hold.over_at(3) == NOW + timedelta(days=1)
    assert hold.over_at(4) == NOW + A_SECOND


def test_a_request_is_named_by_what_it_asks_and_on_which_statements() -> None:
    asked = ("open", "programs/p", 1, "digest", 1, 0, 0, "statement")
    assert request_id(*asked) == request_id(*asked)
    others = {
        request_id(*asked[:-1], "fresh statement"),
        request_id("open", "programs/p", 1, "digest", 1, 1, 3, "statement"),  # after a void
        request_id("open", "programs/p", 1, "digest", 2, 0, 0, "statement"),
        request_id("release", *asked[1:]),
    }
    assert len(others | {request_id(*asked)}) == 5
