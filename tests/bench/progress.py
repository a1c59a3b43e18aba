"""A progress bar that draws between measurements only: a thread of its own would disturb them."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Steps:
    """Counts the steps of a run that takes minutes."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def begin(self, what: str) -> None:
        """Say what is being done."""
        self._progress.update(self._task, description=what)
        self._progress.refresh()

    def end(self) -> None:
        """Count a step as done."""
        self._progress.advance(self._task)
        self._progress.refresh()


@contextmanager
def steps(console: Console, total: int) -> Generator[Steps]:
    """Show a bar over ``total`` steps."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[progress.description]{task.description}"),
    )
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        yield Steps(progress, total)
