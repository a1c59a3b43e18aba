"""The doorbell: what counts, when it is answered, and what it cannot be made to do."""

from datetime import UTC, datetime, timedelta

from investiture.api.common.v1 import gate_pb2 as pb
from investiture.api.workflows.v1.path_pb2 import Ring
from investiture.workflows.doorbell import COOL_DOWN, PROGRAM, UNKNOWN, Doorbell

NOW = datetime(2026, 12, 18, 16, tzinfo=UTC)
CASE = "programs/p/funds/1"


def listening_at(gate: pb.Gate.ValueType) -> Doorbell:
    bell = Doorbell()
    bell.seek(gate)
    return bell


def ring(gate: pb.Gate.ValueType, version: int = 0, case: str = CASE) -> Ring:
    return Ring(gate=gate, case_name=case, version=version)


def test_a_ring_counts_for_the_gate_sought_and_those_before_it() -> None:
    bell = listening_at(pb.GATE_FUND)
    for gate in (pb.GATE_PLEDGE, pb.GATE_FUND, pb.GATE_KNIGHT, pb.GATE_PROVE):
        bell.ring(ring(gate))
    wanted = [bell.wants(gate, CASE, 1, NOW) for gate in (1, 2, 3, 6)]  # type: ignore[arg-type]  # gates are numbers
    assert wanted == [True, True, False, False]
    assert bell.heard == 2


def test_before_a_gate_is_asked_for_only_the_program_can_be_rung_for() -> None:
    bell = Doorbell()
    bell.ring(ring(pb.GATE_PLEDGE))
    bell.ring(Ring())
    assert not bell.wants(pb.GATE_PLEDGE, "", 0, NOW)
    assert bell.wants(PROGRAM, "", UNKNOWN, NOW)


def test_seeking_an_earlier_gate_drops_what_was_rung_for_later_ones() -> None:
    bell = listening_at(pb.GATE_KNIGHT)
    bell.ring(ring(pb.GATE_KNIGHT))
    bell.seek(pb.GATE_PLEDGE)
    bell.seek(pb.GATE_KNIGHT)
    assert not bell.wants(pb.GATE_KNIGHT, CASE, 1, NOW)


def test_a_ring_for_the_version_that_was_read_is_no_news() -> None:
    bell = listening_at(pb.GATE_FUND)
    bell.ring(ring(pb.GATE_FUND, version=3))
    assert not bell.wants(pb.GATE_FUND, CASE, 3, NOW)
    assert bell.wants(pb.GATE_FUND, CASE, 2, NOW)
    assert bell.wants(pb.GATE_FUND, "programs/p/funds/2", 3, NOW)


def test_a_forged_ring_cannot_hide_a_genuine_one() -> None:
    for forged in (ring(pb.GATE_FUND, 1), ring(pb.GATE_FUND, 9, "other"), ring(pb.GATE_FUND)):
        for rings in ((ring(pb.GATE_FUND, 4), forged), (forged, ring(pb.GATE_FUND, 4))):
            bell = listening_at(pb.GATE_FUND)
            for one in rings:
                bell.ring(one)
            assert bell.wants(pb.GATE_FUND, CASE, 3, NOW)


def test_the_first_ring_is_answered_at_once_and_the_next_after_a_second() -> None:
    bell = listening_at(pb.GATE_FUND)
    bell.ring(ring(pb.GATE_FUND))
    assert bell.wants_at(pb.GATE_FUND, CASE, 1, NOW) == NOW
    bell.answer(pb.GATE_FUND, NOW)
    assert bell.wants_at(pb.GATE_FUND, CASE, 1, NOW) is None
    bell.ring(ring(pb.GATE_FUND))
    soon = NOW + timedelta(milliseconds=300)
    assert not bell.wants(pb.GATE_FUND, CASE, 1, soon)
    assert bell.wants_at(pb.GATE_FUND, CASE, 1, soon) == NOW + COOL_DOWN
    assert bell.wants(pb.GATE_FUND, CASE, 1, NOW + COOL_DOWN)


def test_a_gate_that_is_asked_anew_answers_its_first_ring_at_once() -> None:
    bell = listening_at(pb.GATE_FUND)
    bell.ring(ring(pb.GATE_FUND))
    bell.answer(pb.GATE_FUND, NOW)
    bell.forget(pb.GATE_FUND)
    bell.ring(ring(pb.GATE_FUND))
    assert bell.wants(pb.GATE_FUND, CASE, 1, NOW)
