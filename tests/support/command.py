"""The `investiture` command as a script runs it: a process, its words, its exit code."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-c", "from investiture.cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer of a command with --json."""
        return json.loads(self.out)


async def started(folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Starts the command for the stack in a folder, with nothing of this process's settings."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("INVESTITURE_")}
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        env={**plain, "INVESTITURE_DATA": str(folder), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def investiture(folder: Path, *arguments: str) -> Said:
    """Runs the command to its end."""
    process = await started(folder, *arguments)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Said(process.returncode, out.decode(), err.decode())
