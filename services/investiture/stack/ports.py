"""Ports on loopback: the usual ones where they are free, the next free ones where they are not."""

import errno
import random
import socket
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack

LOOPBACK = "127.0.0.1"
_TRIES = 200
"""So many numbers are tried after the preferred one; then so often the system chooses."""

_QUIET = range(22_000, 32_000)
"""Ports that systems hand out neither to outgoing connections nor to who prefers none (Linux begins
at 32,768, RFC 6335 at 49,152): one of those could be gone by the time its server listens."""

_TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES})


def choose(preferred: Mapping[str, int], claims: AsyncExitStack | None = None) -> dict[str, int]:
    """Return a free port for each name, its preferred one if that is free; 0 prefers none.

    All of them are held until the last is chosen, so no two names get the same.

    Args:
        preferred: the wished port by name.
        claims: keeps the ports for as long as it is open, so that another stack does not choose
            them between here and the instant at which their servers listen.
    """
    with ExitStack() as held:
        chosen: dict[str, int] = {}
        for name, wanted in preferred.items():
            listener, claim = next(_free(wanted))
            held.enter_context(listener)
            (claims or held).enter_context(claim)
            chosen[name] = listener.getsockname()[1]
        return chosen


def _free(wanted: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    first = wanted or random.choice(_QUIET)  # noqa: S311 - it scatters, it hides nothing
    for port in (*range(first, min(first + _TRIES, 65_536)), *[0] * _TRIES):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # The claim: nobody speaks UDP there, and the system drops it however the process ends.
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # A port whose last connections are still fading away is free: servers say so too.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(1)  # with SO_REUSEADDR two may bind, but only one may listen
            claim.bind(listener.getsockname())
        except OSError as error:
            listener.close()
            claim.close()
            if error.errno not in _TAKEN:
                raise
            continue
        yield listener, claim
        return
