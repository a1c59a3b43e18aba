"""Runs a command that ends when its parent does, however that ends (Linux; elsewhere just runs it).

Started by path, without the site packages: it is there for ten milliseconds and becomes the command
itself, with the same process id.

    python -I -S guarded.py PARENT_PID COMMAND ARGUMENT…
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for SIGTERM at the parent's death, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel was asked
        return
    os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
