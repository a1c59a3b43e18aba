"""The one folder of a stack: where its keys, databases, logs and its record lie, and its lock."""

import asyncio
import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from investiture.stack.failures import FolderInUse, StartFailed

DEFAULT = Path(".investiture")
KIN_SECONDS = 20.0
"""How long the parts of a stack that was killed may take to end by themselves."""

_TRIES = 5
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Folder:
    """The layout of a stack's folder; nothing is made until :meth:`make`."""

    path: Path

    @property
    def record(self) -> Path:
        """What the command finds a running stack by."""
        return self.path / "stack.json"

    @property
    def lock(self) -> Path:
        """Held by the running stack, with its process id inside."""
        return self.path / "lock"

    @property
    def parts(self) -> Path:
        """Held by each part of a stack for as long as it lives."""
        return self.path / "parts.lock"

    @property
    def keys(self) -> Path:
        """Signing keys: public ones here, private ones under ``private/``."""
        return self.path / "keys"

    @property
    def issuer_key(self) -> Path:
        """The local issuer's key: whoever reads it may mint tokens for anybody."""
        return self.path / "keys" / "issuer" / "local.jwk"

    @property
    def logs(self) -> Path:
        """One file a part."""
        return self.path / "logs"

    @property
    def traces(self) -> Path:
        """Spans of all processes as JSON lines."""
        return self.path / "logs" / "traces.jsonl"

    @property
    def databases(self) -> Path:
        """SQLite files: one a service, and Temporal's."""
        return self.path / "databases"

    def log(self, part: str) -> Path:
        """Where a part logs."""
        return self.logs / f"{part}.log"

    def make(self) -> None:
        """Make the folders, readable by their owner only: keys and records lie inside."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.logs, self.databases):
            folder.mkdir(mode=0o700, exist_ok=True)


class Lock:
    """The right to run in a folder, by ``flock``: the kernel drops it however the process ends."""

    def __init__(self, folder: Folder) -> None:
        """Take the lock at once.

        Raises:
            FolderInUse: another process has it.
        """
        handle = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _take(handle)
        except BlockingIOError:
            pid = _pid(handle)
            os.close(handle)
            raise FolderInUse(folder.path, pid) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        """Give the folder free."""
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


class Kin:
    """Tells whether parts of an earlier stack still run: of one that was killed and not stopped.

    Every part inherits the open lock file, and ``flock`` holds until the last of them has ended.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.handle = os.open(folder.parts, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        """To be inherited by the parts."""

    async def gone(self) -> None:
        """Return once nothing of an earlier stack runs any more.

        Raises:
            StartFailed: something of it does not end.
        """
        for _ in range(round(KIN_SECONDS / _PAUSE_SECONDS)):
            if self._alone():
                return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise StartFailed(
            f"parts of a stack that was killed in {self._folder.path} still run: end them"
        )

    def _alone(self) -> bool:
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Let go of it; parts that still run hold it on."""
        os.close(self.handle)


def holder(folder: Folder) -> int | None:
    """Return the process that runs the folder's stack, or ``None`` where none does.

    The process id was written by whoever holds the lock, so it is that process and no later one
    that was given the same number. 0 while the holder has not written it yet.
    """
    try:
        handle = os.open(folder.lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # Shared: two who only look do not take each other for a stack.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(handle)
    else:
        return None
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)  # whoever only looks (see ``holder``) is gone by then
        else:
            return
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _pid(handle: int) -> int:
    written = os.pread(handle, 32, 0).decode(errors="replace").strip()
    return int(written) if written.isdecimal() else 0
