"""Who watches a program is woken by its changes and by no other's."""

import asyncio

import pytest

from investiture.launch.watching import Watchers

FAR_SECONDS = 3600.0


async def test_a_change_wakes_its_watchers_and_only_them() -> None:
    watchers = Watchers(FAR_SECONDS)
    with watchers.watching("programs/a") as one, watchers.watching("programs/b") as other:
        watchers.announce("programs/a")
        await one.wait()
        waiting = asyncio.create_task(other.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()


async def test_a_change_before_the_wait_is_not_lost() -> None:
    watchers = Watchers(FAR_SECONDS)
    with watchers.watching("programs/a") as watch:
        watchers.announce("programs/a")
        watchers.announce("programs/a")
        await watch.wait()
        waiting = asyncio.create_task(watch.wait())
        await asyncio.sleep(0)
        assert not waiting.done(), "two changes before a look are one reason to look"
        waiting.cancel()


async def test_a_watch_looks_by_itself_now_and_then() -> None:
    watchers = Watchers(0.001)
    with watchers.watching("programs/a") as watch:
        await watch.wait()


async def test_a_watch_that_ends_leaves_nothing_behind() -> None:
    watchers = Watchers(FAR_SECONDS)
    with pytest.raises(asyncio.CancelledError), watchers.watching("programs/a"):
        raise asyncio.CancelledError
    watchers.announce("programs/a")
    assert not watchers.is_watched("programs/a")
