"""The chain every call passes, in order, whichever of the four kinds of RPC it is.

Each link is a small function or object with one reason to be there. Reading :func:`links` from top
to bottom tells what happens to a call.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import grpc
import structlog
from google.protobuf.message import Message
from structlog.typing import FilteringBoundLogger

from investiture.chassis.authentication import Authenticator
from investiture.chassis.call import Call, Principal
from investiture.chassis.exchange import MAX_MESSAGE_BYTES, Exchange, Link, Step, chained
from investiture.chassis.limits import Deadline, Limit, end_by
from investiture.chassis.status import MessageTooLarge, failure_of
from investiture.chassis.tracing import trace_call
from investiture.chassis.validation import validate

_NOBODY = Principal("", frozenset())


def guarded(
    authenticator: Authenticator, limit: Limit, deadline: Deadline, logged: Sequence[str] = ()
) -> Step:
    """Return the chain of every method with an access option.

    ``logged`` names the request fields whose value goes into a call's log line.
    """
    links: tuple[Link, ...] = (
        trace_call,  # first: its span is the parent of all that follows, the log line included
        LogCall(logged),  # sees what the client sees, also of calls that the next links refuse
        settle,  # turns whatever was raised below into the one status that leaves the process
        limit,  # before any work is done for the call
        deadline,  # before anything is waited for
        Authenticate(authenticator),  # who calls
        authorise,  # may they, before they learn anything about the request or the records
        validate,  # only what is well-formed reaches a handler
    )
    return chained(links, respond)


def opened(deadline: Deadline) -> Step:
    """Return the chain of health and reflection: for everybody, never refused for load."""
    return chained((settle, deadline, validate), respond)


class LogCall:
    """Writes one line a call: what the client was told, and the stack of a fault of ours."""

    def __init__(self, logged: Sequence[str]) -> None:
        self._logged = logged
        # Bound once: a lazy logger would be configured again for every line.
        self._log: FilteringBoundLogger = structlog.get_logger().bind()

    async def __call__(self, exchange: Exchange, rest: Step) -> None:
        """Write the line when the call has ended, also when its client went away."""
        try:
            await rest(exchange)
        except asyncio.CancelledError:
            remaining = exchange.remaining
            passed = remaining is not None and remaining <= 0
            exchange.cancelled = (
                grpc.StatusCode.DEADLINE_EXCEEDED if passed else grpc.StatusCode.CANCELLED
            )
            self._write(exchange)
            raise
        self._write(exchange)

    def _write(self, exchange: Exchange) -> None:
        fields: dict[str, object] = {
            "method": exchange.method.path,
            "principal": exchange.principal.subject if exchange.principal else "",
            "code": exchange.code.name,
            "duration_ms": round((time.perf_counter() - exchange.started) * 1000, 3),
        }
        if isinstance(exchange.request, Message):
            known = exchange.request.DESCRIPTOR.fields_by_name
            given = {n: getattr(exchange.request, n) for n in self._logged if n in known}
            fields |= {name: value for name, value in given.items() if value}
        failure = exchange.failure
        if failure is None:
            self._log.info("call", **fields)
        elif failure.fault is None:
            self._log.info("call", reason=failure.reason, **fields)
        else:
            fields["correlation_id"] = failure.correlation_id
            self._log.error("call", reason=failure.reason, **fields, exc_info=failure.fault)


async def settle(exchange: Exchange, rest: Step) -> None:
    """Turn what was raised into what the client is told; a cancellation goes on up."""
    try:
        await rest(exchange)
    except Exception as error:  # noqa: BLE001 - the one place where every fault ends: as INTERNAL
        exchange.failure = failure_of(error)


class Authenticate:
    """Finds out who calls, by the bearer token."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def __call__(self, exchange: Exchange, rest: Step) -> None:
        """Let only a caller with a valid token pass."""
        header = exchange.headers.get("authorization", "")
        verified = await self._authenticator.authenticate(header)
        exchange.principal = verified.principal
        end_by(exchange, verified.expires_at)
        await rest(exchange)


async def authorise(exchange: Exchange, rest: Step) -> None:
    """Let only callers pass whom the method's access option names."""
    access, principal = exchange.method.access, exchange.principal
    if access is None or principal is None:
        raise RuntimeError(f"{exchange.method.path} reached authorisation without a rule or caller")
    access.check(principal)
    await rest(exchange)


async def respond(exchange: Exchange) -> None:
    """Call the handler and encode what it answers: the end of the chain."""
    method = exchange.method
    call = Call(
        principal=exchange.principal or _NOBODY,
        method=method.path,
        traceparent=exchange.traceparent,
        deadline=exchange.deadline,
    )
    answer = method.handler(exchange.request, call)
    if method.server_streaming:
        messages: AsyncIterator[Message] = answer
        # Closed here and not by the garbage collector, so that its clean-up runs in this task.
        async with aclosing(answer):
            async for message in messages:
                await exchange.context.write(_encoded(message))
    else:
        exchange.response = _encoded(await answer)


def _encoded(message: Message) -> bytes:
    raw = message.SerializeToString()
    if len(raw) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(
            "MESSAGE_TOO_LARGE",
            f"the answer has {len(raw)} bytes, over the limit of {MAX_MESSAGE_BYTES};"
            " ask for fewer items",
        )
    return raw
