"""A bar for what takes longer than two seconds, on a terminal's standard error."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

PATIENCE_SECONDS = 2.0


class Steps:
    """Counts what is done of a computation; called once a step."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("computing", total=total)

    def __call__(self) -> None:
        """One more step is done."""
        self._progress.advance(self._task)


@contextmanager
def steps(total: int, console: Console, patience: float = PATIENCE_SECONDS) -> Generator[Steps]:
    """Counts up to `total` steps, in view once `patience` seconds have passed; leaves no trace."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    timer = threading.Timer(patience, progress.start)
    timer.daemon = True
    timer.start()
    try:
        yield Steps(progress, total)
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
