"""Running one process: start, serve until told to stop, stop in order.

    async def build(settings: ServiceSettings, closing: AsyncExitStack) -> Server:
        database = Database(settings.database_url)
        closing.push_async_callback(database.close)      # closed in reverse order of opening
        relay = Relay(database, …)
        closing.push_async_callback(relay.close)
        return Server(bindings=…, authenticator=authenticator(settings), settings=settings)

    if __name__ == "__main__":
        sys.exit(run("budget", ServiceSettings, build))

A ``Runnable`` whose ``wait`` raises ``Renewed`` stops like that and is built anew at its address.
On SIGTERM or SIGINT: health says NOT_SERVING, calls under way end, then the relay, the database and
last the telemetry close. A second signal does not wait for the calls.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Protocol, TypeVar

import structlog

from investiture.chassis import telemetry
from investiture.chassis.settings import Settings, SettingsError, exit_refused, load_or_exit

S = TypeVar("S", bound=Settings)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Runnable(Protocol):
    """What a process runs: a ``Server``, or a worker that looks alike."""

    async def start(self) -> int:
        """Start, and return the port it listens on, or 0."""
        ...

    async def stop(self, grace: float) -> None:
        """Stop, letting what is under way end within ``grace`` seconds."""
        ...

    async def wait(self) -> None:
        """Return when it has stopped; raise what stopped it unasked, or ``Renewed``."""
        ...


Build = Callable[[S, AsyncExitStack], Awaitable[Runnable]]


class Renewed(Exception):
    """What the process stands on has changed: it is built anew and serves at the same address."""


class StartRefused(Exception):
    """The process cannot start as it is set up; the message says what to mend."""


def run(
    service: str,
    kind: type[S],
    build: Build[S],
    *,
    make_provider: telemetry.MakeProvider | None = None,
) -> int:
    """Run a process until it is told to stop; return its exit code: 0, or 1 after a fault.

    A start refused for its settings prints why, without a stack, and exits with 78.

    Args:
        service: the process's name.
        kind: which settings it needs.
        build: wires it; pushes what is to be closed onto the stack it is given.
        make_provider: see ``telemetry.configure``.
    """
    settings = load_or_exit(kind)
    if make_provider is None:
        configured = telemetry.configure(service, settings)
    else:
        configured = telemetry.configure(service, settings, make_provider=make_provider)
    try:
        asyncio.run(_serve(settings, build))
    except (SettingsError, StartRefused) as error:
        exit_refused(error)
    except Exception as error:  # noqa: BLE001 - whatever ends a process is a line in its log
        structlog.get_logger().critical("failed", exc_info=error)
        return 1
    finally:
        configured.shutdown()
    return 0


async def _serve(settings: S, build: Build[S]) -> None:
    log = structlog.get_logger()
    stopping = asyncio.Event()
    hurrying = asyncio.Event()

    def on_signal() -> None:
        (hurrying if stopping.is_set() else stopping).set()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    while not stopping.is_set():
        port = settings.port
        try:
            async with AsyncExitStack() as closing:
                runnable = await build(settings, closing)
                port = await runnable.start()
                log.info("serving", address=f"{settings.host}:{port}" if port else "")
                try:
                    await _first(stopping.wait(), runnable.wait())
                finally:
                    log.info("stopping")
                    await _stop(runnable, settings.drain_seconds, hurrying)
        except Renewed as why:
            log.info("renewed", why=str(why))
            settings = settings.model_copy(update={"port": port})
        else:
            break
    log.info("stopped")


async def _stop(runnable: Runnable, grace: float, hurrying: asyncio.Event) -> None:
    stopped = asyncio.Event()

    async def stop() -> None:
        await runnable.stop(grace)
        stopped.set()

    await _first(stop(), hurrying.wait())
    if not stopped.is_set():
        await runnable.stop(0)


async def _first(*waits: Awaitable[object]) -> None:
    """Return when the first of them returns, or raise what it raises; cancel the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
