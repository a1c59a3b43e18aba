"""One Temporal server for all workflow tests; each has a task queue and programs of its own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from tests.support.paths import Company, company
from tests.support.temporal_server import temporal_server


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def environment(temporal_binary: Path) -> AsyncGenerator[WorkflowEnvironment]:
    async with temporal_server(temporal_binary) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def client(environment: WorkflowEnvironment) -> AsyncGenerator[Client]:
    """Its workflows live in real time."""
    with environment.with_time_skipping_disabled():
        yield environment.client


@pytest_asyncio.fixture(loop_scope="session")
async def world(client: Client) -> AsyncGenerator[Company]:
    async with company(client) as founded:
        yield founded
