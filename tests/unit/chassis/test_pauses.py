"""What failed is left alone for a while, by itself."""

from datetime import timedelta

from tests.support.clock import SettableClock
from tests.support.facts import NOW

from investiture.chassis.backoff import Pauses


def test_a_pause_doubles_with_each_failure_up_to_the_longest_and_starts_anew() -> None:
    clock = SettableClock(NOW)
    pauses = Pauses(clock, first_s=1.0, longest_s=5.0)
    for longest in (1.0, 2.0, 4.0, 5.0, 5.0):
        assert not pauses.resting("a")
        again_at = pauses.failed("a")
        assert longest / 2 <= (again_at - clock.now()).total_seconds() <= longest
        clock.set(again_at - timedelta(microseconds=1))
        assert (pauses.resting("a"), pauses.resting("b")) == (True, False)
        clock.set(again_at)
    pauses.succeeded("a")
    assert pauses.failed("a") - clock.now() <= timedelta(seconds=1)


def test_what_is_not_tried_any_more_is_forgotten() -> None:
    pauses = Pauses(SettableClock(NOW), first_s=8.0, longest_s=8.0)
    pauses.failed("a")
    pauses.failed("b")
    pauses.keep({"b"})
    assert (pauses.resting("a"), pauses.resting("b")) == (False, True)
