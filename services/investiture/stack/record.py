"""``stack.json``: what a stack writes into its folder so that the command finds it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from investiture.stack.folder import Folder, holder


@dataclass(frozen=True, slots=True)
class Record:
    """A stack as last started; whether it runs now is what the folder's lock says."""

    pid: int
    addresses: dict[str, str]
    """``host:port`` by part: the four services and ``temporal``."""
    ui: str
    """The URL of Temporal's UI."""
    issuer_key: str
    charter: str
    database: str
    """``sqlite``, or the base URL without its password."""
    traces: str
    pids: dict[str, int] = field(default_factory=dict[str, int])
    """The process of each part."""


def write(folder: Folder, record: Record) -> None:
    """Write the record whole or not at all; only the owner may read it."""
    draft = folder.record.with_suffix(".json.new")
    draft.write_text(json.dumps(asdict(record), indent=2) + "\n")
    draft.chmod(0o600)
    draft.replace(folder.record)


def read(path: Path) -> Record | None:
    """Return the record of the folder at ``path``, or ``None`` where no stack ever ran.

    A record that cannot be read counts as none: the next start writes a new one.
    """
    try:
        content: dict[str, Any] = json.loads(Folder(path).record.read_text())
        return Record(**content)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def running(path: Path) -> Record | None:
    """Return the record of the stack that runs in the folder now, or ``None``.

    ``None`` also while it is starting: the record that lies there is then of an earlier run.
    """
    pid = holder(Folder(path))
    found = None if pid is None else read(path)
    return found if found is not None and found.pid == pid else None
