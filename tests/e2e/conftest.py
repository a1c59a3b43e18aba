"""One stack for the end-to-end tests that can share it; each plays programs of its own on it."""

from collections.abc import AsyncGenerator, Generator

import pytest
import pytest_asyncio
from tests.support.plays import PROVEN, WITHDRAWN
from tests.support.site import Site, Undisturbed, keep
from tests.support.site import site as running_site


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_site() -> AsyncGenerator[Site]:
    async with running_site() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def site(shared_site: Site) -> Site:
    """The shared stack with every part of it running."""
    await shared_site.whole()
    return shared_site


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def undisturbed(shared_site: Site) -> Undisturbed:
    """What becomes of programs to which nothing happens, by their steps."""
    await shared_site.whole()
    return {steps: await shared_site.undisturbed(steps) for steps in (PROVEN, WITHDRAWN)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where something failed, the stacks that run leave their folders, and say what they logged."""
    report = yield
    if report.failed:
        report.sections.append(("the stacks", keep()))
    return report
