"""One call on its way through the chain, and what a link of the chain is."""

import time
from asyncio import Timeout
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import grpc
from google.protobuf.message import Message

from investiture.chassis.access import Access
from investiture.chassis.call import Principal
from investiture.chassis.status import Failure

MAX_MESSAGE_BYTES = 1024 * 1024

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """The static facts of one RPC, gathered when the server is built."""

    path: str
    """``/package.Service/Method``, as on the wire."""
    request: type[Message]
    client_streaming: bool
    server_streaming: bool
    access: Access | None
    """``None`` for health and reflection, which are open and have a chain of their own."""
    handler: Callable[..., Any]
    """``async def (request, call) -> Message``, or an async generator for a server stream."""


@dataclass(slots=True)
class Exchange:
    """One call: what came, what the links found out, what goes back."""

    method: Method
    context: Context
    headers: Mapping[str, str | bytes]
    body: bytes | AsyncIterator[bytes]
    """The undecoded request, or the stream of them."""
    started: float = field(default_factory=time.perf_counter)
    """Seconds on the performance counter."""
    request: Message | AsyncIterator[Message] | None = None
    """Decoded and validated."""
    principal: Principal | None = None
    traceparent: str = ""
    deadline: datetime | None = None
    timeout: Timeout | None = None
    """What cancels the handler at :attr:`deadline`; a link may bring it forward."""
    failure: Failure | None = None
    cancelled: grpc.StatusCode | None = None
    """Why the handler was cancelled, where it was: nothing is sent then."""
    response: bytes = b""

    @property
    def code(self) -> grpc.StatusCode:
        """How the call ended."""
        if self.failure is not None:
            return self.failure.code
        return self.cancelled or grpc.StatusCode.OK

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline the client gave, ``None`` if it gave none."""
        return cast("float | None", self.context.time_remaining())  # the stubs forget the None

    @property
    def streaming(self) -> bool:
        """Whether the server answers with a stream."""
        return self.method.server_streaming


Step = Callable[[Exchange], Awaitable[None]]
"""The rest of the chain, seen from a link."""

Link = Callable[[Exchange, Step], Awaitable[None]]
"""One link: does its part before and after the rest, or refuses by not going on."""


def chained(links: tuple[Link, ...], last: Step) -> Step:
    """Return one step that passes the links in order and ends in ``last``."""
    step = last
    for link in reversed(links):
        step = _joined(link, step)
    return step


def _joined(link: Link, rest: Step) -> Step:
    def step(exchange: Exchange) -> Awaitable[None]:
        return link(exchange, rest)

    return step
