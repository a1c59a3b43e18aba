"""A real Temporal server for tests: one a session, on a free port, skipping time on demand."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from investiture.workflows import contract

SPEED: Sequence[str] = (
    # 20 polls a second and shard, by default: 50 ms a hop under load.
    "history.transferProcessorMaxPollRPS=10000",
    "history.timerProcessorMaxPollRPS=10000",
    "history.visibilityProcessorMaxPollRPS=10000",
    'history.timerProcessorMaxTimeShift="1ms"',
)
LETTING_GO_SECONDS = 0.05
IDENTITY = "tests"
"""Stands in every history, in place of this machine's name."""
TIME_SKIPPING = "frontend.WorkflowTimeSkippingEnabled=true"


@asynccontextmanager
async def temporal_server(binary: Path, *settings: str) -> AsyncGenerator[WorkflowEnvironment]:
    """Start a server with our search attributes; `settings` are dynamic configuration, K=V.

    Workflows skip time only when they are started by the environment's own client, outside of
    `with_time_skipping_disabled`.
    """
    arguments = contract.search_attribute_arguments()
    for setting in (*SPEED, TIME_SKIPPING, *settings):
        arguments += ["--dynamic-config-value", setting]
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(binary),
        dev_server_log_level="error",
        identity=IDENTITY,
        dev_server_extra_args=arguments,
    )
    try:
        yield environment
    finally:
        await environment.shutdown()
        # The bridge's thread lets go of the interpreter only after it has said that it is done; one
        # that ends in that very moment aborts the process.
        await asyncio.sleep(LETTING_GO_SECONDS)
