"""One stack for all end-to-end tests that can share it; each plays programs of its own on it."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from tests.support.plays import PROVEN, WITHDRAWN
from tests.support.site import Site, Undisturbed
from tests.support.site import site as running_site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_site() -> AsyncGenerator[Site]:
    async with running_site() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def site(shared_site: Site) -> Site:
    """The shared stack with every part of it running."""
    await shared_site.whole()
    return shared_site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def undisturbed(shared_site: Site) -> Undisturbed:
    """What becomes of programs to which nothing happens, by their steps."""
    await shared_site.whole()
    return {steps: await shared_site.undisturbed(steps) for steps in (PROVEN, WITHDRAWN)}
