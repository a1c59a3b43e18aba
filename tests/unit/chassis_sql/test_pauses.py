"""Pauses grow, stay bounded and scatter; a ticker survives a failing beat."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.client import Client

from investiture.chassis.backoff import backoff, jittered
from investiture.chassis.delivery import OutOfReach
from investiture.chassis.link import Link
from investiture.chassis.ticker import Ticker

PATIENCE_S = 30


@given(st.integers(1, 10_000))
def test_a_backoff_is_never_longer_than_its_bound(failures: int) -> None:
    pause_s = backoff(failures, first_s=1, longest_s=60)
    assert 0.5 <= pause_s <= 60


def test_a_backoff_doubles() -> None:
    for failures, most_s in ((1, 1), (2, 2), (3, 4), (7, 60)):
        assert most_s / 2 <= backoff(failures, first_s=1, longest_s=60) <= most_s


def test_jitter_only_shortens() -> None:
    assert all(9 <= jittered(10, 0.1) <= 10 for _ in range(100))


async def test_a_ticker_beats_on_after_a_beat_that_failed() -> None:
    beats, thrice = 0, asyncio.Event()

    async def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:
            thrice.set()
        raise LookupError("no")

    ticker = Ticker("test", timedelta(milliseconds=1), beat)
    ticker.start()
    await asyncio.wait_for(thrice.wait(), PATIENCE_S)
    await ticker.stop()
    await ticker.stop()
    assert beats >= 3


async def test_a_link_that_broke_waits_before_it_tries_again() -> None:
    tries = 0

    async def connect() -> Client:
        nonlocal tries
        tries += 1
        raise RuntimeError("refused")

    link = Link(connect, first_pause_s=3600, longest_pause_s=3600)
    with pytest.raises(OutOfReach, match="refused") as refused:
        await link.client()
    link.broke(refused.value, None)
    link.broke(refused.value, None)
    assert (link.is_up, link.may_try) == (False, False)
    with pytest.raises(OutOfReach, match="away"):
        await link.client()
    assert tries == 1
    assert [link.works(), link.works()] == [True, False]
    assert (link.is_up, link.may_try) == (True, True)


async def test_a_call_that_fails_late_does_not_break_the_next_client() -> None:
    async def connect() -> Client:
        return await Client.connect("127.0.0.1:1", lazy=True)

    link = Link(connect, first_pause_s=0, longest_pause_s=0)
    first = await link.client()
    link.broke(TimeoutError(), first)
    second = await link.client()
    link.works()
    link.broke(TimeoutError(), first)
    assert link.is_up
    assert await link.client() is second
