"""Temporal's development server: where its binary is, and how it is started."""

import shutil
import sysconfig
from pathlib import Path

from investiture.stack.failures import TemporalMissing
from investiture.stack.ports import LOOPBACK
from investiture.workflows.contract import search_attribute_arguments

_POLLS_PER_SECOND = 10_000
"""Of each queue processor. The development server polls its transfer queue at most 20 times a
second and shard: under steady load every hop costs 50 ms (measured: an activity 54.9 ms → 10.5)."""

_QUEUES = ("transfer", "timer", "visibility")


def binary() -> Path:
    """Return Temporal's command line: the one installed beside this Python, else the PATH's.

    Raises:
        TemporalMissing: there is neither.
    """
    beside = Path(sysconfig.get_path("scripts")) / "temporal"
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if found is None:
        raise TemporalMissing
    return Path(found)


def command(port: int, ui_port: int | None, database: Path | None) -> tuple[str, ...]:
    """Return the command that starts the server on loopback.

    Args:
        port: of its gRPC frontend.
        ui_port: of its web UI; ``None`` starts none.
        database: the SQLite file it keeps its state in; ``None`` keeps it in memory.
    """
    offline = "--ui-disable-news-fetch"
    interface = ("--headless",) if ui_port is None else ("--ui-port", str(ui_port), offline)
    storage = () if database is None else ("--db-filename", str(database))
    speed = (
        argument
        for queue in _QUEUES
        for argument in (
            "--dynamic-config-value",
            f"history.{queue}ProcessorMaxPollRPS={_POLLS_PER_SECOND}",
        )
    )
    return (
        str(binary()),
        *("server", "start-dev", "--ip", LOOPBACK, "--port", str(port)),
        *("--log-format", "json", "--log-level", "warn"),
        *interface,
        *storage,
        *speed,
        *search_attribute_arguments(),
    )
